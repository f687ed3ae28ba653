//! Daemon, clients and senders, and the time they have.

use std::{
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use gcs_daemon::{Daemon, QueueBounds, Stats, VirtualDaemon};
use gcs_proto::name::{DaemonName, GroupName};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use crate::{client::Client, ledger::Ledger};

/// How long all clients together may take to go.
const END: Duration = Duration::from_secs(30);
/// What may still be allocated when all clients are gone: queues of the runtime that do not shrink.
const SLACK: usize = 512 << 10;

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Clients that join and leave.
    pub(crate) clients: usize,
    /// Groups there are.
    pub(crate) groups: usize,
    /// Groups that a client is in on the average.
    pub(crate) joined: usize,
    /// Clients that send.
    pub(crate) senders: usize,
    /// Time between two messages of a sender.
    pub(crate) pace: Duration,
    /// Longest time between two changes of a client.
    pub(crate) pause: Duration,
    /// Duration.
    pub(crate) time: Duration,
    /// Where all random choices come from.
    pub(crate) seed: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            clients: 500,
            groups: 50,
            joined: 4,
            senders: 5,
            pace: Duration::from_millis(2),
            pause: Duration::from_millis(1_000),
            time: Duration::from_secs(60),
            seed: 1,
        }
    }
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// Joins and leaves.
    pub(crate) changes: u64,
    /// Views that somebody saw.
    pub(crate) views: usize,
    /// Views compared with what another client saw.
    pub(crate) checks: u64,
    /// Messages delivered.
    pub(crate) messages: u64,
    /// Bytes allocated before the clients came, and after they had gone.
    pub(crate) live: (usize, usize),
    /// The daemon's own counters at the end.
    pub(crate) stats: Stats,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} joins and leaves, {} views, {} comparisons, {} messages delivered, all agreed\n\
             memory {} bytes before, {} after\ndaemon {}",
            self.changes,
            self.views,
            self.checks,
            self.messages,
            self.live.0,
            self.live.1,
            self.stats
        )
    }
}

