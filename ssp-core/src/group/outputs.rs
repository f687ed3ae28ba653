//! From the driver to the flush layer and the application.

use bytes::Bytes;
use cliques::{Recipient, TokenService};
use gcs_proto::{gcs::SelfDelivery, service::Service};
use gka_robust::{Input, Output, Transmission};

use super::{
    Environment, Intent, Phase, SecureGroup, reassembly, send::body_max, timers::Timer,
    view::Deferred, wire,
};
use crate::{
    config::FlushMode,
    event::SessionEvent,
    record::{Part, PartEnd},
};

/// Whether tokens are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sending {
    Allowed,
    /// A member of the view is not accepted.
    Suppressed,
}

impl SecureGroup {
    /// Carries out all outputs of the driver.
    pub(super) fn carry_out(&mut self, sending: Sending, environment: &mut Environment<'_>) {
        while let Some(output) = self.driver.poll_output() {
            match output {
                Output::Send(transmission) => match sending {
                    Sending::Allowed => self.send(transmission, environment),
                    Sending::Suppressed => self.stats.unsent += 1,
                },
                Output::FlushOk => self.flush_ok_below(environment),
                Output::Install { view, secret } => self.install(&view, secret, environment),
                Output::SecureFlushRequest => self.secure_flush_request(environment),
                Output::SecureTransitionalSignal => {
                    environment
                        .events
                        .push_back(SessionEvent::TransitionalSignal { group: self.name });
                }
                Output::Deliver(sealed) => self.deliver(&sealed, environment),
                Output::Failed(failure) => self.failed(failure, environment),
            }
        }
    }

    /// The engine refused the leave: this member sends what it has deferred.
    pub(crate) fn leave_refused(&mut self, environment: &mut Environment<'_>) {
        if self.intent == Intent::Stay {
            return;
        }
        self.intent = Intent::Stay;
        for deferred in core::mem::take(&mut self.present.deferred) {
            match deferred {
                Deferred::Token(transmission) => self.send(transmission, environment),
                Deferred::Evidence => self.send_evidence(environment),
                Deferred::Confirmation(bytes) => self.send_confirmation(bytes, environment),
                Deferred::FlushOk => self.flush_ok_below(environment),
            }
        }
        match self.phase() {
            // A change that was permitted before the leave may not have happened yet.
            Phase::Joining | Phase::Agreeing | Phase::Flushing | Phase::Failed => {
                self.start(Timer::Flush, environment.now);
            }
            Phase::Secure | Phase::Confirming | Phase::Refreshing | Phase::Leaving => {}
        }
    }

    fn send(&mut self, transmission: Transmission, environment: &mut Environment<'_>) {
        if self.is_leaving() {
            self.stats.unsent += 1;
            return self.present.deferred.push(Deferred::Token(transmission));
        }
        let message_type = wire::wire_type(transmission.kind);
        let service = match transmission.service {
            TokenService::Fifo => Service::Fifo,
            TokenService::Agreed => Service::Agreed,
        };
        let bytes = Bytes::from(transmission.bytes);
        let sent = self.transmit(&transmission.to, service, message_type, bytes, environment);
        if let Err(error) = sent {
            self.stats.unsent += 1;
            tracing::warn!(group = %self.name, %error, "token not sent");
            if let gcs_proto::Error::Limit { .. } = error {
                self.fail_internally("token too long for the engine", environment);
            }
        }
    }

    /// Sends a token, in parts if it is too long for one message of the engine.
    fn transmit(
        &mut self,
        to: &Recipient,
        service: Service,
        message_type: i16,
        bytes: Bytes,
        environment: &mut Environment<'_>,
    ) -> Result<(), gcs_proto::Error> {
        let max = body_max(&self.config);
        if bytes.len() <= max {
            return self.transmit_one(to, service, message_type, bytes, environment);
        }
        let message = self.next_token;
        self.next_token = message.wrapping_add(1);
        let room = max.saturating_sub(reassembly::TOKEN_PART).max(1);
        let count = bytes.len().div_ceil(room);
        for (index, chunk) in bytes.chunks(room).enumerate() {
            let part = Part {
                message,
                // A token has far fewer than 2^32 parts.
                index: u32::try_from(index).unwrap_or(u32::MAX),
                end: if index + 1 == count {
                    PartEnd::Last
                } else {
                    PartEnd::More
                },
            };
            let body = reassembly::token_part(message_type, part, chunk);
            self.transmit_one(to, service, wire::TOKEN_PART, body, environment)?;
        }
        Ok(())
    }

    fn transmit_one(
        &self,
        to: &Recipient,
        service: Service,
        message_type: i16,
        bytes: Bytes,
        environment: &mut Environment<'_>,
    ) -> Result<(), gcs_proto::Error> {
        match to {
            // Own broadcasts take effect when they come back.
            Recipient::Group => environment.flush.multicast(
                self.name,
                service,
                SelfDelivery::Deliver,
                message_type,
                bytes,
            ),
            Recipient::Member(receiver) => {
                environment
                    .flush
                    .unicast(self.name, *receiver, service, message_type, bytes)
            }
        }
    }

    pub(super) fn flush_ok_below(&mut self, environment: &mut Environment<'_>) {
        if self.is_leaving() {
            return self.present.deferred.push(Deferred::FlushOk);
        }
        match environment.flush.flush_ok(self.name) {
            Ok(()) => self.start(Timer::Flush, environment.now),
            Err(error) => tracing::warn!(group = %self.name, %error, "flush not answered"),
        }
    }

    fn secure_flush_request(&mut self, environment: &mut Environment<'_>) {
        match self.options.flush {
            FlushMode::Automatic => {
                let permitted =
                    self.driver
                        .handle(Input::SecureFlushOk, environment.now.0, environment.rng);
                if let Err(error) = permitted {
                    tracing::error!(group = %self.name, %error, "driver");
                    self.fail_internally("driver", environment);
                }
            }
            FlushMode::Manual => environment
                .events
                .push_back(SessionEvent::FlushRequest { group: self.name }),
        }
    }
}
