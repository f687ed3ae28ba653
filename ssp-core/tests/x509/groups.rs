//! Groups whose members have certificates.

use super::*;

#[test]
fn members_that_know_only_their_authority_agree_whatever_happens() {
    let chat = group("chat");
    let ca = authority(1, KeyAlgorithm::EcdsaP256);
    let trust: Arc<dyn Trust> = Arc::new(trust(&ca));
    for seed in 0..6 {
        let mut world = World::new(seed);
        for (index, name) in ["alice", "bob", "carol", "dave"].into_iter().enumerate() {
            let identity = issue(&ca, &format!("#{name}#*"), KINDS[index % 2]);
            add(&mut world, name, identity, trust.clone());
        }
        for node in 0..4 {
            world.join(node, chat);
            world.run();
            world.assert_agreed(chat, &(0..=node).collect::<Vec<_>>());
        }
        // Everybody showed itself, and not again when nobody was new.
        let shown = |world: &World| {
            let shown = world.wire.iter().filter(|(_, message)| {
                let sent = flush::original(message.clone(), ByteOrder::Little);
                sent.message_type == wire::EVIDENCE
            });
            shown.count()
        };
        assert_eq!(shown(&world), 2 + 3 + 4);
        world.refresh(1, chat).unwrap();
        world.run();
        world.leave(3, chat);
        world.run();
        world.assert_agreed(chat, &[0, 1, 2]);
        assert_eq!(shown(&world), 9);
        world.partition(&[&[0], &[1, 2]]);
        world.steps(seed as u32 * 3);
        world.heal();
        world.run();
        world.assert_agreed(chat, &[0, 1, 2]);
        for node in 0..3 {
            let failed = |event: &SessionEvent| {
                matches!(
                    event,
                    SessionEvent::GroupFailed { .. } | SessionEvent::IdentityRefused { .. }
                )
            };
            assert_eq!(world.nodes[node].count(failed), 0, "{seed}");
        }
    }
}

#[test]
fn whoever_is_not_accepted_is_named_with_the_reason_and_told_nothing() {
    let chat = group("chat");
    let kind = KeyAlgorithm::Ed25519;
    let ca = authority(1, kind);
    let expired = Validity {
        not_before: Timestamp(0),
        not_after: Timestamp(NOW - 1_000),
    };
    let stranger = authority(2, kind);
    type Expected = fn(&Distrust) -> bool;
    let cases: [(CertificateIdentity, Expected); 4] = [
        (
            issue_for(&ca, "#mallory#n1", kind, expired, &[]),
            |reason| matches!(reason, Distrust::Expired { .. }),
        ),
        (issue(&ca, "#bob#n1", kind), |reason| {
            matches!(reason, Distrust::OtherName { .. })
        }),
        (issue(&stranger, "#mallory#n1", kind), |reason| {
            matches!(
                reason,
                Distrust::UnknownIssuer { .. } | Distrust::Chain { .. }
            )
        }),
        (
            issue_for(&ca, "#mallory#n1", kind, VALID, &[("OU", "revoked")]),
            |reason| matches!(reason, Distrust::Revoked { .. }),
        ),
    ];
    let seed = "#mallory#n1"
        .bytes()
        .fold(7, |sum, byte| sum * 31 + u64::from(byte));
    let fields = [("OU", "revoked")];
    let pem = ca
        .issue("#mallory#n1", &fields, kind, VALID, &mut rng(seed))
        .unwrap();
    let serial = summaries(&pem).unwrap()[0].serial.clone();
    for (identity, expected) in cases {
        // Only the case at hand may be the one that is revoked: all mallories have one serial.
        let is_revoked = expected(&Distrust::Revoked {
            subject: String::new(),
        });
        let serials: Vec<&str> = is_revoked.then_some(&*serial).into_iter().collect();
        let list = ca
            .revoke(&Revocation {
                list: None,
                serials: &serials,
                now: Timestamp(NOW - 1_000),
                next: Timestamp(NOW + 10_000_000),
            })
            .unwrap();
        let trust: Arc<dyn Trust> = Arc::new(
            format!("{}{list}", ca.certificate_pem().unwrap())
                .parse::<CertificateTrust>()
                .unwrap(),
        );
        let mut world = World::new(3);
        for name in ["alice", "bob"] {
            add(
                &mut world,
                name,
                issue(&ca, &format!("#{name}#n1"), kind),
                trust.clone(),
            );
        }
        // Mallory trusts whomever the others trust.
        let gullible = Arc::new(Gullible {
            me: member("mallory"),
            others: trust,
        });
        let mallory = add(&mut world, "mallory", identity, gullible);
        for node in 0..2 {
            world.join(node, chat);
            world.run();
        }
        world.assert_agreed(chat, &[0, 1]);
        world.wire.clear();
        world.join(mallory, chat);
        world.run();
        for node in 0..2 {
            let reasons: Vec<&Distrust> = world.nodes[node]
                .events
                .iter()
                .filter_map(|event| match event {
                    SessionEvent::IdentityRefused { member, reason, .. }
                        if *member == support::member("mallory") =>
                    {
                        Some(reason)
                    }
                    _ => None,
                })
                .collect();
            assert!(reasons.len() == 1 && expected(reasons[0]), "{reasons:?}");
            let failed = SessionEvent::GroupFailed {
                group: chat,
                suspects: vec![member("mallory")],
                reason: GroupFailure::UnknownIdentity,
            };
            assert!(world.nodes[node].count(|event| *event == failed) > 0);
            let session = world.nodes[node].session();
            assert_eq!(session.group_state(&chat), Some(Phase::Failed));
            let unsent = world.send(node, chat, Service::Agreed, b"for members only");
            assert_eq!(unsent, Err(SendError::GroupNotSecure(chat)));
        }
        // Nobody has sent the stranger a word about the reason.
        for (_, message) in &world.wire {
            assert!(!support::contains(&message.body, b"expired"));
        }
        world.crash(mallory);
        world.run();
        world.assert_agreed(chat, &[0, 1]);
    }
}

