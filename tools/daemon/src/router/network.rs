//! Network changes: partition, heal, a daemon stopped or started.
//!
//! A change takes the components as they are and the sides as they shall be. Those who stay
//! together (old component intersected with new side) are a *transitional membership*:
//!
//! ```text
//!    old components        {n1 n2 n3}
//!                            /      \            1. per transitional membership, for every group
//!    transitional        {n1}      {n2 n3}          that lost members: TRANSITION (old id)
//!                          |           |         2. per new side, for every group that lost members
//!    new sides           {n1}      {n2 n3}          or gained some: membership by NETWORK, with one
//!                                                   set for each transitional membership
//! ```
//!
//! One change uses two times: `t` for the transitional memberships and `t + 1` for the new ones,
//! with `t` = max(clock, last time used + 1). All signals of a change come before its first
//! membership. A group whose members all stay together and that gains nobody is told nothing and
//! keeps its id. Since a change is one step here, no operation ever falls between signal and
//! membership. Protocol notes, 7.4, 7.5 and 11.1.

use std::collections::{BTreeMap, BTreeSet};

use gcs_proto::{
    gcs::ViewId,
    name::{DaemonName, GroupName, MemberName},
};

use super::{
    Router,
    component::{Component, Times},
    configuration::{DaemonIndex, Partition},
    group::{Group, GroupId, Members, Pair},
    output::CloseCause,
};
use crate::error::Error;

/// Daemons that shall reach each other.
type Side = BTreeSet<DaemonIndex>;

/// A group in a transitional membership.
struct Remains {
    group: Group,
    fate: Fate,
}

/// What a change did to a group in a transitional membership.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// All members are still here.
    Whole,
    /// Some members are gone.
    Lessened,
}

impl Router {
    /// Divides the running daemons.
    ///
    /// # Errors
    /// [`Error::UnknownDaemon`], [`Error::DaemonStopped`], [`Error::NamedTwice`] or
    /// [`Error::LeftOut`]; nothing has changed then.
    pub fn partition(&mut self, partition: &Partition, now: u32) -> Result<(), Error> {
        let running = self.running();
        let mut named = Side::new();
        let mut sides = Vec::new();
        for names in &partition.sides {
            let mut side = Side::new();
            for name in names {
                let daemon = self.configuration.find(name)?;
                if !running.contains(&daemon) {
                    return Err(Error::DaemonStopped(*name));
                }
                if !named.insert(daemon) {
                    return Err(Error::NamedTwice(*name));
                }
                side.insert(daemon);
            }
            sides.push(side);
        }
        let left_out = self
            .configuration
            .entries()
            .find(|(daemon, _)| running.contains(daemon) && !named.contains(daemon));
        if let Some((_, entry)) = left_out {
            return Err(Error::LeftOut(entry.name));
        }
        self.reform(sides, now);
        Ok(())
    }

    /// Lets all running daemons reach each other.
    pub fn heal(&mut self, now: u32) {
        let running = self.running();
        self.reform(vec![running], now);
    }

    /// Stops a daemon: its sessions end, and for all others it is lost.
    ///
    /// # Errors
    /// [`Error::UnknownDaemon`] or [`Error::DaemonStopped`].
    pub fn stop(&mut self, name: &DaemonName, now: u32) -> Result<(), Error> {
        let daemon = self.configuration.find(name)?;
        if !self.running().contains(&daemon) {
            return Err(Error::DaemonStopped(*name));
        }
        let sessions: Vec<_> = self.sessions.of_daemon(daemon).collect();
        for session in sessions {
            // Its memberships go with the daemon, so nobody is told of a disconnect.
            self.sessions.remove(session);
            self.close(session, CloseCause::DaemonStopped);
        }
        let mut sides = self.sides();
        for side in &mut sides {
            side.remove(&daemon);
        }
        self.reform(sides, now);
        Ok(())
    }

    /// Starts a stopped daemon, alone and without members; [`heal`](Self::heal) brings it back.
    ///
    /// # Errors
    /// [`Error::UnknownDaemon`] or [`Error::DaemonRunning`].
    pub fn start(&mut self, name: &DaemonName, now: u32) -> Result<(), Error> {
        let daemon = self.configuration.find(name)?;
        if self.running().contains(&daemon) {
            return Err(Error::DaemonRunning(*name));
        }
        let mut sides = self.sides();
        sides.push(Side::from([daemon]));
        self.reform(sides, now);
        Ok(())
    }

    fn running(&self) -> Side {
        self.components
            .iter()
            .flat_map(|component| component.daemons.iter().copied())
            .collect()
    }

    fn sides(&self) -> Vec<Side> {
        self.components
            .iter()
            .map(|component| component.daemons.clone())
            .collect()
    }

