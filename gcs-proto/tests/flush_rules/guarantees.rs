//! The guarantees of section 7.1 of the flush layer's notes, each with its test.
//!
//! | guarantee | tests here and in sibling files | under random schedules (`flush_properties`) |
//! |---|---|---|
//! | rule 1, position | `nothing_comes_from_calls_or_before_the_first_view`, `views::joiner_flushes_by_itself_and_sees_nothing_before_its_view` | "no request before the first view" |
//! | rule 2, signal | `views::signal_while_a_change_is_pending_comes_again_behind_its_view`, `a_view_that_lost_somebody_is_followed_by_request_signal_postponed` | VS13 |
//! | rule 3, vs set | `views::transitional_set_is_taken_at_the_place_of_the_membership`, `views::dropped_changes_pass_on_who_was_gone` | VS7 |
//! | rule 4, acknowledgements | `messages::acknowledgements_and_confirmations_of_strangers_or_twice_do_not_count` | |
//! | rule 5, tags | `messages::tags_decide_between_now_later_and_never`, `messages::too_much_postponed_closes_the_connection` | VS3 |
//! | rule 6, calls | `calls::calls_are_judged_by_the_last_event_taken` | `Seen::Sent` |
//! | G-FR | `strong_messages_lie_on_the_same_side_of_the_request` | G-FR, "exactly one request between views" |
//! | G-TS | `the_signal_waits_for_no_acknowledgement`, `the_signal_has_one_place_among_strong_messages` | G-TS |
//! | G-ID | `all_members_see_the_same_view` | G-ID |
//! | VS2 | `an_id_may_come_back_after_the_group_was_empty` | |
//! | VS3 to VS8 | `messages::*` | VS3 to VS8 |
//! | FIFO | not guaranteed | VS9 for one sender's messages |
//! | unicast | `a_unicast_is_delivered_in_its_view_or_never` | subsets of any size |

use super::*;

#[test]
fn nothing_comes_from_calls_or_before_the_first_view() {
    let mut a = Probe::new("a");
    for event in [
        data("b", b"early"),
        signal(),
        joined(1, &["a", "b"], "a"),
        signal(),
        joined(2, &["a", "b", "c"], "c"),
        ok("b", 1),
    ] {
        a.give(event, &[]);
    }
    // All at the place of the last acknowledgement: view, request of the next, signal.
    a.give(ok("a", 1), &["view 1 ab [a] joina", "request", "signal"]);
    a.sent(Service::Agreed);
    a.layer.flush_ok(g()).unwrap();
    a.layer.leave(g()).unwrap();
    assert!(a.events().is_empty(), "calls cause no events");
}

#[test]
fn a_view_that_lost_somebody_is_followed_by_request_signal_postponed() {
    let mut a = Probe::steady("a", &["a", "b", "c"]);
    a.give(joined(2, &["a", "b", "c", "d"], "d"), &["request"]);
    a.layer.flush_ok(g()).unwrap();
    for member in ["b", "c", "d"] {
        a.give(ok(member, 2), &[]);
    }
    a.give(tagged("b", 2, b"ahead"), &[]);
    // Whoever acknowledged and died is in the view all the same.
    a.give(disconnected(3, &["a", "b", "d"], "c"), &["signal"]);
    a.give(
        ok("a", 2),
        &["view 2 abcd [abc] joind", "request", "signal", "b:ahead"],
    );
}

