//! Bare groups beside view-synchronous ones.

use super::*;

fn b() -> GroupName {
    "b".parse().unwrap()
}

fn b2() -> GroupName {
    "b2".parse().unwrap()
}

fn in_group(group: GroupName, event: GcsEvent) -> GcsEvent {
    match event {
        GcsEvent::Membership(membership) => GcsEvent::Membership(Membership {
            group,
            ..membership
        }),
        GcsEvent::TransitionalSignal { .. } => GcsEvent::TransitionalSignal { group },
        GcsEvent::SelfLeave { .. } => GcsEvent::SelfLeave { group },
        other => other,
    }
}

fn told(layer: &mut FlushLayer) -> Vec<BareEvent> {
    std::iter::from_fn(|| layer.poll_bare_event()).collect()
}

/// A member of the view `ab` of `g` and of the bare groups `b` and `b2`.
fn mixed() -> Probe {
    let mut a = Probe::steady("a", &["a", "b"]);
    for group in [b(), b2()] {
        a.layer.join_bare(group).unwrap();
        assert_eq!(a.commands(), ["join"]);
        let membership = in_group(group, joined(9, &["a", "c"], "a"));
        a.give(membership.clone(), &[]);
        let event = membership;
        assert_eq!(told(&mut a.layer), [BareEvent { group, event }]);
        assert!(a.layer.is_bare(&group));
    }
    // Nothing was agreed to.
    assert_eq!(a.commands(), [""; 0]);
    assert_eq!(a.layer.missing_flush(&b()), []);
    a
}

fn to(from: &str, destinations: Vec<Name>, message_type: i16) -> Message {
    Message {
        destinations,
        ..message(from, Service::Agreed, message_type, b"hi")
    }
}

fn sent(destinations: Vec<Name>, message_type: i16) -> Multicast {
    Multicast {
        destinations,
        service: Service::Agreed,
        self_delivery: SelfDelivery::Deliver,
        scope: Scope::Named,
        message_type,
        body: Bytes::from_static(b"hi"),
    }
}

/// The cast to some members of `group` that `sent` would be.
fn subset(group: GroupName, sent: Multicast) -> Multicast {
    let mut body = sent.body.to_vec();
    body.extend_from_slice(group.as_bytes());
    body.resize(sent.body.len() + limits::NAME_SLOT, 0);
    Multicast {
        scope: Scope::Subset,
        body: body.into(),
        ..sent
    }
}

#[test]
fn what_the_engine_tells_of_a_bare_group_goes_up_as_it_comes() {
    let mut a = mixed();
    let events = [
        GcsEvent::Message(to("stranger", vec![b().into()], OK)),
        GcsEvent::TransitionalSignal { group: b() },
        in_group(b(), left(10, &["a"], "c")),
        GcsEvent::Refused(Refused::Multicast(sent(vec![b().into()], 3))),
        GcsEvent::Refused(Refused::Leave(b())),
        GcsEvent::SelfLeave { group: b() },
    ];
    for event in &events {
        a.give(event.clone(), &[]);
    }
    assert_eq!(a.layer.queued_events(), events.len());
    let group = b();
    let events = events.map(|event| BareEvent { group, event });
    assert_eq!(told(&mut a.layer), events);
    assert!(!a.layer.is_bare(&b()) && a.layer.is_bare(&b2()));
    // Of a group that was left nothing is known any more.
    a.give(GcsEvent::TransitionalSignal { group: b() }, &[]);
    assert_eq!(told(&mut a.layer), []);
    assert_eq!(a.layer.stats().unknown_group, 1);
    // And views of the other group are agreed as ever.
    a.give(joined(2, &["a", "b", "d"], "d"), &["request"]);
}

