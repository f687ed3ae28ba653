//! Who comes and goes when.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use gcs_daemon::{Control, Daemon, VirtualDaemon};
use gcs_proto::name::{DaemonName, PrivateName};
use getrandom::{SysRng, rand_core::UnwrapErr};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use ssp_core::{
    Credentials, GroupOptions, Protocol,
    identity::{Ed25519Signer, TrustStore},
};
use ssp_tokio::{ClientConfig, Endpoint};
use tokio::time::{Instant, sleep};

use super::{
    ledger::{Counts, Ledger},
    member::{Member, Order, Shared, lock},
};
use crate::{cli, error::Failure};

/// Operations between two meetings.
const OPERATIONS: u32 = 12;
/// Longest time between two operations, in milliseconds: often shorter than an agreement.
const PAUSE: u64 = 60;
/// How long all may take to come together again.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// Names of each place that follow each other, so that none stands for two members that anybody
/// remembers.
const GENERATIONS: u32 = 100;

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Operations {
    pub(super) joins: u64,
    pub(super) leaves: u64,
    pub(super) kills: u64,
    pub(super) partitions: u64,
    pub(super) merges: u64,
    pub(super) refreshes: u64,
    /// Times that all were together in one view.
    pub(super) settled: u64,
}

pub(super) struct Director {
    daemon: Daemon,
    control: Control,
    names: Vec<DaemonName>,
    endpoints: Vec<Endpoint>,
    signer: Arc<Ed25519Signer>,
    trust: Arc<TrustStore>,
    places: Vec<Option<Member>>,
    generation: Vec<u32>,
    pause: Duration,
    ledger: Shared,
    dice: ChaCha20Rng,
    parted: bool,
    lost: bool,
}

fn name_of(place: usize, generation: u32) -> String {
    format!("m{place}x{}", generation % GENERATIONS)
}

