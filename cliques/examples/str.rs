//! STR: three members agree, then one leaves; after each event, the tree.
//!
//! The tree is skinny: everybody stands on top of those who were there before. The top member of the
//! largest tree fills in what is missing after a join; the one below a leaver makes everything above
//! new.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "an example shows what it does, and stops where it is wrong"
)]

mod network;

use cliques::{Change, group::Ristretto255, str_::Str};
use network::{Network, names};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let group = Ristretto255::new();
    let all = names();
    let [alice, bob, carol] = &all;
    let mut network = Network::new(all.iter().map(|name| Box::new(Str::new(group, *name))));
    let show = |network: &Network<Str<Ristretto255>>| {
        let member = &network.members[carol];
        println!("    tree: {}", member.tree().expect("an agreement"));
        for node in member.nodes() {
            let of = match (&node.member, node.path.is_empty()) {
                (Some(member), _) => member.to_string(),
                (None, true) => "root".to_owned(),
                (None, false) => "node".to_owned(),
            };
            let indent = 2 * node.path.len();
            // The key of the root is the group secret; it has no blinded key.
            let key = node.blinded_key.map_or_else(
                || "group secret".to_owned(),
                |key| format!("blinded key {}..", hex::encode(&key[..4])),
            );
            println!("    {:indent$}{of}: {key}", "");
        }
    };

    network.agree("alice founds a group", &[(alice, Change::Found)])?;
    let join = |joined: &[&cliques::MemberName]| Change::Update {
        left: Vec::new(),
        joined: joined.iter().map(|name| *(*name)).collect(),
    };
    let enter = Change::Enter {
        members: all.to_vec(),
    };
    network.agree(
        "bob and carol join",
        &[
            (alice, join(&[bob, carol])),
            (bob, enter.clone()),
            (carol, enter),
        ],
    )?;
    assert_eq!(
        network.members[carol].tree().as_deref(),
        Some("((alice bob) carol)")
    );
    show(&network);

    let update = Change::Update {
        left: vec![*bob],
        joined: Vec::new(),
    };
    network.agree("bob leaves", &[(alice, update.clone()), (carol, update)])?;
    assert_eq!(
        network.members[carol].tree().as_deref(),
        Some("(alice carol)")
    );
    show(&network);
    Ok(())
}
