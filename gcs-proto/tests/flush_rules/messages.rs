//! Messages: what belongs to which group and view, what is postponed, what is dropped.

use gcs_view::View;

use super::*;

#[test]
fn tags_only_for_weak_services_in_an_unsettled_view() {
    let mut a = Probe::new("a");
    a.give(joined(1, &["a", "b"], "a"), &[]);
    a.give(ok("b", 1), &[]);
    a.give(ok("a", 1), &["view 1 ab [a] joina"]);
    a.commands();
    let strong = [Service::Causal, Service::Agreed, Service::Safe];
    let weak = [Service::Unreliable, Service::Reliable, Service::Fifo];
    let check = |a: &mut Probe, kind: &str| {
        for service in strong {
            assert_eq!(a.sent(service), format!("plain {service}"));
        }
        for service in weak {
            assert_eq!(a.sent(service), format!("{kind} {service}"));
        }
    };
    check(&mut a, "tagged");
    a.give(recv("a", 1), &[]);
    check(&mut a, "tagged");
    a.give(recv("b", 1), &[]);
    check(&mut a, "plain");
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    check(&mut a, "tagged");
    assert_eq!(a.layer.stats().tagged_sent, 9);
}

#[test]
fn subsets_carry_their_group_and_are_tagged_alike() {
    let mut a = Probe::steady("a", &["a", "b", "c"]);
    let body = Bytes::from_static(b"x");
    let receivers = ms(&["c", "b", "c"]);
    a.layer
        .subset(g(), &receivers, Service::Fifo, 7, body.clone())
        .unwrap();
    a.give(left(2, &["a", "b"], "c"), &["request", "signal"]);
    // Judged by the original members: whoever has left gets nothing, without notice.
    a.layer
        .unicast(g(), m("c"), Service::Fifo, 7, body.clone())
        .unwrap();
    a.layer.subset(g(), &[], Service::Agreed, 7, body).unwrap();
    let mut sent = std::iter::from_fn(|| a.layer.poll_command()).map(|command| match command {
        GcsCommand::Multicast(sent) => sent,
        other => panic!("{other:?}"),
    });
    let mut slot = vec![0; 32];
    slot[0] = b'g';
    let first = sent.next().unwrap();
    let names: Vec<Name> = receivers.iter().map(|name| (*name).into()).collect();
    assert_eq!(first.destinations, names);
    assert_eq!((first.scope, first.message_type), (Scope::Subset, 7));
    assert_eq!(first.body.as_ref(), [&b"x"[..], &slot].concat());
    let second = sent.next().unwrap();
    assert_eq!((second.scope, second.message_type), (Scope::Subset, TAGGED));
    let tag = [&b"x"[..], &[7, 0], &written(1), &slot].concat();
    assert_eq!(second.body.as_ref(), tag);
    assert_eq!(sent.next().unwrap().destinations, []);
}

#[test]
fn received_subsets_belong_to_their_reference_group() {
    let mut a = Probe::steady("a", &["a", "b"]);
    let subset = |body: &[u8], reference: &[u8], message_type| {
        let mut slot = [0; 32];
        slot[..reference.len()].copy_from_slice(reference);
        let body = [body, &slot[..]].concat();
        let mut message = message("b", Service::Fifo, message_type, &body);
        message.scope = Scope::Subset;
        message.destinations = vec![m("c").into(), m("a").into()];
        GcsEvent::Message(message)
    };
    a.give(subset(b"hello", b"g", 7), &["b:hello"]);
    let tag = [&b"tagged"[..], &[7, 0], &written(1)].concat();
    a.give(subset(&tag, b"g", TAGGED), &["b:tagged"]);
    a.give(subset(b"hello", b"other", 7), &[]);
    a.give(subset(b"mine", b"#a#n1", 7), &["private b:mine"]);
    // An acknowledgement is for all or for nobody.
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    a.give(subset(&written(2), b"g", OK), &[]);
    assert_eq!(a.layer.missing_flush(&g()), ms(&["a", "b", "c"]));
    let mut short = message("b", Service::Fifo, 7, &[b'g'; 31]);
    short.scope = Scope::Subset;
    a.give(GcsEvent::Message(short), &[]);
    assert_eq!(a.layer.stats().malformed, 2);
    assert_eq!(a.layer.stats().unknown_group, 1);
}

#[test]
fn private_messages_bypass_views() {
    let mut a = Probe::new("a");
    let mut private = message("stranger", Service::Reliable, OK, b"any type");
    private.destinations = vec![m("a").into(), g().into()];
    a.give(
        GcsEvent::Message(private.clone()),
        &["private stranger:any type"],
    );
    private.destinations = vec![m("b").into(), m("a").into()];
    a.give(GcsEvent::Message(private.clone()), &[]);
    private.destinations.clear();
    a.give(GcsEvent::Message(private), &[]);
    let body = Bytes::from_static(b"hi");
    a.layer
        .private(m("b"), Service::Agreed, -32765, body.clone())
        .unwrap();
    assert_eq!(a.commands(), ["private b:hi"]);
    assert_eq!(
        a.layer.private(m("b"), Service::Agreed, TAGGED, body),
        Err(Error::IllegalMessageType(TAGGED))
    );
}

