//! Who sent a message, and who may.

use super::*;

#[test]
fn a_member_in_league_with_the_daemon_can_forge_unless_messages_are_signed() {
    for &record in RecordSuite::ALL {
        for signing in [Signing::Off, Signing::Sign, Signing::Require] {
            let mut options = GroupOptions {
                record,
                ..GroupOptions::default()
            };
            options.protection.signing = signing;
            let mut world = World::of(3, &NAMES);
            for node in 0..3 {
                world.join_with(node, chat(), options.clone());
                world.run();
            }
            world.send(0, chat(), Service::Agreed, b"honest").unwrap();
            world.run();
            let forged = forge(&mut world, 0);
            // An honest daemon says whose it is, and then it opens for nobody.
            world.inject(2, chat(), Service::Agreed, wire::SEALED, forged.clone());
            world.run();
            let told = |sender: &str| SessionEvent::MessageRejected {
                group: chat(),
                sender: member(sender),
            };
            let count =
                |world: &World, sender| world.nodes[1].count(|event| *event == told(sender));
            assert_eq!((count(&world, "carol"), count(&world, "alice")), (1, 0));
            // The other one says that it is alice's.
            world.inject(0, chat(), Service::Agreed, wire::SEALED, forged);
            world.run();
            let of_alice = |message: &&ssp_core::SecureMessage| message.sender == member("alice");
            let read = world.nodes[1].messages();
            let read: Vec<_> = read.into_iter().filter(of_alice).skip(1).collect();
            match signing {
                Signing::Off | Signing::Sign => {
                    assert_eq!(read.len(), 1);
                    assert_eq!(&read[0].payload[..], b"I, alice, owe mallory");
                    // Who cares can see that alice has not signed it.
                    assert_eq!(read[0].authorship, Authorship::Group);
                }
                Signing::Require => {
                    assert!(read.is_empty());
                    assert_eq!(count(&world, "alice"), 1);
                    let stats = world.nodes[1].session().stats(&chat()).unwrap();
                    assert_eq!(stats.rejections.signature, 1);
                }
            }
            // Nothing else is disturbed.
            world.assert_agreed(chat(), &[0, 1, 2]);
            world.send(1, chat(), Service::Agreed, b"next").unwrap();
            world.run();
            for node in 0..3 {
                assert_eq!(world.nodes[node].payloads().last().unwrap(), b"next");
            }
        }
    }
}

#[test]
fn policies_deny_without_a_word_to_the_others() {
    let policy: FilePolicy = "deny join secret *\ndeny send chat bob\nallow * * *\n"
        .parse()
        .unwrap();
    let mut world = World::new(4);
    for name in NAMES {
        let credentials = Credentials {
            signer: Arc::new(signer(name)),
            trust: Arc::new(trust(&NAMES)),
        };
        let mut session = Session::new(member(name), credentials, SessionConfig::default());
        if name == "bob" {
            session = session.with_policy(Arc::new(policy.clone()));
        }
        world.add_session(name, session);
    }
    for node in 0..3 {
        world.join(node, chat());
        world.run();
    }
    let before = world.wire.len();
    let now = world.now;
    let bob = world.nodes[1].session();
    let denied = bob
        .join(group("secret"), GroupOptions::default(), now)
        .unwrap_err();
    assert_eq!(
        denied,
        Error::Denied {
            group: group("secret"),
            action: Action::Join,
            reason: "line 1 of the policy".into()
        }
    );
    assert_eq!(denied.code(), code::DENIED);
    assert_eq!(bob.group_state(&group("secret")), None);
    assert_eq!(
        world.send(1, chat(), Service::Agreed, b"x"),
        Err(SendError::Denied {
            group: chat(),
            reason: "line 2 of the policy".into()
        })
    );
    assert_eq!(world.wire.len(), before);
    world.send(0, chat(), Service::Agreed, b"hello").unwrap();
    world.run();
    world.assert_agreed(chat(), &[0, 1, 2]);
    assert_eq!(world.nodes[1].payloads(), [b"hello"]);
}

