//! What opens.

use super::*;

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