#[test]
fn a_message_to_several_groups_is_one_of_each() {
    let mut a = mixed();
    let (g, b, b2) = (Name::from(g()), Name::from(b()), Name::from(b2()));
    let (me, other) = (Name::from(m("a")), Name::from(m("c")));
    let unknown = Name::from("x".parse::<GroupName>().unwrap());
    let cases: [(&[Name], &[&str], &[Name]); 8] = [
        (&[g, b], &["b:hi"], &[b]),
        // First destination of a member of the view only.
        (&[b, g], &[], &[b]),
        (&[b2, b, b2, b], &[], &[b, b2]),
        (&[unknown, b], &[], &[b]),
        (&[me, b], &["private b:hi"], &[b]),
        (&[b, me], &[], &[b]),
        (&[other, b2], &[], &[b2]),
        (&[unknown, other], &[], &[]),
    ];
    for (destinations, view_synchronous, bare) in cases {
        let message = GcsEvent::Message(to("b", destinations.to_vec(), 7));
        a.give(message.clone(), view_synchronous);
        let told = told(&mut a.layer);
        let groups: Vec<Name> = told.iter().map(|bare| bare.group.into()).collect();
        assert_eq!(groups, bare, "{destinations:?}");
        assert!(told.iter().all(|bare| bare.event == message));
    }
    // Only the last of them was for nobody here.
    assert_eq!(a.layer.stats().unknown_group, 1);
    // A stranger gets into the bare group and not into the view.
    let message = GcsEvent::Message(to("stranger", vec![g, b], 7));
    a.give(message, &[]);
    assert_eq!(told(&mut a.layer).len(), 1);
    assert_eq!(a.layer.stats().outsiders, 1);
}

#[test]
fn a_subset_cast_belongs_to_the_group_it_names() {
    let mut a = mixed();
    for (group, view_synchronous, bare) in [(g(), &["b:hi"][..], 0), (b(), &[][..], 1)] {
        let cast = subset(group, sent(vec![m("a").into(), b2().into()], 7));
        let mut message = to("b", cast.destinations, 7);
        message.scope = Scope::Subset;
        message.body = cast.body;
        a.give(GcsEvent::Message(message), view_synchronous);
        assert_eq!(told(&mut a.layer).len(), bare);
    }
}

#[test]
fn nobody_hears_of_a_group_before_its_membership_or_after_its_end() {
    let mut a = mixed();
    let b3: GroupName = "b3".parse().unwrap();
    assert!(!a.layer.is_joining(&b3) && !a.layer.is_joining(&g()));
    a.layer.join_bare(b3).unwrap();
    assert!(a.layer.is_joining(&b3));
    let both = GcsEvent::Message(to("c", vec![b3.into(), b().into()], 7));
    a.give(both.clone(), &[]);
    let groups = |told: Vec<BareEvent>| told.iter().map(|bare| bare.group).collect::<Vec<_>>();
    assert_eq!(groups(told(&mut a.layer)), [b()]);
    a.give(in_group(b3, joined(3, &["a"], "a")), &[]);
    assert!(!a.layer.is_joining(&b3));
    a.give(GcsEvent::SelfLeave { group: b() }, &[]);
    a.give(both, &[]);
    assert_eq!(groups(told(&mut a.layer)), [b3, b(), b3]);
}

#[test]
fn a_name_is_of_one_kind_at_a_time() {
    let mut a = mixed();
    assert_eq!(a.layer.join_bare(g()), Err(Error::IllegalGroup(g())));
    assert_eq!(a.layer.join_bare(b()), Err(Error::IllegalGroup(b())));
    assert_eq!(a.layer.join(b()), Err(Error::IllegalGroup(b())));
    assert_eq!(a.layer.flush_ok(b()), Err(Error::IllegalGroup(b())));
    let body = Bytes::from_static(b"x");
    let cast = a
        .layer
        .multicast(b(), Service::Agreed, SelfDelivery::Deliver, 1, body);
    assert_eq!(cast, Err(Error::IllegalGroup(b())));
    assert_eq!(a.commands(), [""; 0]);

    // Left for good, it may be joined as the other kind.
    a.layer.leave(b()).unwrap();
    assert_eq!(a.layer.leave(b()), Err(Error::IllegalGroup(b())));
    a.give(GcsEvent::SelfLeave { group: b() }, &[]);
    assert_eq!(
        a.layer.join(b()),
        Err(Error::IllegalGroup(b())),
        "not taken"
    );
    assert_eq!(told(&mut a.layer).len(), 1);
    a.layer.join(b()).unwrap();
    assert!(a.layer.is_joining(&b()));
    assert_eq!(a.layer.join_bare(b()), Err(Error::IllegalGroup(b())));
    a.layer.leave(g()).unwrap();
    a.give(GcsEvent::SelfLeave { group: g() }, &["self-leave"]);
    a.layer.join_bare(g()).unwrap();
    assert_eq!(a.commands(), ["leave", "join", "leave", "join"]);
    a.give(joined(5, &["a"], "a"), &[]);
    assert_eq!(told(&mut a.layer).len(), 1);
    // Now the other one is agreed upon.
    a.give(in_group(b(), joined(6, &["a"], "a")), &[]);
    assert_eq!(a.commands(), ["ok 6"]);
}

