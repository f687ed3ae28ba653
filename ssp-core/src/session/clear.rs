//! Groups without keys in the same session: flush-only and bare.
//!
//! ```text
//!            join_flush            views, requests (unless answered here), messages of a view
//!            join_bare             memberships, signals, messages of anybody
//!            multicast_bare -----> bare groups, groups not joined, private groups; several at once
//!                           --X--> secure and flush-only groups: WrongKind
//! ```
//!
//! These functions send messages unencrypted, and cannot send one into a secure group. The access policy
//! is asked about the own join only, because identities are not verified here.

use bytes::Bytes;
use gcs_proto::{
    flush::FlushEvent,
    gcs::{Multicast, Refused, SelfDelivery, ViewId},
    name::{GroupName, MemberName},
    service::Service,
};

use super::Session;
use crate::{Timestamp, config::FlushMode, error::Error, event::SessionEvent, kind::GroupKind};

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
    /// Joins `group` with view synchrony and without a key, which is done with its first
    /// [`FlushEvent::View`]. `mode` tells who answers its flush requests.
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

    /// Joins `group` with nothing above the engine, which is done with its first
    /// [`GcsEvent::Membership`](gcs_proto::gcs::GcsEvent::Membership).
    ///
    /// # Errors
    /// As [`join`](Self::join).
    pub fn join_bare(&mut self, group: GroupName, now: Timestamp) -> Result<(), Error> {
        self.may_join(group, now)?;
        self.flush.join_bare(group)?;
        self.clear.insert(group, ClearGroup::Bare);
        Ok(())
    }

    /// Sends to all members of `view` of a flush-only group, unencrypted: in that view or not at all.
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
    /// As [`multicast_flush`](Self::multicast_flush); [`Error::Engine`] also for a receiver outside the
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

    /// Sends unencrypted and outside of all views: to bare groups, to groups that this member is not in,
    /// and to private groups, also to several of them at once.
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

    /// Sends unencrypted to the private group of another client, outside of all views.
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

    /// Answers a flush request of a group without a key.
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

    /// The error for a group that is not of the wanted kind.
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

    /// Passes on the events of bare groups.
    pub(super) fn route_bare(&mut self) {
        while let Some(event) = self.flush.poll_bare_event() {
            if !self.flush.is_bare(&event.group) {
                self.clear.remove(&event.group);
            }
            self.events.push_back(SessionEvent::Bare(event));
        }
    }

    /// Passes on an event of a flush-only group; returns any other event.
    pub(super) fn route_clear(&mut self, event: FlushEvent) -> Option<FlushEvent> {
        let clear = event.group().and_then(|group| self.clear.get(group));
        let Some(clear) = clear else {
            return Some(event);
        };
        match (&event, clear) {
            (FlushEvent::FlushRequest { group }, ClearGroup::Flush(FlushMode::Automatic)) => {
                // A leaving member cannot answer any more.
                if let Err(error) = self.flush.flush_ok(*group) {
                    tracing::debug!(%group, %error, "flush request not answered");
                }
                return None;
            }
            (
                FlushEvent::Refused(Refused::Leave(group)),
                ClearGroup::Flush(FlushMode::Automatic),
            ) => {
                // Others may be waiting for an answer that could not be given while leaving.
                if let Err(error) = self.flush.flush_ok(*group) {
                    tracing::debug!(%group, %error, "no flush request to answer");
                }
            }
            (FlushEvent::SelfLeave { group }, _) => {
                self.clear.remove(group);
            }
            (FlushEvent::Refused(Refused::Join(group)), _) => {
                // A refusal changes nothing for a group that is joined already.
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

/// Converts an error of the flush layer for a group that is joined.
fn about(group: GroupName, error: gcs_proto::Error) -> Error {
    match error {
        gcs_proto::Error::IllegalGroup(_) => Error::Leaving(group),
        other => other.into(),
    }
}
