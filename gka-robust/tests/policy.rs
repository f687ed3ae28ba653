//! Refresh by age and volume, and the log of agreements.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use bytes::Bytes;
use cliques::TokenKind;
use gka_robust::{
    Algorithm, Cut, Error, Happening, Input, RefreshPolicy, RobustDriver,
    testing::{
        BASIC,
        trio::{Trio, config_of, describe, id},
    },
};

/// Three members with a policy and a log, in one secure view since the time 5000.
fn secure(policy: RefreshPolicy) -> Trio {
    let mut trio = Trio::new();
    for name in ["a", "b", "c"] {
        let mut config = config_of(name, BASIC);
        config.refresh = policy;
        config.event_log = 100;
        let driver = RobustDriver::new(config).unwrap();
        trio.drivers.insert(name.into(), driver);
    }
    trio.enter();
    trio.run();
    trio
}

fn outputs(trio: &mut Trio, name: &str, now: u64) -> Vec<String> {
    let driver = trio.drivers.get_mut(name).unwrap();
    driver.handle_timeout(now, &mut trio.rng).unwrap();
    std::iter::from_fn(|| driver.poll_output())
        .map(|output| describe(&output))
        .collect()
}

#[test]
fn age_makes_the_controller_ask_once() {
    let policy = RefreshPolicy {
        age: Some(1_000),
        volume: None,
    };
    let mut trio = secure(policy);
    assert_eq!(trio.drivers["a"].next_timeout(), None);
    assert_eq!(trio.drivers["c"].next_timeout(), Some(6_000));
    assert!(outputs(&mut trio, "c", 5_999).is_empty());
    assert!(outputs(&mut trio, "a", 9_999).is_empty());
    assert_eq!(outputs(&mut trio, "c", 6_000), ["refresh-request to all"]);
    assert!(outputs(&mut trio, "c", 6_001).is_empty());
    assert_eq!(trio.drivers["c"].next_timeout(), None);
}

#[test]
fn volume_makes_the_controller_ask() {
    let policy = RefreshPolicy {
        age: None,
        volume: Some(10),
    };
    let mut trio = secure(policy);
    let data = || Input::Data(Bytes::from_static(b"six by"));
    let given = |trio: &mut Trio, name| -> Vec<String> {
        let outputs = trio.handle(name, data()).unwrap();
        outputs.iter().map(describe).collect()
    };
    assert_eq!(given(&mut trio, "c"), ["deliver"]);
    assert_eq!(given(&mut trio, "c"), ["deliver", "refresh-request to all"]);
    assert_eq!(given(&mut trio, "c"), ["deliver"]);
    assert_eq!(given(&mut trio, "a"), ["deliver"]);
    assert_eq!(given(&mut trio, "a"), ["deliver"]);
    trio.run();
    for name in ["a", "b", "c"] {
        assert_eq!(trio.drivers[name].secure_view().unwrap().epoch, 1);
    }
    // The new key is not worn.
    assert_eq!(given(&mut trio, "c"), ["deliver"]);
}

#[test]
fn a_change_that_is_coming_makes_the_policy_wait() {
    for event in [Input::FlushRequest, Input::TransitionalSignal] {
        let mut trio = secure(RefreshPolicy {
            age: Some(1),
            volume: Some(1),
        });
        trio.handle("c", event).unwrap();
        assert_eq!(trio.drivers["c"].next_timeout(), None);
        assert!(outputs(&mut trio, "c", 9_000).is_empty());
        let data = Input::Data(Bytes::from_static(b"data"));
        let given = trio.handle("c", data).unwrap();
        assert_eq!(given.len(), 1, "delivered, and nothing asked");
    }
}

#[test]
fn log_tells_how_an_agreement_went() {
    let mut trio = secure(RefreshPolicy::default());
    trio.handle("a", Input::RequestRefresh).unwrap();
    for name in ["a", "b", "c"] {
        trio.deliver(name, TokenKind::REFRESH_REQUEST);
    }
    trio.handle("a", Input::FlushRequest).unwrap();
    let driver = trio.drivers.get_mut("a").unwrap();
    let events: Vec<_> = std::iter::from_fn(|| driver.poll_event()).collect();
    let names: Vec<_> = events.iter().map(|event| event.what.name()).collect();
    assert_eq!(
        names,
        [
            "membership",
            "started",
            "token-sent",
            "state",
            "token-taken",
            "token-sent",
            "state",
            "token-taken",
            "installed",
            "state",
            "token-sent",
            "started",
            "state",
            "flush-request",
            "cut",
            "state",
        ]
    );
    assert!(events.iter().any(|event| {
        event.what
            == Happening::Cut {
                by: Cut::FlushRequest,
                lasted: 0,
            }
            && event.run == 1
    }));
    for event in &events {
        let mut line = String::new();
        event.write_json(&id("a"), &mut line).unwrap();
        assert!(line.starts_with("{\"at\":5000,\"member\":\"a\",") && line.ends_with('}'));
    }
}

#[test]
fn log_is_bounded() {
    let mut config = config_of("a", BASIC);
    config.event_log = 2;
    let mut trio = Trio::new();
    trio.drivers
        .insert("a".into(), RobustDriver::new(config).unwrap());
    trio.enter();
    trio.run();
    let driver = trio.drivers.get_mut("a").unwrap();
    assert_eq!(std::iter::from_fn(|| driver.poll_event()).count(), 2);
    assert!(driver.stats().events_lost > 0);
}

#[test]
fn what_does_not_exist_is_refused() {
    for algorithm in [Algorithm::Incremental, Algorithm::Optimized] {
        let protocol = cliques::Protocol::BD;
        let refused = RobustDriver::<Bytes>::new(config_of("a", (protocol, algorithm)));
        assert_eq!(
            refused.err(),
            Some(Error::UnsupportedAlgorithm {
                protocol,
                algorithm
            })
        );
    }
}
