//! From the application to the group.

use bytes::Bytes;
use gcs_proto::{gcs::SelfDelivery, limits, service::Service};
use gka_robust::Input;
use rand_core::CryptoRng;

use super::{Around, Intent, Phase, SecureGroup, Timer, carry::Sending, wire};
use crate::{
    config::{FlushMode, SessionConfig},
    error::{Error, SendError},
    event::ViewNumber,
    record::{RecordSuite, SealError},
};

/// Most bytes of payload in one message: what the engine takes, less one destination, the flush
/// layer's additions and those of sealing.
pub(crate) const fn payload_max(config: &SessionConfig, suite: RecordSuite) -> usize {
    let below = limits::NAME_SLOT + limits::FLUSH_OVERHEAD;
    config
        .capabilities
        .message
        .saturating_sub(below + suite.overhead())
}

/// One message to be sent.
#[derive(Clone, Copy)]
pub(crate) struct Outgoing<'a> {
    pub(crate) view: ViewNumber,
    pub(crate) service: Service,
    pub(crate) self_delivery: SelfDelivery,
    pub(crate) message_type: i16,
    pub(crate) payload: &'a [&'a [u8]],
}

impl SecureGroup {
    /// The application leaves; nothing can be sent any more.
    pub(crate) fn leave(&mut self) {
        self.intent = Intent::Leave;
        self.timers.stop(Timer::Flush);
    }

    /// Whether the application is leaving.
    pub(crate) fn is_leaving(&self) -> bool {
        self.intent == Intent::Leave
    }

    /// The application permits a view change.
    pub(crate) fn flush_ok(&mut self, around: &mut Around<'_>) -> Result<(), Error> {
        if self.options.flush == FlushMode::Automatic {
            return Err(Error::IllegalFlushOk(self.name));
        }
        self.ask(Input::SecureFlushOk, around)
    }

    /// The application wants a new key.
    pub(crate) fn refresh(&mut self, around: &mut Around<'_>) -> Result<(), Error> {
        if self.keys.is_none() {
            return Err(Error::GroupNotSecure(self.name));
        }
        self.ask(Input::RequestRefresh, around)
    }

    fn ask(&mut self, input: Input<super::Sealed>, around: &mut Around<'_>) -> Result<(), Error> {
        if self.is_leaving() {
            return Err(Error::Leaving(self.name));
        }
        let asked = self.driver.handle(input, around.now.0, around.rng);
        self.carry_out(Sending::Carry, around);
        asked.map(|_| ()).map_err(|error| match error {
            gka_robust::Error::GroupNotSecure => Error::GroupNotSecure(self.name),
            gka_robust::Error::Refreshing => Error::Refreshing(self.name),
            gka_robust::Error::NotAllowedToSend => Error::Flushing(self.name),
            gka_robust::Error::IllegalFlushOk => Error::IllegalFlushOk(self.name),
            gka_robust::Error::FlushOkAlreadySent => Error::FlushOkAlreadySent(self.name),
            gka_robust::Error::Internal(what) => Error::Internal(what),
            // The list of errors belongs to the driver's crate and may grow.
            _ => Error::Internal("driver"),
        })
    }

    /// Seals and sends a message in the secure view that its sender means.
    pub(crate) fn multicast(
        &mut self,
        message: Outgoing<'_>,
        flush: &mut gcs_proto::flush::FlushLayer,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), SendError> {
        self.check(&message)?;
        let length = message
            .payload
            .iter()
            .fold(0_usize, |sum, part| sum.saturating_add(part.len()));
        let max = payload_max(&self.config, self.options.record);
        if length > max {
            return Err(SendError::TooLong { length, max });
        }
        let keys = self
            .keys
            .as_mut()
            .ok_or(SendError::GroupNotSecure(self.name))?;
        let sealed = keys
            .seal(message.service, message.message_type, message.payload, rng)
            .map_err(|error| match error {
                SealError::KeyExhausted => SendError::KeyExhausted,
                SealError::NotInView => SendError::Internal("not a member of the own view"),
                SealError::Signature => SendError::Internal("own signature is too long"),
                SealError::Internal(what) => SendError::Internal(what),
            })?;
        flush.multicast(
            self.name,
            message.service,
            message.self_delivery,
            wire::SEALED,
            Bytes::from(sealed),
        )?;
        self.stats.sealed += 1;
        self.stats.sealed_bytes += length as u64;
        Ok(())
    }

    /// Everything about a message but its length.
    fn check(&self, message: &Outgoing<'_>) -> Result<(), SendError> {
        if self.is_leaving() {
            return Err(SendError::NotJoined(self.name));
        }
        if message.message_type <= wire::HIGHEST_RESERVED {
            return Err(SendError::IllegalMessageType(message.message_type));
        }
        let strongest = self.config.capabilities.strongest_service;
        if message.service > strongest {
            return Err(SendError::Service {
                wanted: message.service,
                strongest,
            });
        }
        let Some(installed) = self.installed.as_ref().map(|view| view.number) else {
            return Err(SendError::GroupNotSecure(self.name));
        };
        if message.view != installed {
            return Err(SendError::ViewChanged {
                wanted: message.view,
                installed,
            });
        }
        match self.phase() {
            Phase::Secure => Ok(()),
            Phase::Refreshing => Err(SendError::Refreshing(self.name)),
            // From the answer to the flush request to the next secure view.
            Phase::Flushing | Phase::Agreeing => Err(SendError::NotAllowedToSend(self.name)),
            Phase::Joining | Phase::Failed | Phase::Leaving => {
                Err(SendError::GroupNotSecure(self.name))
            }
        }
    }
}
