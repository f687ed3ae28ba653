//! One connection's flush layer: events of the engine in, events and commands out.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::mem;

use super::{
    FlushEvent, Stats, VsView,
    bare::BareGroups,
    codec,
    group::FlushGroup,
    outbox::Outbox,
    progress::{Asked, Progress},
    state::{Intent, Overflow},
    stats,
};
use crate::{
    gcs::{
        ByteOrder, Capabilities, CloseReason, GcsCommand, GcsEvent, Membership, Message, Refused,
        Scope,
    },
    limits,
    name::{GroupName, MemberName, Name},
};

/// All groups of one connection: view-synchronous ones, and bare ones that only pass through.
///
/// Order of calls: after every [`handle_event`](Self::handle_event) and every call of the
/// application carry out all of [`poll_command`](Self::poll_command) at the engine before the
/// next event is handled. [`poll_event`](Self::poll_event), and
/// [`poll_bare_event`](Self::poll_bare_event) where there are bare groups, may wait for the
/// application, which is always treated as knowing exactly what it has taken;
/// [`queued_events`](Self::queued_events) tells when to stop reading for its sake.
///
/// Peers cannot make it fail: what does not fit is dropped and counted in [`stats`](Self::stats).
#[derive(Debug)]
pub struct FlushLayer {
    pub(super) me: MemberName,
    pub(super) groups: BTreeMap<GroupName, FlushGroup>,
    pub(super) progress: BTreeMap<GroupName, Progress>,
    /// Groups left before their first membership came.
    pub(super) left_early: BTreeSet<GroupName>,
    pub(super) bare: BareGroups,
    pub(super) out: Outbox,
    pub(super) closed: bool,
    pub(super) destinations: usize,
    pub(super) message: usize,
}

impl FlushLayer {
    /// A layer over a connection on which the engine calls us `me`, with the bounds of a Spread
    /// 4.4.0 daemon.
    pub fn new(me: MemberName) -> Self {
        Self {
            me,
            groups: BTreeMap::new(),
            progress: BTreeMap::new(),
            left_early: BTreeSet::new(),
            bare: BareGroups::default(),
            out: Outbox::default(),
            closed: false,
            destinations: limits::ROUTED_DESTINATIONS,
            message: limits::SAFE_MESSAGE,
        }
    }

    /// A layer with the bounds that an engine announces.
    pub fn with_capabilities(me: MemberName, capabilities: &Capabilities) -> Self {
        Self {
            destinations: capabilities.destinations,
            message: capabilities.message,
            ..Self::new(me)
        }
    }

    /// Takes the next event of the engine.
    ///
    /// When a bound of this layer is reached the connection is given up:
    /// [`FlushEvent::Closed`] with [`CloseReason::Limit`], and a disconnect for the engine.
    pub fn handle_event(&mut self, event: GcsEvent) {
        if self.closed {
            return;
        }
        let (me, groups) = (self.me, &self.groups);
        let is_other = |name: &Name| name == me.as_name() || groups.contains_key(name);
        let Some(event) = self.bare.handle_event(event, is_other) else {
            return;
        };
        let handled = match event {
            GcsEvent::Membership(membership) => self.handle_membership(membership),
            GcsEvent::Message(message) => self.handle_message(message),
            GcsEvent::TransitionalSignal { group } => {
                match self.groups.get_mut(&group) {
                    Some(record) => record.transitional_signal(&mut self.out),
                    None => stats::count(&mut self.out.stats.unknown_group),
                }
                Ok(())
            }
            GcsEvent::SelfLeave { group } => {
                self.handle_self_leave(group);
                Ok(())
            }
            GcsEvent::Refused(refused) => {
                self.handle_refused(refused);
                Ok(())
            }
            GcsEvent::Closed(reason) => {
                self.close(reason);
                Ok(())
            }
        };
        if let Err(Overflow(bound)) = handled {
            tracing::warn!(me = %self.me, bound, "connection is given up");
            self.out.commands.push_back(GcsCommand::Disconnect);
            self.close(CloseReason::Limit(bound));
        }
    }

