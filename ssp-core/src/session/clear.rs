//! Groups without keys on the connection of the secure ones: flush-only and bare.
//!
//! ```text
//!            join_flush            views, requests (unless answered here), messages of a view
//!            join_bare             memberships, signals, messages of anybody
//!            multicast_bare -----> bare groups, groups not joined, private groups; several at once
//!                           --X--> secure and flush-only groups: WrongKind
//! ```
//!
//! Whoever calls these functions asks for messages in the clear; nothing here can put one into a
//! secure group. The policy is asked about the own join, and about nothing that is sent or received:
//! nobody's identity is verified here.

use bytes::Bytes;
use gcs_proto::{
    flush::FlushEvent,
    gcs::{Multicast, Refused, SelfDelivery, ViewId},
    name::{GroupName, MemberName},
    service::Service,
};

use super::Session;
use crate::{Timestamp, config::FlushMode, error::Error, event::SessionEvent, group::GroupKind};

/// A group without a key.
#[derive(Clone, Copy, Debug)]
pub(super) enum ClearGroup {
    Flush(FlushMode),
    Bare,
}

impl ClearGroup {
    pub(super) const fn kind(self) -> GroupKind {
        match self {
            Self::Flush(_) => GroupKind::Flush,
            Self::Bare => GroupKind::Bare,
        }
    }
}

