//! Three members agree over any suite, then one leaves: `cargo run --example agree [SUITE]`, all suites
//! by default.
//!
//! Alice founds the group, Bob and Carol join, Bob leaves. What happens in each event:
//!
//! | suite | Bob and Carol join | Bob leaves |
//! |---|---|---|
//! | `bd` | each member shows a blinded share, then the quotient of its neighbours' shares | the same again; nothing is kept |
//! | `ckd`, `ckd-aead` | Alice, the oldest, is the controller: she agrees on a pair key with each of the others and sends each the encrypted group key | she sends Carol a new key; their pair key is kept |
//! | `gdh` | a token collects the shares, everybody factors its own share out, and Carol, the newest, sends the list of partial keys | Carol replaces her share, in one broadcast |
//! | `str`, `tgdh` | each side announces its tree, and a sponsor fills in what is missing | the member beside Bob makes everything above it new |
//!
//! The example `trees` shows the trees of `str` and `tgdh`.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "an example shows what it does, and stops where it is wrong"
)]

mod network;

use std::error::Error;

use cliques::{NamedGroup, Protocol};
use network::{Network, names};

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1) {
        Some(suite) => agree(suite.parse()?),
        None => Protocol::ALL.iter().try_for_each(|suite| agree(*suite)),
    }
}

fn agree(suite: Protocol) -> Result<(), Box<dyn Error>> {
    let group: NamedGroup = "ristretto255".parse()?;
    let all = names();
    let [alice, _, carol] = &all;
    let mut network = Network::new(all.iter().map(|name| suite.member(group, *name)));

    println!("{suite}");
    network.found_and_join()?;
    // The member that acts in the next event.
    let controller = network.members[alice].controller();
    println!("    controller: {controller:?}");
    if suite == Protocol::BD {
        assert_eq!(controller, None);
    } else if suite == Protocol::CKD {
        assert_eq!(controller, Some(alice));
    } else if suite == Protocol::GDH {
        assert_eq!(controller, Some(carol));
    }

    network.leave()?;
    assert_eq!(network.members[alice].order(), [*alice, *carol]);
    Ok(())
}
