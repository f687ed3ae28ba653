//! GDH: three members agree, then one leaves.
//!
//! Alice founds the group; Bob and Carol merge into it. A token collects the shares, everybody takes
//! its own out again, and Carol, the newest, sends the list of partial keys. When Bob leaves she puts
//! a fresh share in the place of hers, in one broadcast.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "an example shows what it does, and stops where it is wrong"
)]

mod network;

use cliques::{Change, KeyAgreement, gdh::Gdh, group::Ristretto255};
use network::{Network, names};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let group = Ristretto255::new();
    let all = names();
    let [alice, bob, carol] = &all;
    let mut network = Network::new(all.iter().map(|name| {
        let machine: Box<dyn KeyAgreement> = Box::new(Gdh::new(group, *name));
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
    // The newest member is the controller.
    assert_eq!(network.members[alice].controller(), Some(carol));

    let update = Change::Update {
        left: vec![*bob],
        joined: Vec::new(),
    };
    network.agree("bob leaves", &[(alice, update.clone()), (carol, update)])?;
    assert_eq!(network.members[alice].order(), [*alice, *carol]);
    Ok(())
}
