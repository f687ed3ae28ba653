//! Sealed messages: what opens, and everything that must not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use std::collections::BTreeSet;

use cliques::GroupSecret;
use gcs_proto::{
    name::{GroupName, MemberName},
    service::Service,
};
use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use ssp_core::{
    epoch::{EpochKeys, Opened, ViewKeys},
    record::{
        Authorship, Header, OpenError, RecordSuite, SEALED_BYTES_MAX, SEQUENCE_MAX, SealError,
    },
    replay::Replay,
    schedule::{KeyContext, KeySchedule},
};

const ALICE: &str = "#alice#n1";
const BOB: &str = "#bob#n1";
const CAROL: &str = "#carol#n1";

fn name(text: &str) -> MemberName {
    text.parse().unwrap()
}

fn schedule(secret: u8, group: &str, view: u8, epoch: u32) -> KeySchedule {
    KeySchedule::new(
        GroupSecret::new(vec![secret; 32].into_boxed_slice()),
        &KeyContext {
            suite: "gdh",
            mathematical_group: "ristretto255",
            group: group.as_bytes(),
            view_id: &[view; 12],
            epoch,
            members: &[ALICE, BOB].map(str::as_bytes),
        },
    )
}

fn epoch(number: u32) -> EpochKeys {
    EpochKeys::new(schedule(1, "chat", 1, number), number)
}

fn keys_of(me: &str, group: &str, suite: RecordSuite, epoch: EpochKeys) -> ViewKeys {
    let group: GroupName = group.parse().unwrap();
    let members = vec![name(ALICE), name(BOB)];
    ViewKeys::new(group, name(me), members, suite, 1_024, epoch)
}

fn keys(me: &str) -> ViewKeys {
    with(me, RecordSuite::default())
}

