//! Schedules made by proptest, with shrinking on the list of events: a reference that knows who can
//! reach whom, beside the simulation with its oracle.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use std::collections::BTreeSet;

use cliques::{MemberName, TokenService};
use gka_robust::testing::{
    DESIGNS, Options, Simulation, check,
    oracle::check_quiescent,
    simulation::{Change, Traffic, member},
};
use proptest::{prelude::*, sample::Index};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Who can reach whom.
#[derive(Clone, Debug)]
struct Reference {
    design: usize,
    seed: u64,
    components: Vec<BTreeSet<&'static str>>,
}

#[derive(Clone, Debug)]
enum Event {
    /// Starts beside somebody, or alone.
    Start(&'static str, Option<&'static str>),
    Crash(&'static str),
    Leave(&'static str),
    /// The live ones of these become one component.
    Gather(BTreeSet<&'static str>),
    Steps(usize),
    Send(&'static str),
    Refresh(&'static str),
}

impl Reference {
    fn live(&self) -> BTreeSet<&'static str> {
        self.components.iter().flatten().copied().collect()
    }

    fn remove(&mut self, names: &BTreeSet<&'static str>) {
        for component in &mut self.components {
            component.retain(|name| !names.contains(name));
        }
        self.components.retain(|component| !component.is_empty());
    }
}

fn name() -> impl Strategy<Value = &'static str> {
    any::<Index>().prop_map(|index| NAMES[index.index(NAMES.len())])
}

impl ReferenceStateMachine for Reference {
    type State = Self;
    type Transition = Event;

    fn init_state() -> BoxedStrategy<Self> {
        (0..DESIGNS.len(), any::<u64>())
            .prop_map(|(design, seed)| Self {
                design,
                seed,
                components: Vec::new(),
            })
            .boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Event> {
        prop_oneof![
            3 => (name(), proptest::option::weighted(0.8, name()))
                .prop_map(|(name, with)| Event::Start(name, with)),
            1 => name().prop_map(Event::Crash),
            1 => name().prop_map(Event::Leave),
            3 => proptest::collection::btree_set(name(), 1..6).prop_map(Event::Gather),
            6 => (0..60_usize).prop_map(Event::Steps),
            1 => name().prop_map(Event::Send),
            1 => name().prop_map(Event::Refresh),
        ]
        .boxed()
    }

    fn preconditions(state: &Self, event: &Event) -> bool {
        let live = state.live();
        match event {
            Event::Start(name, with) => {
                !live.contains(name) && with.is_none_or(|with| live.contains(with))
            }
            Event::Crash(name) | Event::Leave(name) => live.contains(name) && live.len() > 1,
            Event::Gather(names) => names.is_subset(&live),
            Event::Send(name) | Event::Refresh(name) => live.contains(name),
            Event::Steps(_) => true,
        }
    }

    fn apply(mut state: Self, event: &Event) -> Self {
        match event {
            Event::Start(name, with) => {
                let component = state
                    .components
                    .iter_mut()
                    .find(|component| with.is_some_and(|with| component.contains(with)));
                match component {
                    Some(component) => drop(component.insert(name)),
                    None => state.components.push([*name].into()),
                }
            }
            Event::Crash(name) | Event::Leave(name) => state.remove(&[*name].into()),
            Event::Gather(names) => {
                state.remove(names);
                state.components.push(names.clone());
            }
            Event::Steps(_) | Event::Send(_) | Event::Refresh(_) => {}
        }
        state
    }
}

struct Drivers;

impl Drivers {
    fn assert_sound(simulation: &Simulation) {
        let found = check(simulation);
        assert!(found.is_empty(), "{found:?}");
    }
}

impl StateMachineTest for Drivers {
    type SystemUnderTest = Simulation;
    type Reference = Reference;

    fn init_test(state: &Reference) -> Simulation {
        let (protocol, algorithm) = DESIGNS[state.design];
        Simulation::new(Options::of(protocol, algorithm, state.seed))
    }

    fn apply(mut simulation: Simulation, _: &Reference, event: Event) -> Simulation {
        match event {
            Event::Start(name, with) => simulation.start(&member(name), with.map(member).as_ref()),
            Event::Crash(name) => {
                simulation.end(&member(name), Change::Disconnect(member(name)));
            }
            Event::Leave(name) => simulation.end(&member(name), Change::Leave(member(name))),
            Event::Gather(names) => {
                simulation.gather(names.into_iter().map(member).collect());
            }
            Event::Steps(count) => (0..count).for_each(|_| {
                simulation.step(Traffic::Busy);
            }),
            // May be refused.
            Event::Send(name) => {
                let _ = simulation.send_data(&member(name), Some(TokenService::Agreed));
            }
            Event::Refresh(name) => {
                let _ = simulation.request_refresh(&member(name));
            }
        }
        simulation
    }

    fn check_invariants(simulation: &Simulation, _: &Reference) {
        Self::assert_sound(simulation);
    }

    fn teardown(mut simulation: Simulation, state: Reference) {
        assert!(simulation.settle(), "I22: never comes to rest");
        Self::assert_sound(&simulation);
        let found = check_quiescent(&simulation);
        assert!(found.is_empty(), "{found:?}");
        for component in &state.components {
            let expected: BTreeSet<MemberName> =
                component.iter().map(|name| member(name)).collect();
            for name in &expected {
                let driver = simulation.driver(name).expect("live in the reference");
                let secure = driver.secure_view().expect("at rest");
                let members: BTreeSet<MemberName> = secure.view.members.iter().cloned().collect();
                assert_eq!(members, expected);
            }
        }
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn schedules_keep_all_properties(sequential 1..30 => Drivers);
}
