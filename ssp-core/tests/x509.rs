//! Certificates as identities: who is accepted, who is not and why, and groups whose members know
//! nothing of each other but their authority.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use std::sync::Arc;

use gcs_proto::{
    flush,
    gcs::{ByteOrder, GcsCommand, GcsEvent, Refused},
    name::MemberName,
    service::Service,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use ssp_core::{
    Confirmation, Credentials, GroupFailure, GroupOptions, Phase, Protection, SendError, Session,
    SessionConfig, SessionEvent, Signing, Timestamp,
    access::{Action, FilePolicy},
    identity::{
        AnyOf, Challenge, ChallengeError, Distrust, Identity, IdentityError, OwnIdentity, Proof,
        Trust,
        x509::{
            Authority, CertificateIdentity, CertificateTrust, IssueError, KeyAlgorithm, Revocation,
            RevocationPolicy, TrustPemError, Validity, summaries,
        },
    },
    wire,
};
use support::{World, group, member};

/// The world's clock starts here.
const NOW: u64 = 1_000_000;
const VALID: Validity = Validity {
    not_before: Timestamp(0),
    not_after: Timestamp(2_000_000_000_000),
};
const KINDS: [KeyAlgorithm; 2] = [KeyAlgorithm::Ed25519, KeyAlgorithm::EcdsaP256];

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn authority(seed: u64, kind: KeyAlgorithm) -> Authority {
    let fields = [("O", "Example Ltd")];
    Authority::new("Example CA", &fields, kind, VALID, &mut rng(seed)).unwrap()
}

fn issue(authority: &Authority, name: &str, kind: KeyAlgorithm) -> CertificateIdentity {
    issue_for(authority, name, kind, VALID, &[])
}

fn issue_for(
    authority: &Authority,
    name: &str,
    kind: KeyAlgorithm,
    validity: Validity,
    fields: &[(&str, &str)],
) -> CertificateIdentity {
    let seed = name.bytes().fold(7, |sum, byte| sum * 31 + u64::from(byte));
    let pem = authority
        .issue(name, fields, kind, validity, &mut rng(seed))
        .unwrap();
    CertificateIdentity::from_pem(&pem).unwrap()
}

fn trust(authority: &Authority) -> CertificateTrust {
    authority.certificate_pem().unwrap().parse().unwrap()
}

fn reason(
    trust: &CertificateTrust,
    name: &str,
    identity: &CertificateIdentity,
    now: u64,
) -> Option<Distrust> {
    trust
        .identify(&name.parse().unwrap(), identity.evidence(), Timestamp(now))
        .err()
}

fn subject(name: &str) -> String {
    // As RFC 4514 writes a value that begins with #.
    format!("CN=\\{name}")
}

#[test]
fn names_bind_certificates_to_members() {
    for kind in KINDS {
        let ca = authority(1, kind);
        let trust = trust(&ca);
        let exact = issue(&ca, "#alice#n1", kind);
        assert_eq!(reason(&trust, "#alice#n1", &exact, NOW), None);
        let anywhere = issue(&ca, "#alice#*", kind);
        for name in ["#alice#n1", "#alice#n2"] {
            assert_eq!(reason(&trust, name, &anywhere, NOW), None);
        }
        for (identity, stolen, text) in [
            (&exact, "#alice#n2", "#alice#n1"),
            (&exact, "#bob#n1", "#alice#n1"),
            (&anywhere, "#alic#n1", "#alice#*"),
            (&anywhere, "#alice#*", "#alice#*"),
        ] {
            let other = Distrust::OtherName {
                subject: subject(text),
            };
            assert_eq!(reason(&trust, stolen, identity, NOW), Some(other));
        }
        // Signatures count for the accepted key.
        let signed = cliques::Signer::sign(&exact, b"message");
        let identity = trust
            .identify(
                &"#alice#n1".parse().unwrap(),
                exact.evidence(),
                Timestamp(NOW),
            )
            .unwrap();
        let algorithm = cliques::Signer::algorithm(&exact);
        assert!(
            identity
                .key()
                .verify(algorithm, b"message", &signed)
                .is_ok()
        );
        assert!(
            identity
                .key()
                .verify(algorithm, b"massage", &signed)
                .is_err()
        );
        assert_eq!(identity.field("CN").collect::<Vec<_>>(), ["#alice#n1"]);
        assert_eq!(identity.expires(), Some(VALID.not_after));
    }
}

#[test]
fn every_other_fault_has_its_reason() {
    for kind in KINDS {
        let ca = authority(1, kind);
        let good = trust(&ca);
        let name = "#alice#n1";
        let validity = Validity {
            not_before: Timestamp(500_000),
            not_after: Timestamp(1_500_000),
        };
        let short = issue_for(&ca, name, kind, validity, &[]);
        let text = subject(name);
        for (now, expected) in [
            (
                499_999,
                Some(Distrust::NotYetValid {
                    subject: text.clone(),
                }),
            ),
            (500_000, None),
            (1_500_000, None),
            (
                1_501_000,
                Some(Distrust::Expired {
                    subject: text.clone(),
                }),
            ),
            // What was accepted is remembered, but not beyond its time.
            (1_000_000, None),
            (
                0,
                Some(Distrust::NotYetValid {
                    subject: text.clone(),
                }),
            ),
        ] {
            assert_eq!(reason(&good, name, &short, now), expected, "{now}");
        }
        // Another authority, even of the same name.
        let impostor = authority(2, kind);
        let forged = issue(&impostor, name, kind);
        assert!(matches!(
            reason(&good, name, &forged, NOW),
            Some(Distrust::UnknownIssuer { .. } | Distrust::Chain { .. })
        ));
        // No certificate, no chain, not even bytes.
        let alice = name.parse().unwrap();
        for (evidence, expected) in [
            (None, Distrust::NotShown),
            (Some(&b""[..]), Distrust::Malformed("empty")),
            (
                Some(&[1, 0, 1, 7]),
                Distrust::Malformed("not DER of a certificate"),
            ),
        ] {
            assert_eq!(
                good.identify(&alice, evidence, Timestamp(NOW)).unwrap_err(),
                expected
            );
        }
        // An authority is no member.
        let own = format!(
            "{}{}",
            *ca.key_pem().unwrap(),
            ca.certificate_pem().unwrap()
        );
        let as_member = CertificateIdentity::from_pem(&own).unwrap();
        assert!(matches!(
            reason(&good, "#alice#n1", &as_member, NOW),
            Some(Distrust::Usage { .. } | Distrust::OtherName { .. })
        ));
    }
}

#[test]
fn an_expired_authority_vouches_for_nobody() {
    let kind = KeyAlgorithm::Ed25519;
    let short = Validity {
        not_before: Timestamp(0),
        not_after: Timestamp(NOW),
    };
    let ca = Authority::new("Old CA", &[], kind, short, &mut rng(1)).unwrap();
    let alice = issue(&ca, "#alice#n1", kind);
    let trust = trust(&ca);
    assert_eq!(reason(&trust, "#alice#n1", &alice, NOW), None);
    assert_eq!(
        reason(&trust, "#alice#n1", &alice, NOW + 2_000),
        Some(Distrust::Expired {
            subject: "CN=Old CA".into()
        })
    );
}

#[test]
fn revocation_lists_take_certificates_back() {
    for kind in KINDS {
        let ca = authority(1, kind);
        let (alice, bob) = (issue(&ca, "#alice#n1", kind), issue(&ca, "#bob#n1", kind));
        let serial = |name: &str| {
            let seed = name.bytes().fold(7, |sum, byte| sum * 31 + u64::from(byte));
            let pem = ca.issue(name, &[], kind, VALID, &mut rng(seed)).unwrap();
            summaries(&pem).unwrap()[0].serial.clone()
        };
        let revoke = |list: Option<&str>, serials: &[&str]| {
            ca.revoke(&Revocation {
                list,
                serials,
                now: Timestamp(NOW),
                next: Timestamp(NOW + 10_000_000),
            })
        };
        let with = |list: &str| -> CertificateTrust {
            format!("{}{list}", ca.certificate_pem().unwrap())
                .parse()
                .unwrap()
        };
        let empty = revoke(None, &[]).unwrap();
        let trust = with(&empty).revocation(RevocationPolicy::Required);
        assert_eq!(reason(&trust, "#alice#n1", &alice, NOW), None);
        let first = revoke(Some(&empty), &[&serial("#alice#n1")]).unwrap();
        let revoked = |name: &str| {
            Some(Distrust::Revoked {
                subject: subject(name),
            })
        };
        let trust = with(&first);
        assert_eq!(
            reason(&trust, "#alice#n1", &alice, NOW),
            revoked("#alice#n1")
        );
        assert_eq!(reason(&trust, "#bob#n1", &bob, NOW), None);
        // A list goes on from the one before.
        let second = revoke(Some(&first), &[&serial("#bob#n1")]).unwrap();
        let trust = with(&second);
        assert_eq!(
            reason(&trust, "#alice#n1", &alice, NOW),
            revoked("#alice#n1")
        );
        assert_eq!(reason(&trust, "#bob#n1", &bob, NOW), revoked("#bob#n1"));
        // Out of date, and missing where it is required.
        let unknown = Some(Distrust::RevocationUnknown {
            subject: subject("#bob#n1"),
        });
        let trust = with(&first);
        assert_eq!(reason(&trust, "#bob#n1", &bob, NOW + 10_001_000), unknown);
        let strict = self::trust(&ca).revocation(RevocationPolicy::Required);
        assert_eq!(reason(&strict, "#bob#n1", &bob, NOW), unknown);
        // Somebody else's list counts for nothing.
        let other = authority(2, kind);
        let foreign = other
            .revoke(&Revocation {
                list: None,
                serials: &[&serial("#bob#n1")],
                now: Timestamp(NOW),
                next: Timestamp(NOW + 10_000_000),
            })
            .unwrap();
        assert_ne!(
            reason(&with(&foreign), "#bob#n1", &bob, NOW),
            revoked("#bob#n1")
        );
        let continued = revoke(Some("no list"), &[]);
        assert_eq!(continued, Err(IssueError::RevocationList));
        assert_eq!(
            revoke(None, &["xyz"]),
            Err(IssueError::Serial("xyz".into()))
        );
    }
}

#[test]
fn files_that_cannot_be_used() {
    let kind = KeyAlgorithm::Ed25519;
    let ca = authority(1, kind);
    let pem = ca
        .issue("#alice#n1", &[], kind, VALID, &mut rng(3))
        .unwrap();
    let other = ca
        .issue("#alice#n1", &[], kind, VALID, &mut rng(4))
        .unwrap();
    let (key, certificate) = pem.split_at(pem.find("-----BEGIN CERT").unwrap());
    let other = &other[other.find("-----BEGIN CERT").unwrap()..];
    for (text, error) in [
        (certificate.to_owned(), IdentityError::NoPem),
        (key.to_owned(), IdentityError::Certificate),
        (format!("{key}{other}"), IdentityError::OtherKey),
        (
            format!("{key}{}", certificate.repeat(9)),
            IdentityError::TooLong(0),
        ),
    ] {
        let found = CertificateIdentity::from_pem(&text).unwrap_err();
        assert_eq!(
            std::mem::discriminant(&found),
            std::mem::discriminant(&error),
            "{found}"
        );
    }
    let found = certificate.parse::<CertificateTrust>().unwrap_err();
    assert_eq!(found, TrustPemError::NoAuthority);
    assert!("".parse::<CertificateTrust>().is_err());
    // A member's certificate in the trust file stands in for one that is not shown.
    let text = format!("{}{certificate}", ca.certificate_pem().unwrap());
    let known: CertificateTrust = text.parse().unwrap();
    assert!(
        known
            .identify(&member("alice"), None, Timestamp(NOW))
            .is_ok()
    );
    for name in [
        "alice",
        "#alice",
        "#*#n1",
        "#alice#n1#",
        "#a name of too many#*",
    ] {
        let issued = ca.issue(name, &[], kind, VALID, &mut rng(3));
        assert_eq!(issued.unwrap_err(), IssueError::Name(name.into()));
    }
    let field = ca.issue("#alice#n1", &[("CN", "x")], kind, VALID, &mut rng(3));
    assert_eq!(field.unwrap_err(), IssueError::Field("CN".into()));
    assert_eq!(
        Authority::from_pem(&pem).unwrap_err(),
        IssueError::NotAuthority
    );
}

/// A node whose identity is a certificate.
fn add(
    world: &mut World,
    name: &str,
    identity: CertificateIdentity,
    trust: Arc<dyn Trust>,
) -> usize {
    let credentials = Credentials {
        signer: Arc::new(identity),
        trust,
    };
    let session = Session::new(member(name), credentials, SessionConfig::default());
    world.add_session(name, session)
}

fn refused(name: &str, reason: Distrust) -> SessionEvent {
    SessionEvent::IdentityRefused {
        group: group("chat"),
        member: member(name),
        reason,
    }
}

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

/// Thinks well of itself.
#[derive(Debug)]
struct Gullible {
    me: MemberName,
    others: Arc<dyn Trust>,
}

impl Trust for Gullible {
    fn identify(
        &self,
        name: &MemberName,
        evidence: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<Identity, Distrust> {
        if *name == self.me {
            let key = support::signer("mallory").public_key();
            return Ok(Identity::of_key(Arc::new(key)));
        }
        self.others.identify(name, evidence, now)
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

#[test]
fn proofs_of_identity_carry_certificates() {
    let ca = authority(1, KeyAlgorithm::EcdsaP256);
    let trust = trust(&ca);
    for kind in KINDS {
        let alice = issue(&ca, "#alice#*", kind);
        let ask = |seed| {
            let group = Some("chat".parse().unwrap());
            Challenge::new("n1".parse().unwrap(), group, &mut rng(seed))
        };
        let sent = Challenge::decode(&ask(1).encode()).unwrap();
        let proof = Proof::answer(&sent, &member("alice"), &alice).unwrap();
        let proof = Proof::decode(&proof.encode()).unwrap();
        let verify = |challenge: Challenge, name: &str, now| {
            challenge
                .verify(&member(name), &proof, &trust, Timestamp(now))
                .map(|identity| identity.field("CN").map(str::to_owned).collect::<Vec<_>>())
        };
        assert_eq!(verify(ask(1), "alice", NOW).unwrap(), ["#alice#*"]);
        assert_eq!(
            verify(ask(2), "alice", NOW),
            Err(ChallengeError::BadSignature)
        );
        assert!(matches!(
            verify(ask(1), "bob", NOW),
            Err(ChallengeError::Distrust(Distrust::OtherName { .. }))
        ));
        assert!(matches!(
            verify(ask(1), "alice", VALID.not_after.0 + 1_000),
            Err(ChallengeError::Distrust(Distrust::Expired { .. }))
        ));
    }
}

/// What a leaving member holds back, it makes up for when it may not go: evidence and confirmation, too.
#[test]
fn evidence_withheld_for_a_leave_that_is_refused_is_shown_then() {
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

#[test]
fn several_kinds_of_trust_give_the_reason_that_tells_most() {
    let ca = authority(1, KeyAlgorithm::Ed25519);
    let keys: Arc<dyn Trust> = Arc::new(support::trust(&["alice"]));
    let certificates: Arc<dyn Trust> = Arc::new(trust(&ca));
    let bob = issue(&ca, "#bob#n1", KeyAlgorithm::Ed25519);
    for order in [[&keys, &certificates], [&certificates, &keys]] {
        let any = AnyOf(order.map(Arc::clone).to_vec());
        let ask = |name: &str, evidence: Option<&[u8]>| {
            any.identify(&member(name), evidence, Timestamp(NOW)).err()
        };
        assert_eq!(ask("alice", None), None);
        assert_eq!(ask("bob", bob.evidence()), None);
        assert_eq!(ask("bob", None), Some(Distrust::NotShown));
        assert_eq!(
            ask("carol", bob.evidence()),
            Some(Distrust::OtherName {
                subject: subject("#bob#n1")
            })
        );
    }
    let nobody = AnyOf(Vec::new()).identify(&member("alice"), None, Timestamp(NOW));
    assert_eq!(nobody.unwrap_err(), Distrust::Unknown);
}
