#![allow(clippy::panic)]

use gcs_proto::{
    codec::{Change, Delivery, GroupId, MembershipMessage},
    handshake::MembershipMessages::{Unwanted, Wanted},
    limits,
};

use super::*;

fn router(addresses: &[(&str, [u8; 4])]) -> Router {
    let entries = addresses
        .iter()
        .map(|(name, address)| DaemonEntry {
            name: name.parse().unwrap(),
            address: (*address).into(),
        })
        .collect();
    Router::new(Configuration::new(entries).unwrap(), 100)
}

fn three() -> Router {
    router(&[
        ("n1", [127, 0, 0, 11]),
        ("n2", [127, 0, 0, 13]),
        ("n3", [127, 0, 0, 12]),
    ])
}

fn connect(router: &mut Router, daemon: &str, name: &str) -> SessionId {
    let (id, _) = router
        .reserve(
            &daemon.parse().unwrap(),
            Some(name.parse().unwrap()),
            Wanted,
        )
        .unwrap();
    router.connect(id);
    id
}

fn join(router: &mut Router, session: SessionId, group: &str) {
    router.request(session, Request::Join(group.parse().unwrap()));
}

fn outputs(router: &mut Router) -> Vec<Output> {
    std::iter::from_fn(|| router.poll_output()).collect()
}

fn partition(router: &mut Router, sides: &str, now: u32) {
    router.partition(&sides.parse().unwrap(), now).unwrap();
}

fn memberships(router: &mut Router) -> Vec<(Vec<SessionId>, MembershipMessage)> {
    outputs(router)
        .into_iter()
        .filter_map(|output| match output {
            Output::Deliver {
                to,
                delivery: Delivery::Membership(message),
            } => Some((to, message)),
            Output::Deliver { .. } | Output::Close { .. } => None,
        })
        .collect()
}

fn sets(message: &MembershipMessage) -> Vec<Vec<&str>> {
    match &message.change {
        Change::Network { sets, .. } => sets
            .iter()
            .map(|set| set.iter().map(|member| member.as_str()).collect())
            .collect(),
        Change::Join(_) | Change::Leave(_) | Change::Disconnect(_) => panic!("{message:?}"),
    }
}

fn id(message: &MembershipMessage) -> (u8, u32, u32) {
    let id = GroupId::from(message.id);
    let [.., last] = id.representative.to_be_bytes();
    (last, id.time, id.index)
}

#[test]
fn sets_stand_in_the_order_of_the_transitional_membership_they_come_from() {
    let mut router = three();
    for (daemon, name) in [("n1", "a"), ("n2", "b"), ("n3", "c")] {
        let session = connect(&mut router, daemon, name);
        join(&mut router, session, "g");
    }
    partition(&mut router, "n1 n2 | n3", 0);
    outputs(&mut router);
    // n2 loses n1 and finds n3: its set counts as that of n2 (.13), not of n1 (.11) any more.
    partition(&mut router, "n1 | n2 n3", 0);
    let told = memberships(&mut router);
    let (_, merged) = told
        .iter()
        .find(|(_, message)| message.members.len() == 2)
        .unwrap();
    assert_eq!(sets(merged), [["#c#n3"], ["#b#n2"]]);
    assert_eq!(
        merged.members,
        ["#b#n2", "#c#n3"].map(|name| name.parse().unwrap())
    );
}

#[test]
fn addresses_from_128_up_are_negative_in_the_order_of_sets() {
    let mut router = router(&[("n1", [10, 0, 0, 1]), ("n2", [200, 0, 0, 1])]);
    for (daemon, name) in [("n1", "a"), ("n2", "b")] {
        let session = connect(&mut router, daemon, name);
        join(&mut router, session, "g");
    }
    partition(&mut router, "n1 | n2", 0);
    router.heal(0);
    let told = memberships(&mut router);
    let (_, merged) = told.last().unwrap();
    assert_eq!(sets(merged), [["#b#n2"], ["#a#n1"]]);
}

#[test]
fn ids_follow_the_clock_and_grow_where_it_does_not() {
    let mut router = three();
    let a = connect(&mut router, "n1", "a");
    let b = connect(&mut router, "n3", "b");
    join(&mut router, a, "g");
    join(&mut router, b, "g");
    partition(&mut router, "n1 n2 | n3", 50);
    join(&mut router, b, "new");
    router.heal(1_000);
    let ids: Vec<_> = memberships(&mut router)
        .iter()
        .map(|(_, message)| (message.group.to_string(), id(message)))
        .collect();
    assert_eq!(
        ids,
        [
            ("g", (11, 100, 1)),
            ("g", (11, 100, 2)),
            ("g", (11, 102, 1)),
            ("g", (12, 102, 1)),
            ("new", (12, 102, 1)),
            ("g", (11, 1_001, 1)),
            ("g", (11, 1_001, 1)),
        ]
        .map(|(group, id)| (group.to_owned(), id))
    );
}

#[test]
fn a_group_that_was_not_touched_keeps_its_id_and_goes_on_counting() {
    let mut router = three();
    let a = connect(&mut router, "n1", "a");
    let other = connect(&mut router, "n1", "b");
    join(&mut router, a, "g");
    partition(&mut router, "n1 | n2 n3", 500);
    outputs(&mut router);
    join(&mut router, other, "g");
    let told = memberships(&mut router);
    assert_eq!(id(&told[0].1), (11, 100, 2));
}