    /// Carries out a change; does nothing when the sides are what they were.
    fn reform(&mut self, mut sides: Vec<Side>, now: u32) {
        sides.retain(|side| !side.is_empty());
        sides.sort_by_key(|side| side.first().copied());
        if sides == self.sides() {
            return;
        }
        let times = self.clock.change(now);
        let old = std::mem::take(&mut self.components);
        let (kept, changed): (Vec<_>, Vec<_>) = old
            .into_iter()
            .partition(|component| sides.contains(&component.daemons));

        let mut pieces: Vec<(Side, BTreeMap<GroupName, Remains>)> = Vec::new();
        for component in changed {
            for side in &sides {
                let together: Side = component.daemons.intersection(side).copied().collect();
                if !together.is_empty() {
                    let remains = self.lose(&component, &together, times);
                    pieces.push((together, remains));
                }
            }
        }
        self.components = kept;
        for side in sides {
            if self.components.iter().any(|kept| kept.daemons == side) {
                continue;
            }
            let mut gathered: BTreeMap<GroupName, Vec<Remains>> = BTreeMap::new();
            for (_, remains) in pieces.extract_if(.., |(together, _)| together.is_subset(&side)) {
                for (name, remains) in remains {
                    gathered.entry(name).or_default().push(remains);
                }
            }
            let component = self.gain(side, gathered, times);
            self.components.push(component);
        }
        self.components
            .sort_by_key(|component| component.daemons.first().copied());
    }

    /// First half: what is left of a component's groups among those who stay together.
    fn lose(
        &mut self,
        component: &Component,
        together: &Side,
        times: Times,
    ) -> BTreeMap<GroupName, Remains> {
        let transitional = Pair {
            proc_id: self.first_id(together),
            time: times.transitional,
        };
        let mut remains = BTreeMap::new();
        for (name, group) in &component.groups {
            let members: Members = group
                .members
                .iter()
                .filter(|(place, _)| together.contains(&place.daemon))
                .map(|(place, session)| (*place, *session))
                .collect();
            if members.is_empty() {
                continue;
            }
            let (id, fate) = if members.len() < group.members.len() {
                let old: ViewId = group.id.view_id();
                self.signal(*name, old, &members);
                (GroupId::first(transitional), Fate::Lessened)
            } else {
                (group.id, Fate::Whole)
            };
            remains.insert(
                *name,
                Remains {
                    group: Group { id, members },
                    fate,
                },
            );
        }
        remains
    }

    /// Second half: the groups of a new side, told of where they changed.
    fn gain(
        &mut self,
        side: Side,
        gathered: BTreeMap<GroupName, Vec<Remains>>,
        times: Times,
    ) -> Component {
        let pair = Pair {
            proc_id: self.first_id(&side),
            time: times.regular,
        };
        let mut groups = BTreeMap::new();
        for (name, mut remains) in gathered {
            remains.sort_by_key(|remains| remains.group.id.pair.set_order());
            let untouched = match remains.as_slice() {
                [only] if only.fate == Fate::Whole => Some(only.group.id),
                _ => None,
            };
            let id = untouched.unwrap_or_else(|| GroupId::first(pair));
            let sets = sets_by_pair(&remains);
            let members = remains
                .into_iter()
                .flat_map(|remains| remains.group.members)
                .collect();
            let group = Group { id, members };
            if untouched.is_none() {
                self.announce_network(name, &group, &sets);
            }
            groups.insert(name, group);
        }
        Component {
            daemons: side,
            pair,
            groups,
        }
    }

    fn first_id(&self, side: &Side) -> i32 {
        side.first()
            .map_or(0, |daemon| self.configuration.proc_id(*daemon))
    }

    /// Tells the members of a group of a network change; each one gets the offset of its own set.
    fn announce_network(&mut self, name: GroupName, group: &Group, sets: &[Members]) {
        let names: Vec<Vec<MemberName>> = sets
            .iter()
            .map(|set| set.keys().map(|place| place.member).collect())
            .collect();
        for (own, set) in sets.iter().enumerate() {
            self.network_membership(name, group, &names, own, set);
        }
    }
}

/// Virtual synchrony sets: members whose daemons held the same pair for the group came together.
/// Expects `remains` in the order of their pairs.
fn sets_by_pair(remains: &[Remains]) -> Vec<Members> {
    remains
        .chunk_by(|one, other| one.group.id.pair == other.group.id.pair)
        .map(|chunk| {
            chunk
                .iter()
                .flat_map(|remains| &remains.group.members)
                .map(|(place, session)| (*place, *session))
                .collect()
        })
        .collect()
}