/// Runs a plan; `live` tells how many bytes are allocated.
pub(crate) async fn run(plan: Plan, live: fn() -> usize) -> Result<Outcome, String> {
    let name: DaemonName = "n1".parse().map_err(|error| format!("{error}"))?;
    let daemon = Daemon::builder()
        .daemon(VirtualDaemon::new(name).listen(([127, 0, 0, 1], 0).into()))
        // The clients share the machine with the daemon and may be late.
        .queue_bounds(QueueBounds {
            messages: 100_000,
            bytes: 64 << 20,
        })
        .start()
        .await
        .map_err(|error| error.to_string())?;
    let address = daemon.local_addr(&name).ok_or("no address")?;
    let before = live();
    let (changes, ledger) = churn(plan, address).await?;
    let stats = wait_until_empty(&daemon).await?;
    let (views, checks, messages) = (ledger.len(), ledger.checks, ledger.messages);
    drop(ledger);
    let mut after = live();
    // Tasks that have ended are freed by their workers, soon.
    for _ in 0..50 {
        if after <= before + SLACK {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        after = live();
    }
    daemon.shutdown().await;
    if after > before + SLACK {
        return Err(format!("{before} bytes allocated before, {after} after"));
    }
    Ok(Outcome {
        changes,
        views,
        checks,
        messages,
        live: (before, after),
        stats,
    })
}

async fn churn(plan: Plan, address: SocketAddr) -> Result<(u64, Ledger), String> {
    let groups: Arc<[GroupName]> = (0..plan.groups)
        .map(|number| format!("group{number}").parse())
        .collect::<Result<_, _>>()
        .map_err(|error| format!("{error}"))?;
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    // One member of every group all the time, so that no group begins anew with the same ids.
    let mut anchor = Client::connect(address, "anchor").await?;
    for group in groups.iter() {
        anchor.join(*group).await?;
        while anchor.waits_for.is_some() {
            anchor.receive(&ledger).await?;
        }
    }
    let mut clients = Vec::new();
    for number in 0..plan.clients {
        clients.push(Client::connect(address, &format!("c{number}")).await?);
    }
    let mut senders = Vec::new();
    for number in 0..plan.senders {
        senders.push(Client::connect(address, &format!("s{number}")).await?);
    }
    // Only now: connecting takes its time.
    let end = Instant::now() + plan.time;
    let mut tasks = JoinSet::new();
    for (number, client) in (0_u64..).zip(clients) {
        let rng = ChaCha8Rng::seed_from_u64(plan.seed.wrapping_add(number));
        let (groups, ledger) = (Arc::clone(&groups), Arc::clone(&ledger));
        tasks.spawn(join_and_leave(client, plan, groups, ledger, rng, end));
    }
    for (number, client) in (0_u64..).zip(senders) {
        let rng = ChaCha8Rng::seed_from_u64(plan.seed.wrapping_sub(1 + number));
        let groups = Arc::clone(&groups);
        tasks.spawn(send(client, plan.pace, groups, rng, number << 48, end));
    }
    let mut changes = 0;
    let mut left = tasks.len();
    while left > 0 {
        tokio::select! {
            received = anchor.receive(&ledger) => received?,
            task = tasks.join_next() => {
                left -= 1;
                changes += task.ok_or("no task")?.map_err(|error| error.to_string())??;
            }
        }
    }
    changes += anchor.end(&ledger).await?;
    let ledger = Arc::into_inner(ledger).ok_or("the ledger is still in use")?;
    let ledger = ledger.into_inner().map_err(|error| error.to_string())?;
    Ok((changes, ledger))
}

async fn join_and_leave(
    mut client: Client,
    plan: Plan,
    groups: Arc<[GroupName]>,
    ledger: Arc<Mutex<Ledger>>,
    mut rng: ChaCha8Rng,
    end: Instant,
) -> Result<u64, String> {
    let pause = u32::try_from(plan.pause.as_micros())
        .unwrap_or(u32::MAX)
        .max(1);
    let mut next = Instant::now();
    loop {
        tokio::select! {
            received = client.receive(&ledger) => received?,
            () = sleep_until(next), if client.waits_for.is_none() => {
                if Instant::now() >= end {
                    return client.end(&ledger).await;
                }
                next = Instant::now() + Duration::from_micros(u64::from(rng.next_u32() % pause));
                let joined = client.groups.len();
                // The more groups it is in, the likelier it leaves one.
                let leaves = rng.next_u32() as usize % (2 * plan.joined).max(1) < joined;
                let mut any = |count: usize| rng.next_u32() as usize % count.max(1);
                if leaves {
                    let at = any(joined);
                    if let Some(group) = client.groups.keys().nth(at).copied() {
                        client.leave(group).await?;
                    }
                } else if let Some(group) = groups.get(any(groups.len()))
                    && !client.groups.contains_key(group)
                {
                    client.join(*group).await?;
                }
            }
        }
    }
}

async fn send(
    mut client: Client,
    pace: Duration,
    groups: Arc<[GroupName]>,
    mut rng: ChaCha8Rng,
    first: u64,
    end: Instant,
) -> Result<u64, String> {
    let mut next = Instant::now();
    let mut number = first;
    while Instant::now() < end {
        if let Some(group) = groups.get(rng.next_u32() as usize % groups.len().max(1)) {
            client.send(*group, number).await?;
            number += 1;
        }
        next += pace;
        sleep_until(next).await;
    }
    client.end(&Mutex::new(Ledger::default())).await
}

/// Waits until the daemon has forgotten everybody.
async fn wait_until_empty(daemon: &Daemon) -> Result<Stats, String> {
    let empty = async {
        loop {
            let stats = daemon.control().stats().await;
            let stats = stats.map_err(|error| error.to_string())?;
            if stats.sessions == 0 && stats.groups == 0 {
                return Ok(stats);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(END, empty)
        .await
        .map_err(|_| "sessions or groups are left".to_owned())?
}
