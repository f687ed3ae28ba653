//! A daemon that sends what it likes: the clients stay whole and end in order.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use std::{
    sync::{
        Once,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use ssp_tokio::{
    Client, Error, Group, GroupEvent,
    gcs_proto::{
        codec::{
            Change, DataMessage, Delivery, Hint, MembershipMessage, Refusal, RefusedRequest,
            Request, ServiceWord,
        },
        gcs::{ByteOrder, CloseReason, GcsEvent, Refused, Scope, SelfDelivery, ViewId},
        name::MemberName,
        service::Service,
    },
    plain::PlainClient,
    ssp_core::GroupOptions,
};
use support::{
    named,
    people::{config, group},
    played::{Played, pipe},
    soon,
};
use tokio::io::AsyncWriteExt;

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// A panic in a driver task would only look like the end of the connection.
fn count_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANICS.fetch_add(1, Ordering::SeqCst);
            usual(info);
        }));
    });
}

fn no_panics() {
    assert_eq!(PANICS.load(Ordering::SeqCst), 0);
}

fn below(rng: &mut ChaCha20Rng, bound: u32) -> usize {
    (rng.next_u32() % bound) as usize
}

fn bytes(rng: &mut ChaCha20Rng, most: u32) -> Vec<u8> {
    let mut bytes = vec![0; below(rng, most)];
    rng.fill_bytes(&mut bytes);
    bytes
}

async fn joined() -> (Client, Group, Played) {
    let (near, admitted) = pipe(64 << 10);
    let (client, mut daemon) = tokio::join!(Client::over(near, config("a")), admitted);
    let client = client.unwrap();
    let handle = client.join(group(), GroupOptions::default()).await.unwrap();
    assert_eq!(daemon.request().await, Some(Request::Join(group())));
    (client, handle, daemon)
}

/// Takes and counts events until the end; the daemon may claim that the group was left.
async fn drain(group: &mut Group, seen: &mut usize) -> GroupEvent {
    loop {
        match soon("the end", group.recv()).await {
            Some(end @ (GroupEvent::Closed(_) | GroupEvent::SelfLeave)) => {
                assert_eq!(group.recv().await, None);
                return end;
            }
            Some(_) => *seen += 1,
            None => panic!("no end given"),
        }
    }
}

#[tokio::test]
async fn random_bytes_in_the_handshake_end_it() {
    count_panics();
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    for _ in 0..300 {
        let (near, mut far) = tokio::io::duplex(4096);
        let noise = bytes(&mut rng, 200);
        let daemon = async move {
            // The client may close before it has read all.
            let _ = far.write_all(&noise).await;
            drop(far);
        };
        let (client, ()) = tokio::join!(PlainClient::over(near, named("a")), daemon);
        match client {
            Err(Error::Handshake(_) | Error::Stream { .. }) => {}
            // One in some thousands is an accept record.
            Ok(client) => client.disconnect().await,
            Err(other) => panic!("{other}"),
        }
    }
    no_panics();
}

#[tokio::test]
async fn random_bytes_end_the_connection() {
    count_panics();
    let mut rng = ChaCha20Rng::from_seed([4; 32]);
    let mut decode = 0;
    for _ in 0..200 {
        let (client, mut handle, mut daemon) = joined().await;
        let noise = bytes(&mut rng, 3000);
        let _ = daemon.stream.write_all(&noise).await;
        drop(daemon);
        match drain(&mut handle, &mut 0).await {
            GroupEvent::Closed(CloseReason::Decode(_)) => decode += 1,
            // Too short for a header.
            GroupEvent::Closed(CloseReason::EndOfStream) => {}
            other => panic!("{other:?}"),
        }
        assert!(matches!(handle.refresh().await, Err(Error::Closed)));
        drop(client);
    }
    assert!(decode > 100, "{decode}");
    no_panics();
}