impl Director {
    pub(super) async fn start(options: &cli::Soak, seed: u64) -> Result<Self, Failure> {
        let mut builder = Daemon::builder();
        let mut names = Vec::new();
        for number in 1..=options.daemons {
            let text = format!("n{number}");
            let name: DaemonName = text.parse().map_err(|error| Failure::of(&text, error))?;
            builder = builder.daemon(VirtualDaemon::new(name).listen(([127, 0, 0, 1], 0).into()));
            names.push(name);
        }
        let daemon = builder
            .start()
            .await
            .map_err(|error| Failure::of("daemon", error))?;
        let endpoints = names
            .iter()
            .map(|name| daemon.local_addr(name).map(Endpoint::from))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Failure::Failed("daemon listens nowhere".into()))?;
        let places = usize::from(options.members);
        let signer = Ed25519Signer::generate(&mut UnwrapErr(SysRng));
        let mut trust = TrustStore::new();
        for place in 0..places {
            for generation in 0..GENERATIONS {
                let name = name_of(place, generation);
                trust
                    .insert(&name, signer.public_key())
                    .map_err(|error| Failure::of(&name, error))?;
            }
        }
        Ok(Self {
            control: daemon.control(),
            daemon,
            names,
            endpoints,
            signer: Arc::new(signer),
            trust: Arc::new(trust),
            places: (0..places).map(|_| None).collect(),
            generation: vec![0; places],
            pause: Duration::from_millis(options.pause),
            ledger: Arc::new(std::sync::Mutex::new(Ledger::default())),
            dice: ChaCha20Rng::seed_from_u64(seed),
            parted: false,
            lost: false,
        })
    }

    pub(super) fn standing(&self) -> (Counts, usize) {
        let ledger = lock(&self.ledger);
        (ledger.counts, ledger.violations().1)
    }

    pub(super) fn keys(&self) -> usize {
        lock(&self.ledger).keys()
    }

    /// Whether the members do not come together any more.
    pub(super) const fn is_lost(&self) -> bool {
        self.lost
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(1);
        usize::try_from(self.dice.next_u64() % bound).unwrap_or_default()
    }

    /// Two members in three places come in.
    pub(super) async fn fill(&mut self, protocol: Protocol) -> Result<(), Failure> {
        for place in 0..(self.places.len() * 2).div_ceil(3) {
            self.enter(place, protocol).await?;
        }
        self.settle().await
    }

    async fn enter(&mut self, place: usize, protocol: Protocol) -> Result<(), Failure> {
        let generation = self.generation.get(place).copied().unwrap_or_default();
        let text = name_of(place, generation);
        let name: PrivateName = text.parse().map_err(|error| Failure::of(&text, error))?;
        let at = self.below(self.endpoints.len());
        let Some(endpoint) = self.endpoints.get(at) else {
            return Ok(());
        };
        let credentials = Credentials {
            signer: Arc::clone(&self.signer) as _,
            trust: Arc::clone(&self.trust) as _,
        };
        let member = Member::enter(
            endpoint,
            ClientConfig::new(name, credentials),
            GroupOptions::of(protocol),
            self.pause,
            &self.ledger,
        )
        .await?;
        if let Some(free) = self.places.get_mut(place) {
            *free = Some(member);
        }
        if let Some(generation) = self.generation.get_mut(place) {
            *generation += 1;
        }
        Ok(())
    }

    /// A place that is taken, or not.
    fn place(&mut self, taken: bool) -> Option<usize> {
        let fitting: Vec<usize> = self
            .places
            .iter()
            .enumerate()
            .filter(|(_, member)| member.is_some() == taken)
            .map(|(place, _)| place)
            .collect();
        let one = self.below(fitting.len());
        fitting.get(one).copied()
    }

    fn take(&mut self) -> Option<Member> {
        // One stays, for there to be a group.
        if self.places.iter().flatten().count() < 2 {
            return None;
        }
        let place = self.place(true)?;
        self.places.get_mut(place)?.take()
    }

    /// Some operations, each a short random time after the one before.
    pub(super) async fn disturb(
        &mut self,
        protocol: Protocol,
        done: &mut Operations,
    ) -> Result<(), Failure> {
        for _ in 0..OPERATIONS {
            match self.dice.next_u32() % 8 {
                0 | 1 => {
                    if let Some(place) = self.place(false) {
                        self.enter(place, protocol).await?;
                        done.joins += 1;
                    }
                }
                2 => {
                    if let Some(member) = self.take() {
                        member.order(Order::Leave).await;
                        done.leaves += 1;
                        tokio::spawn(member.ended());
                    }
                }
                3 => {
                    if let Some(member) = self.take() {
                        member.order(Order::Doomed).await;
                        self.control
                            .drop_session(member.name)
                            .await
                            .map_err(|error| Failure::of(member.name, error))?;
                        done.kills += 1;
                        tokio::spawn(member.ended());
                    }
                }
                4 | 5 => {
                    self.part().await?;
                    done.partitions += 1;
                }
                6 => {
                    self.heal().await?;
                    done.merges += 1;
                }
                _ => {
                    let place = self.place(true);
                    if let Some(Some(member)) = place.and_then(|at| self.places.get(at)) {
                        member.order(Order::Refresh).await;
                        done.refreshes += 1;
                    }
                }
            }
            let pause = self.dice.next_u64() % PAUSE;
            sleep(Duration::from_millis(pause)).await;
        }
        done.settled += 1;
        Ok(())
    }

    async fn part(&mut self) -> Result<(), Failure> {
        let mut sides = vec![Vec::new(); 3];
        for name in self.names.clone() {
            let side = self.below(3);
            if let Some(side) = sides.get_mut(side) {
                side.push(name.to_string());
            }
        }
        let text: Vec<String> = sides
            .iter()
            .filter(|side| !side.is_empty())
            .map(|side| side.join(" "))
            .collect();
        let text = text.join(" | ");
        let partition = text.parse().map_err(|error| Failure::of(&text, error))?;
        self.parted = true;
        self.control
            .partition(partition)
            .await
            .map_err(|error| Failure::of(&text, error))
    }

    async fn heal(&mut self) -> Result<(), Failure> {
        self.parted = false;
        self.control
            .heal()
            .await
            .map_err(|error| Failure::of("heal", error))
    }

    /// Heals, waits until all are in one view, and compares what they saw.
    pub(super) async fn settle(&mut self) -> Result<(), Failure> {
        if self.parted {
            self.heal().await?;
        }
        let live: BTreeSet<_> = self
            .places
            .iter()
            .flatten()
            .map(|member| member.name)
            .collect();
        let deadline = Instant::now() + TIME_LIMIT;
        loop {
            let apart = lock(&self.ledger).apart(&live);
            if apart.is_empty() {
                break;
            }
            if Instant::now() >= deadline {
                let names: Vec<_> = apart.iter().map(ToString::to_string).collect();
                let text = format!(
                    "{} of {} members do not come together within {TIME_LIMIT:?}: {}",
                    apart.len(),
                    live.len(),
                    names.join(" ")
                );
                lock(&self.ledger).violation(text);
                self.lost = true;
                return Ok(());
            }
            sleep(Duration::from_millis(10)).await;
        }
        lock(&self.ledger).compare(&live);
        Ok(())
    }

    /// All leave.
    pub(super) async fn empty(&mut self) {
        let members: Vec<Member> = self.places.iter_mut().filter_map(Option::take).collect();
        for member in &members {
            member.order(Order::Leave).await;
        }
        for member in members {
            member.ended().await;
        }
        lock(&self.ledger).compare(&BTreeSet::new());
        self.lost = false;
    }

    /// Ends everything and tells what was found.
    pub(super) async fn finish(self) -> Vec<String> {
        self.daemon.shutdown().await;
        let ledger = lock(&self.ledger);
        let (kept, count) = ledger.violations();
        let mut violations = kept.to_vec();
        if count > kept.len() {
            violations.push(format!("{} more", count - kept.len()));
        }
        violations
    }
}
