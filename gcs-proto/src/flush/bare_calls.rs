//! Calls of the application for bare groups.

use super::{
    FlushLayer,
    bare::{BareEvent, BareGroup, Place},
    codec,
    state::Intent,
};
use crate::{
    error::Error,
    gcs::{GcsCommand, Multicast, Scope},
    limits,
    name::{GroupName, Name},
};

impl FlushLayer {
    /// Asks to become a member of `group` without view synchrony; its first membership tells
    /// success ([`poll_bare_event`](Self::poll_bare_event)).
    ///
    /// To members that run the flush layer in the group this one does not answer: it holds up
    /// their view changes ([`missing_flush`](Self::missing_flush)).
    ///
    /// # Errors
    /// [`Error::IllegalGroup`] from this call, or from [`join`](Self::join), on until the group was
    /// left again or the join was refused; [`Error::Closed`] when the connection is over.
    pub fn join_bare(&mut self, group: GroupName) -> Result<(), Error> {
        let known = self.progress.contains_key(&group) || self.groups.contains_key(&group);
        if known || self.bare.contains(&group) {
            return Err(Error::IllegalGroup(group));
        }
        self.command(GcsCommand::Join(group))?;
        let bare = BareGroup {
            intent: Intent::Stay,
            place: Place::Joining,
        };
        self.bare.groups.insert(group, bare);
        Ok(())
    }

    /// Sends outside of all views: to bare groups, to groups that this member is not in, and to
    /// private groups, to several of them at once if need be.
    ///
    /// # Errors
    /// [`Error::ViewSynchronous`] if one of the groups, or the group that a subset cast names, was
    /// joined with [`join`](Self::join); [`Error::IllegalMessageType`] for types below -32765 unless
    /// all destinations are bare groups of this member, because they mean something to whoever runs
    /// the flush layer; [`Error::Limit`] for too many destinations or a body too long;
    /// [`Error::Closed`] when the connection is over.
    pub fn multicast_bare(&mut self, message: Multicast) -> Result<(), Error> {
        let reference = match message.scope {
            Scope::Named => None,
            Scope::Subset => codec::split_reference(&message.body).map(|(_, name)| name),
        };
        let mut named = message.destinations.iter().chain(&reference);
        let joined = |name: &Name| {
            let progress = self.progress.get_key_value(name).map(|(group, _)| *group);
            progress.or_else(|| self.groups.get_key_value(name).map(|(group, _)| *group))
        };
        if let Some(group) = named.find_map(joined) {
            return Err(Error::ViewSynchronous(group));
        }
        if message.message_type < limits::LOWEST_FLUSH_USER_TYPE {
            let ours = |name: &Name| self.bare.groups.contains_key(name);
            match message.scope {
                Scope::Named if message.destinations.iter().all(ours) => {}
                Scope::Named | Scope::Subset => {
                    return Err(Error::IllegalMessageType(message.message_type));
                }
            }
        }
        let destinations = message.destinations.len();
        if destinations > self.destinations {
            return Err(Error::Limit {
                what: "number of destinations",
                value: destinations,
                max: self.destinations,
            });
        }
        let names = destinations.saturating_mul(limits::NAME_SLOT);
        self.check_size(message.body.len().saturating_add(names))?;
        self.command(GcsCommand::Multicast(message))
    }

    /// The next event of a bare group. Take all of them before
    /// [`poll_event`](Self::poll_event), whose last one says that the connection is over; beyond that
    /// no order is guaranteed between groups of the two kinds.
    pub fn poll_bare_event(&mut self) -> Option<BareEvent> {
        self.bare.poll_event()
    }

    /// Whether `group` was joined with [`join_bare`](Self::join_bare), until its end is taken.
    pub fn is_bare(&self, group: &GroupName) -> bool {
        self.bare.contains(group)
    }

    /// Whether `group`, of either kind, was asked to be joined and its first view or membership has
    /// not come.
    pub fn is_joining(&self, group: &GroupName) -> bool {
        let progress = self.progress.get(group);
        let bare = self.bare.groups.get(group);
        progress.is_some_and(|progress| progress.view.is_none())
            || bare.is_some_and(|bare| bare.place == Place::Joining)
    }

    /// Asks to leave a bare group.
    pub(super) fn leave_bare(&mut self, group: GroupName) -> Result<(), Error> {
        match self.bare.groups.get(&group).map(|bare| bare.intent) {
            Some(Intent::Stay) => {}
            Some(Intent::Leave) | None => return Err(Error::IllegalGroup(group)),
        }
        self.command(GcsCommand::Leave(group))?;
        if let Some(bare) = self.bare.groups.get_mut(&group) {
            bare.intent = Intent::Leave;
        }
        Ok(())
    }
}