/// Well-formed deliveries without any sense: memberships that contradict each other, tokens and
/// sealed messages of random bytes, acknowledgements of nothing.
#[tokio::test(start_paused = true)]
async fn senseless_deliveries_are_survived() {
    count_panics();
    let mut rng = ChaCha20Rng::from_seed([5; 32]);
    let (mut lasted, mut told) = (0, 0);
    for _ in 0..40 {
        let (client, mut handle, mut daemon) = joined().await;
        let me = daemon.member;
        let reading = tokio::spawn(async move {
            let mut seen = 0;
            let end = drain(&mut handle, &mut seen).await;
            (handle, end, seen)
        });
        // It begins like a daemon should, so that there is a secure view to spoil.
        let alone = MembershipMessage {
            group: group(),
            id: ViewId([9; 12]),
            members: vec![me],
            change: Change::Join(me),
        };
        daemon.deliver(&Delivery::Membership(alone)).await;
        for _ in 0..150 {
            // Messages of the client come back to it, or it would see no view at all.
            tokio::select! {
                biased;
                request = daemon.request() => match request {
                    Some(Request::Data(message)) => {
                        let echo = Delivery::Data { sender: me, message };
                        let _ = daemon.stream.write_all(&echo.encode()).await;
                    }
                    _ => break,
                },
                () = tokio::time::sleep(Duration::from_millis(1)) => {
                    let noise = senseless(&mut rng, me);
                    if daemon.stream.write_all(&noise.encode()).await.is_err() {
                        break;
                    }
                }
            }
        }
        drop(daemon);
        let (_handle, end, seen) = reading.await.unwrap();
        assert!(
            matches!(
                end,
                GroupEvent::SelfLeave
                    | GroupEvent::Closed(CloseReason::EndOfStream | CloseReason::Decode(_))
            ),
            "{end:?}"
        );
        lasted += usize::from(end == GroupEvent::Closed(CloseReason::EndOfStream));
        told += seen;
        drop(client);
    }
    // It came through to the group, and mostly to the last delivery.
    assert!(lasted > 10 && told > 100, "{lasted} lasted, {told} told");
    no_panics();
}

/// A refusal of a join that was granted ends nothing, and the end of the connection is told after it.
#[tokio::test(start_paused = true)]
async fn a_false_refusal_does_not_hide_the_end() {
    count_panics();
    let (ours, admitted) = pipe(1 << 16);
    let (client, mut daemon) = tokio::join!(Client::over(ours, config("a")), admitted);
    let client = client.unwrap();
    let mut joined = client.join_bare(group()).await.unwrap();
    let me = daemon.member;
    assert_eq!(daemon.request().await, Some(Request::Join(group())));
    let view = Delivery::Membership(MembershipMessage {
        group: group(),
        id: ViewId([9; 12]),
        members: vec![me],
        change: Change::Join(me),
    });
    let refusal = Delivery::Refused(Refusal {
        requester: me,
        request: RefusedRequest::Join(group()),
    });
    for delivery in [&view, &refusal, &view] {
        daemon.deliver(delivery).await;
    }
    drop(daemon);
    let mut told = Vec::new();
    while let Some(event) = soon("an event", joined.recv()).await {
        told.push(event);
    }
    let [
        GcsEvent::Membership(_),
        GcsEvent::Refused(Refused::Join(_)),
        GcsEvent::Membership(_),
        GcsEvent::Closed(CloseReason::EndOfStream),
    ] = told[..]
    else {
        panic!("{told:?}");
    };
    no_panics();
}

fn senseless(rng: &mut ChaCha20Rng, me: MemberName) -> Delivery {
    let names = [me, "#b#n1".parse().unwrap(), "#c#n1".parse().unwrap()];
    let id = |rng: &mut ChaCha20Rng| ViewId([u8::try_from(below(rng, 4)).unwrap(); 12]);
    let somebody = names[below(rng, 3)];
    match below(rng, 8) {
        0 => Delivery::Transition {
            group: group(),
            id: id(rng),
        },
        1 | 2 => {
            let members = names[..1 + below(rng, 3)].to_vec();
            let change = match below(rng, 4) {
                0 => Change::Join(somebody),
                1 => Change::Leave(somebody),
                2 => Change::Disconnect(somebody),
                _ => Change::Network {
                    sets: vec![vec![me], members[1..].to_vec()],
                    own: 0,
                },
            };
            Delivery::Membership(MembershipMessage {
                group: group(),
                id: id(rng),
                members,
                change,
            })
        }
        3 if below(rng, 20) == 0 => Delivery::SelfLeave { group: group() },
        _ => {
            // The types of the flush layer, of tokens and of sealed data, and some others.
            let message_type = match below(rng, 3) {
                0 => i16::MIN + i16::try_from(below(rng, 4)).unwrap(),
                1 => -32_753 + i16::try_from(below(rng, 16)).unwrap(),
                _ => -32_765,
            };
            let body = match below(rng, 3) {
                0 => id(rng).0.to_vec(),
                _ => bytes(rng, 300),
            };
            let scope = [Scope::Named, Scope::Subset][below(rng, 2)];
            Delivery::Data {
                sender: somebody,
                message: DataMessage {
                    word: ServiceWord::new(
                        Service::ALL[below(rng, 6)],
                        SelfDelivery::Deliver,
                        scope,
                    ),
                    hint: Hint::written_in(
                        [ByteOrder::Little, ByteOrder::Big][below(rng, 2)],
                        message_type,
                    ),
                    destinations: vec![group().into()],
                    body: body.into(),
                },
            }
        }
    }
}