fn with(me: &str, suite: RecordSuite) -> ViewKeys {
    keys_of(me, "chat", suite, epoch(0))
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

fn seal(keys: &mut ViewKeys, payload: &[u8]) -> Vec<u8> {
    keys.seal(Service::Agreed, 5, &[payload], &mut rng())
        .unwrap()
}

fn open(keys: &mut ViewKeys, message: &[u8]) -> Result<Opened, OpenError> {
    keys.open(&name(ALICE), Service::Agreed, message)
}

#[test]
fn what_was_sealed_opens_at_everybody() {
    for (suite, least) in RecordSuite::ALL.iter().copied().zip([55, 71, 54, 38, 38]) {
        let (mut alice, mut bob) = (with(ALICE, suite), with(BOB, suite));
        for length in (0..200).chain([4_096, 143_000]) {
            let payload = vec![0xc3; length];
            let sealed = seal(&mut alice, &payload);
            assert_eq!(
                sealed.len(),
                sealed.capacity(),
                "one buffer of the right size"
            );
            let overhead = sealed.len() - length;
            assert!((least..=suite.overhead()).contains(&overhead), "{suite}");
            // Only one suite leaves it in the clear.
            let clear = length > 16 && sealed.windows(length).any(|window| window == payload);
            assert_eq!(clear, length > 16 && suite == RecordSuite::HMAC_SHA256);
            for receiver in [&mut alice, &mut bob] {
                let opened = open(receiver, &sealed).unwrap();
                assert_eq!((opened.message_type, opened.epoch), (5, 0));
                assert_eq!(opened.part, None);
                assert_eq!(opened.authorship, Authorship::Group);
                assert_eq!(opened.payload, payload);
            }
        }
    }
}

#[test]
fn parts_make_no_difference() {
    let whole = keys(ALICE).seal(Service::Fifo, -1, &[b"abcdef"], &mut rng());
    for parts in [
        &[&b"abc"[..], b"def"][..],
        &[b"", b"abcdef", b""],
        &[b"a", b"b", b"c", b"d", b"e", b"f"],
    ] {
        assert_eq!(
            keys(ALICE).seal(Service::Fifo, -1, parts, &mut rng()),
            whole
        );
    }
}

#[test]
fn every_flipped_bit_is_rejected_and_changes_nothing() {
    for &suite in RecordSuite::ALL {
        let mut alice = with(ALICE, suite);
        let mut bob = with(BOB, suite);
        for payload in [
            &b""[..],
            b"fourteen bytes",
            b"a payload of more than one block, in fact of three",
        ] {
            let sealed = seal(&mut alice, payload);
            for bit in 0..sealed.len() * 8 {
                let mut flipped = sealed.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                let error = open(&mut bob, &flipped).unwrap_err();
                let known = 3 * 8..3 * 8 + 3;
                let expected = match bit / 8 {
                    0 => matches!(error, OpenError::Version(_)),
                    1 => matches!(
                        error,
                        OpenError::SuiteMismatch { .. } | OpenError::UnknownSuite(_)
                    ),
                    2..4 if !known.contains(&bit) => matches!(error, OpenError::Flags(_)),
                    4..12 => error == OpenError::WrongKey,
                    _ => error == OpenError::Tag,
                };
                assert!(expected, "{suite}, bit {bit}: {error}");
            }
            // Nothing was remembered of all those.
            assert_eq!(open(&mut bob, &sealed).unwrap().payload, payload);
        }
    }
}

#[test]
fn every_truncation_and_extension_is_rejected() {
    for &suite in RecordSuite::ALL {
        let sealed = seal(&mut with(ALICE, suite), b"payload");
        let mut bob = with(BOB, suite);
        for length in 0..sealed.len() {
            open(&mut bob, &sealed[..length]).unwrap_err();
        }
        for extra in 1..=48 {
            let mut longer = sealed.clone();
            longer.resize(sealed.len() + extra, 0);
            open(&mut bob, &longer).unwrap_err();
        }
        assert!(open(&mut bob, &sealed).is_ok());
    }
    // Without ciphertext at all, right length of everything else.
    let sealed = seal(&mut keys(ALICE), b"payload");
    let mut bare = sealed[..36].to_vec();
    bare.extend_from_slice(&sealed[sealed.len() - 32..]);
    assert_eq!(open(&mut keys(BOB), &bare), Err(OpenError::Blocks(0)));
}

#[test]
fn elsewhere_from_somebody_else_or_otherwise_it_does_not_open() {
    let sealed = seal(&mut keys(ALICE), b"payload");
    let mut bob = keys(BOB);
    // Another service, of the same class and of another.
    for service in Service::ALL {
        if service != Service::Agreed {
            let error = bob.open(&name(ALICE), service, &sealed).unwrap_err();
            assert_eq!(error, OpenError::Tag, "{service}");
        }
    }
    // Delivered as another member's, reflected to its own sender's name, or a stranger's.
    let as_bob = bob.open(&name(BOB), Service::Agreed, &sealed);
    assert_eq!(as_bob, Err(OpenError::Tag));
    let as_carol = bob.open(&name(CAROL), Service::Agreed, &sealed);
    assert_eq!(as_carol, Err(OpenError::NotInView));
    // Another group, under the very same key.
    let mut other = keys_of(BOB, "chat2", RecordSuite::default(), epoch(0));
    assert_eq!(open(&mut other, &sealed), Err(OpenError::Tag));
    // Another group, view, epoch or secret gives another key.
    for foreign in [
        EpochKeys::new(schedule(1, "chat2", 1, 0), 0),
        EpochKeys::new(schedule(1, "chat", 2, 0), 0),
        EpochKeys::new(schedule(1, "chat", 1, 1), 1),
        EpochKeys::new(schedule(2, "chat", 1, 0), 0),
    ] {
        let mut foreign = keys_of(BOB, "chat", RecordSuite::default(), foreign);
        assert_eq!(open(&mut foreign, &sealed), Err(OpenError::WrongKey));
    }
    // Where another suite is configured.
    for suite in RecordSuite::ALL
        .iter()
        .copied()
        .filter(|suite| *suite != RecordSuite::default())
    {
        let mut other = with(BOB, suite);
        let mismatch = OpenError::SuiteMismatch {
            ours: suite,
            theirs: RecordSuite::AES_256_CBC_HMAC_SHA256,
        };
        assert_eq!(open(&mut other, &sealed), Err(mismatch));
        // Saying so does not make it one of that suite.
        let mut renamed = sealed.clone();
        renamed[1] = suite.number();
        let error = open(&mut other, &renamed).unwrap_err();
        assert!(
            matches!(error, OpenError::Tag | OpenError::Blocks(_)),
            "{error}"
        );
    }
    assert!(open(&mut bob, &sealed).is_ok());
}

#[test]
fn unknown_flags_are_noticed_before_the_key_is_used() {
    let sealed = seal(&mut keys(ALICE), b"payload");
    for bit in 3..16 {
        let mut flagged = sealed.clone();
        let flags = 1_u16 << bit;
        flagged[2..4].copy_from_slice(&flags.to_be_bytes());
        // Another suite, and an unknown key: flags come first.
        flagged[1] = 5;
        flagged[4] ^= 1;
        assert_eq!(open(&mut keys(BOB), &flagged), Err(OpenError::Flags(flags)));
    }
}

#[test]
fn tests_come_in_the_order_of_the_protocol() {
    let sealed = seal(&mut keys(ALICE), b"payload");
    let mut bob = keys(BOB);
    let mut bad = sealed.clone();
    // Everything is wrong at once; mended one by one.
    *bad.last_mut().unwrap() ^= 1;
    bad.pop();
    bad[0] = 2;
    bad[2] = 1;
    bad[1] = 9;
    bad[4] ^= 1;
    let stranger = name(CAROL);
    let mut next =
        |bad: &[u8], sender: &MemberName| bob.open(sender, Service::Agreed, bad).unwrap_err();
    assert_eq!(next(&bad[..19], &stranger), OpenError::Truncated(19));
    assert_eq!(next(&bad, &stranger), OpenError::Version(2));
    bad[0] = 1;
    assert_eq!(next(&bad, &stranger), OpenError::Flags(0x0100));
    bad[2] = 0;
    assert_eq!(next(&bad, &stranger), OpenError::UnknownSuite(9));
    bad[1] = 4;
    assert!(matches!(
        next(&bad, &stranger),
        OpenError::SuiteMismatch { .. }
    ));
    bad[1] = 2;
    assert_eq!(next(&bad, &stranger), OpenError::NotInView);
    assert_eq!(next(&bad, &name(ALICE)), OpenError::WrongKey);
    bad[4] ^= 1;
    assert_eq!(next(&bad, &name(ALICE)), OpenError::Blocks(15));
    bad.push(0);
    assert_eq!(next(&bad, &name(ALICE)), OpenError::Tag);
    // The tag comes before the replay window, so a forgery tells nothing about it.
    assert!(open(&mut bob, &sealed).is_ok());
    assert_eq!(open(&mut bob, &bad), Err(OpenError::Tag));
    assert_eq!(
        open(&mut bob, &sealed),
        Err(OpenError::Replay(Replay::Repeated(1)))
    );
}

#[test]
fn replays_and_old_messages() {
    let mut alice = keys(ALICE);
    let messages: Vec<Vec<u8>> = (0..1_100_u32)
        .map(|number| seal(&mut alice, &number.to_be_bytes()))
        .collect();
    let mut bob = keys(BOB);
    // Out of order inside the window.
    for index in [3, 1, 2, 0] {
        assert!(open(&mut bob, &messages[index]).is_ok());
    }
    for (index, message) in messages[..4].iter().enumerate() {
        let sequence = index as u64 + 1;
        assert_eq!(
            open(&mut bob, message),
            Err(OpenError::Replay(Replay::Repeated(sequence)))
        );
    }
    assert!(open(&mut bob, &messages[1_099]).is_ok());
    // 1100 - 1024 = 76 is the newest one behind the window.
    assert_eq!(
        open(&mut bob, &messages[75]),
        Err(OpenError::Replay(Replay::Old(76)))
    );
    assert!(open(&mut bob, &messages[76]).is_ok());
    // The own ones that come back have their own window.
    assert!(open(&mut alice, &messages[0]).is_ok());
    assert_eq!(
        open(&mut alice, &messages[0]),
        Err(OpenError::Replay(Replay::Repeated(1)))
    );
}

#[test]
fn ordered_and_unordered_services_have_windows_of_their_own() {
    let mut alice = keys(ALICE);
    let mut bob = keys(BOB);
    let slow = alice
        .seal(Service::Reliable, 1, &[b"slow"], &mut rng())
        .unwrap();
    let stale = alice
        .seal(Service::Fifo, 1, &[b"stale"], &mut rng())
        .unwrap();
    for _ in 0..1_025 {
        let message = alice.seal(Service::Safe, 1, &[b"x"], &mut rng()).unwrap();
        assert!(bob.open(&name(ALICE), Service::Safe, &message).is_ok());
    }
    assert!(bob.open(&name(ALICE), Service::Reliable, &slow).is_ok());
    assert_eq!(
        bob.open(&name(ALICE), Service::Fifo, &stale),
        Err(OpenError::Replay(Replay::Old(2)))
    );
}

/// A message with an honest tag and any sequence number, which no honest sender makes.
fn forged_by_member(sequence: u64) -> Vec<u8> {
    use hmac::{Hmac, KeyInit, Mac};
    let mut message = seal(&mut keys(ALICE), b"payload");
    message[12..20].copy_from_slice(&sequence.to_be_bytes());
    let material = schedule(1, "chat", 1, 0).record_keys(2, 64, ALICE.as_bytes());
    let mut aad = Vec::new();
    for part in ["chat", ALICE] {
        aad.extend((part.len() as u16).to_be_bytes());
        aad.extend(part.as_bytes());
    }
    aad.extend(Service::Agreed.bit().to_be_bytes());
    let end = message.len() - 32;
    let tag = Hmac::<sha2::Sha256>::new_from_slice(&material[32..])
        .unwrap()
        .chain_update(&aad)
        .chain_update(&message[..end])
        .chain_update((aad.len() as u64 * 8).to_be_bytes())
        .finalize()
        .into_bytes();
    message[end..].copy_from_slice(&tag);
    message
}

#[test]
fn sequence_numbers_out_of_range() {
    let mut bob = keys(BOB);
    // The forgery itself is right: its number can be taken.
    assert!(open(&mut keys(BOB), &forged_by_member(1)).is_ok());
    for sequence in [0, SEQUENCE_MAX + 1, u64::MAX] {
        assert_eq!(
            open(&mut bob, &forged_by_member(sequence)),
            Err(OpenError::Replay(Replay::OutOfRange(sequence)))
        );
    }
    assert!(open(&mut bob, &forged_by_member(SEQUENCE_MAX)).is_ok());
}

#[test]
fn a_key_is_used_up_by_messages_or_bytes() {
    let mut last = keys_of(
        ALICE,
        "chat",
        RecordSuite::default(),
        epoch(0).counted(SEQUENCE_MAX, 0),
    );
    let sealed = seal(&mut last, b"the last one");
    assert_eq!(Header::accept(&sealed).unwrap().sequence, SEQUENCE_MAX);
    assert!(open(&mut keys(BOB), &sealed).is_ok());
    let again = last.seal(Service::Fifo, 1, &[b"x"], &mut rng());
    assert_eq!(again, Err(SealError::KeyExhausted));

    let length = RecordSuite::default().overhead() as u64 + 10;
    let mut full = keys_of(
        ALICE,
        "chat",
        RecordSuite::default(),
        epoch(0).counted(1, SEALED_BYTES_MAX - length),
    );
    let eleven = full.seal(Service::Fifo, 1, &[&[0; 11]], &mut rng());
    assert_eq!(eleven, Err(SealError::KeyExhausted));
    assert!(full.seal(Service::Fifo, 1, &[&[0; 10]], &mut rng()).is_ok());
    let more = full.seal(Service::Fifo, 1, &[], &mut rng());
    assert_eq!(more, Err(SealError::KeyExhausted));
    // A refresh goes on.
    full.refresh(epoch(1));
    assert!(full.seal(Service::Fifo, 1, &[b"x"], &mut rng()).is_ok());
}

#[test]
fn the_epoch_before_opens_and_the_one_before_that_does_not() {
    let (mut alice, mut bob) = (keys(ALICE), keys(BOB));
    let first = seal(&mut alice, b"epoch 0");
    let late = seal(&mut alice, b"epoch 0, late");
    alice.refresh(epoch(1));
    bob.refresh(epoch(1));
    assert_eq!(open(&mut bob, &first).unwrap().epoch, 0);
    assert_eq!(
        open(&mut bob, &first),
        Err(OpenError::Replay(Replay::Repeated(1)))
    );
    // Numbers start again; the key is another one, and it alone seals.
    let second = seal(&mut alice, b"epoch 1");
    assert_eq!(Header::accept(&second).unwrap().sequence, 1);
    assert_eq!(
        Header::accept(&second).unwrap().key_id,
        alice.schedule().key_id()
    );
    assert_eq!(open(&mut bob, &second).unwrap().epoch, 1);
    alice.refresh(epoch(2));
    bob.refresh(epoch(2));
    assert_eq!(open(&mut bob, &late), Err(OpenError::WrongKey));
    assert_eq!(
        open(&mut bob, &second),
        Err(OpenError::Replay(Replay::Repeated(1)))
    );
}

#[test]
fn initialisation_vectors_and_sequence_numbers_do_not_repeat() {
    let mut alice = keys(ALICE);
    let mut rng = rng();
    let (mut vectors, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for _ in 0..500 {
        let sealed = alice.seal(Service::Fifo, 1, &[b"same"], &mut rng).unwrap();
        assert!(vectors.insert(sealed[20..36].to_vec()));
        assert!(numbers.insert(Header::accept(&sealed).unwrap().sequence));
    }
    assert_eq!(numbers.last(), Some(&500));
}

#[test]
fn keys_show_nothing_secret() {
    let keys = keys(ALICE);
    let shown = format!("{keys:?}");
    let schedule = schedule(1, "chat", 1, 0);
    let material = schedule.record_keys(2, 64, ALICE.as_bytes());
    for secret in [&material[..8], &schedule.export(b"l", b"", 8).unwrap()[..]] {
        assert!(!shown.contains(&hex::encode(secret)));
    }
    assert!(shown.contains(&schedule.fingerprint().to_string()));
}

proptest! {
    #[test]
    fn any_bytes_are_rejected_without_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        service in 0..6_usize,
    ) {
        let mut bob = keys(BOB);
        prop_assert!(bob.open(&name(ALICE), Service::ALL[service], &bytes).is_err());
    }

    #[test]
    fn any_bytes_behind_a_plausible_header_are_rejected(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        sequence: u64,
        flags in 0..8_u16,
        suite in proptest::sample::select(RecordSuite::ALL),
    ) {
        let mut bob = with(BOB, suite);
        let header = Header { suite: suite.number(), flags, key_id: bob.schedule().key_id(), sequence };
        let mut message = header.encode().to_vec();
        message.extend(bytes);
        let error = open(&mut bob, &message).unwrap_err();
        prop_assert!(matches!(error, OpenError::Truncated(_) | OpenError::Blocks(_) | OpenError::Tag));
    }

    /// What a member can do: a right tag over anything.
    #[test]
    fn any_authentic_content_is_read_or_rejected(
        content in proptest::collection::vec(any::<u8>(), 2..200),
        flags in 0..8_u16,
        suite in proptest::sample::select(RecordSuite::ALL),
    ) {
        let sealed = with(ALICE, suite)
            .seal_raw(Service::Agreed, flags, &content, &mut rng())
            .unwrap();
        let mut bob = with(BOB, suite);
        match open(&mut bob, &sealed) {
            Ok(opened) => {
                prop_assert_eq!(opened.part.is_some(), flags & 1 != 0);
                prop_assert_eq!(flags & 4, 0);
                let end = content.len() - if flags & 2 == 0 { 0 } else { 1 };
                prop_assert!(content[..end].len() >= 2 + opened.payload.len());
                prop_assert_eq!(open(&mut bob, &sealed), Err(OpenError::Replay(Replay::Repeated(1))));
            }
            Err(error) => {
                let expected = matches!(error, OpenError::Malformed | OpenError::Signature);
                prop_assert!(expected && flags != 0, "{error}");
                // Nothing was remembered.
                prop_assert_eq!(open(&mut bob, &sealed), Err(error));
            }
        }
    }

    #[test]
    fn any_payload_comes_back(
        payload in proptest::collection::vec(any::<u8>(), 0..2_000),
        message_type: i16,
        service in 0..6_usize,
        cut: proptest::sample::Index,
    ) {
        let service = Service::ALL[service];
        let (front, back) = payload.split_at(cut.index(payload.len() + 1));
        for &suite in RecordSuite::ALL {
            let sealed = with(ALICE, suite)
                .seal(service, message_type, &[front, back], &mut rng())
                .unwrap();
            let opened = with(BOB, suite).open(&name(ALICE), service, &sealed).unwrap();
            prop_assert_eq!(opened.message_type, message_type);
            prop_assert_eq!(&opened.payload[..], &payload[..]);
        }
    }
}
