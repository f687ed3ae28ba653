//! Random values of the wire's types.
#![allow(dead_code, missing_docs, unreachable_pub)]

use gcs_proto::{
    codec::{
        Change, DataMessage, Delivery, Frame, Hint, MembershipMessage, Refusal, RefusedRequest,
        Request, ServiceWord, word,
    },
    gcs::{ByteOrder, ViewId},
    name::{GroupName, MemberName, Name},
    service::Service,
};
use proptest::{collection::vec, prelude::*, sample::select};

pub fn name() -> impl Strategy<Value = Name> {
    vec(1..=u8::MAX, 0..=32).prop_map(|bytes| Name::new(&bytes).unwrap())
}

pub fn group() -> impl Strategy<Value = GroupName> {
    vec(b'$'..=b'~', 1..=31).prop_map(|bytes| GroupName::new(&bytes).unwrap())
}

pub fn member() -> impl Strategy<Value = MemberName> {
    vec(b'!'..=b'~', 1..=31).prop_map(|bytes| MemberName::new(&bytes).unwrap())
}

pub fn order() -> impl Strategy<Value = ByteOrder> {
    select(vec![ByteOrder::Little, ByteOrder::Big])
}

pub fn service_word() -> impl Strategy<Value = ServiceWord> {
    (select(Service::ALL.to_vec()), any::<u32>()).prop_map(|(service, bits)| {
        let bits = bits & (word::SELF_DISCARD | word::UPPER) & !word::REJECT;
        ServiceWord::from_bits(service.bit() | bits).unwrap()
    })
}

pub fn data() -> impl Strategy<Value = DataMessage> {
    (
        service_word(),
        order(),
        any::<i16>(),
        vec(name(), 0..=8),
        vec(any::<u8>(), 0..=300),
    )
        .prop_map(
            |(word, author, message_type, destinations, body)| DataMessage {
                word,
                hint: Hint::written_in(author, message_type),
                destinations,
                body: body.into(),
            },
        )
}

pub fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        group().prop_map(Request::Join),
        group().prop_map(Request::Leave),
        Just(Request::Disconnect),
        data().prop_map(Request::Data),
    ]
}

pub fn change() -> impl Strategy<Value = Change> {
    let sets = vec(vec(member(), 0..=5), 1..=6);
    prop_oneof![
        member().prop_map(Change::Join),
        member().prop_map(Change::Leave),
        member().prop_map(Change::Disconnect),
        (sets, any::<prop::sample::Index>()).prop_map(|(sets, own)| Change::Network {
            own: own.index(sets.len()),
            sets,
        }),
    ]
}

pub fn refused_request() -> impl Strategy<Value = RefusedRequest> {
    prop_oneof![
        group().prop_map(RefusedRequest::Join),
        group().prop_map(RefusedRequest::Leave),
        data().prop_map(RefusedRequest::Data),
    ]
}

pub fn delivery() -> impl Strategy<Value = Delivery> {
    let id = || any::<[u8; 12]>().prop_map(ViewId);
    prop_oneof![
        (member(), data()).prop_map(|(sender, message)| Delivery::Data { sender, message }),
        (group(), id(), vec(member(), 0..=12), change()).prop_map(
            |(group, id, members, change)| Delivery::Membership(MembershipMessage {
                group,
                id,
                members,
                change,
            })
        ),
        (group(), id()).prop_map(|(group, id)| Delivery::Transition { group, id }),
        group().prop_map(|group| Delivery::SelfLeave { group }),
        (member(), refused_request())
            .prop_map(|(requester, request)| Delivery::Refused(Refusal { requester, request })),
    ]
}

/// Well-formed frames, whether or not their content makes sense.
pub fn frame() -> impl Strategy<Value = Frame> {
    (
        any::<u32>(),
        order(),
        name(),
        any::<[u8; 4]>(),
        vec(name(), 0..=8),
        vec(any::<u8>(), 0..=300),
    )
        .prop_map(|(word, hop, name, hint, names, body)| Frame {
            word: word & !(gcs_proto::codec::endian::MARKER | word::REJECT),
            hop,
            name,
            hint: Hint::from_bytes(hint),
            refused_word: None,
            names,
            body: body.into(),
        })
}
