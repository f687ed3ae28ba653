//! Authentic tokens that contradict one another: everybody who may have lied is named.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use cliques::{Envelope, Protocol, ReceivedToken, Recipient, Signer, TokenBinding};
use gcs_proto::gcs::GcsEvent;
use ssp_core::{GroupFailure, GroupOptions, NamedGroup, Phase, SessionEvent};
use support::{World, group, member, signer};

/// The message type of BD's quotients.
const QUOTIENT: i16 = -32_740;

/// A group element that has nothing to do with the agreement: the base point (RFC 9496, section A.1).
const ELEMENT: &str = "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76";

/// Puts a quotient that carol has signed, and that is a random element, in the place of her right one,
/// wherever that waits to be delivered. Gives the number of places.
fn lie(world: &mut World) -> usize {
    let mut view_id = [0; 12];
    view_id[..4].copy_from_slice(&[10, 0, 0, 1]);
    view_id[8..].copy_from_slice(&(world.next_id - 1).to_be_bytes());
    let members = ["alice", "bob", "carol"].map(member);
    let binding = TokenBinding {
        protocol: Protocol::BD,
        group_name: NamedGroup::Ristretto255.as_str().to_string(),
        group: group("chat").as_bytes().to_vec(),
        view_id,
        view_hash: TokenBinding::view_hash(&members),
    };
    let carol: &dyn Signer = &signer("carol");
    let mut places = 0;
    let inboxes = world.nodes.iter_mut().flat_map(|node| &mut node.inbox);
    for event in inboxes {
        let GcsEvent::Message(message) = event else {
            continue;
        };
        if message.sender != member("carol") || message.message_type != QUOTIENT {
            continue;
        }
        let honest = ReceivedToken::decode(&message.body, Protocol::BD).unwrap();
        let envelope = Envelope {
            kind: cliques::bd::QUOTIENT,
            epoch: honest.epoch(),
            timestamp: 0,
            sender: member("carol"),
            recipient: Recipient::Group,
            body: hex::decode(ELEMENT).unwrap(),
        };
        message.body = envelope.seal(&binding, carol).into();
        places += 1;
    }
    places
}

#[test]
fn a_random_quotient_is_told_as_a_contradiction_with_all_suspects() {
    let chat = group("chat");
    let mut world = World::of(7, &["alice", "bob", "carol"]);
    let options = GroupOptions {
        protocol: Protocol::BD,
        ..GroupOptions::default()
    };
    for node in 0..2 {
        world.join_with(node, chat, options.clone());
        world.run();
    }
    world.join_with(2, chat, options);
    let mut lies = 0;
    while world.step() {
        lies += lie(&mut world);
    }
    assert!(lies > 0, "carol has sent a quotient");
    for node in 0..2 {
        let failures: Vec<_> = world.nodes[node]
            .events
            .iter()
            .filter_map(|event| match event {
                SessionEvent::GroupFailed {
                    suspects, reason, ..
                } => Some((suspects.clone(), *reason)),
                _ => None,
            })
            .collect();
        let [(suspects, GroupFailure::Contradiction)] = &failures[..] else {
            panic!("{failures:?}");
        };
        // Nobody accuses itself, and everybody else has contributed a quotient.
        let me = world.nodes[node].name;
        let others: Vec<_> = ["alice", "bob", "carol"]
            .map(member)
            .into_iter()
            .filter(|other| *other != me)
            .collect();
        assert_eq!(*suspects, others);
        assert!(suspects.contains(&member("carol")));
        let session = world.nodes[node].session();
        assert_eq!(session.group_state(&chat), Some(Phase::Failed));
        assert_eq!(session.fingerprint(&chat), None);
    }
    world.crash(2);
    world.run();
    world.assert_agreed(chat, &[0, 1]);
}
