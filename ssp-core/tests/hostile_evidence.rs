//! Evidence of identities that the daemon changes, withholds, repeats or gives to others.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use std::sync::Arc;

use bytes::Bytes;
use cliques::Protocol;
use gcs_proto::{
    flush,
    gcs::{ByteOrder, GcsEvent, Message},
    name::{GroupName, MemberName},
    service::Service,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use ssp_core::{
    Credentials, GroupFailure, GroupOptions, Phase, Session, SessionConfig, SessionEvent,
    Timestamp,
    identity::{
        Distrust, Identity, OwnIdentity, Trust,
        x509::{Authority, CertificateIdentity, CertificateTrust, KeyAlgorithm, Validity},
    },
    wire,
};
use support::{World, flips, group, member};

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];
const KINDS: [KeyAlgorithm; 2] = [KeyAlgorithm::Ed25519, KeyAlgorithm::EcdsaP256];
const VALID: Validity = Validity {
    not_before: Timestamp(0),
    not_after: Timestamp(2_000_000_000_000),
};

fn chat() -> GroupName {
    group("chat")
}

fn authority(kind: KeyAlgorithm) -> Authority {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    Authority::new("CA", &[], kind, VALID, &mut rng).unwrap()
}

fn trust(authority: &Authority) -> CertificateTrust {
    authority.certificate_pem().unwrap().parse().unwrap()
}

fn issue(authority: &Authority, name: &str, kind: KeyAlgorithm) -> CertificateIdentity {
    let mut rng = ChaCha20Rng::seed_from_u64(u64::from(name.as_bytes()[0]));
    let pem = authority
        .issue(&format!("#{name}#*"), &[], kind, VALID, &mut rng)
        .unwrap();
    CertificateIdentity::from_pem(&pem).unwrap()
}

/// Members that know their authority only; nobody has joined.
fn world(seed: u64, kind: KeyAlgorithm) -> World {
    let ca = authority(kind);
    let trust: Arc<dyn Trust> = Arc::new(trust(&ca));
    let mut world = World::new(seed);
    for name in NAMES {
        let credentials = Credentials {
            signer: Arc::new(issue(&ca, name, kind)),
            trust: trust.clone(),
        };
        let session = Session::new(member(name), credentials, SessionConfig::default());
        world.add_session(name, session);
    }
    world
}

#[test]
fn every_byte_of_a_certificate_can_be_wrong() {
    for kind in KINDS {
        let ca = authority(kind);
        let trust = trust(&ca);
        let alice = issue(&ca, "alice", kind);
        let honest = alice.evidence().unwrap();
        let name = member("alice");
        let identify = |evidence: &[u8]| trust.identify(&name, Some(evidence), Timestamp(1_000));
        for (at, changed) in flips(honest, &[1, 2, 4, 8, 16, 32, 64, 128, 0xff]) {
            assert!(identify(&changed).is_err(), "{kind:?}, byte {at}");
        }
        for length in 0..honest.len() {
            assert!(identify(&honest[..length]).is_err(), "{kind:?}, {length}");
        }
        for more in 1..=8 {
            let longer = [honest, &vec![0; more]].concat();
            assert!(identify(&longer).is_err(), "{kind:?}, {more} more");
        }
        // What was refused so often is accepted as it is.
        assert!(identify(honest).is_ok());
    }
}

/// Where the next message of `sender` with evidence waits at `node`.
fn waiting(world: &World, node: usize, sender: usize) -> Option<usize> {
    let sender = world.nodes[sender].name;
    world.nodes[node].inbox.iter().position(|event| {
        matches!(event, GcsEvent::Message(message)
            if message.sender == sender && original_type(message) == wire::EVIDENCE)
    })
}

fn original_type(message: &Message) -> i16 {
    let multicast = gcs_proto::gcs::Multicast {
        destinations: message.destinations.clone(),
        service: message.service,
        self_delivery: message.self_delivery,
        scope: message.scope,
        message_type: message.message_type,
        body: message.body.clone(),
    };
    flush::original(multicast, ByteOrder::Little).message_type
}

