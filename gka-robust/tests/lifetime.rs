//! What outlives a view or a reset, and what does not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use bytes::Bytes;
use cliques::{
    gdh::Gdh,
    testing::symbolic::{Algebra, SymbolicGroup},
};
use gka_robust::{
    Cause, Input, RobustDriver,
    testing::trio::{Trio, config, describe, id, short, view},
};

#[test]
fn cause_is_network_if_a_view_lies_between() {
    let (mut trio, _) = Trio::at("S");
    let cause = |outputs: &[gka_robust::Output<Bytes>]| match outputs.last() {
        Some(gka_robust::Output::Install { view, .. }) => view.view.cause,
        other => panic!("{other:?}"),
    };
    let flush = |trio: &mut Trio| {
        trio.handle("a", Input::FlushRequest).unwrap();
        trio.handle("a", Input::SecureFlushOk).unwrap();
    };
    flush(&mut trio);
    let alone = view(2, &["a"], &["a"], Cause::Leave(id("b")));
    let outputs = trio.handle("a", Input::Membership(alone)).unwrap();
    assert_eq!(cause(&outputs), Cause::Leave(id("b")));
    flush(&mut trio);
    let joined = view(3, &["a", "j"], &["a"], Cause::Join(id("j")));
    trio.handle("a", Input::Membership(joined)).unwrap();
    trio.handle("a", Input::FlushRequest).unwrap();
    let alone = view(4, &["a"], &["a"], Cause::Leave(id("j")));
    let outputs = trio.handle("a", Input::Membership(alone)).unwrap();
    assert_eq!(cause(&outputs), Cause::Network);
}

#[test]
fn reset_forgets_everything() {
    let (mut trio, who) = Trio::at("S");
    let driver = trio.drivers.get_mut(who).unwrap();
    driver.reset();
    assert_eq!(short(driver.state_name()), "CM");
    assert!(driver.view().is_none() && driver.secure_view().is_none());
    assert!(driver.controller().is_none() && driver.poll_output().is_none());
    assert!(driver.send_permission().is_err());
    let again = view(9, &["a"], &["a"], Cause::Join(id("a")));
    let outputs = trio.handle(who, Input::Membership(again)).unwrap();
    let described: Vec<String> = outputs.iter().map(describe).collect();
    assert_eq!(described, ["install 1 0"]);
}

/// A membership erases what the view before it left behind, not only what replaces it.
#[test]
fn shares_do_not_outlive_their_view() {
    let algebra = Algebra::new();
    let group = SymbolicGroup::new(algebra, 0);
    let suite = Gdh::new(group.clone(), id("a"));
    let mut trio = Trio::new();
    let driver = RobustDriver::with_suite(config("a"), Box::new(suite)).unwrap();
    trio.drivers.insert("a".into(), driver);
    let alone = view(1, &["a"], &["a"], Cause::Join(id("a")));
    trio.handle("a", Input::Membership(alone)).unwrap();
    assert_eq!((short(trio.state("a")), group.alive().len()), ("S", 1));
    trio.handle("a", Input::FlushRequest).unwrap();
    trio.handle("a", Input::SecureFlushOk).unwrap();
    assert_eq!(group.alive().len(), 1);
    let joint = view(2, &["b", "a"], &["a"], Cause::Network);
    trio.handle("a", Input::Membership(joint)).unwrap();
    assert_eq!((short(trio.state("a")), group.alive().len()), ("PT", 0));
    trio.handle("a", Input::FlushRequest).unwrap();
    let joint = view(3, &["a", "b"], &["a"], Cause::Network);
    trio.handle("a", Input::Membership(joint)).unwrap();
    assert_eq!((short(trio.state("a")), group.alive().len()), ("FT", 1));
    trio.drivers.get_mut("a").unwrap().reset();
    assert_eq!(group.alive().len(), 0);
}
