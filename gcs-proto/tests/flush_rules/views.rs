//! Memberships and acknowledgements: when a view is requested, agreed, merged and installed.

use gcs_view::View;

use super::*;

#[test]
fn joiner_flushes_by_itself_and_sees_nothing_before_its_view() {
    let mut a = Probe::new("a");
    a.give(joined(1, &["a", "b"], "a"), &[]);
    assert_eq!(a.commands(), ["ok 1"]);
    assert_eq!(a.layer.missing_flush(&g()), ms(&["a", "b"]));
    a.give(data("b", b"old view"), &[]);
    a.give(signal(), &[]);
    a.give(ok("b", 1), &[]);
    assert_eq!(a.layer.missing_flush(&g()), ms(&["a"]));
    assert_eq!(a.layer.view(&g()), None);
    // The signal came while the view was pending, so it is given as soon as there is a view.
    a.give(ok("a", 1), &["view 1 ab [a] joina", "signal"]);
    assert_eq!(a.commands(), ["recv 1"]);
    let view = a.layer.view(&g()).unwrap();
    assert_eq!((view.index, view.view.members.len()), (0, 2));
    assert_eq!(a.layer.missing_flush(&g()), []);
    assert_eq!(a.layer.stats().outsiders, 1);
}

#[test]
fn first_view_by_network_has_the_receiver_alone_in_its_set() {
    let mut a = Probe::new("a");
    a.give(
        membership(1, &["a", "b", "c"], Cause::Network, &["a", "b"]),
        &[],
    );
    for member in ["a", "b"] {
        a.give(ok(member, 1), &[]);
    }
    a.give(ok("c", 1), &["view 1 abc [a] network"]);
}

#[test]
fn a_join_asks_every_member_once() {
    let mut a = Probe::steady("a", &["a"]);
    a.give(joined(2, &["a", "b"], "b"), &["request"]);
    assert_eq!(a.commands(), [""; 0]);
    a.give(ok("b", 2), &[]);
    assert_eq!(a.layer.missing_flush(&g()), ms(&["a"]));
    a.layer.flush_ok(g()).unwrap();
    assert_eq!(a.commands(), ["ok 2"]);
    a.give(ok("a", 2), &["view 2 ab [a] joinb"]);
    assert_eq!(a.commands(), ["recv 2"]);
}

#[test]
fn a_leave_gives_request_then_signal() {
    let mut a = Probe::steady("a", &["a", "b"]);
    a.give(left(2, &["a"], "b"), &["request", "signal"]);
    // At most one signal in a view.
    a.give(signal(), &[]);
    a.give(data("b", b"from one who has left"), &[]);
    a.layer.flush_ok(g()).unwrap();
    // The engine's signal came while view 2 was pending: it is given there again.
    a.give(ok("a", 2), &["view 2 a [a] leaveb", "signal"]);
}

#[test]
fn a_partition_gives_the_signal_at_its_place() {
    let mut a = Probe::steady("a", &["a", "b", "c"]);
    a.give(signal(), &["signal"]);
    a.give(data("c", b"behind"), &["c:behind"]);
    let network = membership(2, &["a", "b"], Cause::Network, &["a", "b"]);
    a.give(network, &["request"]);
    a.layer.flush_ok(g()).unwrap();
    a.give(ok("b", 2), &[]);
    a.give(ok("a", 2), &["view 2 ab [ab] network"]);
}

#[test]
fn who_left_and_came_back_is_in_the_view_but_not_in_the_set() {
    let mut a = Probe::steady("a", &["a", "b", "c"]);
    let network = membership(2, &["a", "b", "c"], Cause::Network, &["a", "c"]);
    a.give(network, &["request", "signal"]);
    a.give(data("b", b"from another time"), &[]);
    a.layer.flush_ok(g()).unwrap();
    for member in ["b", "c"] {
        a.give(ok(member, 2), &[]);
    }
    a.give(ok("a", 2), &["view 2 abc [ac] network"]);
    a.give(data("b", b"new"), &["b:new"]);
}

