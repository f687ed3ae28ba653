//! Data that is ahead of its key: kept, delivered behind the key, or dropped.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use bytes::Bytes;
use cliques::{TokenKind, gdh::KEY_LIST};
use gka_robust::{
    Input,
    testing::trio::{Trio, describe},
};

#[test]
fn early_data_comes_right_after_the_key() {
    let (mut trio, who) = Trio::at("KL");
    for number in 0..3_u8 {
        trio.handle(who, Input::EarlyData(Bytes::copy_from_slice(&[number])))
            .unwrap();
    }
    let outputs = trio.deliver(who, KEY_LIST);
    let described: Vec<String> = outputs.iter().map(describe).collect();
    assert_eq!(described, ["install 3 0", "deliver", "deliver", "deliver"]);
}

#[test]
fn early_data_overtakes_even_the_request_for_the_refresh() {
    let (mut trio, who) = Trio::at("S");
    trio.handle(who, Input::EarlyData(Bytes::from_static(b"ahead")))
        .unwrap();
    trio.handle("b", Input::RequestRefresh).unwrap();
    trio.deliver("c", TokenKind::REFRESH_REQUEST);
    trio.deliver(who, TokenKind::REFRESH_REQUEST);
    let outputs = trio.deliver(who, KEY_LIST);
    let described: Vec<String> = outputs.iter().map(describe).collect();
    assert_eq!(described, ["install 3 1", "deliver"]);
}

#[test]
fn early_data_is_dropped_when_the_key_does_not_come() {
    for event in [Input::FlushRequest, Input::TransitionalSignal] {
        for state in ["KL", "REFRESHING", "S"] {
            let (mut trio, who) = Trio::at(state);
            trio.handle(who, Input::EarlyData(Bytes::from_static(b"early")))
                .unwrap();
            trio.handle(who, event.clone()).unwrap();
            assert_eq!(
                trio.drivers[who].stats().data_drops.discarded,
                1,
                "{state} {event:?}"
            );
        }
    }
}

#[test]
fn queue_of_early_data_is_bounded() {
    let (mut trio, who) = Trio::at("KL");
    let message = Bytes::from(vec![0; 1 << 16]);
    for _ in 0..40 {
        trio.handle(who, Input::EarlyData(message.clone())).unwrap();
    }
    let stats = trio.drivers[who].stats();
    assert_eq!((stats.data_queued, stats.data_drops.overflow), (15, 25));
}
