//! The flush client beside others of its kind and beside a bare one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use std::time::Duration;

use ssp_tokio::{
    Error,
    flush::{FlushClient, FlushCommand},
    gcs_proto::{
        self,
        flush::{FlushEvent, VsView},
        gcs::{Cause, GcsCommand, SelfDelivery},
        name::GroupName,
        service::Service,
    },
    plain::PlainClient,
};
use support::{daemon_name, endpoint, named, soon, start_daemon};

fn group() -> GroupName {
    "g".parse().unwrap()
}

fn multicast(body: &'static str) -> FlushCommand {
    FlushCommand::Multicast {
        group: group(),
        service: Service::Agreed,
        self_delivery: SelfDelivery::Deliver,
        message_type: 3,
        body: body.into(),
    }
}

async fn next(client: &mut FlushClient) -> FlushEvent {
    soon("an event", client.recv()).await.unwrap()
}

/// Answers flush requests until a view comes.
async fn next_view(client: &mut FlushClient) -> VsView {
    loop {
        match next(client).await {
            FlushEvent::View(view) => return view,
            FlushEvent::FlushRequest { group } => client.flush_ok(group).await.unwrap(),
            FlushEvent::TransitionalSignal { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn views_are_agreed_and_messages_stay_in_them() {
    let daemon = start_daemon(&["n1", "n2"]).await;
    let mut a = FlushClient::connect(&endpoint(&daemon, "n1"), named("a"))
        .await
        .unwrap();
    let stream = daemon.connect_in_process(&daemon_name("n2")).unwrap();
    let mut b = FlushClient::over(stream, named("b")).await.unwrap();

    a.command(FlushCommand::Join(group())).await.unwrap();
    assert_eq!(next_view(&mut a).await.view.members, [*a.private_group()]);
    b.command(FlushCommand::Join(group())).await.unwrap();
    let (at_a, at_b) = tokio::join!(next_view(&mut a), next_view(&mut b));
    assert_eq!(at_a.view.members, [*a.private_group(), *b.private_group()]);
    assert_eq!(
        (at_a.view.id, &at_a.view.members),
        (at_b.view.id, &at_b.view.members)
    );
    assert_eq!(at_a.view.cause, Cause::Join(*b.private_group()));

    a.command(multicast("one")).await.unwrap();
    for client in [&mut a, &mut b] {
        match next(client).await {
            FlushEvent::Message(message) => assert_eq!(&message.body[..], b"one"),
            other => panic!("{other:?}"),
        }
    }

    let n1_alone = "n1 | n2".parse().unwrap();
    daemon.control().partition(n1_alone).await.unwrap();
    let (at_a, at_b) = tokio::join!(next_view(&mut a), next_view(&mut b));
    assert_eq!(at_a.view.members, [*a.private_group()]);
    assert_eq!(at_b.view.members, [*b.private_group()]);
    daemon.control().heal().await.unwrap();
    let (at_a, at_b) = tokio::join!(next_view(&mut a), next_view(&mut b));
    assert_eq!(at_a.view.members, at_b.view.members);
    assert_eq!(at_a.view.members.len(), 2);

    b.command(FlushCommand::Leave(group())).await.unwrap();
    let gone = async {
        loop {
            match next(&mut b).await {
                FlushEvent::SelfLeave { group: left } => return left,
                FlushEvent::FlushRequest { .. } | FlushEvent::TransitionalSignal { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    };
    let (at_a, left) = tokio::join!(next_view(&mut a), gone);
    assert_eq!(at_a.view.members, [*a.private_group()]);
    assert_eq!(left, group());
    a.disconnect().await;
    daemon.shutdown().await;
}

#[tokio::test]
async fn a_send_is_for_the_view_taken_last() {
    let daemon = start_daemon(&["n1"]).await;
    let n1 = endpoint(&daemon, "n1");
    let mut a = FlushClient::connect(&n1, named("a")).await.unwrap();
    a.command(FlushCommand::Join(group())).await.unwrap();
    next_view(&mut a).await;
    let mut b = FlushClient::connect(&n1, named("b")).await.unwrap();
    b.command(FlushCommand::Join(group())).await.unwrap();
    assert_eq!(
        next(&mut a).await,
        FlushEvent::FlushRequest { group: group() }
    );
    // Sending goes on until the permission.
    a.command(multicast("before")).await.unwrap();
    a.flush_ok(group()).await.unwrap();
    // The new view is installed at b, so it is on its way to a, which has not taken it yet.
    next_view(&mut b).await;
    let error = loop {
        match a.command(multicast("unseen")).await {
            Err(Error::Protocol(gcs_proto::Error::IllegalState { .. })) => {
                tokio::task::yield_now().await;
            }
            other => break other,
        }
    };
    assert_eq!(error, Err(Error::Outdated(group())));
    assert!(matches!(next(&mut a).await, FlushEvent::Message(_)));
    assert_eq!(next_view(&mut a).await.view.members.len(), 2);
    a.command(multicast("seen")).await.unwrap();
    match next(&mut b).await {
        FlushEvent::Message(message) => assert_eq!(&message.body[..], b"seen"),
        other => panic!("{other:?}"),
    }
    daemon.shutdown().await;
}

#[tokio::test]
async fn a_bare_member_holds_up_the_view_by_name() {
    let daemon = start_daemon(&["n1"]).await;
    let n1 = endpoint(&daemon, "n1");
    let mut a = FlushClient::connect(&n1, named("a")).await.unwrap();
    a.command(FlushCommand::Join(group())).await.unwrap();
    next_view(&mut a).await;
    let bare = PlainClient::connect(&n1, named("bare")).await.unwrap();
    bare.command(GcsCommand::Join(group())).await.unwrap();
    assert_eq!(
        next(&mut a).await,
        FlushEvent::FlushRequest { group: group() }
    );
    a.flush_ok(group()).await.unwrap();
    // Own permission comes back from the daemon in its own time.
    let missing = soon("the blame", async {
        loop {
            let missing = a.missing_flush(group()).await.unwrap();
            if missing.len() == 1 {
                return missing;
            }
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(missing.await, [*bare.private_group()]);
    let stuck = tokio::time::timeout(Duration::from_millis(100), a.recv()).await;
    assert!(stuck.is_err(), "{stuck:?}");
    bare.disconnect().await;
    assert_eq!(next_view(&mut a).await.view.members, [*a.private_group()]);
    assert_eq!(a.missing_flush(group()).await.unwrap(), []);
    daemon.shutdown().await;
}

#[tokio::test]
async fn calls_out_of_place_are_refused() {
    let daemon = start_daemon(&["n1"]).await;
    let mut a = FlushClient::connect(&endpoint(&daemon, "n1"), named("a"))
        .await
        .unwrap();
    assert_eq!(
        a.command(multicast("x")).await,
        Err(Error::Protocol(gcs_proto::Error::IllegalGroup(group())))
    );
    a.command(FlushCommand::Join(group())).await.unwrap();
    next_view(&mut a).await;
    assert!(matches!(
        a.flush_ok(group()).await,
        Err(Error::Protocol(gcs_proto::Error::IllegalState { .. }))
    ));
    daemon.shutdown().await;
    assert!(matches!(next(&mut a).await, FlushEvent::Closed(_)));
    assert_eq!(a.recv().await, None);
    assert_eq!(a.flush_ok(group()).await, Err(Error::Closed));
}

#[tokio::test]
async fn a_batch_stops_at_the_first_call_that_is_out_of_place() {
    let daemon = start_daemon(&["n1"]).await;
    let stream = daemon.connect_in_process(&daemon_name("n1")).unwrap();
    let mut a = FlushClient::over(stream, named("a")).await.unwrap();
    a.command(FlushCommand::Join(group())).await.unwrap();
    next_view(&mut a).await;
    let mut calls: Vec<FlushCommand> = (0..300).map(|_| multicast("before")).collect();
    calls.push(FlushCommand::FlushOk(group()));
    calls.push(multicast("never"));
    let (position, error) = a.command_all(calls).await.unwrap_err();
    assert_eq!(position, 300);
    assert!(matches!(error, Error::Protocol(_)), "{error:?}");
    a.command_all(vec![multicast("behind")]).await.unwrap();
    let mut bodies = Vec::new();
    let mut events = Vec::new();
    while bodies.last() != Some(&b"behind"[..].into()) {
        assert!(soon("events", a.recv_many(&mut events, 100)).await > 0);
        for event in events.drain(..) {
            match event {
                FlushEvent::Message(message) => bodies.push(message.body),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(bodies.len(), 301);
    daemon.shutdown().await;
}
