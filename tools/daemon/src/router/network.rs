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
//! keeps its id. A change is one step here, so an operation falls between signal and membership
//! only if it was [held](Router::hold) before. Protocol notes, 7.4, 7.5 and 11.1.

use std::collections::{BTreeMap, BTreeSet};

use gcs_proto::{
    codec::Delivery,
    name::{DaemonName, GroupName, MemberName},
};

use super::{
    Router,
    component::{Component, State, Times},
    configuration::{DaemonIndex, Partition},
    group::{Group, GroupId, Members, Pair},
    hold::{Act, Cut, Operation},
    output::CloseCause,
};
use crate::error::Error;

/// Daemons that shall reach each other.
type Side = BTreeSet<DaemonIndex>;

impl Router {
    /// Divides the running daemons.
    ///
    /// # Errors
    /// [`Error::UnknownDaemon`], [`Error::DaemonStopped`], [`Error::NamedTwice`] or
    /// [`Error::LeftOut`]; nothing has changed then.
    pub fn partition(&mut self, partition: &Partition, now: u32) -> Result<(), Error> {
        self.partition_at(partition, Cut::default(), now)
    }

    /// Divides the running daemons, at a chosen place among the operations that are held.
    ///
    /// # Errors
    /// As [`partition`](Self::partition).
    pub fn partition_at(&mut self, partition: &Partition, cut: Cut, now: u32) -> Result<(), Error> {
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
        self.reform(sides, cut, now);
        Ok(())
    }

    /// Lets all running daemons reach each other. What is held is delivered before.
    pub fn heal(&mut self, now: u32) {
        let running = self.running();
        self.reform(vec![running], Cut::default(), now);
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
            if self.sessions.end(session) {
                self.close(session, CloseCause::DaemonStopped);
            }
            // Its memberships go with the daemon, so nobody is told of a disconnect.
            self.sessions.remove(session);
        }
        let mut sides = self.sides();
        for side in &mut sides {
            side.remove(&daemon);
        }
        self.reform(sides, Cut::default(), now);
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
        self.reform(sides, Cut::default(), now);
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

    /// Carries out a change; when the sides are what they were, only ends what is held.
    fn reform(&mut self, mut sides: Vec<Side>, cut: Cut, now: u32) {
        sides.retain(|side| !side.is_empty());
        sides.sort_by_key(|side| side.first().copied());
        if sides == self.sides() {
            self.release();
            return;
        }
        let late = self.deliver_prefix(&sides, cut);
        let times = self.clock.change(now);
        let old = std::mem::take(&mut self.components);
        let (kept, changed): (Vec<_>, Vec<_>) = old
            .into_iter()
            .partition(|component| sides.contains(&component.daemons));
        self.components = kept;
        for component in &changed {
            for side in &sides {
                let together: Side = component.daemons.intersection(side).copied().collect();
                if !together.is_empty() {
                    let piece = self.lose(component, together, times);
                    self.components.push(piece);
                }
            }
        }
        self.deliver_late(&changed, late, cut);
        let (kept, mut pieces): (Vec<_>, Vec<_>) = std::mem::take(&mut self.components)
            .into_iter()
            .partition(|component| component.state == State::Regular);
        self.components = kept;
        for side in sides {
            let mut gathered: BTreeMap<GroupName, Vec<Group>> = BTreeMap::new();
            let together = pieces.extract_if(.., |piece| piece.daemons.is_subset(&side));
            let mut gained = false;
            for piece in together {
                gained = true;
                for (name, group) in piece.groups {
                    gathered.entry(name).or_default().push(group);
                }
            }
            // A side that was there before has no pieces; one of started daemons has none either.
            if gained || !self.components.iter().any(|kept| kept.daemons == side) {
                let component = self.gain(side, gathered, times);
                self.components.push(component);
            }
        }
        self.components
            .sort_by_key(|component| component.daemons.first().copied());
    }

    /// Delivers the operations held that come before the change, and gives back the rest: those
    /// behind the cut in components that are divided.
    fn deliver_prefix(&mut self, sides: &[Side], cut: Cut) -> Vec<Operation> {
        let mut late = Vec::new();
        let mut delivered: BTreeMap<Option<DaemonIndex>, usize> = BTreeMap::new();
        for operation in self.take_held() {
            let Some(component) = self.component_of(operation.daemon) else {
                continue;
            };
            let divided = !sides.iter().any(|side| component.daemons.is_subset(side));
            let before = delivered
                .entry(component.daemons.first().copied())
                .or_default();
            if divided && *before >= cut.prefix {
                late.push(operation);
            } else {
                *before += 1;
                self.carry_out(operation);
            }
        }
        late
    }

