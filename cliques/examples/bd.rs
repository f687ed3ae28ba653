//! BD: three members agree, then one leaves.
//!
//! Every event is the same: each member shows a blinded share, then a quotient of its neighbours', and
//! computes the key from all of these. There is no controller, and nothing is kept for the next time.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "an example shows what it does, and stops where it is wrong"
)]

mod network;

use cliques::{Change, KeyAgreement, bd::Bd, group::Ristretto255};
use network::{Network, names};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let group = Ristretto255::new();
    let all = names();
    let [alice, bob, carol] = &all;
    let mut network = Network::new(all.iter().map(|name| {
        let machine: Box<dyn KeyAgreement> = Box::new(Bd::new(group, *name));
        machine
    }));

    network.agree("alice founds a group", &[(alice, Change::Found)])?;

    let update = Change::Update {
        left: Vec::new(),
        joined: vec![*bob, *carol],
    };
    let enter = Change::Enter {
        members: all.to_vec(),
    };
    network.agree(
        "bob and carol join",
        &[(alice, update), (bob, enter.clone()), (carol, enter)],
    )?;
    // All members are alike.
    assert_eq!(network.members[alice].controller(), None);

    let update = Change::Update {
        left: vec![*bob],
        joined: Vec::new(),
    };
    network.agree("bob leaves", &[(alice, update.clone()), (carol, update)])?;
    assert_eq!(network.members[alice].order(), [*alice, *carol]);
    Ok(())
}