impl Session {
    /// Asks to become a member of `group` with view synchrony and without a key; a
    /// [`FlushEvent::View`] tells success. Who answers its flush requests is `mode`'s to say.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    pub fn join_flush(
        &mut self,
        group: GroupName,
        mode: FlushMode,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.may_join(group, now)?;
        self.flush.join(group)?;
        self.clear.insert(group, ClearGroup::Flush(mode));
        Ok(())
    }

    /// Asks to become a member of `group` with nothing above the engine; a
    /// [`GcsEvent::Membership`](gcs_proto::gcs::GcsEvent::Membership) tells success.
    ///
    /// # Errors
    /// As [`join`](Self::join).
    pub fn join_bare(&mut self, group: GroupName, now: Timestamp) -> Result<(), Error> {
        self.may_join(group, now)?;
        self.flush.join_bare(group)?;
        self.clear.insert(group, ClearGroup::Bare);
        Ok(())
    }

    /// Sends to all members of `view` of a flush-only group, in the clear: in that view or to nobody.
    ///
    /// # Errors
    /// [`Error::WrongKind`]; [`Error::Outdated`] if `view` was replaced; [`Error::Engine`] between the
    /// answer to a flush request and the next view, for types below -32765 and for a body too long;
    /// [`Error::NotJoined`], before the first view as well; [`Error::Service`], [`Error::Leaving`],
    /// [`Error::Closed`].
    pub fn multicast_flush(
        &mut self,
        group: &GroupName,
        view: ViewId,
        service: Service,
        self_delivery: SelfDelivery,
        message_type: i16,
        body: Bytes,
    ) -> Result<(), Error> {
        self.may_send_in(*group, view, service)?;
        self.flush
            .multicast(*group, service, self_delivery, message_type, body)
            .map_err(|error| about(*group, error))
    }

    /// Sends to some members of `view` of a flush-only group, as
    /// [`FlushLayer::subset`](gcs_proto::flush::FlushLayer::subset) does.
    ///
    /// # Errors
    /// As [`multicast_flush`](Self::multicast_flush); [`Error::Engine`] also for somebody outside the
    /// view and for too many receivers.
    pub fn subset_flush(
        &mut self,
        group: &GroupName,
        view: ViewId,
        receivers: &[MemberName],
        service: Service,
        message_type: i16,
        body: Bytes,
    ) -> Result<(), Error> {
        self.may_send_in(*group, view, service)?;
        self.flush
            .subset(*group, receivers, service, message_type, body)
            .map_err(|error| about(*group, error))
    }

    /// Sends in the clear and outside of all views: to bare groups, to groups that this member is not
    /// in, to private groups, to several of them at once.
    ///
    /// # Errors
    /// [`Error::WrongKind`] if one of the destinations, or the group that a subset cast names, is a
    /// secure or flush-only group here; [`Error::Engine`] for types below -32765 unless all
    /// destinations are bare groups of this member, for too many destinations and for a body too
    /// long; [`Error::Service`], [`Error::Closed`].
    pub fn multicast_bare(&mut self, message: Multicast) -> Result<(), Error> {
        self.open()?;
        self.offers(message.service)?;
        self.flush
            .multicast_bare(message)
            .map_err(|error| match error {
                gcs_proto::Error::ViewSynchronous(group) => self.not(GroupKind::Bare, group),
                other => other.into(),
            })
    }

    /// Sends in the clear to the private group of anybody, outside of all views.
    ///
    /// # Errors
    /// [`Error::Engine`] for types below -32765 and for a body too long; [`Error::Service`],
    /// [`Error::Closed`].
    pub fn private(
        &mut self,
        to: MemberName,
        service: Service,
        message_type: i16,
        body: Bytes,
    ) -> Result<(), Error> {
        self.open()?;
        self.offers(service)?;
        Ok(self.flush.private(to, service, message_type, body)?)
    }

    /// Leaves a group without a key.
    pub(super) fn leave_clear(&mut self, group: GroupName) -> Result<(), Error> {
        self.flush.leave(group).map_err(|error| about(group, error))
    }

    /// The answer to a flush request of a group without a key.
    pub(super) fn flush_ok_clear(&mut self, group: GroupName) -> Result<(), Error> {
        self.open()?;
        match self.clear.get(&group) {
            Some(ClearGroup::Flush(FlushMode::Manual)) => {}
            Some(ClearGroup::Flush(FlushMode::Automatic)) => {
                return Err(Error::IllegalFlushOk(group));
            }
            Some(ClearGroup::Bare) | None => return Err(self.not(GroupKind::Flush, group)),
        }
        self.flush.flush_ok(group).map_err(|error| match error {
            gcs_proto::Error::IllegalState { .. } => Error::IllegalFlushOk(group),
            other => about(group, other),
        })
    }

    /// Why a group that is not of the kind wanted cannot be used.
    pub(super) fn not(&self, wanted: GroupKind, group: GroupName) -> Error {
        match self.kind(&group) {
            Some(kind) if kind != wanted => Error::WrongKind {
                group,
                kind,
                wanted,
            },
            Some(_) | None => Error::NotJoined(group),
        }
    }

    fn offers(&self, service: Service) -> Result<(), Error> {
        let strongest = self.config.capabilities.strongest_service;
        if service > strongest {
            return Err(Error::Service {
                wanted: service,
                strongest,
            });
        }
        Ok(())
    }

    fn may_send_in(&self, group: GroupName, view: ViewId, service: Service) -> Result<(), Error> {
        self.open()?;
        self.offers(service)?;
        match self.clear.get(&group) {
            Some(ClearGroup::Flush(_)) => {}
            Some(ClearGroup::Bare) | None => return Err(self.not(GroupKind::Flush, group)),
        }
        match self.flush.view(&group) {
            None => Err(Error::NotJoined(group)),
            Some(installed) if installed.view.id != view => Err(Error::Outdated(group)),
            Some(_) => Ok(()),
        }
    }

    /// Hands up what happened in bare groups.
    pub(super) fn route_bare(&mut self) {
        while let Some(event) = self.flush.poll_bare_event() {
            if !self.flush.is_bare(&event.group) {
                self.clear.remove(&event.group);
            }
            self.events.push_back(SessionEvent::Bare(event));
        }
    }

    /// Hands up what happened in a flush-only group; gives back what happened elsewhere.
    pub(super) fn route_clear(&mut self, event: FlushEvent) -> Option<FlushEvent> {
        let clear = event.group().and_then(|group| self.clear.get(group));
        let Some(clear) = clear else {
            return Some(event);
        };
        match (&event, clear) {
            (FlushEvent::FlushRequest { group }, ClearGroup::Flush(FlushMode::Automatic)) => {
                // Who is leaving may not answer any more.
                if let Err(error) = self.flush.flush_ok(*group) {
                    tracing::debug!(%group, %error, "flush request not answered");
                }
                return None;
            }
            (
                FlushEvent::Refused(Refused::Leave(group)),
                ClearGroup::Flush(FlushMode::Automatic),
            ) => {
                // It stays, and the others may be waiting for what it could not answer meanwhile.
                if let Err(error) = self.flush.flush_ok(*group) {
                    tracing::debug!(%group, %error, "no flush request to answer");
                }
            }
            (FlushEvent::SelfLeave { group }, _) => {
                self.clear.remove(group);
            }
            (FlushEvent::Refused(Refused::Join(group)), _) => {
                // A refusal that comes for somebody who is a member already changes nothing.
                if self.flush.view(group).is_none() {
                    self.clear.remove(group);
                }
            }
            (
                FlushEvent::FlushRequest { .. }
                | FlushEvent::View(_)
                | FlushEvent::TransitionalSignal { .. }
                | FlushEvent::Message(_)
                | FlushEvent::Private(_)
                | FlushEvent::Refused(Refused::Leave(_) | Refused::Multicast(_))
                | FlushEvent::Closed(_),
                _,
            ) => {}
        }
        self.events.push_back(SessionEvent::Flush(event));
        None
    }
}

/// The error of a call of the layer below for a group that was joined.
fn about(group: GroupName, error: gcs_proto::Error) -> Error {
    match error {
        gcs_proto::Error::IllegalGroup(_) => Error::Leaving(group),
        other => other.into(),
    }
}
