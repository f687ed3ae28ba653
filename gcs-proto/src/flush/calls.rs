//! What the application asks for.
//!
//! Source: flush layer, section 5.8 and rule 6 of 7.1 of the protocol notes.

use alloc::{boxed::Box, vec::Vec};

use bytes::Bytes;

use super::{
    FlushLayer,
    codec::{self, Outgoing},
    progress::{Asked, Progress},
    state::Intent,
    stats,
};
use crate::{
    error::Error,
    gcs::{GcsCommand, Scope, SelfDelivery},
    limits,
    name::{GroupName, MemberName},
    service::Service,
};

impl FlushLayer {
    /// Asks to become a member of `group`; the first [view](super::VsView) tells success.
    ///
    /// # Errors
    /// [`Error::IllegalGroup`] from this call on until the group was left again or the join was
    /// refused; [`Error::Closed`] when the connection is over.
    pub fn join(&mut self, group: GroupName) -> Result<(), Error> {
        if self.progress.contains_key(&group) || self.is_bare(&group) {
            return Err(Error::IllegalGroup(group));
        }
        self.command(GcsCommand::Join(group))?;
        self.progress.insert(group, Progress::joining());
        Ok(())
    }

    /// Asks to leave `group`, of either kind; [`FlushEvent::SelfLeave`](super::FlushEvent::SelfLeave),
    /// or for a bare group [`GcsEvent::SelfLeave`](crate::gcs::GcsEvent::SelfLeave), tells success. Events of the group go on until then, but nothing can be sent.
    ///
    /// Possible before the first view as well: a joiner need not wait for the others.
    ///
    /// # Errors
    /// [`Error::IllegalGroup`] when not a member or leaving already; [`Error::Closed`] when the
    /// connection is over.
    pub fn leave(&mut self, group: GroupName) -> Result<(), Error> {
        if self.is_bare(&group) {
            return self.leave_bare(group);
        }
        match self.progress.get(&group).map(|progress| progress.intent) {
            Some(Intent::Stay) => {}
            Some(Intent::Leave) | None => return Err(Error::IllegalGroup(group)),
        }
        self.command(GcsCommand::Leave(group))?;
        if let Some(progress) = self.progress.get_mut(&group) {
            progress.intent = Intent::Leave;
        }
        match self.groups.get_mut(&group) {
            Some(record) => record.intent = Intent::Leave,
            None => {
                self.left_early.insert(group);
            }
        }
        Ok(())
    }

    /// Answers a [`FlushEvent::FlushRequest`](super::FlushEvent::FlushRequest): nothing more is
    /// sent in the present view.
    ///
    /// # Errors
    /// [`Error::IllegalGroup`] when not a member; [`Error::IllegalState`] when no request was
    /// taken or it was answered already; [`Error::Closed`] when the connection is over.
    pub fn flush_ok(&mut self, group: GroupName) -> Result<(), Error> {
        let progress = self.progress.get_mut(&group);
        let Some(progress) = progress.filter(|progress| progress.member().is_some()) else {
            return Err(Error::IllegalGroup(group));
        };
        let state = match progress.asked {
            Asked::Waiting => None,
            Asked::No => Some("open without a flush request"),
            Asked::Answered => Some("flushed already"),
        };
        if let Some(state) = state {
            return Err(Error::IllegalState {
                group,
                call: "flush",
                state,
            });
        }
        // Without a record the engine has put us out; the event of that is on its way.
        if let Some(record) = self.groups.get_mut(&group) {
            if self.closed
                && let Some(id) = record.head()
            {
                let lost = GcsCommand::Multicast(codec::acknowledgement(group, id));
                return Err(Error::Closed(Box::new(lost)));
            }
            record.flush_ok(&mut self.out);
        }
        progress.asked = Asked::Answered;
        Ok(())
    }

    /// Sends to all members of the view.
    ///
    /// # Errors
    /// [`Error::IllegalMessageType`] for types below -32765; [`Error::IllegalGroup`] when not a
    /// member; [`Error::IllegalState`] between the answer to a flush request and the next view;
    /// [`Error::Limit`] for a body too long; [`Error::Closed`] when the connection is over.
    pub fn multicast(
        &mut self,
        group: GroupName,
        service: Service,
        self_delivery: SelfDelivery,
        message_type: i16,
        body: Bytes,
    ) -> Result<(), Error> {
        check_type(message_type)?;
        self.sender(group, "multicast")?;
        self.send(Outgoing {
            group,
            destinations: Vec::from([group.into()]),
            scope: Scope::Named,
            service,
            self_delivery,
            message_type,
            tag: None,
            body,
        })
    }

