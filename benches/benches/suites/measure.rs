//! Measurement of one event.

use std::{collections::BTreeMap, time::Duration};

use cliques::{
    Group, NamedGroup, Protocol, Signer,
    group::GroupVisitor,
    testing::{
        bus::{Notary, Run, Schedule},
        world::World,
    },
};
use cpu_time::ThreadTime;

use crate::{
    event::{Event, Scene},
    signing::{Key, Keys},
};

/// Whether tokens are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signatures {
    /// The computation of the suite alone, tests of received elements included.
    None,
    /// Ed25519 on every token, verified by every receiver.
    Ed25519,
}

impl Signatures {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::None, Self::Ed25519];

    /// Name in benchmarks.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::None => "unsigned",
            Self::Ed25519 => "signed",
        }
    }
}

/// One configuration that is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    /// Suite.
    pub(crate) protocol: Protocol,
    /// Mathematical group.
    pub(crate) group: NamedGroup,
    /// Membership event.
    pub(crate) event: Event,
    /// Number of members that it concerns.
    pub(crate) size: usize,
    /// Whether tokens are signed.
    pub(crate) signatures: Signatures,
}

/// CPU time of this thread since its first call.
pub(crate) fn thread_time() -> Duration {
    thread_local! {
        static START: ThreadTime = ThreadTime::now();
    }
    START.with(ThreadTime::elapsed)
}

struct Name;

impl GroupVisitor for Name {
    type Output = String;

    fn visit<G: Group>(self, group: G) -> String {
        group.name().into()
    }
}

impl Subject {
    /// Name in benchmarks, without the size.
    pub(crate) fn name(&self) -> String {
        let Self {
            protocol,
            group,
            event,
            signatures,
            ..
        } = self;
        let (event, signatures) = (event.name(), signatures.name());
        format!("suites/{protocol}/{event}/{group}/{signatures}")
    }

    /// A group in the state before the event.
    pub(crate) fn scene(&self) -> Scene {
        let (mut world, all) =
            World::grown(self.protocol, &self.group, Schedule::Rounds, self.size);
        world.bus.set_clock(thread_time);
        match self.signatures {
            Signatures::None => {}
            Signatures::Ed25519 => {
                let signers: BTreeMap<_, _> = all
                    .iter()
                    .map(|me| (*me, Box::new(Key::of(me)) as Box<dyn Signer>))
                    .collect();
                let keys = Box::new(Keys::of(&all));
                let name = self.group.with(Name);
                world
                    .bus
                    .set_notary(Notary::new(self.protocol, &name, signers, keys));
            }
        }
        Scene::new(world, self.protocol, self.event, all)
    }

    /// The run with the median serial time of `rounds` runs.
    pub(crate) fn median(&self, rounds: usize) -> Run {
        let mut scene = self.scene();
        let mut runs: Vec<Run> = (0..rounds.max(1)).map(|_| scene.play()).collect();
        runs.sort_by_key(|run| run.serial().time());
        runs.swap_remove(runs.len() / 2)
    }
}
