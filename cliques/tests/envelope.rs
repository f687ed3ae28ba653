//! The signed envelope: layout, checks in their order, signature.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use cliques::{
    DecodeError, Envelope, Expected, MemberName, Protocol, ReceivedToken, Recipient, Rejected,
    SIGNATURE_CONTEXT, SignatureAlgorithm, Signer, TokenBinding, Verifier, VerifyError,
    testing::signature::{TestSigner, TestVerifier},
};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

fn member(name: &str) -> MemberName {
    MemberName::try_from(name).unwrap()
}

fn binding() -> TokenBinding {
    TokenBinding {
        protocol: Protocol::GDH,
        group_name: "toy17".into(),
        group: b"ops".to_vec(),
        view_id: *b"view-id-0001",
        view_hash: TokenBinding::view_hash(&[member("bob"), member("al")]),
    }
}

fn envelope() -> Envelope {
    Envelope {
        kind: cliques::gdh::FACTOR_OUT,
        epoch: 7,
        timestamp: 1_700_000_000_123,
        sender: member("bob"),
        recipient: Recipient::Member(member("al")),
        body: vec![1, 2, 3],
    }
}

fn sealed(binding: &TokenBinding, envelope: &Envelope) -> Vec<u8> {
    envelope.seal(binding, &TestSigner::new(envelope.sender))
}

fn check(bytes: &[u8], expected: &Expected<'_>) -> Result<(), Rejected> {
    ReceivedToken::decode(bytes, Protocol::GDH)
        .unwrap()
        .check(expected)
}

#[test]
fn layout_byte_for_byte() {
    let list = [&[0, 2][..], &[0, 3], b"bob", &[0, 2], b"al"].concat();
    let mut expected = [
        &[1, 3][..],
        &[0, 0x33],
        &[0, 5],
        b"toy17",
        &[0, 3],
        b"ops",
        b"view-id-0001",
        &[0, 0, 0, 7],
        &1_700_000_000_123_u64.to_be_bytes(),
        &Sha256::digest(list)[..16],
        &[0, 3],
        b"bob",
        &[0, 2],
        b"al",
        &[0, 0, 0, 3],
        &[1, 2, 3],
    ]
    .concat();
    expected.push(1);
    let signed = [b"ssp-gka-sig/1\0", &expected[..]].concat();
    let signature = TestSigner::new(member("bob")).sign(&signed);
    expected.extend([0, 32]);
    expected.extend(signature);
    assert_eq!(sealed(&binding(), &envelope()), expected);
    assert_eq!(SIGNATURE_CONTEXT, b"ssp-gka-sig/1\0");
}

#[test]
fn a_broadcast_has_an_empty_recipient() {
    let to_group = Envelope {
        recipient: Recipient::Group,
        ..envelope()
    };
    let bytes = sealed(&binding(), &to_group);
    let received = ReceivedToken::decode(&bytes, Protocol::GDH).unwrap();
    assert_eq!(*received.recipient(), Recipient::Group);
    assert_eq!(bytes.len() + 2, sealed(&binding(), &envelope()).len());
}

#[test]
fn an_honest_token_becomes_authentic() {
    let (binding, envelope) = (binding(), envelope());
    let received = ReceivedToken::decode(&sealed(&binding, &envelope), Protocol::GDH).unwrap();
    assert_eq!(received.kind(), envelope.kind);
    assert_eq!(received.algorithm(), SignatureAlgorithm::Ed25519);
    let expected = Expected {
        binding: &binding,
        epoch: 7,
        sender: &member("bob"),
        me: &member("al"),
        kind: Some(cliques::gdh::FACTOR_OUT),
    };
    received.check(&expected).unwrap();
    received
        .check(&Expected {
            kind: None,
            ..expected
        })
        .unwrap();
    let token = received.verify(&TestVerifier::new()).unwrap();
    assert_eq!(token.kind(), envelope.kind);
    assert_eq!(*token.sender(), envelope.sender);
    assert_eq!(*token.recipient(), envelope.recipient);
    assert_eq!(token.epoch(), envelope.epoch);
    assert_eq!(token.timestamp(), envelope.timestamp);
    assert_eq!(token.body(), envelope.body);
}

#[test]
fn every_truncation_is_an_error() {
    let bytes = sealed(&binding(), &envelope());
    for len in 0..bytes.len() {
        assert!(
            matches!(
                ReceivedToken::decode(&bytes[..len], Protocol::GDH),
                Err(DecodeError::Truncated(_))
            ),
            "cut to {len}"
        );
    }
    let longer = [&bytes[..], &[0, 0]].concat();
    assert_eq!(
        ReceivedToken::decode(&longer, Protocol::GDH),
        Err(DecodeError::Trailing(2))
    );
}