/// Carol joins; what alice gets of her evidence is something else, or nothing.
fn spoil(world: &mut World, options: GroupOptions, with: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    world.nodes[0].held = true;
    world.join_with(2, chat(), options);
    world.run();
    // Until alice, step by step, has nothing before it.
    while waiting(world, 0, 2).is_none() {
        world.nodes[0].held = false;
        assert!(!world.nodes[0].inbox.is_empty());
        world.handle_next(0);
        world.nodes[0].held = true;
        world.run();
    }
    let at = waiting(world, 0, 2).unwrap();
    let Some(GcsEvent::Message(honest)) = world.nodes[0].inbox.remove(at) else {
        unreachable!()
    };
    if let Some(body) = with(&honest.body) {
        let body = body.into();
        let event = GcsEvent::Message(Message { body, ..honest });
        world.nodes[0].inbox.insert(at, event);
    }
    world.nodes[0].held = false;
    world.run();
}

fn blamed(world: &World, node: usize) -> usize {
    let event = SessionEvent::GroupFailed {
        group: chat(),
        suspects: vec![member("carol")],
        reason: GroupFailure::UnknownIdentity,
    };
    world.nodes[node].count(|other| *other == event)
}

/// Whoever has not seen a member's evidence has no key with it; in the next view, though it brings
/// nobody new, it is shown again.
#[test]
fn evidence_that_was_changed_or_lost_on_the_way_is_shown_again_in_the_next_view() {
    for kind in KINDS {
        let honest = issue(&authority(kind), "carol", kind);
        let length = honest.evidence().unwrap().len();
        for at in (0..length).step_by(23).map(Some).chain([None]) {
            let mut world = world(3, kind);
            for node in [0, 1, 3] {
                world.join(node, chat());
                world.run();
            }
            spoil(&mut world, GroupOptions::default(), |body| {
                at.map(|at| {
                    let mut body = body.to_vec();
                    body[at] ^= 0xff;
                    body
                })
            });
            world.wait(3_500);
            world.run();
            assert!(blamed(&world, 0) > 0, "{at:?}");
            assert_ne!(
                world.nodes[0].session().group_state(&chat()),
                Some(Phase::Secure)
            );
            // The others blame nobody.
            assert_eq!(blamed(&world, 1) + blamed(&world, 3), 0);
            world.leave(3, chat());
            world.run();
            world.assert_agreed(chat(), &[0, 1, 2]);
            world.send(2, chat(), Service::Agreed, b"hello").unwrap();
            world.run();
            assert_eq!(world.nodes[0].payloads(), [b"hello"]);
        }
    }
}

/// A view may end in a key for carol though alice lacks her evidence. Then alice asks, and in the next
/// view but one at the latest they have a key together; in the tree suites after joining again.
#[test]
fn evidence_that_one_member_lacks_is_shown_again_when_it_asks() {
    for protocol in Protocol::ALL {
        for lost in [false, true] {
            let mut world = world(5, KeyAlgorithm::Ed25519);
            let options = GroupOptions::of(*protocol);
            for node in [0, 1, 3] {
                world.join_with(node, chat(), options.clone());
                world.run();
            }
            spoil(&mut world, options.clone(), |body| {
                (!lost).then(|| vec![0; body.len()])
            });
            world.leave(3, chat());
            world.run();
            world.leave(1, chat());
            world.run();
            if world.nodes[0].session().group_state(&chat()) != Some(Phase::Secure) {
                assert_eq!(protocol.survival(), cliques::Survival::Everything);
                world.leave(0, chat());
                world.run();
                world.join_with(0, chat(), options);
                world.run();
            }
            world.assert_agreed(chat(), &[0, 2]);
        }
    }
}

