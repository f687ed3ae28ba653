//! Messages longer than one of the daemon's, and all suites, end to end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use ssp_tokio::{
    GroupEvent, SendFailure, StreamError,
    gcs_proto::service::Service,
    ssp_core::{Algorithm, GroupOptions, PartDelivery, PartEnd, Protocol, RecordSuite},
};
use support::{
    people::{Person, agree, config},
    soon, start_daemon,
};
use tokio::io::AsyncReadExt;

fn streamed() -> GroupOptions {
    GroupOptions {
        parts: PartDelivery::Streamed,
        record: RecordSuite::AES_256_GCM,
        ..GroupOptions::default()
    }
}

/// What a stream of bytes is, without keeping it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    length: u64,
    digest: u64,
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        for word in bytes {
            self.digest = self.digest.rotate_left(5) ^ u64::from(*word).wrapping_mul(0x9e37_79b9);
        }
    }
}

/// Far more than a message can hold goes through in parts, to a receiver and back to the sender; the
/// longest thing that anybody holds is a part.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_sent_and_taken_in_parts() {
    const LENGTH: u64 = 6 << 20;
    let daemon = start_daemon(&["n1"]).await;
    let mut a = Person::join_with(&daemon, "n1", config("a"), streamed()).await;
    let mut b = Person::join_with(&daemon, "n1", config("b"), streamed()).await;
    let members = [a.me(), b.me()];
    a.view_of(&members).await;
    b.view_of(&members).await;

    let sender = a.group.begin_parts(Service::Fifo, 5).await.unwrap();
    let part_max = sender.part_max();
    assert!(part_max > 60_000, "{part_max}");
    let number = sender.message();
    let source = tokio::io::repeat(0x5a).take(LENGTH);
    let (told, progress) = std::sync::mpsc::channel();
    let sending = tokio::spawn(sender.send_all(source, move |sent| told.send(sent).unwrap()));
    let mut whole = Sum::default();
    let mut left = LENGTH;
    while left > 0 {
        let length = left.min(4096);
        whole.add(&vec![0x5a; usize::try_from(length).unwrap()]);
        left -= length;
    }
    for person in [&mut a, &mut b] {
        let mut sum = Sum::default();
        for index in 0.. {
            let message = person.message().await;
            let part = message.part.unwrap();
            assert_eq!((part.message, part.index), (number, index));
            assert_eq!(message.message_type, 5);
            assert!(message.payload.len() <= part_max);
            sum.add(&message.payload);
            if part.end == PartEnd::Last {
                break;
            }
        }
        assert_eq!(sum, whole);
    }
    assert_eq!(soon("sending", sending).await.unwrap().unwrap(), LENGTH);
    let progress: Vec<_> = progress.iter().collect();
    assert!(progress.is_sorted());
    assert_eq!(progress.last(), Some(&LENGTH));
    daemon.shutdown().await;
}

/// A refresh ends a message in parts; the next one begins anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_ends_a_stream() {
    let daemon = start_daemon(&["n1"]).await;
    let mut a = Person::join_with(&daemon, "n1", config("a"), streamed()).await;
    a.view_of(&[a.me()]).await;
    let mut sender = a.group.begin_parts(Service::Agreed, 5).await.unwrap();
    sender.send("first").await.unwrap();
    assert_eq!(sender.parts(), 1);
    assert_eq!(a.message().await.payload, "first");
    a.group.refresh().await.unwrap();
    a.refreshed().await;
    let error = sender.send("second").await.unwrap_err();
    assert!(matches!(error.failure, SendFailure::Session(_)), "{error}");
    assert_eq!(error.payload, "second");
    assert_eq!(sender.parts(), 1);
    let again = a.group.begin_parts(Service::Agreed, 5).await.unwrap();
    again.finish("whole").await.unwrap();
    let message = a.message().await;
    assert_eq!(message.payload, "whole");
    assert_eq!(message.part.unwrap().end, PartEnd::Last);

    let unordered = a.group.begin_parts(Service::Reliable, 5).await;
    assert!(matches!(unordered, Err(SendFailure::Session(_))));
    let failing = a.group.begin_parts(Service::Agreed, 5).await.unwrap();
    let source = failing_reader();
    let error = failing.send_all(source, |_| {}).await.unwrap_err();
    assert!(matches!(error, StreamError::Read(_)), "{error}");
    daemon.shutdown().await;
}

/// A reader that fails.
fn failing_reader() -> impl tokio::io::AsyncRead + Unpin {
    struct Failing;
    impl tokio::io::AsyncRead for Failing {
        fn poll_read(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            _: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            std::task::Poll::Ready(Err(std::io::Error::other("broken")))
        }
    }
    Failing
}

/// Every suite through join, message, refresh and crash, in one connection each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_suite_end_to_end() {
    let daemon = start_daemon(&["n1", "n2"]).await;
    for protocol in Protocol::ALL {
        let mut people = Vec::new();
        for (name, at) in [("a", "n1"), ("b", "n2"), ("c", "n1")] {
            let options = GroupOptions::of(*protocol);
            people.push(Person::join_with(&daemon, at, config(name), options).await);
            agree(&mut people).await;
        }
        let view = people[0].group.view().unwrap();
        assert_eq!(view.protocol, *protocol);
        people[2].group.refresh().await.unwrap();
        for person in &mut people {
            person.refreshed().await;
        }
        people[1]
            .group
            .multicast(Service::Safe, 3, protocol.as_str())
            .await
            .unwrap();
        for person in &mut people {
            assert_eq!(person.message().await.payload, protocol.as_str());
        }
        let crashed = people.pop().unwrap();
        daemon.control().drop_session(crashed.me()).await.unwrap();
        agree(&mut people).await;
        for person in people {
            soon("leaving", person.group.leave()).await.unwrap();
            person.client.disconnect().await;
        }
    }
    daemon.shutdown().await;
}

