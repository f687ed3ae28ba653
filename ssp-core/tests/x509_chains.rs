//! Certificates whose authority is vouched for by another one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use std::sync::Arc;

use gcs_proto::service::Service;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use ssp_core::{
    Credentials, GroupFailure, Session, SessionConfig, SessionEvent, Timestamp,
    identity::{
        Distrust, OwnIdentity, Trust,
        x509::{
            Authority, CertificateIdentity, CertificateTrust, KeyAlgorithm, Revocation,
            RevocationPolicy, Validity, summaries,
        },
    },
};
use support::{World, group, member};

/// The world's clock starts here.
const NOW: u64 = 1_000_000;
const VALID: Validity = Validity {
    not_before: Timestamp(0),
    not_after: Timestamp(2_000_000_000_000),
};
const KINDS: [KeyAlgorithm; 2] = [KeyAlgorithm::Ed25519, KeyAlgorithm::EcdsaP256];
const ALICE: &str = "#alice#n1";

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn root(kind: KeyAlgorithm) -> Authority {
    Authority::new("Root", &[], kind, VALID, &mut rng(1)).unwrap()
}

fn below(above: &Authority, name: &str, path_length: Option<u8>, validity: Validity) -> Authority {
    let seed = name.bytes().map(u64::from).sum();
    let kind = KINDS[seed as usize % 2];
    above
        .subordinate(name, &[], kind, path_length, validity, &mut rng(seed))
        .unwrap()
}

/// A certificate of the first authority, with the certificates of all of them behind it.
fn issue(name: &str, chain: &[&Authority]) -> CertificateIdentity {
    let kind = KeyAlgorithm::Ed25519;
    let mut pem = chain[0]
        .issue(name, &[], kind, VALID, &mut rng(9))
        .unwrap()
        .to_string();
    for authority in chain {
        pem.push_str(&authority.certificate_pem().unwrap());
    }
    CertificateIdentity::from_pem(&pem).unwrap()
}

/// Trusts this authority, as far as these lists let it.
fn trust(authority: &Authority, lists: &[String]) -> CertificateTrust {
    let text = authority.certificate_pem().unwrap() + &lists.concat();
    text.parse().unwrap()
}

fn list(authority: &Authority, serials: &[&str]) -> String {
    let revocation = Revocation {
        list: None,
        serials,
        now: Timestamp(NOW - 1_000),
        next: Timestamp(NOW + 1_000_000_000),
    };
    authority.revoke(&revocation).unwrap()
}

fn serial(pem: &str) -> String {
    summaries(pem).unwrap()[0].serial.clone()
}

fn reason(trust: &CertificateTrust, identity: &CertificateIdentity, now: u64) -> Option<Distrust> {
    let alice = ALICE.parse().unwrap();
    trust
        .identify(&alice, identity.evidence(), Timestamp(now))
        .err()
}

#[test]
fn authorities_in_between_are_accepted_as_far_as_they_may_go() {
    for kind in KINDS {
        let root = root(kind);
        let trust = trust(&root, &[]);
        let first = below(&root, "First", None, VALID);
        let second = below(&first, "Second", Some(0), VALID);
        let third = below(&second, "Third", None, VALID);
        assert_eq!(reason(&trust, &issue(ALICE, &[&first]), NOW), None);
        assert_eq!(reason(&trust, &issue(ALICE, &[&second, &first]), NOW), None);
        // In any order; only the member's own has its place.
        assert_eq!(
            reason(&trust, &issue(ALICE, &[&first, &second]), NOW),
            None,
            "issued by the first, with the second for nothing"
        );
        // The root is not shown, and does no harm where it is.
        let shown = issue(ALICE, &[&second, &first, &root]);
        let certificates = |identity: &CertificateIdentity| identity.evidence().unwrap().len();
        assert_eq!(
            certificates(&shown),
            certificates(&issue(ALICE, &[&second, &first]))
        );
        // The second one may vouch for members only.
        let too_long = issue(ALICE, &[&third, &second, &first]);
        let error = reason(&trust, &too_long, NOW).unwrap();
        assert!(
            matches!(&error, Distrust::Chain { reason, .. } if reason.contains("PathLen")),
            "{error:?}"
        );
        // Trusted itself, an authority in between needs none above.
        let directly = self::trust(&second, &[]);
        assert_eq!(reason(&directly, &issue(ALICE, &[&second]), NOW), None);
    }
}

#[test]
fn a_missing_authority_in_between_is_told_apart() {
    for kind in KINDS {
        let root = root(kind);
        let first = below(&root, "First", None, VALID);
        let second = below(&first, "Second", None, VALID);
        let trust = trust(&root, &[]);
        for incomplete in [issue(ALICE, &[&second]), {
            // Another of the same name, which vouches for nothing here.
            let other = Authority::new("First", &[], kind, VALID, &mut rng(77)).unwrap();
            issue(ALICE, &[&second, &other])
        }] {
            let error = reason(&trust, &incomplete, NOW);
            let unknown = Distrust::UnknownIssuer {
                subject: "CN=\\#alice#n1".into(),
            };
            assert_eq!(error, Some(unknown));
        }
        // A member is no authority, whatever it signs.
        let member = issue("#mallory#n1", &[&first]);
        let pem = first
            .issue("#mallory#n1", &[], kind, VALID, &mut rng(9))
            .unwrap();
        assert!(Authority::from_pem(&pem).is_err());
        assert!(matches!(
            reason(&trust, &member, NOW),
            Some(Distrust::OtherName { .. })
        ));
    }
}