#[test]
fn who_shows_nothing_is_named_after_a_while() {
    let chat = group("chat");
    let kind = KeyAlgorithm::Ed25519;
    let ca = authority(1, kind);
    let trust: Arc<dyn Trust> = Arc::new(trust(&ca));
    let mut world = World::new(4);
    for name in ["alice", "bob"] {
        add(
            &mut world,
            name,
            issue(&ca, &format!("#{name}#n1"), kind),
            trust.clone(),
        );
    }
    // Answers flushes, but has nothing to show.
    let silent = world.add("silent", support::trust(&["alice", "bob", "silent"]));
    for node in [0, 1, silent] {
        world.join(node, chat);
        world.run();
    }
    world.wait(5_000);
    world.run();
    for node in 0..2 {
        let told = refused("silent", Distrust::NotShown);
        assert!(world.nodes[node].count(|event| *event == told) > 0);
    }
    world.crash(silent);
    world.run();
    world.assert_agreed(chat, &[0, 1]);
}

#[test]
fn trust_can_be_replaced_while_the_group_runs() {
    let chat = group("chat");
    let kind = KeyAlgorithm::Ed25519;
    let ca = authority(1, kind);
    let shared: Arc<dyn Trust> = Arc::new(trust(&ca));
    let mut world = World::new(5);
    for name in ["alice", "bob", "carol"] {
        add(
            &mut world,
            name,
            issue(&ca, &format!("#{name}#n1"), kind),
            shared.clone(),
        );
    }
    for node in 0..2 {
        world.join(node, chat);
        world.run();
    }
    let seed = "#bob#n1"
        .bytes()
        .fold(7, |sum, byte| sum * 31 + u64::from(byte));
    let pem = ca
        .issue("#bob#n1", &[], kind, VALID, &mut rng(seed))
        .unwrap();
    let list = ca
        .revoke(&Revocation {
            list: None,
            serials: &[&summaries(&pem).unwrap()[0].serial],
            now: Timestamp(NOW - 1_000),
            next: Timestamp(NOW + 10_000_000),
        })
        .unwrap();
    let newer: CertificateTrust = format!("{}{list}", ca.certificate_pem().unwrap())
        .parse()
        .unwrap();
    world.nodes[0].session().set_trust(Arc::new(newer));
    world.join(2, chat);
    world.run();
    let told = refused(
        "bob",
        Distrust::Revoked {
            subject: subject("#bob#n1"),
        },
    );
    assert_eq!(world.nodes[0].count(|event| *event == told), 1);
    assert_eq!(
        world.nodes[0].session().group_state(&chat),
        Some(Phase::Failed)
    );
}

