//! The trees of STR and TGDH while three members agree and one leaves.
//!
//! The tree of STR is skinny: every member is stacked on top of those before it. That of TGDH is kept
//! low: a joiner is inserted where the tree does not grow.
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "an example shows what it does, and stops where it is wrong"
)]

mod network;

use std::error::Error;

use cliques::{KeyAgreement, group::Ristretto255, keytree::PublicNode, str_::Str, tgdh::Tgdh};
use network::{Network, names};

/// Tree and nodes of a member.
type Look<M> = fn(&M) -> (Option<String>, Vec<PublicNode>);

fn main() -> Result<(), Box<dyn Error>> {
    let group = Ristretto255::new();
    println!("str");
    let members = names().map(|name| Box::new(Str::new(group, name)));
    grow_and_shrink(members, |member| (member.tree(), member.nodes()))?;
    println!("tgdh");
    let members = names().map(|name| Box::new(Tgdh::new(group, name)));
    grow_and_shrink(members, |member| (member.tree(), member.nodes()))
}

fn grow_and_shrink<M: KeyAgreement>(
    members: [Box<M>; 3],
    look: Look<M>,
) -> Result<(), Box<dyn Error>> {
    let [.., carol] = names();
    let mut network = Network::new(members);
    network.found_and_join()?;
    show(look(&network.members[&carol]), "((alice bob) carol)");
    network.leave()?;
    show(look(&network.members[&carol]), "(alice carol)");
    Ok(())
}

fn show((tree, nodes): (Option<String>, Vec<PublicNode>), expected: &str) {
    assert_eq!(tree.as_deref(), Some(expected));
    println!("    tree: {expected}");
    for node in nodes {
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
}