/// A suite and an algorithm that do not go together are refused at the join.
#[tokio::test]
async fn an_algorithm_that_a_suite_does_not_have_is_refused() {
    let daemon = start_daemon(&["n1"]).await;
    let client = ssp_tokio::Client::connect(&support::endpoint(&daemon, "n1"), config("a"))
        .await
        .unwrap();
    let options = GroupOptions {
        algorithm: Some(Algorithm::Optimized),
        ..GroupOptions::of(Protocol::BD)
    };
    let error = client.join(support::people::group(), options).await;
    let error = error.unwrap_err().to_string();
    assert_eq!(error, "no algorithm \"optimized\" for suite bd");
    daemon.shutdown().await;
}

/// Two members at a daemon that keeps little for each of them; the second takes few events at once.
async fn at_a_narrow_daemon() -> (gcs_daemon::Daemon, Person, Person) {
    let bounds = gcs_daemon::QueueBounds {
        messages: 64,
        bytes: 1 << 20,
    };
    let n1 = support::daemon_name("n1");
    let builder = gcs_daemon::Daemon::builder().queue_bounds(bounds);
    let daemon = builder.daemon(n1).start().await.unwrap();
    let mut people = Vec::new();
    for name in ["a", "b"] {
        let config = config(name).connection(|connection| connection.event_queue(4));
        let stream = daemon.connect_in_process(&n1).unwrap();
        let client = ssp_tokio::Client::over(stream, config).await.unwrap();
        let group = client.join(support::people::group(), streamed());
        let group = group.await.unwrap();
        people.push(Person { client, group });
        agree(&mut people).await;
    }
    let b = people.pop().unwrap();
    (daemon, people.pop().unwrap(), b)
}

const PARTS: u32 = 600;
const PART: usize = 4 << 10;

/// How long a member takes nothing.
enum Sleep {
    LongerThanTheDaemonWaits,
    UntilClosed,
}

/// Sends `PARTS` parts and takes what comes back, while `b` sleeps; then `b` takes what there is. Tells
/// the parts that came to `b`, and whether it is still connected.
async fn past_a_sleeper(window: u32, sleep: Sleep) -> (u32, bool) {
    let (daemon, mut a, mut b) = at_a_narrow_daemon().await;
    let mut sender = a.group.begin_parts(Service::Fifo, 5).await.unwrap();
    sender.set_window(window);
    let sending = tokio::spawn(async move {
        for index in 0..PARTS - 1 {
            let part = vec![index as u8; PART];
            if sender.send(part).await.is_err() {
                // The view has changed, because the other one was closed.
                return;
            }
        }
        let _ = sender.finish("end").await;
    });
    let taking = tokio::spawn(async move { while a.group.recv().await.is_some() {} });
    match sleep {
        Sleep::LongerThanTheDaemonWaits => {
            tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        }
        Sleep::UntilClosed => {
            let closed = async {
                while daemon.control().stats().await.unwrap().too_slow == 0 {
                    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                }
            };
            soon("closing", closed).await;
        }
    }
    let mut taken = 0;
    let connected = loop {
        match b.next().await {
            GroupEvent::Message(message) => {
                let part = message.part.unwrap();
                assert_eq!(part.index, taken);
                taken += 1;
                if part.end == PartEnd::Last {
                    break true;
                }
                assert_eq!(message.payload, vec![part.index as u8; PART]);
            }
            GroupEvent::Closed(_) => break false,
            GroupEvent::TransitionalSignal | GroupEvent::SecureView(_) => {}
            other => panic!("{other:?}"),
        }
    };
    soon("sending", sending).await.unwrap();
    daemon.shutdown().await;
    soon("taking", taking).await.unwrap();
    (taken, connected)
}

/// A receiver that stops for a while gets everything, although the daemon keeps little for it: the
/// sender waits for its receipts. One that did not wait would have it closed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_waits_for_the_slowest_member() {
    assert_eq!(
        past_a_sleeper(32, Sleep::LongerThanTheDaemonWaits).await,
        (PARTS, true)
    );
    let (taken, connected) = past_a_sleeper(u32::MAX, Sleep::UntilClosed).await;
    assert!(!connected && taken < PARTS, "{taken}");
}

/// A member that never confirms holds a sender up for the time limit and no longer, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_confirms_nothing_is_not_waited_for_for_ever() {
    let daemon = start_daemon(&["n1"]).await;
    let wait_limit = std::time::Duration::from_millis(200);
    let impatient = config("a").connection(|connection| connection.wait_limit(wait_limit));
    let mut a = Person::join_with(&daemon, "n1", impatient, streamed()).await;
    let silent = config("b").connection(|connection| connection.event_queue(1));
    let mut b = Person::join_with(&daemon, "n1", silent, streamed()).await;
    let members = [a.me(), b.me()];
    a.view_of(&members).await;
    b.view_of(&members).await;
    let mut sender = a.group.begin_parts(Service::Fifo, 5).await.unwrap();
    sender.set_window(4);
    let begun = tokio::time::Instant::now();
    // The queue of `b` is full with the second.
    for index in 0..40_u8 {
        soon("a part", sender.send(vec![index])).await.unwrap();
        assert_eq!(a.message().await.payload, [index][..]);
    }
    soon("the end", sender.finish("")).await.unwrap();
    assert!(begun.elapsed() >= wait_limit);
    for index in 0..40 {
        assert_eq!(b.message().await.payload, [index][..]);
    }
    daemon.shutdown().await;
}
