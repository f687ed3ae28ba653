//! Explicit key confirmation: members tell each other that they hold the same key.
//!
//! ```text
//! install --> AGREED to all: envelope of kind "key confirmation", body
//!             HMAC(K_confirm, "ssp-gka/1 confirm" || TH || enc16(me))[..16]
//! a right one of each member --> confirmed: sending begins
//! an authentic wrong one     --> the view has no key, and its sender is named
//! ```
//!
//! The tag proves that its sender has computed the same key for the same context; the signature, that
//! it is the sender's: without it any member could confirm for another one.
//!
//! Source: secure layer notes, sections 3.2 and 5.2.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::ToString,
    vec::Vec,
};

use bytes::Bytes;
use cliques::{Envelope, Expected, ReceivedToken, Recipient, Token, TokenBinding, TokenKind};
use gcs_proto::{gcs::SelfDelivery, name::MemberName, service::Service};
use gka_robust::SecureView;

use super::{Around, SecureGroup, Timer, carry::Withheld, wire};
use crate::{
    config::Confirmation,
    epoch::ViewKeys,
    event::{GroupFailure, Mismatch, SessionEvent},
};

/// Where the confirmation of the present key stands.
#[derive(Debug, Default)]
pub(super) enum Confirming {
    /// No key, or nobody has to confirm it, or everybody has.
    #[default]
    Done,
    /// These have not.
    Waits {
        binding: TokenBinding,
        epoch: u32,
        missing: BTreeSet<MemberName>,
    },
}

/// Bytes of a confirmation that is kept; right ones are far shorter.
const EARLY_MAX: usize = 4_096;

/// Confirmations that came before the key, one a member.
pub(super) type Early = BTreeMap<MemberName, Bytes>;

impl SecureGroup {
    /// A key was installed: confirms it, if that is wanted.
    pub(super) fn begin_confirmation(&mut self, view: &SecureView, around: &mut Around<'_>) {
        self.confirming = Confirming::Done;
        self.timers.stop(Timer::Confirmation);
        if self.options.confirmation == Confirmation::Implicit {
            return;
        }
        let Some(keys) = &self.keys else {
            return;
        };
        let tag = keys.schedule().confirmation_tag(self.me.as_bytes());
        let binding = self.binding(view.view.id.0, &view.view.members);
        let envelope = Envelope {
            kind: TokenKind::KEY_CONFIRMATION,
            epoch: view.epoch,
            timestamp: around.now.0,
            sender: self.me,
            recipient: Recipient::Group,
            body: tag.to_vec(),
        };
        let bytes = envelope.seal(&binding, &*self.identity);
        self.confirming = Confirming::Waits {
            binding,
            epoch: view.epoch,
            missing: keys.members().iter().copied().collect(),
        };
        self.send_confirmation(bytes.into(), around);
        let patience = self.config.flush_patience;
        if patience > 0 {
            let due = around.now.after(patience);
            self.timers.set(Timer::Confirmation, due);
        }
        for (member, bytes) in core::mem::take(&mut self.early_confirmations) {
            self.confirmation(member, &bytes, around);
        }
    }

    pub(super) fn send_confirmation(&mut self, bytes: Bytes, around: &mut Around<'_>) {
        if self.is_leaving() {
            return self.withheld.push(Withheld::Confirmation(bytes));
        }
        let sent = around.flush.multicast(
            self.name,
            Service::Agreed,
            SelfDelivery::Deliver,
            wire::wire_type(TokenKind::KEY_CONFIRMATION),
            bytes,
        );
        if let Err(error) = sent {
            self.stats.unsent += 1;
            tracing::warn!(group = %self.name, %error, "confirmation not sent");
        }
    }

    /// Whether members have yet to confirm the key.
    pub(super) const fn is_confirming(&self) -> bool {
        matches!(self.confirming, Confirming::Waits { .. })
    }