#[test]
fn wrong_partitions_change_nothing() {
    let mut router = three();
    let a = connect(&mut router, "n1", "a");
    join(&mut router, a, "g");
    outputs(&mut router);
    for (sides, error) in [
        ("n1 n2", Error::LeftOut("n3".parse().unwrap())),
        ("n1 n2 | n3 n1", Error::NamedTwice("n1".parse().unwrap())),
        ("n1 n2 n3 n4", Error::UnknownDaemon("n4".parse().unwrap())),
    ] {
        assert_eq!(router.partition(&sides.parse().unwrap(), 0), Err(error));
    }
    router.stop(&"n3".parse().unwrap(), 0).unwrap();
    assert_eq!(
        router.partition(&"n1 | n2 n3".parse().unwrap(), 0),
        Err(Error::DaemonStopped("n3".parse().unwrap()))
    );
    assert_eq!(router.topology().to_string(), "n1 n2");
    assert_eq!(outputs(&mut router), []);
}

#[test]
fn names_are_unique_at_a_daemon_and_free_again_at_the_end() {
    let mut router = three();
    let n1 = "n1".parse().unwrap();
    let name = Some("a".parse().unwrap());
    let (first, member) = router.reserve(&n1, name, Wanted).unwrap();
    assert_eq!(member.as_str(), "#a#n1");
    // Half connected is enough to take a name.
    assert_eq!(
        router.reserve(&n1, name, Wanted),
        Err(ConnectRefusal::NotUnique)
    );
    assert!(router.reserve(&"n2".parse().unwrap(), name, Wanted).is_ok());
    router.disconnect(first, CloseCause::EndOfStream);
    assert!(router.reserve(&n1, name, Wanted).is_ok());
}

#[test]
fn a_daemon_takes_so_many_sessions_and_chooses_free_names() {
    let mut router = three();
    let n1 = "n1".parse().unwrap();
    // In the way of the first name the daemon would choose.
    let taken = connect(&mut router, "n1", "r2");
    for _ in 1..limits::SESSIONS {
        router.reserve(&n1, None, Unwanted).unwrap();
    }
    assert_eq!(
        router.reserve(&n1, None, Unwanted),
        Err(ConnectRefusal::Quota)
    );
    assert!(router.reserve(&"n2".parse().unwrap(), None, Wanted).is_ok());
    router.disconnect(taken, CloseCause::Disconnected);
    assert!(router.reserve(&n1, None, Unwanted).is_ok());
}

#[test]
fn half_connected_and_ended_sessions_ask_in_vain() {
    let mut router = three();
    let (half, _) = router
        .reserve(&"n1".parse().unwrap(), None, Wanted)
        .unwrap();
    join(&mut router, half, "g");
    assert_eq!(outputs(&mut router), []);
    let ended = connect(&mut router, "n1", "a");
    router.disconnect(ended, CloseCause::TooSlow);
    assert_eq!(
        outputs(&mut router),
        [Output::Close {
            session: ended,
            cause: CloseCause::TooSlow
        }]
    );
    join(&mut router, ended, "g");
    router.disconnect(ended, CloseCause::EndOfStream);
    assert_eq!(outputs(&mut router), []);
    assert_eq!(router.group_count(), 0);
}

#[test]
fn one_group_too_many_closes_the_session() {
    let mut router = three();
    let a = connect(&mut router, "n1", "a");
    for number in 0..GROUPS_OF_SESSION {
        join(&mut router, a, &format!("g{number}"));
    }
    assert_eq!(outputs(&mut router).len(), GROUPS_OF_SESSION);
    join(&mut router, a, "g0");
    assert_eq!(outputs(&mut router), []);
    join(&mut router, a, "one-more");
    assert_eq!(
        outputs(&mut router),
        [Output::Close {
            session: a,
            cause: CloseCause::TooManyGroups
        }]
    );
    assert_eq!(router.group_count(), 0);
}

#[test]
fn a_stopped_daemon_comes_back_empty() {
    let mut router = three();
    let a = connect(&mut router, "n1", "a");
    let b = connect(&mut router, "n2", "b");
    join(&mut router, a, "g");
    join(&mut router, b, "g");
    outputs(&mut router);
    let n2: DaemonName = "n2".parse().unwrap();
    router.stop(&n2, 0).unwrap();
    let after = outputs(&mut router);
    assert_eq!(
        after[0],
        Output::Close {
            session: b,
            cause: CloseCause::DaemonStopped
        }
    );
    assert!(matches!(
        &after[1..],
        [
            Output::Deliver { delivery: Delivery::Transition { .. }, .. },
            Output::Deliver { to, delivery: Delivery::Membership(message) },
        ] if *to == [a] && sets(message) == [["#a#n1"]]
    ));
    assert_eq!(
        router.reserve(&n2, None, Wanted),
        Err(ConnectRefusal::Quota)
    );
    assert_eq!(router.stop(&n2, 0), Err(Error::DaemonStopped(n2)));
    router.start(&n2, 0).unwrap();
    assert_eq!(router.start(&n2, 0), Err(Error::DaemonRunning(n2)));
    router.heal(0);
    assert_eq!(outputs(&mut router), []);
    let b = connect(&mut router, "n2", "b");
    join(&mut router, b, "g");
    let told = memberships(&mut router);
    assert_eq!(told[0].0, [a, b]);
}