#[test]
fn numbers_without_meaning_are_undecodable() {
    let bytes = sealed(&binding(), &envelope());
    let mut kind = bytes.clone();
    kind[3] = 0x99;
    assert_eq!(
        ReceivedToken::decode(&kind, Protocol::GDH),
        Err(DecodeError::Unknown {
            what: "token kind",
            value: 0x99
        })
    );
    let mut algorithm = bytes.clone();
    let at = bytes.len() - 35;
    algorithm[at] = 200;
    assert_eq!(
        ReceivedToken::decode(&algorithm, Protocol::GDH),
        Err(DecodeError::Unknown {
            what: "signature algorithm",
            value: 200
        })
    );
    // The sender's length lies behind 54 bytes; a sender of no bytes shifts the rest.
    let at = 2 + 2 + 7 + 5 + 12 + 4 + 8 + 16;
    assert_eq!(bytes[at..at + 5], [0, 3, b'b', b'o', b'b']);
    let nameless = [&bytes[..at], &[0, 0], &bytes[at + 5..]].concat();
    assert_eq!(
        ReceivedToken::decode(&nameless, Protocol::GDH),
        Err(DecodeError::Unknown {
            what: "length of the sender",
            value: 0
        })
    );
    let long = [&bytes[..at], &[0, 32], &[b'b'; 32], &bytes[at + 5..]].concat();
    assert_eq!(
        ReceivedToken::decode(&long, Protocol::GDH),
        Err(DecodeError::TooLarge {
            what: "length of the sender",
            value: 32,
            max: 31
        })
    );
    let unprintable = [&bytes[..at + 2], b"b b", &bytes[at + 5..]].concat();
    assert_eq!(
        ReceivedToken::decode(&unprintable, Protocol::GDH),
        Err(DecodeError::Unknown {
            what: "byte of a member name",
            value: b' '.into()
        })
    );
}

#[test]
fn each_field_is_checked_and_named() {
    let (right, envelope) = (binding(), envelope());
    let (bob, al, eve) = (member("bob"), member("al"), member("eve"));
    let expected = Expected {
        binding: &right,
        epoch: 7,
        sender: &bob,
        me: &al,
        kind: Some(cliques::gdh::FACTOR_OUT),
    };
    let bytes = sealed(&right, &envelope);
    assert_eq!(check(&bytes, &expected), Ok(()));

    let mut version = bytes.clone();
    version[0] = 2;
    assert_eq!(
        check(&version, &expected),
        Err(Rejected::SuiteMismatch { field: "version" })
    );
    let mut suite = bytes.clone();
    suite[1] = 4;
    assert_eq!(
        check(&suite, &expected),
        Err(Rejected::SuiteMismatch { field: "suite" })
    );

    let other = TokenBinding {
        group_name: "toy18".into(),
        ..right.clone()
    };
    let field = "mathematical group";
    assert_eq!(
        check(&sealed(&other, &envelope), &expected),
        Err(Rejected::SuiteMismatch { field })
    );
    let other = TokenBinding {
        group: b"dev".to_vec(),
        ..right.clone()
    };
    assert_eq!(
        check(&sealed(&other, &envelope), &expected),
        Err(Rejected::GroupNameMismatch)
    );
    let other = TokenBinding {
        view_id: *b"view-id-0002",
        ..right.clone()
    };
    let field = "view id";
    assert_eq!(
        check(&sealed(&other, &envelope), &expected),
        Err(Rejected::WrongEpoch { field })
    );
    let view_hash = TokenBinding::view_hash(&[al, bob]);
    assert_ne!(view_hash, right.view_hash, "the hash depends on the order");
    let other = TokenBinding {
        view_hash,
        ..right.clone()
    };
    let field = "view hash";
    assert_eq!(
        check(&sealed(&other, &envelope), &expected),
        Err(Rejected::WrongEpoch { field })
    );
    let later = Expected {
        epoch: 8,
        ..expected
    };
    assert_eq!(
        check(&bytes, &later),
        Err(Rejected::WrongEpoch { field: "epoch" })
    );
    assert_eq!(
        check(
            &bytes,
            &Expected {
                sender: &eve,
                ..expected
            }
        ),
        Err(Rejected::SenderMismatch {
            claimed: bob,
            actual: eve
        })
    );
    assert_eq!(
        check(
            &bytes,
            &Expected {
                me: &eve,
                ..expected
            }
        ),
        Err(Rejected::NotForMe(al))
    );
    assert_eq!(
        check(
            &bytes,
            &Expected {
                kind: Some(cliques::gdh::KEY_LIST),
                ..expected
            }
        ),
        Err(Rejected::KindMismatch)
    );

    // Everything wrong at once: the first check decides.
    let mut all = sealed(
        &TokenBinding {
            group: vec![],
            ..right.clone()
        },
        &envelope,
    );
    all[1] = 9;
    let wrong = Expected {
        epoch: 0,
        sender: &eve,
        me: &eve,
        kind: None,
        ..expected
    };
    assert_eq!(
        check(&all, &wrong),
        Err(Rejected::SuiteMismatch { field: "suite" })
    );
}

#[test]
fn a_changed_byte_that_can_be_read_breaks_the_signature() {
    let bytes = sealed(&binding(), &envelope());
    let mut readable = 0;
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let Ok(received) = ReceivedToken::decode(&changed, Protocol::GDH) else {
            continue;
        };
        readable += 1;
        let claimed = *received.sender();
        assert_eq!(
            received.verify(&TestVerifier::new()),
            Err(Rejected::BadSignature(claimed)),
            "byte {at}"
        );
    }
    assert!(readable > 70);
}

