//! Any bytes, contents and payloads.

use super::*;

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
