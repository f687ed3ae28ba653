//! From the driver to the flush layer and the application.

use alloc::vec::Vec;

use bytes::Bytes;
use cliques::{GroupSecret, Recipient, TokenService};
use gcs_proto::{gcs::SelfDelivery, name::MemberName, service::Service};
use gka_robust::{Failure, FailureReason, Input, Output, SecureView, Transmission};

use super::{
    Around, Intent, Phase, Prospect, Sealed, SecureGroup, Timer, USED_KEYS,
    joiner::{self, Joined, Keep, Piece},
    send::body_max,
    wire,
};
use crate::{
    access::{Action, Decision, Request},
    config::{FlushMode, PartDelivery},
    epoch::{EpochKeys, Opened, Signatures, ViewKeys},
    event::{GroupFailure, Mismatch, SecureMessage, SecureViewEvent, SessionEvent, ViewNumber},
    outgoing::Signing,
    record::{Authorship, OpenError, Part, PartEnd},
    schedule::{KeyContext, KeySchedule},
};

/// Whether tokens are really sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sending {
    Carry,
    /// A member of the view is unknown.
    Suppress,
}

/// What a leaving member may not give to the layer below. If the engine does not let it go, the
/// others wait for it.
#[derive(Debug)]
pub(super) enum Withheld {
    Token(Transmission),
    Evidence,
    Confirmation(Bytes),
    FlushOk,
}

impl SecureGroup {
    /// Carries out everything that the driver wants.
    pub(super) fn carry_out(&mut self, sending: Sending, around: &mut Around<'_>) {
        while let Some(output) = self.driver.poll_output() {
            match output {
                Output::Send(transmission) => match sending {
                    Sending::Carry => self.send(transmission, around),
                    Sending::Suppress => self.stats.unsent += 1,
                },
                Output::FlushOk => self.flush_ok_below(around),
                Output::Install { view, secret } => self.install(&view, secret, around),
                Output::SecureFlushRequest => self.secure_flush_request(around),
                Output::SecureTransitionalSignal => {
                    around
                        .events
                        .push_back(SessionEvent::TransitionalSignal { group: self.name });
                }
                Output::Deliver(sealed) => self.deliver(&sealed, around),
                Output::Failed(failure) => self.failed(failure, around),
            }
        }
    }

    /// The engine refused to let this member go: it makes up for what it has withheld.
    pub(crate) fn stay(&mut self, around: &mut Around<'_>) {
        if self.intent == Intent::Stay {
            return;
        }
        self.intent = Intent::Stay;
        for withheld in core::mem::take(&mut self.withheld) {
            match withheld {
                Withheld::Token(transmission) => self.send(transmission, around),
                Withheld::Evidence => self.send_evidence(around),
                Withheld::Confirmation(bytes) => self.send_confirmation(bytes, around),
                Withheld::FlushOk => self.flush_ok_below(around),
            }
        }
        match self.phase() {
            // A change that was permitted before the leave may still be waited for.
            Phase::Joining | Phase::Agreeing | Phase::Flushing | Phase::Failed => {
                self.wait_for_flush(around.now);
            }
            Phase::Secure | Phase::Confirming | Phase::Refreshing | Phase::Leaving => {}
        }
    }

    fn send(&mut self, transmission: Transmission, around: &mut Around<'_>) {
        if self.is_leaving() {
            self.stats.unsent += 1;
            return self.withheld.push(Withheld::Token(transmission));
        }
        let message_type = wire::wire_type(transmission.kind);
        let service = match transmission.service {
            TokenService::Fifo => Service::Fifo,
            TokenService::Agreed => Service::Agreed,
        };
        let bytes = Bytes::from(transmission.bytes);
        if let Err(error) = self.transmit(&transmission.to, service, message_type, bytes, around) {
            self.stats.unsent += 1;
            tracing::warn!(group = %self.name, %error, "token not sent");
            if let gcs_proto::Error::Limit { .. } = error {
                self.internal("token too long for the engine", around);
            }
        }
    }