    /// A member confirms a key.
    pub(super) fn confirmation(
        &mut self,
        sender: MemberName,
        bytes: &Bytes,
        around: &mut Around<'_>,
    ) {
        if self.options.confirmation == Confirmation::Implicit {
            self.stats.unconfirmed += 1;
            return;
        }
        let Some(tag) = self.confirmed_by(sender, bytes) else {
            // Only what is right for a later key may take the sender's place among the early ones:
            // else whoever comes first could keep the right one out.
            if self.confirms_later(sender, bytes) && !self.early_confirmations.contains_key(&sender)
            {
                let kept = Bytes::copy_from_slice(bytes);
                self.early_confirmations.insert(sender, kept);
            } else {
                self.stats.unconfirmed += 1;
            }
            return;
        };
        let holds = self
            .keys
            .as_ref()
            .is_some_and(|keys| keys.schedule().confirms(sender.as_bytes(), &tag));
        if !holds {
            tracing::warn!(group = %self.name, %sender, "holds another key");
            return self.give_up_for(sender, GroupFailure::Confirmation, around);
        }
        let Confirming::Waits { epoch, missing, .. } = &mut self.confirming else {
            return;
        };
        missing.remove(&sender);
        if missing.is_empty() {
            let epoch = *epoch;
            self.confirming = Confirming::Done;
            self.timers.stop(Timer::Confirmation);
            around.events.push_back(SessionEvent::KeyConfirmed {
                group: self.name,
                epoch,
            });
        }
    }

    /// The tag of an authentic confirmation of the present key, the first of its sender.
    fn confirmed_by(&self, sender: MemberName, bytes: &[u8]) -> Option<[u8; 16]> {
        let Confirming::Waits {
            binding,
            epoch,
            missing,
        } = &self.confirming
        else {
            return None;
        };
        if !missing.contains(&sender) {
            return None;
        }
        let token = self.authentic(sender, bytes, binding, |_| *epoch)?;
        token.body().try_into().ok()
    }

    /// Whether this is an authentic confirmation of a key of the present view that is not here yet.
    fn confirms_later(&self, sender: MemberName, bytes: &[u8]) -> bool {
        let Some(view) = self.driver.view() else {
            return false;
        };
        let in_view = view.members.contains(&sender);
        if bytes.len() > EARLY_MAX || !in_view {
            return false;
        }
        let binding = self.binding(view.id.0, &view.members);
        let token = self.authentic(sender, bytes, &binding, ReceivedToken::epoch);
        let installed = self.keys.as_ref().map(ViewKeys::epoch);
        token.is_some_and(|token| installed.is_none_or(|installed| token.epoch() > installed))
    }

    /// A confirmation of its sender, for this view.
    fn authentic(
        &self,
        sender: MemberName,
        bytes: &[u8],
        binding: &TokenBinding,
        epoch: impl FnOnce(&ReceivedToken) -> u32,
    ) -> Option<Token> {
        let received = ReceivedToken::decode(bytes, self.options.protocol).ok()?;
        received
            .check(&Expected {
                binding,
                epoch: epoch(&received),
                sender: &sender,
                me: &self.me,
                kind: Some(TokenKind::KEY_CONFIRMATION),
            })
            .ok()?;
        received.verify(&*self.roster).ok()
    }

    /// What ties a confirmation to this group and to a view.
    fn binding(&self, view_id: [u8; 12], members: &[MemberName]) -> TokenBinding {
        TokenBinding {
            protocol: self.options.protocol,
            group_name: self.options.mathematical_group.name().to_string(),
            group: self.name.as_bytes().to_vec(),
            view_id,
            view_hash: TokenBinding::view_hash(members),
        }
    }

    /// Members have not confirmed for a while: they are named.
    pub(super) fn confirmation_is_late(&mut self, around: &mut Around<'_>) {
        let missing: Vec<MemberName> = match &self.confirming {
            Confirming::Done => return,
            Confirming::Waits { missing, .. } => missing.iter().copied().collect(),
        };
        for member in missing {
            self.report(member, Mismatch::Unconfirmed, around.events);
        }
    }
}