    /// The next event for the application.
    pub fn poll_event(&mut self) -> Option<FlushEvent> {
        let event = self.out.events.pop_front()?;
        match &event {
            FlushEvent::View(view) => {
                let progress = self
                    .progress
                    .entry(view.group)
                    .or_insert_with(Progress::joining);
                progress.view = Some(view.clone());
                progress.asked = Asked::No;
            }
            FlushEvent::FlushRequest { group } => {
                if let Some(progress) = self.progress.get_mut(group) {
                    progress.asked = Asked::Waiting;
                }
            }
            FlushEvent::SelfLeave { group } => {
                self.progress.remove(group);
            }
            FlushEvent::Refused(Refused::Join(group)) => {
                let joining = |progress: &Progress| progress.view.is_none();
                if self.progress.get(group).is_some_and(joining) {
                    self.progress.remove(group);
                }
            }
            FlushEvent::Refused(Refused::Leave(group)) => {
                if let Some(progress) = self.progress.get_mut(group) {
                    progress.intent = Intent::Stay;
                }
            }
            FlushEvent::TransitionalSignal { .. }
            | FlushEvent::Message(_)
            | FlushEvent::Private(_)
            | FlushEvent::Refused(Refused::Multicast(_)) => {}
            FlushEvent::Closed(_) => {
                self.progress.clear();
                self.bare.clear();
            }
        }
        Some(event)
    }

    /// The next command for the engine.
    pub fn poll_command(&mut self) -> Option<GcsCommand> {
        self.out.commands.pop_front()
    }

    /// Events that wait to be taken, of groups of both kinds.
    pub fn queued_events(&self) -> usize {
        self.out.events.len() + self.bare.queued()
    }

    /// The name of this member.
    pub const fn me(&self) -> &MemberName {
        &self.me
    }

    /// The view of `group` last taken, until its self-leave is taken.
    pub fn view(&self, group: &GroupName) -> Option<&VsView> {
        self.progress.get(group)?.view.as_ref()
    }

    /// Members of the change under agreement whose acknowledgement has not come, in its order.
    ///
    /// Empty when no change is pending. Whoever stays in this list does not run this layer, or
    /// its application does not answer: it holds up the whole group. As the one getter that looks
    /// ahead of the application it tells the state of now.
    pub fn missing_flush(&self, group: &GroupName) -> Vec<MemberName> {
        self.groups
            .get(group)
            .map_or_else(Vec::new, FlushGroup::missing)
    }

    /// What happened so far.
    pub const fn stats(&self) -> &Stats {
        &self.out.stats
    }

    fn handle_membership(&mut self, membership: Membership) -> Result<(), Overflow> {
        let group = membership.group;
        if let Some(record) = self.groups.get_mut(&group) {
            return record.membership(membership, &mut self.out);
        }
        let intent = if self.left_early.contains(&group) {
            Intent::Leave
        } else {
            Intent::Stay
        };
        let mut record = FlushGroup::new(group, self.me, intent);
        record.membership(membership, &mut self.out)?;
        // An illegal first membership leaves no trace.
        if record.head().is_some() {
            self.left_early.remove(&group);
            self.groups.insert(group, record);
        }
        Ok(())
    }

    /// Finds the group that a message belongs to: the reference group of a subset cast, else its
    /// first destination.
    fn handle_message(&mut self, mut message: Message) -> Result<(), Overflow> {
        let body = mem::take(&mut message.body);
        let found = match message.scope {
            Scope::Named => message.destinations.first().map(|name| (body, *name)),
            Scope::Subset => codec::split_reference(&body),
        };
        let Some((body, name)) = found else {
            stats::count(&mut self.out.stats.malformed);
            return Ok(());
        };
        if name == *self.me.as_name() {
            message.body = body;
            self.out.event(FlushEvent::Private(message));
            return Ok(());
        }
        match self.groups.get_mut(&name) {
            Some(record) => record.message(message, body, &mut self.out),
            None => {
                stats::count(&mut self.out.stats.unknown_group);
                Ok(())
            }
        }
    }

    fn handle_self_leave(&mut self, group: GroupName) {
        let known = self.groups.remove(&group).is_some() || self.left_early.remove(&group);
        if known {
            self.out.event(FlushEvent::SelfLeave { group });
        } else {
            stats::count(&mut self.out.stats.unknown_group);
        }
    }

    fn handle_refused(&mut self, refused: Refused) {
        let refused = match refused {
            Refused::Join(group) => {
                self.left_early.remove(&group);
                Refused::Join(group)
            }
            Refused::Leave(group) => {
                self.left_early.remove(&group);
                if let Some(record) = self.groups.get_mut(&group) {
                    record.stay(&mut self.out);
                }
                Refused::Leave(group)
            }
            Refused::Multicast(message) => {
                Refused::Multicast(codec::original(message, ByteOrder::Little))
            }
        };
        self.out.event(FlushEvent::Refused(refused));
    }

    fn close(&mut self, reason: CloseReason) {
        self.closed = true;
        self.out.event(FlushEvent::Closed(reason));
    }
}