    /// Sends a token, in parts if the engine cannot carry it in one piece.
    fn transmit(
        &mut self,
        to: &Recipient,
        service: Service,
        message_type: i16,
        bytes: Bytes,
        around: &mut Around<'_>,
    ) -> Result<(), gcs_proto::Error> {
        let max = body_max(&self.config);
        if bytes.len() <= max {
            return self.transmit_one(to, service, message_type, bytes, around);
        }
        let message = self.next_token;
        self.next_token = message.wrapping_add(1);
        let room = max.saturating_sub(joiner::TOKEN_PART).max(1);
        let count = bytes.len().div_ceil(room);
        for (index, chunk) in bytes.chunks(room).enumerate() {
            let part = Part {
                message,
                // A token is far shorter than 2^32 parts.
                index: u32::try_from(index).unwrap_or(u32::MAX),
                end: if index + 1 == count {
                    PartEnd::Last
                } else {
                    PartEnd::More
                },
            };
            let body = joiner::token_part(message_type, part, chunk);
            self.transmit_one(to, service, wire::TOKEN_PART, body, around)?;
        }
        Ok(())
    }

    fn transmit_one(
        &self,
        to: &Recipient,
        service: Service,
        message_type: i16,
        bytes: Bytes,
        around: &mut Around<'_>,
    ) -> Result<(), gcs_proto::Error> {
        match to {
            // Own broadcasts take effect when they come back.
            Recipient::Group => around.flush.multicast(
                self.name,
                service,
                SelfDelivery::Deliver,
                message_type,
                bytes,
            ),
            Recipient::Member(receiver) => {
                around
                    .flush
                    .unicast(self.name, *receiver, service, message_type, bytes)
            }
        }
    }

    pub(super) fn flush_ok_below(&mut self, around: &mut Around<'_>) {
        if self.is_leaving() {
            return self.withheld.push(Withheld::FlushOk);
        }
        match around.flush.flush_ok(self.name) {
            Ok(()) => self.wait_for_flush(around.now),
            Err(error) => tracing::warn!(group = %self.name, %error, "flush not answered"),
        }
    }

    fn secure_flush_request(&mut self, around: &mut Around<'_>) {
        match self.options.flush {
            FlushMode::Automatic => {
                let permitted = self
                    .driver
                    .handle(Input::SecureFlushOk, around.now.0, around.rng);
                if let Err(error) = permitted {
                    tracing::error!(group = %self.name, %error, "driver");
                    self.internal("driver", around);
                }
            }
            FlushMode::Manual => around
                .events
                .push_back(SessionEvent::FlushRequest { group: self.name }),
        }
    }

    fn install(&mut self, secure: &SecureView, secret: GroupSecret, around: &mut Around<'_>) {
        if self.prospect == Prospect::Failed {
            // This side has told that the view has no key, and keeps to it.
            return;
        }
        if secure.epoch > 0 && self.keys.is_none() {
            return self.internal("refresh without a key", around);
        }
        if let Some(stranger) = self.stranger(&secure.view.members) {
            return self.give_up_for(stranger, GroupFailure::UnknownIdentity, around);
        }
        let schedule = {
            let members: Vec<&[u8]> = secure
                .view
                .members
                .iter()
                .map(|name| name.as_bytes())
                .collect();
            KeySchedule::new(
                secret,
                &KeyContext {
                    suite: self.options.protocol.as_str(),
                    mathematical_group: self.options.mathematical_group.name(),
                    group: self.name.as_bytes(),
                    view_id: &secure.view.id.0,
                    epoch: secure.epoch,
                    members: &members,
                },
            )
        };
        let key_id = schedule.key_id();
        if self.used_keys.contains(&key_id) {
            // At least one share of each run is fresh, so this is a fault, or a replayed view.
            return self.give_up(GroupFailure::KeyRepeated, around);
        }
        if self.used_keys.len() >= USED_KEYS {
            self.used_keys.pop_front();
        }
        self.used_keys.push_back(key_id);
        self.reported.clear();
        self.suspects.clear();
        self.timers.stop(Timer::Suspicion);
        let event = self.event(secure, &schedule, around);
        let keys = EpochKeys::new(schedule, secure.epoch);
        self.installed = Some(event.clone());
        self.messages.refresh(secure.epoch);
        self.receipts.clear();
        let index = event.index;
        match &mut self.keys {
            Some(held) if secure.epoch > 0 => {
                held.refresh(keys);
                self.stats.refreshes += 1;
                around.events.push_back(SessionEvent::KeyRefreshed(event));
            }
            held => {
                *held = Some(ViewKeys::new(
                    self.name,
                    self.me,
                    event.view.members.clone(),
                    self.options.record,
                    self.config.replay_window,
                    keys,
                ));
                self.stats.secure_views += 1;
                around.events.push_back(SessionEvent::SecureView(event));
            }
        }
        self.age_begins(index, around.now);
        self.begin_confirmation(secure, around);
    }

