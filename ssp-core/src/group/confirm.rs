//! Explicit key confirmation: members tell each other that they hold the same key.
//!
//! ```text
//! install --> AGREED to all: envelope of kind "key confirmation", with body
//!             HMAC(K_confirm, "ssp-gka/1 confirm" || TH || enc16(me))[..16]
//! a valid one of each member    --> confirmed: sending begins
//! an authentic one that differs --> the view has no key, and its sender is reported
//! ```
//!
//! The tag proves that its author has computed the same key for the same key context. The signature
//! proves who the author is: without it any member could confirm in another's name.
//!
//! Source: secure layer notes, sections 3.2 and 5.2.

use alloc::{string::ToString, vec::Vec};

use bytes::Bytes;
use cliques::{Envelope, Expected, ReceivedToken, Recipient, Token, TokenBinding, TokenKind};
use gcs_proto::{gcs::SelfDelivery, name::MemberName, service::Service};
use gka_robust::SecureView;

use super::{
    Environment, SecureGroup,
    timers::Timer,
    view::{Confirming, Deferred},
    wire,
};
use crate::{
    config::Confirmation,
    epoch::ViewKeys,
    event::{GroupFailure, Mismatch, SessionEvent},
};

/// Most bytes of a confirmation that is kept; valid ones are far shorter.
const EARLY_MAX: usize = 4_096;

impl SecureGroup {
    /// A key was installed: confirms it, if that is configured.
    pub(super) fn begin_confirmation(
        &mut self,
        view: &SecureView,
        environment: &mut Environment<'_>,
    ) {
        if self.options.confirmation == Confirmation::Implicit {
            return;
        }
        let binding = self.binding(view.view.id.0, &view.view.members);
        let Some(keyed) = self.present.keyed_mut() else {
            return;
        };
        let tag = keyed.keys.schedule().confirmation_tag(self.me.as_bytes());
        let envelope = Envelope {
            kind: TokenKind::KEY_CONFIRMATION,
            epoch: view.epoch,
            timestamp: environment.now.0,
            sender: self.me,
            recipient: Recipient::Group,
            body: tag.to_vec(),
        };
        let bytes = envelope.seal(&binding, &*self.admission.own);
        keyed.confirming = Confirming::Waiting {
            binding,
            epoch: view.epoch,
            missing: keyed.keys.members().iter().copied().collect(),
        };
        self.send_confirmation(bytes.into(), environment);
        self.start(Timer::Confirmation, environment.now);
        for (member, bytes) in core::mem::take(&mut self.present.early_confirmations) {
            self.confirmation(member, &bytes, environment);
        }
    }

    pub(super) fn send_confirmation(&mut self, bytes: Bytes, environment: &mut Environment<'_>) {
        if self.is_leaving() {
            return self.present.deferred.push(Deferred::Confirmation(bytes));
        }
        let sent = environment.flush.multicast(
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

    /// A member confirms a key.
    pub(super) fn confirmation(
        &mut self,
        sender: MemberName,
        bytes: &Bytes,
        environment: &mut Environment<'_>,
    ) {
        if self.options.confirmation == Confirmation::Implicit {
            self.stats.unconfirmed += 1;
            return;
        }
        let Some(tag) = self.confirmed_by(sender, bytes) else {
            // Only an authentic confirmation of a later key is kept: otherwise a forged one that comes
            // first could take the place of the sender's own.
            if self.confirms_later(sender, bytes)
                && !self.present.early_confirmations.contains_key(&sender)
            {
                let kept = Bytes::copy_from_slice(bytes);
                self.present.early_confirmations.insert(sender, kept);
            } else {
                self.stats.unconfirmed += 1;
            }
            return;
        };
        let holds = self
            .present
            .keys()
            .is_some_and(|keys| keys.schedule().confirms(sender.as_bytes(), &tag));
        if !holds {
            tracing::warn!(group = %self.name, %sender, "holds another key");
            return self.fail(sender, GroupFailure::Confirmation, environment);
        }
        let Some(keyed) = self.present.keyed_mut() else {
            return;
        };
        let Confirming::Waiting { epoch, missing, .. } = &mut keyed.confirming else {
            return;
        };
        missing.remove(&sender);
        if missing.is_empty() {
            let epoch = *epoch;
            keyed.confirming = Confirming::Done;
            self.present.timers.stop(Timer::Confirmation);
            environment.events.push_back(SessionEvent::KeyConfirmed {
                group: self.name,
                epoch,
            });
        }
    }

    /// The tag of an authentic confirmation of the present key, the first of its sender.
    fn confirmed_by(&self, sender: MemberName, bytes: &[u8]) -> Option<[u8; 16]> {
        let Confirming::Waiting {
            binding,
            epoch,
            missing,
        } = &self.present.keyed()?.confirming
        else {
            return None;
        };
        if !missing.contains(&sender) {
            return None;
        }
        let token = self.authentic(sender, bytes, binding, |_| *epoch)?;
        token.body().try_into().ok()
    }

    /// Whether this is an authentic confirmation of a key of the present view that is not installed yet.
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
        let installed = self.present.keys().map(ViewKeys::epoch);
        token.is_some_and(|token| installed.is_none_or(|installed| token.epoch() > installed))
    }

    /// The token, if it is a confirmation signed by its sender for this view.
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
        received.verify(&*self.admission.roster).ok()
    }

    /// What binds a confirmation to this group and a view.
    fn binding(&self, view_id: [u8; 12], members: &[MemberName]) -> TokenBinding {
        TokenBinding {
            protocol: self.options.protocol,
            group_name: self.options.mathematical_group.name().to_string(),
            group: self.name.as_bytes().to_vec(),
            view_id,
            view_hash: TokenBinding::view_hash(members),
        }
    }

    /// Reports the members that have not confirmed in time.
    pub(super) fn confirmation_is_late(&mut self, environment: &mut Environment<'_>) {
        let missing: Vec<MemberName> = match self.present.keyed().map(|keyed| &keyed.confirming) {
            None | Some(Confirming::Done) => return,
            Some(Confirming::Waiting { missing, .. }) => missing.iter().copied().collect(),
        };
        for member in missing {
            self.report(member, Mismatch::Unconfirmed, environment.events);
        }
    }
}