#[test]
fn a_former_member_and_other_groups_and_views_seal_nothing_that_opens() {
    let mut world = World::of(5, &NAMES);
    let other = group("other");
    for node in 0..3 {
        world.join(node, chat());
        world.run();
        world.join(node, other);
        world.run();
    }
    for (name, text) in [(chat(), b"old"), (other, b"oth")] {
        world.send(2, name, Service::Agreed, text).unwrap();
    }
    world.run();
    let old = sealed(&world);
    assert_eq!(old.len(), 2);
    // In the other group, in the same view.
    world.inject(2, other, Service::Agreed, wire::SEALED, old[0].clone());
    world.inject(2, chat(), Service::Agreed, wire::SEALED, old[1].clone());
    world.run();
    world.leave(2, chat());
    world.run();
    // Carol has her keys still, and the daemon lets her speak, in her own name and in others'.
    for sender in 0..3 {
        for message in &old {
            world.inject(
                sender,
                chat(),
                Service::Agreed,
                wire::SEALED,
                message.clone(),
            );
        }
    }
    world.run();
    for node in 0..2 {
        let read: Vec<Vec<u8>> = world.nodes[node].payloads();
        assert_eq!(read, [b"old", b"oth"]);
        let stats = world.nodes[node].session().stats(&chat()).unwrap();
        // They name keys that nobody has here: kept for a while, in case such a key comes.
        assert_eq!((stats.early, stats.rejections.total()), (1 + 4, 0));
    }
    world.assert_agreed(chat(), &[0, 1]);
    // Whoever goes on like that is named.
    world.wait(5_000);
    for name in ["alice", "bob"] {
        let told = SessionEvent::Mismatch {
            group: chat(),
            sender: member(name),
            what: ssp_core::Mismatch::Key,
        };
        assert_eq!(world.nodes[0].count(|event| *event == told), 1, "{name}");
    }
    // The next key clears it all away, unopened.
    world.refresh(0, chat()).unwrap();
    world.run();
    world.assert_agreed(chat(), &[0, 1]);
    assert_eq!(world.nodes[0].payloads().len(), 2);
}

#[test]
fn every_byte_of_a_message_can_be_wrong_and_nothing_is_disturbed() {
    for &record in RecordSuite::ALL {
        let options = GroupOptions {
            record,
            protection: Protection {
                signing: Signing::Sign,
                padding: Padding::Multiple(32),
            },
            ..GroupOptions::default()
        };
        let mut world = World::of(6, &NAMES);
        for node in 0..3 {
            world.join_with(node, chat(), options.clone());
            world.run();
        }
        world.nodes[1].held = true;
        world.send(0, chat(), Service::Agreed, b"original").unwrap();
        let original = sealed(&world)[0].clone();
        let honest = world.nodes[1].inbox.pop_back().unwrap();
        world.nodes[1].held = false;
        world.run();
        let node = 1;
        for at in 0..original.len() {
            let mut flipped = original.to_vec();
            flipped[at] ^= 1 << (at % 8);
            world.inject(0, chat(), Service::Agreed, wire::SEALED, flipped.into());
            let cut = original.slice(..at);
            world.inject(0, chat(), Service::Agreed, wire::SEALED, cut);
        }
        world.run();
        // Those that name a key that is not known may be of a key that is about to come.
        let stats = world.nodes[node].session().stats(&chat()).unwrap();
        let count = 2 * original.len() as u64;
        assert_eq!(stats.rejections.total() + stats.early, count, "{record}");
        assert_eq!(stats.opened, 0);
        world.nodes[node].inbox.push_back(honest);
        world.run();
        assert_eq!(world.nodes[node].payloads(), [b"original"]);
        world.assert_agreed(chat(), &[0, 1, 2]);
        world.send(1, chat(), Service::Agreed, b"next").unwrap();
        world.run();
        assert_eq!(world.nodes[0].payloads().last().unwrap(), b"next");
    }
}

#[test]
fn members_of_two_suites_find_out_at_the_first_message() {
    let mut world = World::of(7, &NAMES);
    let gcm = GroupOptions {
        record: RecordSuite::AES_256_GCM,
        ..GroupOptions::default()
    };
    world.join(0, chat());
    world.run();
    world.join_with(1, chat(), gcm);
    world.run();
    world.send(0, chat(), Service::Agreed, b"x").unwrap();
    world.run();
    let told = SessionEvent::Mismatch {
        group: chat(),
        sender: member("alice"),
        what: ssp_core::Mismatch::RecordSuite {
            ours: RecordSuite::AES_256_GCM,
            theirs: RecordSuite::default(),
        },
    };
    assert_eq!(world.nodes[1].count(|event| *event == told), 1);
    assert_eq!(world.nodes[0].last_view().number, ViewNumber(2));
}
