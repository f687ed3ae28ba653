//! Which calls the application may make when, and the errors of the others.

use super::*;

/// Rule 6: calls are judged by what the caller has taken.
#[test]
fn calls_are_judged_by_the_last_event_taken() {
    let mut a = Probe::steady("a", &["a"]);
    let state = |result: Result<(), Error>| match result {
        Err(Error::IllegalState { call, .. }) => call,
        other => panic!("{other:?}"),
    };
    a.layer.handle_event(joined(2, &["a", "b"], "b"));
    // The request waits: it cannot be answered, and sending goes on.
    assert_eq!(state(a.layer.flush_ok(g())), "flush");
    a.send(Service::Agreed).unwrap();
    assert_eq!(a.events(), ["request"]);
    a.send(Service::Agreed).unwrap();
    a.layer.flush_ok(g()).unwrap();
    assert_eq!(state(a.layer.flush_ok(g())), "flush");
    assert_eq!(state(a.send(Service::Agreed)), "multicast");
    a.layer.handle_event(ok("b", 2));
    a.layer.handle_event(ok("a", 2));
    a.layer.handle_event(joined(3, &["a", "b", "c"], "c"));
    assert_eq!(a.layer.queued_events(), 2);
    // Installed, but the caller does not know: a message would be meant for the old view.
    assert_eq!(state(a.send(Service::Agreed)), "multicast");
    assert_eq!(a.layer.view(&g()).unwrap().view.id, id(1));
    assert!(matches!(a.layer.poll_event(), Some(FlushEvent::View(_))));
    assert_eq!(a.layer.view(&g()).unwrap().view.id, id(2));
    a.send(Service::Agreed).unwrap();
    assert_eq!(state(a.layer.flush_ok(g())), "flush");
    assert_eq!(a.events(), ["request"]);
    a.layer.flush_ok(g()).unwrap();
}

#[test]
fn illegal_calls_name_what_is_wrong_and_send_nothing() {
    let mut a = Probe::steady("a", &["a", "b"]);
    let other: GroupName = "other".parse().unwrap();
    let body = Bytes::from_static(b"x");
    assert_eq!(a.layer.join(g()), Err(Error::IllegalGroup(g())));
    assert_eq!(a.layer.leave(other), Err(Error::IllegalGroup(other)));
    assert_eq!(a.layer.flush_ok(other), Err(Error::IllegalGroup(other)));
    let multicast = |layer: &mut FlushLayer, group, message_type, body: Bytes| {
        let deliver = SelfDelivery::Deliver;
        layer.multicast(group, Service::Agreed, deliver, message_type, body)
    };
    assert_eq!(
        multicast(&mut a.layer, other, 1, body.clone()),
        Err(Error::IllegalGroup(other))
    );
    // Types are looked at first.
    assert_eq!(
        multicast(&mut a.layer, other, TAGGED, body.clone()),
        Err(Error::IllegalMessageType(TAGGED))
    );
    assert_eq!(
        a.layer.unicast(g(), m("x"), Service::Agreed, 1, body),
        Err(Error::IllegalReceiver(m("x")))
    );
    let room = limits::SAFE_MESSAGE - 32;
    assert_eq!(
        multicast(&mut a.layer, g(), 1, vec![0; room + 1].into()),
        Err(Error::Limit {
            what: "size of message, destinations and flush overhead",
            value: limits::SAFE_MESSAGE + 1,
            max: limits::SAFE_MESSAGE,
        })
    );
    assert_eq!(a.commands(), [""; 0]);
    multicast(&mut a.layer, g(), 1, vec![0; room].into()).unwrap();
    let receivers = vec![m("b"); limits::ROUTED_DESTINATIONS + 1];
    let result = a
        .layer
        .subset(g(), &receivers, Service::Agreed, 1, Bytes::new());
    assert!(matches!(
        result,
        Err(Error::Limit {
            value: 44,
            max: 43,
            ..
        })
    ));
    let subset = vec![0; room - 31];
    let result = a
        .layer
        .unicast(g(), m("b"), Service::Agreed, 1, subset.into());
    assert!(matches!(result, Err(Error::Limit { .. })));
    // The tag counts as well.
    a.give(left(2, &["a"], "b"), &["request", "signal"]);
    a.commands();
    let send = |layer: &mut FlushLayer, size| {
        let body = vec![0; size].into();
        layer.multicast(g(), Service::Fifo, SelfDelivery::Discard, 1, body)
    };
    assert!(send(&mut a.layer, room - 13).is_err());
    send(&mut a.layer, room - 14).unwrap();
    assert_eq!(a.commands(), ["tagged fifo"]);
}

#[test]
fn bounds_of_another_engine() {
    let capabilities = Capabilities {
        strongest_service: Service::Agreed,
        signal: SignalTiming::Late,
        destinations: 1,
        message: 40,
    };
    let mut layer = FlushLayer::with_capabilities(m("a"), &capabilities);
    let private = |layer: &mut FlushLayer, length| {
        layer.private(m("b"), Service::Fifo, 0, vec![0; length].into())
    };
    private(&mut layer, 8).unwrap();
    assert!(private(&mut layer, 9).is_err());
}

