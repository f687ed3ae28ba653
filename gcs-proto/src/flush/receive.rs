//! Messages of a group: acknowledgements, confirmations and user messages.
//!
//! Source: flush layer, sections 5.3 to 5.5 and rules 4 and 5 of 7.1 of the protocol notes.

use bytes::Bytes;

use super::{
    FlushEvent, ViewMessage,
    codec::{self, Kind, Tag},
    group::FlushGroup,
    outbox::Outbox,
    state::{Overflow, ViewState},
    stats,
};
use crate::{
    gcs::{Message, Scope, ViewId},
    name::MemberName,
};

impl FlushGroup {
    /// A message for this group came; `body` is its content without the reference group, and was
    /// taken out of it.
    pub(super) fn message(
        &mut self,
        message: Message,
        body: Bytes,
        out: &mut Outbox,
    ) -> Result<(), Overflow> {
        match Kind::of(message.message_type) {
            Kind::Acknowledgement => {
                match internal_id(&message, &body) {
                    Some(id) => self.acknowledged(id, message.sender, out),
                    None => stats::count(&mut out.stats.malformed),
                }
                Ok(())
            }
            Kind::Confirmation => {
                match internal_id(&message, &body) {
                    Some(id) => self.confirmed(id, message.sender, out),
                    None => stats::count(&mut out.stats.malformed),
                }
                Ok(())
            }
            Kind::Tagged => match codec::split_tag(&body, message.order) {
                Some((data, tag)) => self.tagged(message, data, tag, out),
                None => {
                    stats::count(&mut out.stats.malformed);
                    Ok(())
                }
            },
            Kind::Plain(message_type) => {
                self.deliver(message, body, message_type, out);
                Ok(())
            }
        }
    }

    /// FLUSH_OK: `sender` agrees to the membership `id`.
    fn acknowledged(&mut self, id: ViewId, sender: MemberName, out: &mut Outbox) {
        if self.installed.as_ref().is_some_and(|view| view.id == id) {
            stats::count(&mut out.stats.uncounted);
            return;
        }
        let Some(change) = self.pending.iter_mut().find(|change| change.id == id) else {
            let evicted = self.early.insert(id, sender);
            stats::add(&mut out.stats.expired, evicted);
            return;
        };
        if !change.missing.remove(&sender) {
            stats::count(&mut out.stats.uncounted);
        }
        let agreed = change.missing.is_empty() && self.head() == Some(id);
        match self.state {
            ViewState::Agree(_) if agreed => self.install(out),
            ViewState::Agree(_)
            | ViewState::Steady
            | ViewState::Authorize
            | ViewState::Verify { .. } => {}
        }
    }

    /// FLUSH_RECV: `sender` has installed the view `id`.
    fn confirmed(&mut self, id: ViewId, sender: MemberName, out: &mut Outbox) {
        let counted = match &mut self.state {
            ViewState::Verify { unconfirmed } => {
                let installed = self.installed.as_ref().is_some_and(|view| view.id == id);
                let counted = installed && unconfirmed.remove(&sender);
                if unconfirmed.is_empty() {
                    self.state = ViewState::Steady;
                }
                counted
            }
            ViewState::Agree(agreement) => {
                let member = self
                    .pending
                    .front()
                    .is_some_and(|change| change.id == id && change.surviving.contains(&sender));
                member && agreement.confirmed.insert(sender)
            }
            ViewState::Steady | ViewState::Authorize => false,
        };
        if !counted {
            stats::count(&mut out.stats.uncounted);
        }
    }

    /// A user message whose sender named the view it was sent in.
    fn tagged(
        &mut self,
        message: Message,
        data: Bytes,
        tag: Tag,
        out: &mut Outbox,
    ) -> Result<(), Overflow> {
        if self
            .installed
            .as_ref()
            .is_some_and(|view| view.id == tag.view)
        {
            self.deliver(message, data, tag.message_type, out);
            return Ok(());
        }
        let next = self.pending.front().filter(|change| change.id == tag.view);
        match (&mut self.state, next) {
            (ViewState::Agree(agreement), Some(next)) => {
                if next.surviving.contains(&message.sender) {
                    let group = self.group;
                    agreement.postpone(user_message(group, message, data, tag.message_type))?;
                    stats::count(&mut out.stats.postponed);
                } else {
                    stats::count(&mut out.stats.outsiders);
                }
            }
            (
                ViewState::Steady
                | ViewState::Authorize
                | ViewState::Agree(_)
                | ViewState::Verify { .. },
                _,
            ) => stats::count(&mut out.stats.stale_tags),
        }
        Ok(())
    }

    /// Hands up a message of the installed view, unless its sender is not, or no longer, in it.
    fn deliver(&self, message: Message, data: Bytes, message_type: i16, out: &mut Outbox) {
        let from_member = self
            .installed
            .as_ref()
            .is_some_and(|view| view.surviving.contains(&message.sender));
        if from_member {
            let message = user_message(self.group, message, data, message_type);
            out.event(FlushEvent::Message(message));
        } else {
            stats::count(&mut out.stats.outsiders);
        }
    }
}

/// The id in an acknowledgement or confirmation, which always go to the whole group.
fn internal_id(message: &Message, body: &Bytes) -> Option<ViewId> {
    match message.scope {
        Scope::Named => codec::read_id(body, message.order),
        Scope::Subset => None,
    }
}

fn user_message(
    group: crate::name::GroupName,
    message: Message,
    body: Bytes,
    message_type: i16,
) -> ViewMessage {
    ViewMessage {
        group,
        sender: message.sender,
        destinations: message.destinations,
        service: message.service,
        message_type,
        order: message.order,
        body,
    }
}