#[test]
fn policies_ask_for_fields_of_certificates() {
    let chat = group("chat");
    let kind = KeyAlgorithm::Ed25519;
    let ca = authority(1, kind);
    let trust: Arc<dyn Trust> = Arc::new(trust(&ca));
    let policy: FilePolicy = "deny receive * OU=Sales\nallow * chat OU=*\n"
        .parse()
        .unwrap();
    let mut world = World::new(6);
    for (name, unit) in [("alice", "Board"), ("bob", "Sales"), ("carol", "Works")] {
        let fields = [("O", "Example Ltd"), ("OU", unit)];
        let identity = issue_for(&ca, &format!("#{name}#n1"), kind, VALID, &fields);
        let credentials = Credentials {
            signer: Arc::new(identity),
            trust: trust.clone(),
        };
        let session = Session::new(member(name), credentials, SessionConfig::default())
            .with_policy(Arc::new(policy.clone()));
        world.add_session(name, session);
    }
    for node in 0..3 {
        world.join(node, chat);
        world.run();
    }
    world.assert_agreed(chat, &[0, 1, 2]);
    world
        .send(0, chat, Service::Agreed, b"from the board")
        .unwrap();
    world.send(1, chat, Service::Agreed, b"buy now").unwrap();
    world.run();
    for node in 0..3 {
        assert_eq!(world.nodes[node].payloads(), [b"from the board"]);
        let denied = SessionEvent::Denied {
            group: chat,
            member: member("bob"),
            action: Action::Receive,
            reason: "line 1 of the policy".into(),
        };
        assert_eq!(world.nodes[node].count(|event| *event == denied), 1);
    }
    // Somebody whose certificate says nothing is not admitted.
    let plain = issue(&ca, "#dave#n1", kind);
    let dave = add(&mut world, "dave", plain, trust);
    world.join(dave, chat);
    world.run();
    let denied = |event: &SessionEvent| {
        matches!(event, SessionEvent::Denied { action: Action::Admit, member, .. }
            if *member == support::member("dave"))
    };
    assert_eq!(world.nodes[0].count(denied), 1);
    assert_eq!(
        world.nodes[0].session().group_state(&chat),
        Some(Phase::Failed)
    );
}

#[test]
fn certificates_sign_messages_too() {
    let chat = group("chat");
    let ca = authority(1, KeyAlgorithm::EcdsaP256);
    let trust: Arc<dyn Trust> = Arc::new(trust(&ca));
    let mut world = World::new(7);
    for (name, kind) in ["alice", "bob"].into_iter().zip(KINDS) {
        add(
            &mut world,
            name,
            issue(&ca, &format!("#{name}#n1"), kind),
            trust.clone(),
        );
    }
    let signed = GroupOptions {
        protection: Protection {
            signing: Signing::Require,
            ..Protection::default()
        },
        ..GroupOptions::default()
    };
    for node in 0..2 {
        world.join_with(node, chat, signed.clone());
        world.run();
    }
    for node in 0..2 {
        world
            .send(node, chat, Service::Agreed, &[node as u8])
            .unwrap();
    }
    world.run();
    for node in 0..2 {
        assert_eq!(world.nodes[node].payloads(), [[0], [1]]);
    }
}

/// What a leaving member holds back, it makes up for when it may not go: evidence and confirmation, too.
#[test]
fn evidence_deferred_by_a_leave_is_sent_when_it_is_refused() {
    let chat = group("chat");
    let ca = authority(1, KeyAlgorithm::Ed25519);
    let trust: Arc<dyn Trust> = Arc::new(trust(&ca));
    let options = GroupOptions {
        confirmation: Confirmation::Explicit,
        ..GroupOptions::default()
    };
    for steps in 0..40 {
        let mut world = World::new(1);
        for name in ["alice", "bob", "carol"] {
            let identity = issue(&ca, &format!("#{name}#n1"), KeyAlgorithm::Ed25519);
            add(&mut world, name, identity, trust.clone());
        }
        for node in 0..3 {
            world.join_with(node, chat, options.clone());
            if node < 2 {
                world.run();
            }
        }
        world.steps(steps);
        for node in 0..2 {
            world.nodes[node].session().leave(&chat).unwrap();
            let leave = world.nodes[node].session().poll_command();
            assert_eq!(leave, Some(GcsCommand::Leave(chat)));
        }
        world.run();
        for node in 0..2 {
            let refused = GcsEvent::Refused(Refused::Leave(chat));
            world.nodes[node].inbox.push_back(refused);
        }
        world.run();
        world.assert_agreed(chat, &[0, 1, 2]);
    }
}
