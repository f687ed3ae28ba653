//! Hostile tokens at any point of a run: truncated, changed, repeated, from another view, in another's
//! name, with a bad signature. They are counted and dropped, the state does not change, the run
//! completes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use bytes::Bytes;
use cliques::{
    Recipient, TokenKind,
    gdh::{KEY_LIST, PARTIAL_TOKEN},
};
use gka_robust::{
    Cause, Input, Stats,
    testing::trio::{STATES, Trio, id, token, view},
};

/// Injects a token into each state; the counter that `counter` selects goes up by one, nothing else
/// changes, and the group ends up with one key.
fn dropped(
    what: &str,
    make: impl Fn(&mut Trio, &str) -> Input<Bytes>,
    counter: impl Fn(&Stats) -> u64,
    failures: u64,
) {
    for state in STATES {
        let (mut trio, who) = Trio::at(state);
        let before = trio.drivers[who].stats().clone();
        let named = trio.state(who);
        let input = make(&mut trio, who);
        let outputs = trio.handle(who, input).unwrap();
        let after = trio.drivers[who].stats().clone();
        assert_eq!(
            counter(&after),
            counter(&before) + 1,
            "{what} in {state}: {after:?}"
        );
        assert_eq!(
            after.token_drops.total(),
            before.token_drops.total() + 1,
            "{what} in {state}"
        );
        assert_eq!(
            after.tokens_accepted, before.tokens_accepted,
            "{what} in {state}"
        );
        assert_eq!(
            after.failures,
            before.failures + failures,
            "{what} in {state}"
        );
        assert_eq!(
            outputs.len() as u64,
            failures,
            "{what} in {state}: {outputs:?}"
        );
        assert_eq!(trio.state(who), named, "{what} in {state}");
        trio.run();
        let all_secure = ["a", "b", "c"]
            .iter()
            .all(|name| trio.state(name) == "SECURE");
        assert!(all_secure, "{what} in {state}");
        let keys: Vec<_> = trio.secrets.values().collect();
        assert!(
            keys.len() == 3 && keys.iter().all(|key| *key == keys[0]),
            "{what} in {state}"
        );
    }
}

/// A token of the present run with a valid signature of another member.
fn valid(trio: &Trio, who: &str) -> (&'static str, TokenKind, Bytes) {
    let sender = if who == "b" { "c" } else { "b" };
    let epoch = u32::from(trio.state(who) == "REFRESHING");
    match trio.forge(sender, Recipient::Group, KEY_LIST, epoch) {
        Input::Token { bytes, .. } => (sender, KEY_LIST, bytes),
        other => panic!("{other:?}"),
    }
}

#[test]
fn truncated() {
    for cut in [0, 1, 4, 40, 100] {
        let make = |trio: &mut Trio, who: &str| {
            let (sender, kind, bytes) = valid(trio, who);
            token(
                sender,
                kind,
                bytes.slice(..bytes.len().saturating_sub(1).min(cut)),
            )
        };
        dropped("truncated", make, |stats| stats.token_drops.malformed, 0);
    }
    let longer = |trio: &mut Trio, who: &str| {
        let (sender, kind, bytes) = valid(trio, who);
        token(sender, kind, [&bytes[..], b"!"].concat())
    };
    dropped("longer", longer, |stats| stats.token_drops.malformed, 0);
}

#[test]
fn mis_signed() {
    let make = |trio: &mut Trio, who: &str| {
        let (sender, kind, bytes) = valid(trio, who);
        let mut bytes = bytes.to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        token(sender, kind, bytes)
    };
    dropped(
        "bad signature",
        make,
        |stats| stats.token_drops.bad_signature,
        1,
    );
}

#[test]
fn changed_body() {
    let make = |trio: &mut Trio, who: &str| {
        let (sender, kind, bytes) = valid(trio, who);
        let mut bytes = bytes.to_vec();
        let body = bytes.len() - 60;
        bytes[body] ^= 0x40;
        token(sender, kind, bytes)
    };
    let counter = |stats: &Stats| stats.token_drops.bad_signature + stats.token_drops.malformed;
    for state in ["PT", "KL"] {
        let (mut trio, who) = Trio::at(state);
        let input = make(&mut trio, who);
        let before = counter(trio.drivers[who].stats());
        trio.handle(who, input).unwrap();
        assert_eq!(counter(trio.drivers[who].stats()), before + 1);
    }
}

#[test]
fn in_anothers_name() {
    let make = |trio: &mut Trio, who: &str| {
        let (sender, kind, bytes) = valid(trio, who);
        let other = ["a", "b", "c"]
            .into_iter()
            .find(|name| *name != sender)
            .unwrap();
        token(other, kind, bytes)
    };
    dropped(
        "another's token",
        make,
        |stats| stats.token_drops.sender_mismatch,
        0,
    );
}