    /// What the application is told of a new key, and the books of the agreement closed.
    fn event(
        &mut self,
        secure: &SecureView,
        schedule: &KeySchedule,
        around: &Around<'_>,
    ) -> SecureViewEvent {
        let total = *self.driver.cost();
        let cost = total.since(&self.cost_before);
        let duration = around.now.since(self.began);
        self.cost_before = total;
        self.stats.last_cost = cost;
        self.stats.last_tokens = self.tokens;
        self.stats.last_duration = duration;
        let tokens = core::mem::take(&mut self.tokens);
        let last = self.installed.as_ref().map_or(0, |view| view.number.0);
        let number = ViewNumber(if secure.epoch > 0 { last } else { last + 1 });
        let controller = self.driver.controller().copied();
        tracing::info!(
            group = %self.name,
            view = %secure.view.id,
            %number,
            epoch = secure.epoch,
            members = secure.view.members.len(),
            fingerprint = %schedule.fingerprint(),
            "secure view"
        );
        SecureViewEvent {
            group: self.name,
            view: secure.view.clone(),
            number,
            epoch: secure.epoch,
            index: secure.view.index(&self.me).unwrap_or_default(),
            fingerprint: schedule.fingerprint(),
            protocol: self.options.protocol,
            mathematical_group: self.options.mathematical_group.clone(),
            record: self.options.record,
            controller,
            cost,
            tokens,
            duration,
        }
    }

    fn deliver(&mut self, sealed: &Sealed, around: &mut Around<'_>) {
        let Sealed {
            sender,
            service,
            body,
        } = sealed;
        let signatures = match self.options.protection.signing {
            Signing::Off | Signing::Sign => Signatures::Verified(&*self.roster),
            Signing::Require => Signatures::Required(&*self.roster),
        };
        let opened = match &mut self.keys {
            Some(keys) => keys.open_verified(sender, *service, body, signatures),
            // After a repeated key or a bug.
            None => Err(OpenError::WrongKey),
        };
        match opened {
            Ok(opened) => self.opened(*sender, *service, opened, around),
            Err(reason) => self.reject(*sender, &reason, around),
        }
    }

