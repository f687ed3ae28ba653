//! Certificates alone.

use super::*;

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