/// What this member has sent needs no verification when it comes back, what only says that it is from
/// this member does.
#[test]
fn in_the_own_name() {
    dropped(
        "a token in the own name that was not sent",
        |trio, who| {
            let epoch = u32::from(trio.state(who) == "REFRESHING");
            match trio.forge(who, Recipient::Group, KEY_LIST, epoch) {
                Input::Token { bytes, .. } => {
                    let mut bytes = bytes.to_vec();
                    *bytes.last_mut().unwrap() ^= 1;
                    token(who, KEY_LIST, bytes)
                }
                other => panic!("{other:?}"),
            }
        },
        |stats| stats.token_drops.bad_signature,
        1,
    );
}

#[test]
fn of_a_stranger() {
    let make = |trio: &mut Trio, who: &str| {
        let epoch = u32::from(trio.state(who) == "REFRESHING");
        trio.forge("z", Recipient::Group, KEY_LIST, epoch)
    };
    dropped(
        "stranger's token",
        make,
        |stats| stats.token_drops.not_in_view,
        0,
    );
}

#[test]
fn redirected() {
    let make = |trio: &mut Trio, who: &str| {
        let epoch = u32::from(trio.state(who) == "REFRESHING");
        let sender = if who == "b" { "c" } else { "b" };
        let other = ["a", "b", "c"]
            .into_iter()
            .find(|name| *name != who)
            .unwrap();
        trio.forge(sender, Recipient::Member(id(other)), PARTIAL_TOKEN, epoch)
    };
    dropped("for another", make, |stats| stats.token_drops.not_for_me, 0);
}

#[test]
fn of_another_view_or_epoch() {
    let other_view = |trio: &mut Trio, who: &str| {
        let sender = if who == "b" { "c" } else { "b" };
        let current = trio.current.clone();
        trio.current = view(2, &["a", "b", "c"], &["a"], Cause::Network);
        let token = trio.forge(sender, Recipient::Group, KEY_LIST, 0);
        trio.current = current;
        token
    };
    dropped(
        "other view",
        other_view,
        |stats| stats.token_drops.wrong_epoch,
        0,
    );
    // The identifier of a view may repeat, its members tell it apart.
    let same_id = |trio: &mut Trio, who: &str| {
        let sender = if who == "b" { "c" } else { "b" };
        let current = trio.current.clone();
        trio.current = view(1, &["a", "c", "b"], &["a"], Cause::Network);
        let token = trio.forge(sender, Recipient::Group, KEY_LIST, 0);
        trio.current = current;
        token
    };
    dropped(
        "same id, other order",
        same_id,
        |stats| stats.token_drops.wrong_epoch,
        0,
    );
    let epoch = |trio: &mut Trio, _: &str| trio.forge("b", Recipient::Group, KEY_LIST, 7);
    for state in STATES {
        let (mut trio, who) = Trio::at(state);
        let input = epoch(&mut trio, who);
        trio.handle(who, input).unwrap();
        assert_eq!(trio.drivers[who].stats().token_drops.wrong_epoch, 1);
    }
}

#[test]
fn of_another_kind_than_the_transport_says() {
    let make = |trio: &mut Trio, who: &str| {
        let (sender, _, bytes) = valid(trio, who);
        token(sender, PARTIAL_TOKEN, bytes)
    };
    dropped(
        "other kind",
        make,
        |stats| stats.token_drops.kind_mismatch,
        0,
    );
}

#[test]
fn every_token_repeated_everywhere() {
    let mut trio = Trio::in_view();
    while !trio.flight.is_empty() {
        let (sender, to, kind, bytes) = trio.flight.remove(0);
        trio.handle(&to, token(&sender, kind, bytes)).unwrap();
        // Everything sent so far, to everybody, in the right name.
        for (sender, recipient, kind, bytes) in trio.sent.clone() {
            for name in ["a", "b", "c"] {
                let in_flight = trio
                    .flight
                    .iter()
                    .any(|(_, t, _, b)| t == name && *b == bytes);
                // What has not been delivered yet is no repetition.
                if in_flight
                    || !(recipient == Recipient::Group || recipient == Recipient::Member(id(name)))
                {
                    continue;
                }
                let state = trio.state(name);
                let before = trio.drivers[name].stats().token_drops.repeated;
                trio.handle(name, token(&sender, kind, bytes.clone()))
                    .unwrap();
                assert_eq!(trio.drivers[name].stats().token_drops.repeated, before + 1);
                assert_eq!(trio.state(name), state);
            }
        }
    }
    for name in ["a", "b", "c"] {
        assert_eq!(trio.state(name), "SECURE");
        assert_eq!(trio.drivers[name].stats().impossible, 0);
    }
}