#[test]
fn two_joins_stay_two_views() {
    let mut a = Probe::steady("a", &["a"]);
    a.give(joined(2, &["a", "b"], "b"), &["request"]);
    a.give(joined(3, &["a", "b", "c"], "c"), &[]);
    a.layer.flush_ok(g()).unwrap();
    assert_eq!(a.commands(), ["ok 2"]);
    a.give(ok("b", 2), &[]);
    a.give(ok("c", 3), &[]);
    a.give(ok("a", 2), &["view 2 ab [a] joinb", "request"]);
    // No confirmation: the view is to be replaced already.
    assert_eq!(a.commands(), [""; 0]);
    assert_eq!(a.sent(Service::Fifo), "tagged fifo");
    a.layer.flush_ok(g()).unwrap();
    assert_eq!(a.commands(), ["ok 3"]);
    a.give(ok("b", 3), &[]);
    a.give(ok("a", 3), &["view 3 abc [ab] joinc"]);
}

#[test]
fn a_change_without_a_lost_members_acknowledgement_is_merged_into_the_next() {
    let mut a = Probe::steady("a", &["a", "b", "c"]);
    a.give(joined(2, &["a", "b", "c", "d"], "d"), &["request"]);
    a.give(disconnected(3, &["a", "c", "d"], "b"), &["signal"]);
    assert_eq!(a.layer.stats().collapsed, 1);
    a.layer.flush_ok(g()).unwrap();
    assert_eq!(a.commands(), ["ok 3"]);
    // Acknowledgements of the dropped change are harmless.
    a.give(ok("c", 2), &[]);
    for member in ["c", "d"] {
        a.give(ok(member, 3), &[]);
    }
    a.give(ok("a", 3), &["view 3 acd [ac] network"]);
}

#[test]
fn who_acknowledged_and_died_still_gets_its_view() {
    let mut a = Probe::steady("a", &["a", "b"]);
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    a.give(ok("c", 2), &[]);
    a.give(disconnected(3, &["a", "b"], "c"), &[]);
    assert_eq!(a.layer.stats().collapsed, 0);
    a.layer.flush_ok(g()).unwrap();
    a.give(ok("b", 2), &[]);
    a.give(ok("a", 2), &["view 2 abc [ab] joinc", "request", "signal"]);
    a.layer.flush_ok(g()).unwrap();
    a.give(data("c", b"gone"), &[]);
    a.give(ok("b", 3), &[]);
    a.give(ok("a", 3), &["view 3 ab [ab] disconnectc"]);
}

/// Rule 3: a member that leaves after a view's own membership stays in its transitional set.
#[test]
fn transitional_set_is_taken_at_the_place_of_the_membership() {
    let mut a = Probe::steady("a", &["a", "b", "c"]);
    a.give(
        membership(2, &["a", "b", "c", "d"], Cause::Network, &["a", "b", "c"]),
        &["request"],
    );
    for member in ["b", "c", "d"] {
        a.give(ok(member, 2), &[]);
    }
    a.give(disconnected(3, &["a", "b", "d"], "c"), &["signal"]);
    a.layer.flush_ok(g()).unwrap();
    assert_eq!(a.commands(), ["ok 2"]);
    a.give(
        ok("a", 2),
        &["view 2 abcd [abc] network", "request", "signal"],
    );
    a.layer.flush_ok(g()).unwrap();
    a.give(ok("b", 3), &[]);
    a.give(ok("d", 3), &[]);
    a.give(ok("a", 3), &["view 3 abd [abd] disconnectc"]);
}