#[test]
fn a_refused_join_ends_it_and_a_refused_leave_does_not() {
    let mut a = mixed();
    let b3: GroupName = "b3".parse().unwrap();
    a.layer.join_bare(b3).unwrap();
    a.give(GcsEvent::Refused(Refused::Join(b3)), &[]);
    assert_eq!(a.layer.join(b3), Err(Error::IllegalGroup(b3)), "not taken");
    assert_eq!(told(&mut a.layer).len(), 1);
    a.layer.join(b3).unwrap();
    // For somebody who is a member already it changes nothing.
    a.give(GcsEvent::Refused(Refused::Join(b())), &[]);
    assert_eq!(told(&mut a.layer).len(), 1);
    assert!(a.layer.is_bare(&b()));
    a.layer.leave(b()).unwrap();
    a.give(GcsEvent::Refused(Refused::Leave(b())), &[]);
    assert_eq!(told(&mut a.layer).len(), 1);
    a.layer.leave(b()).unwrap();
}

#[test]
fn nothing_outside_of_views_is_sent_into_a_view() {
    let mut a = mixed();
    let (g_name, b_name, member) = (Name::from(g()), Name::from(b()), Name::from(m("b")));
    let unknown = Name::from("x".parse::<GroupName>().unwrap());
    let view_synchronous = Err(Error::ViewSynchronous(g()));
    let reserved = Err(Error::IllegalMessageType(OK));
    for (message, result) in [
        (sent(vec![b_name], 7), Ok(())),
        (sent(vec![b_name, unknown, member], -32765), Ok(())),
        (sent(vec![g_name], 7), view_synchronous.clone()),
        (sent(vec![b_name, g_name], 7), view_synchronous.clone()),
        (subset(g(), sent(vec![member], 7)), view_synchronous),
        (subset(b(), sent(vec![member], 7)), Ok(())),
        // Whoever plays the flush layer by hand may do so where it is nobody else's.
        (sent(vec![b_name], OK), Ok(())),
        (sent(vec![b_name, Name::from(b2())], TAGGED), Ok(())),
        (sent(vec![b_name, unknown], OK), reserved.clone()),
        (sent(vec![member], OK), reserved.clone()),
        (subset(b(), sent(vec![member], OK)), reserved),
    ] {
        let command = GcsCommand::Multicast(message.clone());
        assert_eq!(a.layer.multicast_bare(message), result);
        assert_eq!(a.layer.poll_command(), result.is_ok().then_some(command));
    }
    // Until its end is taken, a group that is being left is one still.
    a.layer.leave(g()).unwrap();
    a.layer.handle_event(GcsEvent::SelfLeave { group: g() });
    let send = |a: &mut Probe| a.layer.multicast_bare(sent(vec![g_name], 7));
    assert_eq!(send(&mut a), Err(Error::ViewSynchronous(g())));
    assert_eq!(a.events(), ["self-leave"]);
    assert_eq!(send(&mut a), Ok(()));
}

#[test]
fn bounds_hold_and_the_end_ends_all() {
    let mut a = mixed();
    let many = sent(vec![b().into(); limits::ROUTED_DESTINATIONS + 1], 7);
    let long = Multicast {
        body: vec![0; limits::SAFE_MESSAGE - limits::NAME_SLOT + 1].into(),
        ..sent(vec![b().into()], 7)
    };
    for (message, value) in [
        (many, limits::ROUTED_DESTINATIONS + 1),
        (long, limits::SAFE_MESSAGE + 1),
    ] {
        match a.layer.multicast_bare(message) {
            Err(Error::Limit { value: named, .. }) => assert_eq!(named, value),
            other => panic!("{other:?}"),
        }
    }
    a.give(GcsEvent::Closed(CloseReason::EndOfStream), &["EndOfStream"]);
    assert!(!a.layer.is_bare(&b()));
    let closed = [
        a.layer.join_bare(b()),
        a.layer.multicast_bare(sent(vec![b().into()], 7)),
    ];
    assert!(
        closed
            .iter()
            .all(|result| matches!(result, Err(Error::Closed(_))))
    );
}
