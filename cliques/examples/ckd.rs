//! CKD: three members agree, then one leaves.
//!
//! Alice, the oldest, is the controller. She agrees with Bob and Carol in pairs and sends each the key
//! encrypted. When Bob leaves she draws another key for Carol alone; the pair of the two lasts.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "an example shows what it does, and stops where it is wrong"
)]

mod network;

use cliques::{Change, KeyAgreement, ckd::Ckd, group::Ristretto255};
use network::{Network, names};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let group = Ristretto255::new();
    let all = names();
    let [alice, bob, carol] = &all;
    let mut network = Network::new(all.iter().map(|name| {
        let machine: Box<dyn KeyAgreement> = Box::new(Ckd::new(group, *name));
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
    // The oldest member is the controller.
    assert_eq!(network.members[carol].controller(), Some(alice));

    let update = Change::Update {
        left: vec![*bob],
        joined: Vec::new(),
    };
    network.agree("bob leaves", &[(alice, update.clone()), (carol, update)])?;
    assert_eq!(network.members[alice].order(), [*alice, *carol]);
    Ok(())
}
