//! Time from a join to the installed view, of the flush layer or of a secure group.

use std::time::{Duration, Instant};

use gcs_proto::name::GroupName;
use ssp_tokio::Endpoint;
use tokio::{sync::watch, task::JoinSet};

use super::{
    in_time,
    layer::Layer,
    peer::{Peer, Seen},
    report::Join,
};
use crate::error::Failure;

/// Group sizes that are reported.
const REPORTED: [usize; 6] = [2, 5, 10, 20, 50, 100];

/// Joins one member after the other, up to `members`, in each of some rounds.
pub(super) async fn measure(
    endpoint: &Endpoint,
    layers: &[(&'static str, Layer)],
    members: usize,
    rounds: usize,
) -> Result<Vec<Join>, Failure> {
    let mut all = vec![vec![Vec::new(); members]; layers.len()];
    // The layers by turns, so that all see the machine in the same state.
    for number in 0..rounds {
        for ((name, layer), times) in layers.iter().zip(&mut all) {
            let name = format!("{name}{number}");
            let group = name.parse().map_err(|error| Failure::of(&name, error))?;
            round(endpoint, layer, group, times).await?;
        }
    }
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    };
    let joins = layers.iter().zip(all).flat_map(|((layer, _), times)| {
        (1..)
            .zip(times)
            .filter(|(members, _)| REPORTED.contains(members))
            .map(|(members, times)| Join {
                layer,
                members,
                time: median(times),
            })
    });
    Ok(joins.collect())
}

async fn round(
    endpoint: &Endpoint,
    layer: &Layer,
    group: GroupName,
    times: &mut [Vec<Duration>],
) -> Result<(), Failure> {
    let mut waiting = Vec::new();
    for number in 1..=times.len() {
        waiting.push(Peer::connect(layer, endpoint, &format!("m{number}")).await?);
    }
    // Dropping the set ends the members.
    let mut tasks = JoinSet::new();
    let mut sizes: Vec<watch::Receiver<usize>> = Vec::new();
    for ((members, mut peer), times) in (1..).zip(waiting).zip(times) {
        let start = Instant::now();
        in_time("join", peer.join_as(group, members)).await?;
        times.push(start.elapsed());
        let (size, watched) = watch::channel(members);
        sizes.push(watched);
        tasks.spawn(stay(peer, size));
        // The next one joins a group that is at rest.
        for size in &mut sizes {
            let rested = in_time("view", async {
                let size = size.wait_for(|size| *size == members).await;
                size.map(|_| ())
                    .map_err(|_| Failure::Failed("member lost".into()))
            });
            rested.await?;
        }
    }
    tasks.shutdown().await;
    // Names are free again when the daemon has noticed; the next round's members have the same.
    tokio::time::sleep(Duration::from_millis(100)).await;
    Ok(())
}

/// A member that answers flush requests and says how large its view is.
async fn stay(mut peer: Peer, size: watch::Sender<usize>) -> Result<(), Failure> {
    let mut seen = Vec::new();
    loop {
        peer.receive(&mut seen).await?;
        for one in seen.drain(..) {
            if let Seen::Members(members) = one {
                size.send_replace(members);
            }
        }
    }
}