/// Two members that got the same strong messages and memberships, one of them behind with the
/// acknowledgements of the view before: the request stands at the same place.
#[test]
fn strong_messages_lie_on_the_same_side_of_the_request() {
    let strong = [data("b", b"1"), data("b", b"2")];
    let [first, second] = strong;
    let change = || joined(2, &["a", "b", "c"], "c");
    let mut seen = Vec::new();
    for confirmed_early in [true, false] {
        let mut a = Probe::new("a");
        a.give(joined(1, &["a", "b"], "a"), &[]);
        a.give(ok("a", 1), &[]);
        a.give(ok("b", 1), &["view 1 ab [a] joina"]);
        if confirmed_early {
            a.give(recv("a", 1), &[]);
            a.give(recv("b", 1), &[]);
        }
        let mut all = Vec::new();
        for event in [first.clone(), change(), second.clone()] {
            a.layer.handle_event(event);
            all.extend(a.events());
        }
        if !confirmed_early {
            a.give(recv("a", 1), &[]);
            a.give(recv("b", 1), &[]);
        }
        seen.push(all);
    }
    assert_eq!(seen[0], ["b:1", "request", "b:2"]);
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn the_signal_waits_for_no_acknowledgement() {
    let mut a = Probe::steady("a", &["a", "b", "c"]);
    a.give(joined(2, &["a", "b", "c", "d"], "d"), &["request"]);
    assert_eq!(a.layer.missing_flush(&g()).len(), 4);
    a.give(signal(), &["signal"]);
    a.give(signal(), &[]);
}

#[test]
fn the_signal_has_one_place_among_strong_messages() {
    // One member has flushed, the other not: both see the signal between the same messages.
    for flushed in [true, false] {
        let mut a = Probe::steady("a", &["a", "b", "c"]);
        a.give(joined(2, &["a", "b", "c", "d"], "d"), &["request"]);
        if flushed {
            a.layer.flush_ok(g()).unwrap();
        }
        a.give(data("b", b"1"), &["b:1"]);
        a.give(signal(), &["signal"]);
        a.give(data("b", b"2"), &["b:2"]);
        let network = membership(3, &["a", "b"], Cause::Network, &["a", "b"]);
        a.give(network, &[]);
    }
}

/// Three members that see the same changes have the same id, list and cause; those that were
/// together before also have the same transitional set.
#[test]
fn all_members_see_the_same_view() {
    let network = |set: &[&str]| membership(2, &["a", "b", "c"], Cause::Network, set);
    let mut views = Vec::new();
    for (me, before, set) in [
        ("a", &["a", "b"][..], &["a", "b"][..]),
        ("b", &["a", "b"], &["a", "b"]),
        ("c", &["c"], &["c"]),
    ] {
        let mut member = Probe::steady(me, before);
        member.give(network(set), &["request"]);
        member.layer.flush_ok(g()).unwrap();
        for other in ["a", "b", "c"] {
            member.layer.handle_event(ok(other, 2));
        }
        let Some(FlushEvent::View(view)) = member.layer.poll_event() else {
            panic!("no view");
        };
        assert_eq!(view.view.members[view.index], m(me));
        views.push(view);
    }
    for view in &views {
        assert_eq!(view.view.id, views[0].view.id);
        assert_eq!(view.view.members, views[0].view.members);
        assert_eq!(view.view.cause, views[0].view.cause);
    }
    assert_eq!(views[0].view.transitional_set, ms(&["a", "b"]));
    assert_eq!(
        views[1].view.transitional_set,
        views[0].view.transitional_set
    );
    assert_eq!(views[2].view.transitional_set, ms(&["c"]));
}

#[test]
fn an_id_may_come_back_after_the_group_was_empty() {
    let mut a = Probe::new("a");
    for _ in 0..3 {
        a.give(joined(1, &["a"], "a"), &[]);
        assert_eq!(a.commands(), ["ok 1"]);
        a.give(ok("a", 1), &["view 1 a [a] joina"]);
        a.give(recv("a", 1), &[]);
        assert_eq!(a.sent(Service::Fifo), "recv 1");
        a.commands();
        a.layer.leave(g()).unwrap();
        a.give(GcsEvent::SelfLeave { group: g() }, &["self-leave"]);
        a.commands();
        a.layer.join(g()).unwrap();
        assert_eq!(a.commands(), ["join"]);
    }
    assert_eq!(a.layer.stats().illegal_memberships, 0);
}

/// The table of outcomes of section 7.1, at the receiver `a` of a unicast by `b`.
#[test]
fn a_unicast_is_delivered_in_its_view_or_never() {
    let unicast = |tag: Option<u8>, text: &[u8]| {
        let mut slot = [0; 32];
        slot[0] = b'g';
        let tag = tag.map(|number| [&[7, 0][..], &written(number)].concat());
        let kind = if tag.is_some() { TAGGED } else { 7 };
        let body = [text, &tag.unwrap_or_default(), &slot].concat();
        let mut sent = message("b", Service::Fifo, kind, &body);
        sent.scope = Scope::Subset;
        sent.destinations = vec![m("a").into()];
        GcsEvent::Message(sent)
    };
    // In the view.
    let mut a = Probe::steady("a", &["a", "b"]);
    a.give(unicast(Some(1), b"now"), &["b:now"]);
    // Still in the previous view: it waits.
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    a.layer.flush_ok(g()).unwrap();
    a.give(ok("b", 2), &[]);
    a.give(ok("c", 2), &[]);
    a.give(unicast(Some(2), b"later"), &[]);
    a.give(ok("a", 2), &["view 2 abc [ab] joinc", "b:later"]);
    // Of a view that is over.
    a.give(unicast(Some(1), b"late"), &[]);
    assert_eq!(a.layer.stats().stale_tags, 1);
    // Has left: no record; rejoined and not yet installed: the sender is not in the view.
    a.layer.leave(g()).unwrap();
    a.give(GcsEvent::SelfLeave { group: g() }, &["self-leave"]);
    a.give(unicast(None, b"lost"), &[]);
    assert_eq!(a.layer.stats().unknown_group, 1);
    a.layer.join(g()).unwrap();
    a.give(joined(4, &["a", "b", "c"], "a"), &[]);
    a.give(unicast(None, b"lost"), &[]);
    assert_eq!(a.layer.stats().outsiders, 1);
}