#[test]
fn tags_decide_between_now_later_and_never() {
    let mut a = Probe::steady("a", &["a", "b", "c"]);
    a.give(tagged("b", 1, b"now"), &["b:now"]);
    a.give(joined(2, &["a", "b", "c", "d"], "d"), &["request"]);
    // Nobody can have installed view 2 before we have agreed to it.
    a.give(tagged("b", 2, b"too early"), &[]);
    a.layer.flush_ok(g()).unwrap();
    a.commands();
    a.give(tagged("b", 1, b"still"), &["b:still"]);
    a.give(tagged("b", 2, b"later"), &[]);
    a.give(tagged("d", 2, b"later too"), &[]);
    a.give(tagged("x", 2, b"outsider"), &[]);
    a.give(tagged("b", 9, b"never"), &[]);
    for member in ["d", "c", "b"] {
        a.give(ok(member, 2), &[]);
    }
    a.give(
        ok("a", 2),
        &["view 2 abcd [abc] joind", "b:later", "d:later too"],
    );
    a.give(tagged("b", 1, b"straggler"), &[]);
    let stats = a.layer.stats();
    assert_eq!(
        (stats.postponed, stats.stale_tags, stats.outsiders),
        (2, 3, 1)
    );
}

#[test]
fn foreign_byte_order_is_turned_round() {
    let mut a = Probe::steady("a", &["a", "b"]);
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    let big = |message_type, body: &[u8]| {
        let mut message = message("b", Service::Fifo, message_type, body);
        message.order = ByteOrder::Big;
        GcsEvent::Message(message)
    };
    let body = [&b"big"[..], &[0, 7], &id(1).0].concat();
    a.give(big(TAGGED, &body), &["b:big"]);
    a.give(big(OK, &id(2).0), &[]);
    assert_eq!(a.layer.missing_flush(&g()), ms(&["a", "c"]));
    a.give(big(OK, &written(2)), &[]);
    assert_eq!(a.layer.missing_flush(&g()), ms(&["a", "c"]));
}

#[test]
fn short_internal_bodies_are_dropped() {
    let mut a = Probe::steady("a", &["a", "b"]);
    for message_type in [OK, RECV, TAGGED] {
        for length in [0, 1, 11] {
            let message = message("b", Service::Fifo, message_type, &vec![0; length]);
            a.give(GcsEvent::Message(message), &[]);
        }
    }
    assert_eq!(a.layer.stats().malformed, 9);
    // A tag must name a type that a user may have sent.
    let body = [&i16::to_le_bytes(RECV)[..], &written(1)].concat();
    a.give(
        GcsEvent::Message(message("b", Service::Fifo, TAGGED, &body)),
        &[],
    );
    assert_eq!(a.layer.stats().malformed, 10);
}

#[test]
fn acknowledgements_and_confirmations_of_strangers_or_twice_do_not_count() {
    let mut a = Probe::steady("a", &["a", "b"]);
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    a.layer.flush_ok(g()).unwrap();
    for member in ["a", "b", "b", "x", "y"] {
        a.give(ok(member, 2), &[]);
    }
    assert_eq!(a.layer.missing_flush(&g()), ms(&["c"]));
    assert_eq!(a.layer.stats().uncounted, 3);
    a.give(ok("c", 2), &["view 2 abc [ab] joinc"]);
    a.commands();
    for member in ["a", "b", "b", "x"] {
        a.give(recv(member, 2), &[]);
    }
    assert_eq!(a.sent(Service::Fifo), "tagged fifo");
    a.give(recv("c", 1), &[]);
    assert_eq!(a.sent(Service::Fifo), "tagged fifo");
    a.give(recv("c", 2), &[]);
    assert_eq!(a.sent(Service::Fifo), "plain fifo");
    assert_eq!(a.layer.stats().uncounted, 6);
    a.give(ok("b", 2), &[]);
    assert_eq!(a.layer.stats().uncounted, 7);
}

#[test]
fn confirmations_of_faster_members_count() {
    let mut a = Probe::steady("a", &["a", "b"]);
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    a.layer.flush_ok(g()).unwrap();
    a.give(ok("a", 2), &[]);
    a.give(recv("b", 2), &[]);
    a.give(recv("x", 2), &[]);
    a.give(ok("b", 2), &[]);
    a.give(ok("c", 2), &["view 2 abc [ab] joinc"]);
    a.commands();
    a.give(recv("a", 2), &[]);
    assert_eq!(a.sent(Service::Fifo), "tagged fifo");
    a.give(recv("c", 2), &[]);
    assert_eq!(a.sent(Service::Fifo), "plain fifo");
}

#[test]
fn acknowledgement_may_overtake_its_membership() {
    let mut a = Probe::steady("a", &["a", "b"]);
    a.give(ok("b", 2), &[]);
    a.give(ok("x", 2), &[]);
    a.give(left(2, &["a", "b"], "x"), &["request"]);
    assert_eq!(a.layer.missing_flush(&g()), ms(&["a"]));
}