#[test]
fn leaving_member_gets_events_but_takes_no_part() {
    let mut a = Probe::steady("a", &["a", "b"]);
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    a.layer.flush_ok(g()).unwrap();
    assert_eq!(a.commands(), ["ok 2"]);
    a.layer.leave(g()).unwrap();
    assert_eq!(a.commands(), ["leave"]);
    let gone = Err(Error::IllegalGroup(g()));
    assert_eq!(a.layer.leave(g()), gone);
    assert_eq!(a.layer.flush_ok(g()), gone);
    assert_eq!(a.send(Service::Agreed), gone);
    assert_eq!(a.layer.join(g()), gone);
    a.give(data("b", b"still"), &["b:still"]);
    a.give(disconnected(3, &["a", "c"], "b"), &["signal"]);
    assert_eq!(a.commands(), [""; 0]);
    a.give(GcsEvent::SelfLeave { group: g() }, &["self-leave"]);
    assert_eq!(a.layer.view(&g()), None);
    a.give(data("c", b"late"), &[]);
    a.layer.join(g()).unwrap();
    assert_eq!(a.commands(), ["join"]);
    a.give(joined(1, &["a"], "a"), &[]);
    a.give(ok("a", 1), &["view 1 a [a] joina"]);
}

#[test]
fn joiner_may_leave_before_its_first_view() {
    // Before the first membership.
    let mut a = Probe::new("a");
    a.layer.leave(g()).unwrap();
    a.give(joined(1, &["a", "b"], "a"), &[]);
    assert_eq!(a.commands(), ["leave"]);
    a.give(GcsEvent::SelfLeave { group: g() }, &["self-leave"]);
    a.layer.join(g()).unwrap();
    // While a bare member holds up the view.
    a.give(joined(2, &["a", "b"], "a"), &[]);
    assert_eq!(a.commands(), ["join", "ok 2"]);
    a.layer.leave(g()).unwrap();
    assert_eq!(a.commands(), ["leave"]);
    a.give(GcsEvent::SelfLeave { group: g() }, &["self-leave"]);
}

#[test]
fn refused_requests_are_reported_and_undone() {
    let mut a = Probe::new("a");
    let refuse = |refused| GcsEvent::Refused(refused);
    a.give(refuse(Refused::Join(g())), &["refused"]);
    a.layer.join(g()).unwrap();
    a.give(joined(1, &["a"], "a"), &[]);
    a.give(ok("a", 1), &["view 1 a [a] joina"]);
    a.give(recv("a", 1), &[]);
    a.commands();
    // Refused to leave, it takes part again.
    a.layer.leave(g()).unwrap();
    a.give(joined(2, &["a", "b"], "b"), &["request"]);
    assert!(a.layer.flush_ok(g()).is_err());
    a.give(refuse(Refused::Leave(g())), &["refused"]);
    a.layer.flush_ok(g()).unwrap();
    assert_eq!(a.commands(), ["leave", "ok 2"]);
    a.layer.leave(g()).unwrap();
    a.give(left(3, &["a"], "b"), &[]);
    assert_eq!(a.commands(), ["leave"]);
    a.give(refuse(Refused::Leave(g())), &["refused"]);
    assert_eq!(a.commands(), ["ok 3"]);
    a.give(ok("a", 3), &["view 3 a [a] network"]);
    // A message comes back as it was given.
    a.send(Service::Fifo).unwrap();
    let sent = std::iter::from_fn(|| a.layer.poll_command()).last();
    let Some(GcsCommand::Multicast(sent)) = sent else {
        panic!("{sent:?}");
    };
    assert_eq!(sent.message_type, TAGGED);
    a.layer.handle_event(refuse(Refused::Multicast(sent)));
    let given = Multicast::to_group(g(), Service::Fifo, 7, Bytes::from_static(b"x"));
    let back = FlushEvent::Refused(Refused::Multicast(given));
    assert_eq!(a.layer.poll_event(), Some(back));
}

#[test]
fn commands_come_back_from_a_closed_connection() {
    let mut a = Probe::steady("a", &["a"]);
    a.give(joined(2, &["a", "b"], "b"), &["request"]);
    a.layer
        .handle_event(GcsEvent::Closed(CloseReason::EndOfStream));
    let closed = |result: Result<(), Error>| match result {
        Err(Error::Closed(command)) => *command,
        other => panic!("{other:?}"),
    };
    let GcsCommand::Multicast(lost) = closed(a.layer.flush_ok(g())) else {
        panic!();
    };
    assert_eq!(lost.message_type, OK);
    assert!(matches!(
        closed(a.send(Service::Agreed)),
        GcsCommand::Multicast(_)
    ));
    assert_eq!(closed(a.layer.leave(g())), GcsCommand::Leave(g()));
    assert_eq!(closed(a.layer.disconnect()), GcsCommand::Disconnect);
    assert_eq!(a.events(), ["EndOfStream"]);
    assert_eq!(a.send(Service::Agreed), Err(Error::IllegalGroup(g())));
    assert_eq!(a.commands(), [""; 0]);
}
