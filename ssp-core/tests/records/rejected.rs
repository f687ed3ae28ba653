//! What does not open.

use super::*;

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