#[test]
fn unknown_members_are_told_from_bad_signatures() {
    let received = ReceivedToken::decode(&sealed(&binding(), &envelope()), Protocol::GDH).unwrap();
    let bob = member("bob");
    let verifier = TestVerifier::new().without(bob);
    assert_eq!(
        received.verify(&verifier),
        Err(Rejected::UnknownIdentity(bob))
    );
}

#[test]
fn another_algorithm_under_the_same_bytes_is_seen_by_the_verifier() {
    #[derive(Debug)]
    struct SaysNone;
    impl Signer for SaysNone {
        fn algorithm(&self) -> SignatureAlgorithm {
            SignatureAlgorithm::None
        }
        fn sign(&self, _: &[u8]) -> Vec<u8> {
            Vec::new()
        }
    }
    #[derive(Debug)]
    struct Sees;
    impl Verifier for Sees {
        fn verify(
            &self,
            member: &MemberName,
            algorithm: SignatureAlgorithm,
            message: &[u8],
            signature: &[u8],
        ) -> Result<(), VerifyError> {
            assert_eq!(member.as_bytes(), b"bob");
            assert_eq!(algorithm, SignatureAlgorithm::None);
            assert_eq!(message.last(), Some(&0), "the algorithm is signed");
            assert!(message.starts_with(SIGNATURE_CONTEXT));
            assert!(signature.is_empty());
            Err(VerifyError::BadSignature)
        }
    }
    let received =
        ReceivedToken::decode(&envelope().seal(&binding(), &SaysNone), Protocol::GDH).unwrap();
    assert_eq!(
        received.verify(&Sees),
        Err(Rejected::BadSignature(member("bob")))
    );
}

#[test]
fn the_window_of_time_has_two_sides() {
    let sent = envelope().timestamp;
    let received = ReceivedToken::decode(&sealed(&binding(), &envelope()), Protocol::GDH).unwrap();
    assert_eq!(received.check_timestamp(sent + 500, 500), Ok(()));
    assert_eq!(received.check_timestamp(sent - 500, 500), Ok(()));
    assert_eq!(
        received.check_timestamp(sent + 501, 500),
        Err(Rejected::Stale(501))
    );
    assert_eq!(
        received.check_timestamp(sent - 501, 500),
        Err(Rejected::Stale(501))
    );
    assert_eq!(received.check_timestamp(0, 500), Err(Rejected::Stale(sent)));
}

#[test]
fn debugging_shows_no_body() {
    let envelope = Envelope {
        body: b"tell nobody".to_vec(),
        ..envelope()
    };
    let received = ReceivedToken::decode(&sealed(&binding(), &envelope), Protocol::GDH).unwrap();
    let text = format!("{received:?}");
    assert!(
        text.contains("11 bytes") && !text.contains("116, 101, 108"),
        "{text}"
    );
}

prop_compose! {
    fn any_member()(bytes in proptest::collection::vec(b'!'..=b'~', 1..=31)) -> MemberName {
        MemberName::new(&bytes).unwrap()
    }
}

proptest! {
    #[test]
    fn what_is_sealed_is_read_back(
        kind in 0..Protocol::all_kinds().len(),
        epoch: u32,
        timestamp: u64,
        sender in any_member(),
        me in any_member(),
        to_group: bool,
        group_name in "[a-z0-9+-]{0,40}",
        group in proptest::collection::vec(any::<u8>(), 0..300),
        view_id: [u8; 12],
        view_hash: [u8; 16],
        body in proptest::collection::vec(any::<u8>(), 0..2000),
    ) {
        let binding = TokenBinding { protocol: Protocol::GDH, group_name, group, view_id, view_hash };
        let recipient = if to_group { Recipient::Group } else { Recipient::Member(me) };
        let kind = Protocol::all_kinds()[kind];
        let envelope = Envelope { kind, epoch, timestamp, sender, recipient, body };
        let received = ReceivedToken::decode(&sealed(&binding, &envelope), Protocol::GDH).unwrap();
        let expected =
            Expected { binding: &binding, epoch, sender: &sender, me: &me, kind: Some(kind) };
        prop_assert_eq!(received.check(&expected), Ok(()));
        let token = received.verify(&TestVerifier::new()).unwrap();
        prop_assert_eq!(token.recipient(), &envelope.recipient);
        prop_assert_eq!(token.timestamp(), timestamp);
        prop_assert_eq!(token.body(), &envelope.body[..]);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = ReceivedToken::decode(&bytes, Protocol::GDH);
    }

    #[test]
    fn arbitrary_tails_never_panic(
        keep in 0_usize..110,
        tail in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let bytes = sealed(&binding(), &envelope());
        let mut changed = bytes[..keep.min(bytes.len())].to_vec();
        changed.extend(tail);
        if let Ok(received) = ReceivedToken::decode(&changed, Protocol::GDH) {
            prop_assert!(changed == bytes || received.verify(&TestVerifier::new()).is_err());
        }
    }
}
