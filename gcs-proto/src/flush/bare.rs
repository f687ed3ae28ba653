//! Groups without view synchrony on the same connection.
//!
//! What the engine tells of a bare group goes up as it comes: memberships, signals, messages, the
//! self-leave. Nobody is asked for permission, anybody may send, and a message to several groups
//! is one of each of them. A name is of one kind at a time, from the join until its end is taken.
//!
//! | message | goes to |
//! |---|---|
//! | to destinations as named | every bare group among them that this member is in; and the view-synchronous group or own private group that is named first |
//! | to some members of a group | the group that its body names, of whatever kind |
//!
//! So each group gets what it would get on a connection of its own.

use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};

use super::{codec, state::Intent};
use crate::{
    gcs::{GcsEvent, Message, Refused, Scope},
    name::{GroupName, Name},
};

/// What the engine tells of a bare group, as it tells it; never that the connection is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BareEvent {
    /// The group. A message to several bare groups comes once for each of them.
    pub group: GroupName,
    /// What happened.
    pub event: GcsEvent,
}

/// Where the engine has the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// No membership has come.
    Joining,
    Member,
    /// Left or refused; the application does not know yet.
    Out,
}

#[derive(Debug)]
pub(super) struct BareGroup {
    pub(super) intent: Intent,
    pub(super) place: Place,
}

/// The bare groups of a connection, and what is to be told of them.
#[derive(Debug, Default)]
pub(super) struct BareGroups {
    pub(super) groups: BTreeMap<GroupName, BareGroup>,
    events: VecDeque<BareEvent>,
}

impl BareGroups {
    pub(super) fn contains(&self, group: &GroupName) -> bool {
        self.groups.contains_key(group)
    }

    pub(super) fn queued(&self) -> usize {
        self.events.len()
    }

    /// The application has taken the end of the connection.
    pub(super) fn clear(&mut self) {
        self.groups.clear();
    }

    /// Takes an event of a bare group; gives back what is for the others, by whose names `is_other`
    /// knows them, and which may be a message that was taken as well.
    pub(super) fn handle_event(
        &mut self,
        event: GcsEvent,
        is_other: impl Fn(&Name) -> bool,
    ) -> Option<GcsEvent> {
        if self.groups.is_empty() {
            return Some(event);
        }
        let group = match &event {
            GcsEvent::Membership(membership) => membership.group,
            GcsEvent::TransitionalSignal { group }
            | GcsEvent::SelfLeave { group }
            | GcsEvent::Refused(Refused::Join(group) | Refused::Leave(group)) => *group,
            GcsEvent::Refused(Refused::Multicast(message)) => {
                let named: Vec<GroupName> = self.among(&message.destinations).collect();
                let told = self.tell(&named, &event);
                return (!told).then_some(event);
            }
            GcsEvent::Message(message) => {
                let told = self.tell(&self.receivers(message), &event);
                let shared = match message.scope {
                    Scope::Named => message.destinations.first().is_some_and(is_other),
                    Scope::Subset => false,
                };
                return (!told || shared).then_some(event);
            }
            GcsEvent::Closed(_) => return Some(event),
        };
        let Some(bare) = self.groups.get_mut(&group) else {
            return Some(event);
        };
        bare.place = match (&event, bare.place) {
            (GcsEvent::Membership(_), _) => Place::Member,
            (GcsEvent::SelfLeave { .. }, _)
            | (GcsEvent::Refused(Refused::Join(_)), Place::Joining) => Place::Out,
            (_, place) => place,
        };
        self.events.push_back(BareEvent { group, event });
        None
    }

    /// The next event for the application, which knows it from now on.
    pub(super) fn poll_event(&mut self) -> Option<BareEvent> {
        let told = self.events.pop_front()?;
        let group = &told.group;
        match &told.event {
            GcsEvent::SelfLeave { .. } => {
                self.groups.remove(group);
            }
            GcsEvent::Refused(Refused::Join(_)) => {
                if self.groups.get(group).map(|bare| bare.place) == Some(Place::Out) {
                    self.groups.remove(group);
                }
            }
            GcsEvent::Refused(Refused::Leave(_)) => {
                if let Some(bare) = self.groups.get_mut(group) {
                    bare.intent = Intent::Stay;
                }
            }
            GcsEvent::Membership(_)
            | GcsEvent::TransitionalSignal { .. }
            | GcsEvent::Message(_)
            | GcsEvent::Refused(Refused::Multicast(_))
            | GcsEvent::Closed(_) => {}
        }
        Some(told)
    }

    fn tell(&mut self, groups: &[GroupName], event: &GcsEvent) -> bool {
        self.events.extend(groups.iter().map(|group| BareEvent {
            group: *group,
            event: event.clone(),
        }));
        !groups.is_empty()
    }

    /// Bare groups among these names, each one once, whoever is in them.
    fn among<'a>(&'a self, names: &'a [Name]) -> impl Iterator<Item = GroupName> + 'a {
        let groups = self.groups.keys();
        groups
            .filter(|group| names.contains(group.as_name()))
            .copied()
    }

    /// The bare groups that a message is for.
    fn receivers(&self, message: &Message) -> Vec<GroupName> {
        let reference;
        let names = match message.scope {
            Scope::Named => &message.destinations[..],
            Scope::Subset => {
                reference = codec::split_reference(&message.body).map(|(_, name)| name);
                reference.as_slice()
            }
        };
        let member = |group: &GroupName| {
            self.groups
                .get(group)
                .is_some_and(|bare| bare.place == Place::Member)
        };
        self.among(names).filter(member).collect()
    }
}