    /// A message was opened: may its sender send it, and is it whole?
    fn opened(
        &mut self,
        sender: MemberName,
        service: Service,
        opened: Opened,
        around: &mut Around<'_>,
    ) {
        self.stats.opened += 1;
        self.stats.opened_bytes += opened.payload.len() as u64;
        if opened.message_type <= wire::HIGHEST_RESERVED {
            return self.internal_message(sender, &opened, around);
        }
        let identity = self.roster.get(&sender);
        let decision = self.policy.decide(&Request {
            action: Action::Receive,
            group: &self.name,
            member: &sender,
            identity: identity.as_ref(),
        });
        if let Decision::Deny(reason) = decision {
            return self.deny(sender, Action::Receive, reason, around);
        }
        let view = self.installed.as_ref().map_or(0, |view| view.number.0);
        let mut message = SecureMessage {
            group: self.name,
            sender,
            service,
            message_type: opened.message_type,
            payload: opened.payload,
            view: ViewNumber(view),
            epoch: opened.epoch,
            part: opened.part,
            authorship: opened.authorship,
        };
        let Some(part) = message.part else {
            return around.events.push_back(SessionEvent::Message(message));
        };
        let keep = match self.options.parts {
            PartDelivery::Joined => Keep::Bytes,
            PartDelivery::Streamed => Keep::Nothing,
        };
        // Parts of one message are signed all or none.
        let kind = match message.authorship {
            Authorship::Group => joiner::Kind::Group(message.message_type),
            Authorship::Signed => joiner::Kind::Signed(message.message_type),
        };
        let piece = Piece {
            sender,
            service,
            kind,
            epoch: message.epoch,
            part,
            bytes: &message.payload,
        };
        match (self.messages.take(&piece, keep), keep) {
            (Joined::Late, _) | (Joined::Open, Keep::Bytes) => {}
            (Joined::Complete(whole), Keep::Bytes) => {
                message.payload = whole.into();
                message.part = None;
                around.events.push_back(SessionEvent::Message(message));
            }
            (Joined::Open | Joined::Complete(_), Keep::Nothing) => {
                around.events.push_back(SessionEvent::Message(message));
            }
            (Joined::Broken, _) => {
                tracing::debug!(group = %self.name, %sender, "split message given up");
                self.stats.broken += 1;
                around.events.push_back(SessionEvent::MessageRejected {
                    group: self.name,
                    sender,
                });
            }
        }
    }

    /// Drops a message that cannot be opened, and tells the application so.
    pub(super) fn reject(
        &mut self,
        sender: MemberName,
        reason: &OpenError,
        around: &mut Around<'_>,
    ) {
        tracing::debug!(group = %self.name, %sender, %reason, "message rejected");
        self.stats.rejections.count(reason);
        around.events.push_back(SessionEvent::MessageRejected {
            group: self.name,
            sender,
        });
        let mismatch = match *reason {
            OpenError::SuiteMismatch { ours, theirs } => {
                Some(Mismatch::RecordSuite { ours, theirs })
            }
            OpenError::WrongKey => Some(Mismatch::Key),
            OpenError::Truncated(_)
            | OpenError::Version(_)
            | OpenError::Flags(_)
            | OpenError::UnknownSuite(_)
            | OpenError::NotInView
            | OpenError::Blocks(_)
            | OpenError::Tag
            | OpenError::Replay(_)
            | OpenError::Signature
            | OpenError::Unsigned
            | OpenError::Malformed
            | OpenError::Internal(_) => None,
        };
        if let Some(what) = mismatch {
            self.report(sender, what, around.events);
        }
    }

    fn failed(&mut self, failure: Failure, around: &mut Around<'_>) {
        let Failure { suspects, reason } = failure;
        let reason = match reason {
            FailureReason::UnknownIdentity => GroupFailure::UnknownIdentity,
            FailureReason::BadSignature => GroupFailure::BadSignature,
            FailureReason::Protocol(fault) => GroupFailure::Protocol(fault),
            FailureReason::Contradiction => GroupFailure::Contradiction,
            FailureReason::DegenerateKey => GroupFailure::DegenerateKey,
            FailureReason::SuiteMismatch(field) => GroupFailure::SuiteMismatch(field),
        };
        if self.driver.has_failed() {
            // A refresh that fails takes the key that it was to replace with it.
            self.lose_key();
        }
        tracing::warn!(group = %self.name, ?suspects, %reason, "group failed");
        around.events.push_back(SessionEvent::GroupFailed {
            group: self.name,
            suspects,
            reason,
        });
    }
}