/// Bounded, whoever asks how often.
#[test]
fn who_is_shown_evidence_without_need_shows_its_own_once_in_a_view() {
    let mut world = world(7, KeyAlgorithm::Ed25519);
    for node in 0..4 {
        world.join(node, chat());
        world.run();
    }
    // A view in which nobody had to.
    world.leave(3, chat());
    world.run();
    world.assert_agreed(chat(), &[0, 1, 2]);
    let shown = |world: &World| {
        let evidence = |(_, sent): &&(MemberName, gcs_proto::gcs::Multicast)| {
            flush::original(sent.clone(), ByteOrder::Little).message_type == wire::EVIDENCE
        };
        world.wire.iter().filter(evidence).count()
    };
    let before = shown(&world);
    // Whoever shows evidence without need makes the others show theirs, once in a view.
    let own = issue(
        &authority(KeyAlgorithm::Ed25519),
        "alice",
        KeyAlgorithm::Ed25519,
    );
    let own = Bytes::copy_from_slice(own.evidence().unwrap());
    for _ in 0..3 {
        world.inject(0, chat(), Service::Fifo, wire::EVIDENCE, own.clone());
        world.run();
    }
    // Bob and carol to alice's, and alice to theirs.
    assert_eq!(shown(&world), before + 3);
    world.assert_agreed(chat(), &[0, 1, 2]);
}

/// No lie is needed: what is refused now may be in order later.
#[test]
fn evidence_that_was_refused_for_a_time_is_judged_again() {
    let kind = KeyAlgorithm::Ed25519;
    let ca = authority(kind);
    let trust: Arc<dyn Trust> = Arc::new(trust(&ca));
    let mut world = World::new(6);
    for name in NAMES {
        let from = if name == "carol" { 2_000_000 } else { 0 };
        let validity = Validity {
            not_before: Timestamp(from),
            ..VALID
        };
        let mut rng = ChaCha20Rng::seed_from_u64(u64::from(name.as_bytes()[0]));
        let pem = ca
            .issue(&format!("#{name}#n1"), &[], kind, validity, &mut rng)
            .unwrap();
        let credentials = Credentials {
            signer: Arc::new(CertificateIdentity::from_pem(&pem).unwrap()),
            trust: trust.clone(),
        };
        // Carol's clock is ahead.
        let credentials = match name {
            "carol" => Credentials {
                trust: Arc::new(Ahead(trust.clone())),
                ..credentials
            },
            _ => credentials,
        };
        let session = Session::new(member(name), credentials, SessionConfig::default());
        world.add_session(name, session);
    }
    for node in 0..4 {
        world.join(node, chat());
        world.run();
    }
    let early = SessionEvent::IdentityRefused {
        group: chat(),
        member: member("carol"),
        reason: Distrust::NotYetValid {
            subject: "CN=\\#carol#n1".into(),
        },
    };
    assert!(world.nodes[0].count(|event| *event == early) > 0);
    world.wait(2_000_000);
    world.leave(3, chat());
    world.run();
    world.assert_agreed(chat(), &[0, 1, 2]);
}

/// Judges as of a later time.
#[derive(Debug)]
struct Ahead(Arc<dyn Trust>);

impl Trust for Ahead {
    fn identify(
        &self,
        member: &MemberName,
        evidence: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<Identity, Distrust> {
        self.0.identify(member, evidence, now.after(3_000_000))
    }
}

/// Evidence is public. It proves nothing without the private key.
#[test]
fn evidence_of_others_or_of_earlier_changes_nothing() {
    let kind = KeyAlgorithm::Ed25519;
    let ca = authority(kind);
    let mut world = world(4, kind);
    for node in 0..3 {
        world.join(node, chat());
        world.run();
    }
    world.assert_agreed(chat(), &[0, 1, 2]);
    let key = world.nodes[0].session().fingerprint(&chat());
    let before = world.nodes[0].events.len();
    for shown in NAMES {
        let evidence = issue(&ca, shown, kind);
        let evidence = Bytes::copy_from_slice(evidence.evidence().unwrap());
        for sender in 0..3 {
            world.inject(
                sender,
                chat(),
                Service::Fifo,
                wire::EVIDENCE,
                evidence.clone(),
            );
        }
    }
    world.run();
    let told = &world.nodes[0].events[before..];
    // Somebody else's name is told; nobody who was accepted is put out for it.
    let only_refusals =
        |event: &SessionEvent| matches!(event, SessionEvent::IdentityRefused { .. });
    assert!(told.iter().all(only_refusals), "{told:?}");
    assert_eq!(world.nodes[0].session().fingerprint(&chat()), key);
    world.assert_agreed(chat(), &[0, 1, 2]);
    world.leave(1, chat());
    world.run();
    world.assert_agreed(chat(), &[0, 2]);
}