#[test]
fn authorities_in_between_expire() {
    for kind in KINDS {
        let root = root(kind);
        let short = Validity {
            not_before: Timestamp(500_000),
            not_after: Timestamp(1_500_000),
        };
        let first = below(&root, "First", None, short);
        let alice = issue(ALICE, &[&first]);
        let trust = trust(&root, &[]);
        let subject = String::from("CN=First");
        for (now, expected) in [
            (NOW, None),
            // What was accepted is not remembered for longer than that.
            (
                1_502_000,
                Some(Distrust::Expired {
                    subject: subject.clone(),
                }),
            ),
            (499_000, Some(Distrust::NotYetValid { subject })),
            (NOW, None),
        ] {
            assert_eq!(reason(&trust, &alice, now), expected, "{now}");
        }
        let identity = trust
            .identify(&ALICE.parse().unwrap(), alice.evidence(), Timestamp(NOW))
            .unwrap();
        assert_eq!(identity.expires(), Some(short.not_after));
    }
}

#[test]
fn authorities_in_between_are_revoked_and_revoke() {
    for kind in KINDS {
        let root = root(kind);
        let first = below(&root, "First", None, VALID);
        let alice = issue(ALICE, &[&first]);
        let own = first.certificate_pem().unwrap();
        let leaf = first
            .issue(ALICE, &[], KeyAlgorithm::Ed25519, VALID, &mut rng(9))
            .unwrap();
        let (own, leaf) = (serial(&own), serial(&leaf));
        let with = |lists: &[String]| trust(&root, lists);
        // The authority above takes it back, and all that it has issued with it.
        let by_root = list(&root, &[&own]);
        assert!(matches!(
            reason(&with(std::slice::from_ref(&by_root)), &alice, NOW),
            Some(Distrust::Revoked { .. })
        ));
        // It takes back what it has issued itself.
        let by_first = list(&first, &[&leaf]);
        assert!(matches!(
            reason(&with(std::slice::from_ref(&by_first)), &alice, NOW),
            Some(Distrust::Revoked { .. })
        ));
        // Neither has a word in what the other has issued.
        for foreign in [list(&root, &[&leaf]), list(&first, &[&own])] {
            assert_eq!(reason(&with(&[foreign]), &alice, NOW), None);
        }
        // Where lists are required, each authority on the way needs one.
        let clean = [list(&root, &[]), list(&first, &[])];
        let required = |lists: &[String]| with(lists).revocation(RevocationPolicy::Required);
        assert_eq!(reason(&required(&clean), &alice, NOW), None);
        for missing in [&clean[..1], &clean[1..]] {
            assert!(matches!(
                reason(&required(missing), &alice, NOW),
                Some(Distrust::RevocationUnknown { .. })
            ));
        }
    }
}

/// In a group: carol's authority is taken back while she is in it. The next view has no key with her,
/// and has one when she is gone.
#[test]
fn members_of_an_authority_that_was_revoked_are_put_out_in_the_next_view() {
    let chat = group("chat");
    let root = root(KeyAlgorithm::Ed25519);
    let first = below(&root, "First", Some(0), VALID);
    let second = below(&root, "Second", Some(0), VALID);
    let trusted: Arc<dyn Trust> = Arc::new(trust(&root, &[]));
    let mut world = World::new(1);
    for (name, authority) in [
        ("alice", &first),
        ("bob", &first),
        ("carol", &second),
        ("dave", &first),
    ] {
        let credentials = Credentials {
            signer: Arc::new(issue(&format!("#{name}#n1"), &[authority])),
            trust: trusted.clone(),
        };
        let session = Session::new(member(name), credentials, SessionConfig::default());
        world.add_session(name, session);
    }
    for node in 0..4 {
        world.join(node, chat);
        world.run();
    }
    world.assert_agreed(chat, &[0, 1, 2, 3]);
    let revoked = list(&root, &[&serial(&second.certificate_pem().unwrap())]);
    for node in [0, 1, 3] {
        let newer = Arc::new(trust(&root, std::slice::from_ref(&revoked)));
        world.nodes[node].session().set_trust(newer);
    }
    world.leave(3, chat);
    world.run();
    for node in 0..2 {
        let node = &mut world.nodes[node];
        let refused = |event: &SessionEvent| {
            matches!(event, SessionEvent::IdentityRefused { member: who, reason: Distrust::Revoked { .. }, .. }
                if *who == member("carol"))
        };
        assert_eq!(node.count(refused), 1);
        let failed = SessionEvent::GroupFailed {
            group: chat,
            suspects: vec![member("carol")],
            reason: GroupFailure::UnknownIdentity,
        };
        assert_eq!(node.events.last(), Some(&failed));
        assert_eq!(node.session().fingerprint(&chat), None);
    }
    world.crash(2);
    world.run();
    world.assert_agreed(chat, &[0, 1]);
    world
        .send(0, chat, Service::Agreed, b"without carol")
        .unwrap();
    world.run();
    assert_eq!(world.nodes[1].payloads(), [b"without carol"]);
}