#[test]
fn early_acknowledgements_are_bounded_and_the_oldest_goes() {
    let mut a = Probe::steady("a", &["a", "b"]);
    let made_up = |number: u16| {
        let mut body = written(2);
        body[4..6].copy_from_slice(&number.to_le_bytes());
        GcsEvent::Message(message("x", Service::Fifo, OK, &body))
    };
    a.give(ok("b", 2), &[]);
    for number in 1..limits::UNKNOWN_CHANGES as u16 {
        a.give(made_up(number), &[]);
    }
    a.give(ok("b", 3), &[]);
    assert_eq!(a.layer.stats().expired, 1);
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    assert_eq!(a.layer.missing_flush(&g()), ms(&["a", "b", "c"]));
    a.layer.flush_ok(g()).unwrap();
    a.give(left(3, &["a", "b"], "c"), &[]);
    assert_eq!(a.layer.missing_flush(&g()), ms(&["a"]));
}

#[test]
fn too_much_postponed_closes_the_connection() {
    for (size, count) in [
        (1, limits::POSTPONED_MESSAGES),
        (1 << 20, limits::POSTPONED_BYTES >> 20),
    ] {
        let mut a = Probe::steady("a", &["a", "b"]);
        a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
        a.layer.flush_ok(g()).unwrap();
        a.commands();
        let body = vec![b'x'; size - 32_usize.min(size - 1)];
        for _ in 0..count {
            a.give(tagged("b", 2, &body), &[]);
        }
        a.layer.handle_event(tagged("b", 2, &body));
        let events = a.events();
        assert_eq!(events.len(), 1);
        assert!(events[0].starts_with("Limit("), "{events:?}");
        assert_eq!(a.commands(), ["disconnect"]);
        a.give(ok("c", 2), &[]);
        a.give(GcsEvent::Closed(CloseReason::Disconnected), &[]);
        assert!(matches!(a.layer.join(g()), Err(Error::Closed(_))));
        assert_eq!(a.layer.view(&g()), None);
    }
}

/// A postponed message must not keep the buffer alive that it was read into.
#[test]
fn postponed_bodies_do_not_hold_their_buffer() {
    let mut a = Probe::steady("a", &["a", "b"]);
    a.give(joined(2, &["a", "b", "c"], "c"), &["request"]);
    a.layer.flush_ok(g()).unwrap();
    a.give(ok("b", 2), &[]);
    a.give(ok("c", 2), &[]);
    let GcsEvent::Message(mut message) = tagged("b", 2, b"short") else {
        unreachable!();
    };
    let mut buffer = message.body.to_vec();
    buffer.resize(64 << 10, 0);
    let buffer = Bytes::from(buffer);
    message.body = buffer.slice(..message.body.len());
    a.give(GcsEvent::Message(message), &[]);
    assert!(buffer.is_unique(), "nobody shares it any more");
    a.give(ok("a", 2), &["view 2 abc [ab] joinc", "b:short"]);
}

#[test]
fn groups_do_not_disturb_each_other() {
    let mut a = Probe::steady("a", &["a"]);
    let h: GroupName = "h".parse().unwrap();
    a.layer.join(h).unwrap();
    a.commands();
    a.layer.handle_event(GcsEvent::Membership(Membership {
        group: h,
        view: View {
            id: id(1),
            members: ms(&["a"]),
            cause: Cause::Join(m("a")),
            transitional_set: ms(&["a"]),
        },
    }));
    let Some(GcsCommand::Multicast(sent)) = a.layer.poll_command() else {
        panic!();
    };
    assert_eq!(sent.destinations, [h.into()]);
    // The same id means nothing to the other group.
    a.give(ok("a", 1), &[]);
    let mut own = message("a", Service::Fifo, OK, &written(1));
    own.destinations = vec![h.into()];
    a.layer.handle_event(GcsEvent::Message(own));
    assert!(
        matches!(a.layer.poll_event(), Some(FlushEvent::View(VsView { group, .. })) if group == h)
    );
    a.give(joined(2, &["a", "b"], "b"), &["request"]);
    a.layer.flush_ok(g()).unwrap();
    let body = Bytes::from_static(b"x");
    a.layer
        .multicast(h, Service::Agreed, SelfDelivery::Deliver, 1, body)
        .unwrap();
}

#[test]
fn messages_come_up_as_they_were_sent() {
    let mut a = Probe::steady("a", &["a", "b"]);
    let mut sent = message("b", Service::Safe, -32765, b"content");
    sent.order = ByteOrder::Big;
    sent.destinations = vec![g().into(), Name::new(b"h").unwrap()];
    a.layer.handle_event(GcsEvent::Message(sent.clone()));
    assert_eq!(
        a.layer.poll_event(),
        Some(FlushEvent::Message(ViewMessage {
            group: g(),
            sender: m("b"),
            destinations: sent.destinations,
            service: Service::Safe,
            message_type: -32765,
            order: ByteOrder::Big,
            body: sent.body,
        }))
    );
}