/// Rule 3: leavers of dropped changes count for the change they are merged into, also when that
/// one was pending before.
#[test]
fn dropped_changes_pass_on_who_was_gone() {
    let mut a = Probe::steady("a", &["a", "b", "c"]);
    a.give(left(2, &["a", "b"], "c"), &["request", "signal"]);
    a.give(joined(3, &["a", "b", "d"], "d"), &[]);
    // b has acknowledged change 3, but not 2: only possible for a faulty member, and still safe.
    a.give(ok("b", 3), &[]);
    a.give(ok("d", 3), &[]);
    a.give(disconnected(4, &["a", "d"], "b"), &[]);
    a.layer.flush_ok(g()).unwrap();
    assert_eq!(a.commands(), ["ok 3"]);
    a.give(
        ok("a", 3),
        &["view 3 abd [ab] network", "request", "signal"],
    );
}

#[test]
fn a_replaced_change_is_agreed_without_a_second_request() {
    let mut a = Probe::steady("a", &["a", "b"]);
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    a.layer.flush_ok(g()).unwrap();
    assert_eq!(a.commands(), ["ok 2"]);
    a.give(tagged("c", 2, b"cannot be: nobody has installed it"), &[]);
    a.give(disconnected(3, &["a", "c"], "b"), &["signal"]);
    assert_eq!(a.commands(), ["ok 3"]);
    a.give(ok("a", 2), &[]);
    a.give(ok("c", 3), &[]);
    a.give(ok("a", 3), &["view 3 ac [a] network"]);
}

/// Rule 2: a signal marks the installed view and every pending one.
#[test]
fn signal_while_a_change_is_pending_comes_again_behind_its_view() {
    let mut a = Probe::steady("a", &["a", "b"]);
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    a.give(signal(), &["signal"]);
    a.layer.flush_ok(g()).unwrap();
    a.give(tagged("b", 2, b"postponed"), &[]);
    a.give(ok("c", 2), &[]);
    a.give(ok("b", 2), &[]);
    let expected = ["view 2 abc [ab] joinc", "signal", "b:postponed"];
    a.give(ok("a", 2), &expected);
    a.give(signal(), &[]);
    // The next view is a new one.
    a.give(joined(3, &["a", "b", "c", "d"], "d"), &["request"]);
    a.layer.flush_ok(g()).unwrap();
    for member in ["b", "c", "d"] {
        a.give(ok(member, 3), &[]);
    }
    a.give(ok("a", 3), &["view 3 abcd [abc] joind"]);
    a.give(signal(), &["signal"]);
}

#[test]
fn too_many_pending_changes_close_the_connection() {
    let mut a = Probe::steady("a", &["a"]);
    for number in 0..=limits::PENDING_CHANGES as u32 {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&number.to_be_bytes());
        a.layer.handle_event(GcsEvent::Membership(Membership {
            group: g(),
            view: View {
                id: ViewId(bytes),
                members: ms(&["a"]),
                cause: Cause::Network,
                transitional_set: ms(&["a"]),
            },
        }));
    }
    let closed = r#"Limit("pending changes of a group")"#;
    assert_eq!(a.events(), ["request", closed]);
    assert_eq!(a.commands(), ["disconnect"]);
}

#[test]
fn illegal_memberships_change_nothing() {
    let mut a = Probe::steady("a", &["a", "b"]);
    a.give(membership(2, &["b", "c"], Cause::Network, &["b"]), &[]);
    a.give(membership(2, &["a", "b", "b"], Cause::Network, &["a"]), &[]);
    a.give(joined(1, &["a", "b", "c"], "c"), &[]);
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    a.give(joined(2, &["a", "b", "c"], "c"), &[]);
    assert_eq!(a.layer.stats().illegal_memberships, 4);
    // An engine that forgets us in our own set does not put us out of it.
    a.give(membership(3, &["a", "b"], Cause::Network, &["b"]), &[]);
    a.layer.flush_ok(g()).unwrap();
    a.give(ok("b", 3), &[]);
    a.give(ok("a", 3), &["view 3 ab [ab] network"]);
}
