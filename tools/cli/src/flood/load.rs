//! Throughput and round trips.

use std::time::Instant;

use bytes::Bytes;
use gcs_proto::{gcs::SelfDelivery, name::GroupName};
use ssp_tokio::Endpoint;
use tokio::task::JoinSet;

use super::{
    in_time,
    layer::Layer,
    names::{TRIP, receiver, sender},
    peer::{BATCH, Peer, Seen, Stream},
    report::{RoundTrip, Throughput},
};
use crate::{cli, error::Failure};

/// Messages, and bytes, that a sender which receives its own is ahead of itself at most.
const WINDOW: (u64, u64) = (8_192, 4 << 20);

/// Messages number their types so, over and over; every receiver checks the order.
const TYPES: u64 = 30_000;

/// Round trips before those that count.
const WARM_UP: usize = 100;

fn message_type(number: u64) -> i16 {
    i16::try_from(number % TYPES).unwrap_or_default()
}

fn group(name: &str) -> Result<GroupName, Failure> {
    name.parse().map_err(|error| Failure::of(name, error))
}

/// Counts messages and checks that they are the ones that were sent, in order.
struct Tally {
    next: u64,
    size: usize,
}

impl Tally {
    fn take(&mut self, seen: &[Seen]) -> Result<(), Failure> {
        for one in seen {
            match *one {
                Seen::Members(_) => {}
                Seen::Message(found, length)
                    if found == message_type(self.next) && length == self.size =>
                {
                    self.next += 1;
                }
                Seen::Message(found, length) => {
                    return Err(Failure::Failed(format!(
                        "message {} came as type {found} with {length} bytes",
                        self.next
                    )));
                }
            }
        }
        Ok(())
    }
}

/// One sender, to itself or to receivers.
pub(super) async fn throughput(
    options: &cli::Flood,
    layer: &Layer,
    endpoint: &Endpoint,
    turn: usize,
) -> Result<Throughput, Failure> {
    let group = group(&format!("flood{turn}"))?;
    let size = options.size;
    let count = options.count;
    let stream = Stream {
        group,
        service: options.service,
        self_delivery: match options.receivers {
            0 => SelfDelivery::Deliver,
            _ => SelfDelivery::Discard,
        },
        body: Bytes::from(vec![7; size]),
    };
    let mut receivers = JoinSet::new();
    for number in 1..=options.receivers {
        let mut peer = Peer::connect(layer, endpoint, &receiver(turn, number)).await?;
        in_time("join", peer.join_as(group, usize::from(number))).await?;
        // At once: of the flush layer it has to permit the joins that follow.
        receivers.spawn(receive(peer, count, size));
    }
    let mut sender = Peer::connect(layer, endpoint, &sender(turn)).await?;
    // Bare senders need not be members of the group; those of the other layers do.
    if options.receivers == 0 || !matches!(layer, Layer::Plain) {
        let members = usize::from(options.receivers) + 1;
        in_time("join", sender.join_as(group, members)).await?;
    }
    let start = Instant::now();
    if options.receivers == 0 {
        to_itself(&mut sender, &stream, count).await?;
    } else {
        send(&sender, &stream, count).await?;
        while let Some(done) = receivers.join_next().await {
            done.map_err(|error| Failure::of("receiver", error))??;
        }
    }
    let time = start.elapsed();
    let length = u64::try_from(size).unwrap_or(u64::MAX);
    Ok(Throughput {
        messages: count,
        bytes: count.saturating_mul(length),
        time,
    })
}

async fn receive(mut peer: Peer, count: u64, size: usize) -> Result<(), Failure> {
    let mut tally = Tally { next: 0, size };
    let mut seen = Vec::with_capacity(BATCH);
    while tally.next < count {
        peer.receive(&mut seen).await?;
        tally.take(&seen)?;
        seen.clear();
    }
    Ok(())
}

async fn send(sender: &Peer, stream: &Stream, count: u64) -> Result<(), Failure> {
    let mut sent = 0;
    while sent < count {
        let until = count.min(sent + BATCH as u64);
        let types = (sent..until).map(message_type);
        in_time("send", sender.send(stream, types)).await?;
        sent = until;
    }
    Ok(())
}

/// Sends and receives by turns, so that neither waits for the other for good.
async fn to_itself(peer: &mut Peer, stream: &Stream, count: u64) -> Result<(), Failure> {
    let size = stream.body.len();
    let (most, bytes) = WINDOW;
    let length = u64::try_from(size.max(1)).unwrap_or(u64::MAX);
    let window = most.min(bytes / length).max(2);
    let batch = (window / 4).clamp(1, BATCH as u64);
    let mut tally = Tally { next: 0, size };
    let mut seen = Vec::with_capacity(BATCH);
    let mut sent = 0;
    while tally.next < count {
        while sent < count && sent - tally.next + batch <= window {
            let until = count.min(sent + batch);
            let types = (sent..until).map(message_type);
            in_time("send", peer.send(stream, types)).await?;
            sent = until;
        }
        in_time("receive", peer.receive(&mut seen)).await?;
        tally.take(&seen)?;
        seen.clear();
    }
    Ok(())
}

/// One message at a time, from a client to itself.
pub(super) async fn round_trips(
    options: &cli::Flood,
    layer: &Layer,
    endpoint: &Endpoint,
) -> Result<RoundTrip, Failure> {
    let group = group("trip")?;
    let mut peer = Peer::connect(layer, endpoint, TRIP).await?;
    in_time("join", peer.join_as(group, 1)).await?;
    let stream = Stream {
        group,
        service: options.service,
        self_delivery: SelfDelivery::Deliver,
        body: Bytes::from(vec![7; options.size]),
    };
    let mut times = Vec::new();
    let mut seen = Vec::new();
    for number in 0..options.round_trips() + WARM_UP {
        let start = Instant::now();
        peer.send(&stream, std::iter::once(1)).await?;
        while !seen.contains(&Seen::Message(1, options.size)) {
            in_time("round trip", peer.receive(&mut seen)).await?;
        }
        if number >= WARM_UP {
            times.push(start.elapsed());
        }
        seen.clear();
    }
    Ok(RoundTrip::of(times))
}