    /// Delivers operations between the signals and the next memberships: at each piece those of its
    /// own sessions, and of those it has lost messages up to a gap.
    fn deliver_late(&mut self, divided: &[Component], late: Vec<Operation>, cut: Cut) {
        let mut gaps: BTreeMap<Side, usize> = BTreeMap::new();
        for piece in &self.components {
            let whole = divided
                .iter()
                .find(|component| piece.daemons.is_subset(&component.daemons));
            let theirs = late.iter().filter(|operation| {
                whole.is_some_and(|whole| whole.daemons.contains(&operation.daemon))
                    && !piece.daemons.contains(&operation.daemon)
            });
            let messages = theirs.take_while(|operation| matches!(operation.act, Act::Send(_)));
            let gap = cut.gap(piece.daemons.first().copied(), messages.count());
            gaps.insert(piece.daemons.clone(), gap);
        }
        for operation in late {
            let whole = divided
                .iter()
                .find(|component| component.daemons.contains(&operation.daemon));
            if let (Act::Send(message), Some(whole)) = (&operation.act, whole) {
                let mut copies = Vec::new();
                for piece in &self.components {
                    let left = gaps.get_mut(&piece.daemons).filter(|left| {
                        **left > 0
                            && piece.daemons.is_subset(&whole.daemons)
                            && !piece.daemons.contains(&operation.daemon)
                    });
                    if let Some(left) = left {
                        *left -= 1;
                        copies.push(self.targets(piece, operation.session, message));
                    }
                }
                for targets in copies {
                    let sender = operation.member;
                    let message = message.clone();
                    self.deliver(targets, Delivery::Data { sender, message });
                }
            }
            self.carry_out(operation);
        }
    }

    /// First half: what is left of a component's groups among those who stay together.
    fn lose(&mut self, component: &Component, together: Side, times: Times) -> Component {
        let transitional = Pair {
            proc_id: self.first_id(&together),
            time: times.transitional,
        };
        let mut groups = BTreeMap::new();
        for (name, group) in &component.groups {
            let (members, lost): (Members, Members) = group
                .members
                .iter()
                .partition(|(place, _)| together.contains(&place.daemon));
            let id = if lost.is_empty() {
                group.id
            } else {
                self.signal(*name, group.id.view_id(), &members);
                GroupId::first(transitional)
            };
            // One whose members are all out of reach is kept for those who join it now.
            groups.insert(*name, Group { id, members, lost });
        }
        Component {
            daemons: together,
            pair: transitional,
            state: State::Transitional,
            groups,
        }
    }

    /// Second half: the groups of a new side, told of where they changed.
    fn gain(
        &mut self,
        side: Side,
        gathered: BTreeMap<GroupName, Vec<Group>>,
        times: Times,
    ) -> Component {
        let pair = Pair {
            proc_id: self.first_id(&side),
            time: times.regular,
        };
        let mut groups = BTreeMap::new();
        for (name, mut remains) in gathered {
            // Members out of reach are given up.
            remains.retain(|group| !group.members.is_empty());
            remains.sort_by_key(|group| group.id.pair.set_order());
            let untouched = match remains.as_slice() {
                [] => continue,
                [only] if only.lost.is_empty() => Some(only.id),
                [..] => None,
            };
            let id = untouched.unwrap_or_else(|| GroupId::first(pair));
            let sets = sets_by_pair(&remains);
            let mut group = Group::new(id);
            group.members = remains
                .into_iter()
                .flat_map(|remains| remains.members)
                .collect();
            if untouched.is_none() {
                self.announce_network(name, &group, &sets);
            }
            groups.insert(name, group);
        }
        Component {
            daemons: side,
            pair,
            state: State::Regular,
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
fn sets_by_pair(remains: &[Group]) -> Vec<Members> {
    remains
        .chunk_by(|one, other| one.id.pair == other.id.pair)
        .map(|chunk| {
            chunk
                .iter()
                .flat_map(|group| &group.members)
                .map(|(place, session)| (*place, *session))
                .collect()
        })
        .collect()
}
