//! Decoding returns what was encoded, however the stream is cut; input that is truncated or goes on
//! too long is not decoded at all.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

#[path = "support/strategies.rs"]
mod strategies;

use bytes::{Bytes, BytesMut};
use gcs_proto::{
    codec::{Delivery, Direction, Frame, FrameDecoder, Layout, MembershipBody, Request},
    error::DecodeError,
    gcs::{ByteOrder, ViewId},
};
use proptest::{collection::vec, prelude::*};
use strategies::{delivery, frame, member, order, request};

fn decode_one(direction: Direction, bytes: &[u8]) -> Frame {
    let mut decoder = FrameDecoder::new(direction);
    decoder.push(bytes);
    let frame = decoder.next_frame().unwrap().unwrap();
    assert_eq!(decoder.buffered(), 0);
    frame
}

proptest! {
    #[test]
    fn requests(request in request(), session in member()) {
        let frame = decode_one(Direction::ToDaemon, &request.encode(&session));
        prop_assert_eq!(Request::decode(frame, &session), Ok(request));
    }

    #[test]
    fn every_way_to_encode_gives_the_same_bytes(
        delivery in delivery(),
        request in request(),
        session in member(),
        filler in vec(any::<u8>(), 0..8),
    ) {
        let whole = delivery.encode();
        prop_assert_eq!(&delivery.to_frame(ByteOrder::Little).encode(), &whole);
        let parts = delivery.encode_parts();
        prop_assert_eq!(parts.len(), whole.len());
        prop_assert_eq!(parts.slices().concat(), whole.to_vec());
        prop_assert_eq!(parts.into_parts().concat(), whole.to_vec());
        let mut shared = BytesMut::from(&filler[..]);
        delivery.encode_into(&mut shared);
        request.encode_into(&session, &mut shared);
        let expected = [&filler[..], &whole[..], &request.encode(&session)[..]].concat();
        prop_assert_eq!(&shared[..], &expected[..]);
    }

    #[test]
    fn requests_of_somebody_else(request in request(), session in member(), other in member()) {
        prop_assume!(session != other);
        let frame = decode_one(Direction::ToDaemon, &request.encode(&other));
        prop_assert_eq!(
            Request::decode(frame, &session),
            Err(DecodeError::ForeignSender { found: other.into(), session })
        );
    }

    #[test]
    fn deliveries_in_either_order(delivery in delivery(), hop in order()) {
        let frame = decode_one(Direction::ToClient, &delivery.to_frame(hop).encode());
        prop_assert_eq!(frame.hop, hop);
        prop_assert_eq!(Delivery::decode(frame, Layout::Sets), Ok(delivery));
    }

    #[test]
    fn streams_cut_anywhere(
        deliveries in vec((delivery(), order()), 1..6),
        cuts in vec(1_usize..200, 1..40),
    ) {
        let mut stream: &[u8] = &deliveries
            .iter()
            .flat_map(|(delivery, hop)| delivery.to_frame(*hop).encode())
            .collect::<Vec<u8>>();
        let mut decoder = FrameDecoder::new(Direction::ToClient);
        let mut decoded = Vec::new();
        let mut cuts = cuts.iter().cycle();
        while !stream.is_empty() {
            let (piece, rest) = stream.split_at((*cuts.next().unwrap()).min(stream.len()));
            stream = rest;
            decoder.push(piece);
            while let Some(frame) = decoder.next_frame().unwrap() {
                decoded.push(Delivery::decode(frame, Layout::Sets).unwrap());
            }
        }
        prop_assert_eq!(decoder.buffered(), 0);
        prop_assert_eq!(
            decoded,
            deliveries.into_iter().map(|(delivery, _)| delivery).collect::<Vec<_>>()
        );
    }

    #[test]
    fn frames_of_any_meaning(frame in frame()) {
        prop_assert_eq!(decode_one(Direction::ToDaemon, &frame.encode()), frame.clone());
        prop_assert_eq!(decode_one(Direction::ToClient, &frame.encode()), frame);
    }

    #[test]
    fn membership_bodies(
        id in any::<[u8; 12]>(),
        sets in vec(vec(member(), 0..5), 1..6),
        own in any::<prop::sample::Index>(),
        order in order(),
        cut in any::<prop::sample::Index>(),
        extra in vec(any::<u8>(), 1..40),
    ) {
        let body = MembershipBody { id: ViewId(id), own: own.index(sets.len()), sets };
        let bytes = body.encode(order);
        let decode = |bytes: &[u8]| MembershipBody::decode(bytes, order, Layout::Sets);
        prop_assert_eq!(decode(&bytes), Ok(body.clone()));
        prop_assert!(decode(&bytes[..cut.index(bytes.len())]).is_err());
        prop_assert!(decode(&[&bytes[..], &extra[..]].concat()).is_err());

        let nowhere = MembershipBody { own: body.sets.len(), ..body };
        prop_assert!(decode(&nowhere.encode(order)).is_err());
    }

    #[test]
    fn bodies_of_version_three(
        id in any::<[u8; 12]>(),
        set in vec(member(), 0..8),
        order in order(),
    ) {
        let body = MembershipBody { id: ViewId(id), sets: vec![set], own: 0 };
        let bytes = body.encode(order);
        // Without number of sets and offset.
        let old = Bytes::from([&bytes[..12], &bytes[20..]].concat());
        prop_assert_eq!(MembershipBody::decode(&old, order, Layout::OneSet), Ok(body));
        prop_assert!(MembershipBody::decode(&bytes[..], order, Layout::OneSet).is_err());
    }
}
