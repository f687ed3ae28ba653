//! Members without an accepted identity.

use super::*;

#[test]
fn a_stranger_gets_nothing_and_when_it_is_gone_a_key_is_agreed() {
    let chat = group("chat");
    let mut world = with_stranger(1);
    let before = world.nodes[0].last_view().fingerprint;
    world.wire.clear();
    world.join(3, chat);
    world.run();
    for node in 0..3 {
        let node = &mut world.nodes[node];
        let failures = node.count(|event| matches!(event, SessionEvent::GroupFailed { .. }));
        assert_eq!(failures, 1);
        assert_eq!(
            node.events.last(),
            Some(&failed("mallory", GroupFailure::UnknownIdentity))
        );
        assert_eq!(node.session().group_state(&chat), Some(Phase::Failed));
        assert_eq!(node.session().fingerprint(&chat), None);
        assert_eq!(
            node.session().export(&chat, b"l", b"", 16),
            Err(Error::GroupNotSecure(chat))
        );
    }
    // Nothing but what the stranger itself says.
    assert!(
        tokens_on_the_wire(&world)
            .iter()
            .all(|sender| *sender == member("mallory"))
    );
    assert_eq!(
        world.send(0, chat, Service::Agreed, b"x"),
        Err(SendError::GroupNotSecure(chat))
    );
    assert_eq!(world.refresh(0, chat), Err(Error::GroupNotSecure(chat)));
    world.leave(3, chat);
    world.run();
    world.assert_agreed(chat, &[0, 1, 2]);
    assert_ne!(world.nodes[0].last_view().fingerprint, before);
    assert!(world.nodes[3].views().is_empty());
    world.send(0, chat, Service::Agreed, b"among us").unwrap();
    world.run();
    assert_eq!(world.nodes[1].payloads(), [b"among us"]);
    assert!(world.nodes[3].payloads().is_empty());
}

/// Alice alone does not know mallory. When mallory is gone, alice is back. Only in the tree suites,
/// whose others had a key without her contribution and go on from there, she has to join again.
#[test]
fn a_stranger_to_one_member_only_keeps_that_one_apart() {
    let chat = group("chat");
    let names = ["alice", "bob", "carol", "mallory"];
    for protocol in ssp_core::Protocol::ALL {
        let goes_on = protocol.survival() == cliques::Survival::Everything;
        for order in [[0, 1, 2, 3], [0, 1, 3, 2]] {
            let mut world = World::new(9);
            world.add("alice", trust(&names[..3]));
            for name in &names[1..] {
                world.add(name, trust(&names));
            }
            for node in order {
                world.join_with(node, chat, GroupOptions::of(*protocol));
                world.run();
            }
            let named = failed("mallory", GroupFailure::UnknownIdentity);
            let alice = &mut world.nodes[0];
            assert!(alice.count(|event| *event == named) > 0);
            assert_eq!(alice.session().group_state(&chat), Some(Phase::Failed));
            world.leave(3, chat);
            world.run();
            if goes_on {
                let alice = world.nodes[0].session();
                assert_eq!(alice.group_state(&chat), Some(Phase::Agreeing));
                assert_eq!(alice.fingerprint(&chat), None);
                world.leave(0, chat);
                world.run();
                world.join_with(0, chat, GroupOptions::of(*protocol));
                world.run();
            }
            world.assert_agreed(chat, &[0, 1, 2]);
            world.send(0, chat, Service::Agreed, b"back").unwrap();
            world.run();
            assert_eq!(world.nodes[1].payloads(), [b"back"], "{protocol}");
        }
    }
}

#[test]
fn several_strangers_are_each_named() {
    let chat = group("chat");
    let mut world = with_stranger(2);
    let names = ["alice", "bob", "carol", "mallory", "oscar"];
    world.add("oscar", trust(&names));
    world.partition(&[&[0, 1, 2], &[3, 4]]);
    world.join(3, chat);
    world.join(4, chat);
    world.run();
    world.heal();
    world.run();
    for name in ["mallory", "oscar"] {
        let failure = failed(name, GroupFailure::UnknownIdentity);
        assert_eq!(world.nodes[0].count(|event| *event == failure), 1);
    }
    world.crash(3);
    world.run();
    let again = failed("oscar", GroupFailure::UnknownIdentity);
    assert_eq!(world.nodes[0].count(|event| *event == again), 2);
    world.crash(4);
    world.run();
    world.assert_agreed(chat, &[0, 1, 2]);
}

#[test]
fn a_known_name_with_another_key_is_found_out() {
    let chat = group("chat");
    let names = ["alice", "bob", "mallory"];
    for seed in 0..10 {
        let mut world = World::new(seed);
        // They know a mallory, but another one.
        for name in &names[..2] {
            world.add(name, trust(&names));
        }
        let other = Ed25519Signer::from_seed(&[0x66; 32]);
        let mut own = trust(&names);
        own.insert("mallory", other.public_key()).unwrap();
        world.add_as("mallory", other, own, SessionConfig::default());
        for node in 0..3 {
            world.join(node, chat);
            world.run();
        }
        let failure = failed("mallory", GroupFailure::BadSignature);
        assert!(
            world.nodes[..2]
                .iter()
                .any(|node| node.count(|event| *event == failure) > 0),
            "seed {seed}"
        );
        assert!(world.nodes.iter().all(|node| {
            !node.views().iter().any(|view| {
                view.view.members.contains(&member("mallory")) && view.view.members.len() > 1
            })
        }));
        world.leave(2, chat);
        world.run();
        world.assert_agreed(chat, &[0, 1]);
    }
}

#[test]
fn own_credentials_can_be_checked_before() {
    let check = |signed: &str, trusted: &str| {
        let mut store = trust(&["bob"]);
        store.insert(trusted, signer("alice").public_key()).unwrap();
        let credentials = Credentials {
            signer: Arc::new(signer(signed)),
            trust: Arc::new(store),
        };
        credentials.check(&member("alice"), Timestamp(0))
    };
    assert_eq!(check("alice", "alice"), Ok(()));
    assert_eq!(check("alice", "carol"), Err(Distrust::Unknown));
    assert_eq!(check("bob", "alice"), Err(Distrust::OtherKey));
}

/// Who does not even know itself is alone with its keys.
#[test]
fn who_is_not_known_to_itself_harms_nobody() {
    let chat = group("chat");
    let mut world = World::of(3, &["alice", "bob"]);
    let lost = world.add("lost", trust(&["alice", "bob"]));
    for node in [0, lost, 1] {
        world.join(node, chat);
        world.run();
    }
    let unknown = failed("lost", GroupFailure::UnknownIdentity);
    for node in 0..3 {
        assert!(world.nodes[node].count(|event| *event == unknown) > 0);
    }
    world.crash(lost);
    world.run();
    world.assert_agreed(chat, &[0, 1]);
}