    /// Sends to one member of the view; a [`subset`](Self::subset) of one.
    ///
    /// # Errors
    /// As [`subset`](Self::subset).
    pub fn unicast(
        &mut self,
        group: GroupName,
        receiver: MemberName,
        service: Service,
        message_type: i16,
        body: Bytes,
    ) -> Result<(), Error> {
        self.subset(group, &[receiver], service, message_type, body)
    }

    /// Sends to some members of the view.
    ///
    /// The message is delivered in the view of its sender or not at all: to a receiver that has
    /// meanwhile left it vanishes without notice. Nobody may be listed, which sends nowhere, and
    /// whoever is listed twice gets it once. The sender gets it if it lists itself.
    ///
    /// # Errors
    /// As [`multicast`](Self::multicast), and [`Error::IllegalReceiver`] for somebody outside the
    /// view, [`Error::Limit`] for too many receivers.
    pub fn subset(
        &mut self,
        group: GroupName,
        receivers: &[MemberName],
        service: Service,
        message_type: i16,
        body: Bytes,
    ) -> Result<(), Error> {
        check_type(message_type)?;
        let members = self.sender(group, "subset cast")?;
        if let Some(stranger) = receivers.iter().find(|name| !members.contains(name)) {
            return Err(Error::IllegalReceiver(*stranger));
        }
        if receivers.len() > self.destinations {
            return Err(Error::Limit {
                what: "number of receivers",
                value: receivers.len(),
                max: self.destinations,
            });
        }
        self.send(Outgoing {
            group,
            destinations: receivers.iter().map(|name| (*name).into()).collect(),
            scope: Scope::Subset,
            service,
            self_delivery: SelfDelivery::Deliver,
            message_type,
            tag: None,
            body,
        })
    }

    /// Sends to the private group of anybody, outside of all views.
    ///
    /// # Errors
    /// [`Error::IllegalMessageType`] for types below -32765; [`Error::Limit`] for a body too
    /// long; [`Error::Closed`] when the connection is over.
    pub fn private(
        &mut self,
        to: MemberName,
        service: Service,
        message_type: i16,
        body: Bytes,
    ) -> Result<(), Error> {
        check_type(message_type)?;
        self.check_size(body.len().saturating_add(limits::NAME_SLOT))?;
        self.command(GcsCommand::Unicast {
            to,
            service,
            message_type,
            body,
        })
    }

    /// Ends the connection in good order; [`FlushEvent::Closed`](super::FlushEvent::Closed)
    /// comes when it is done.
    ///
    /// # Errors
    /// [`Error::Closed`] when the connection is over.
    pub fn disconnect(&mut self) -> Result<(), Error> {
        self.command(GcsCommand::Disconnect)
    }

    /// The members to whom the application may send in `group` now.
    fn sender(&self, group: GroupName, call: &'static str) -> Result<&[MemberName], Error> {
        let progress = self.progress.get(&group);
        let Some((progress, view)) =
            progress.and_then(|progress| Some((progress, progress.member()?)))
        else {
            return Err(Error::IllegalGroup(group));
        };
        match progress.asked {
            Asked::No | Asked::Waiting => Ok(&view.view.members),
            Asked::Answered => Err(Error::IllegalState {
                group,
                call,
                state: "flushed",
            }),
        }
    }

    fn send(&mut self, mut message: Outgoing) -> Result<(), Error> {
        let record = self.groups.get(&message.group);
        message.tag = record.and_then(|record| record.tag(message.service));
        self.check_size(message.size())?;
        let tagged = message.tag.is_some();
        self.command(GcsCommand::Multicast(message.encode()))?;
        if tagged {
            stats::count(&mut self.out.stats.tagged_sent);
        }
        Ok(())
    }

    pub(super) fn check_size(&self, size: usize) -> Result<(), Error> {
        if size > self.message {
            return Err(Error::Limit {
                what: "size of message, destinations and flush overhead",
                value: size,
                max: self.message,
            });
        }
        Ok(())
    }

    pub(super) fn command(&mut self, command: GcsCommand) -> Result<(), Error> {
        if self.closed {
            return Err(Error::Closed(Box::new(command)));
        }
        self.out.commands.push_back(command);
        Ok(())
    }
}

fn check_type(message_type: i16) -> Result<(), Error> {
    if message_type < limits::LOWEST_FLUSH_USER_TYPE {
        return Err(Error::IllegalMessageType(message_type));
    }
    Ok(())
}
