//! Messages of the application, whole and in parts.

use alloc::vec::Vec;

use bytes::Bytes;
use cliques::Signer;
use gcs_proto::{flush::FlushLayer, limits, service::Service};
use rand_core::CryptoRng;

use super::{Phase, SecureGroup, timers::Timer, wire};
use crate::{
    Timestamp,
    access::{Action, Decision, Request},
    config::SessionConfig,
    epoch::ViewKeys,
    error::SendError,
    event::ViewNumber,
    record::{Content, PART, Part, PartEnd, RecordSuite, SIGNATURE, SealError, TYPE},
    sending::{MessageToSend, PARTS_IN_FLIGHT, PartStream, Protection, Signing},
};

/// Most bytes that the layers above the flush layer can send in one message of the engine.
pub(crate) const fn body_max(config: &SessionConfig) -> usize {
    let below = limits::NAME_SLOT + limits::FLUSH_OVERHEAD;
    config.capabilities.message.saturating_sub(below)
}

/// Most bytes of payload in one message without padding and signature: what the engine takes, less one
/// destination and the overheads of the flush layer and of sealing.
pub(crate) const fn payload_max(config: &SessionConfig, suite: RecordSuite) -> usize {
    body_max(config).saturating_sub(suite.overhead())
}

/// Most bytes of payload in one message, and in one part.
const fn payload_room(
    config: &SessionConfig,
    suite: RecordSuite,
    protection: Protection,
) -> (usize, usize) {
    let signature = match protection.signing {
        Signing::Off => 0,
        Signing::Sign | Signing::Require => SIGNATURE,
    };
    let room = (payload_max(config, suite) + TYPE).saturating_sub(signature);
    let content = protection.padding.fit(room);
    (
        content.saturating_sub(TYPE),
        content.saturating_sub(TYPE + PART),
    )
}

/// Pieces of a payload, taken in portions of another size.
struct Pieces<'a> {
    rest: &'a [&'a [u8]],
    /// Bytes of the first piece that were taken.
    taken: usize,
}

impl<'a> Pieces<'a> {
    /// The next `length` bytes, or fewer at the end.
    fn next(&mut self, mut length: usize) -> Vec<&'a [u8]> {
        let mut portion = Vec::new();
        while let (Some((first, behind)), true) = (self.rest.split_first(), length > 0) {
            let left = first.get(self.taken..).unwrap_or_default();
            let (now, later) = left.split_at_checked(length).unwrap_or((left, &[]));
            portion.push(now);
            length -= now.len();
            if later.is_empty() {
                self.rest = behind;
                self.taken = 0;
            } else {
                self.taken += now.len();
            }
        }
        portion
    }
}

fn length(payload: &[&[u8]]) -> usize {
    payload
        .iter()
        .fold(0, |sum: usize, piece| sum.saturating_add(piece.len()))
}

const fn is_ordered(service: Service) -> bool {
    match service {
        Service::Unreliable | Service::Reliable => false,
        Service::Fifo | Service::Causal | Service::Agreed | Service::Safe => true,
    }
}

impl SecureGroup {
    /// Seals and sends a message in secure view number `view`, in parts if it is too long for one.
    pub(crate) fn multicast(
        &mut self,
        view: ViewNumber,
        message: &MessageToSend<'_>,
        flush: &mut FlushLayer,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), SendError> {
        self.check(view, message.service, message.message_type)?;
        let length = length(message.payload);
        let (whole, part) = payload_room(&self.config, self.options.record, message.protection);
        if length <= whole {
            return self.send_one(message, None, message.payload, flush, rng);
        }
        let max = match is_ordered(message.service) && part > 0 {
            true => self.config.message_bytes.max(whole),
            false => whole,
        };
        if length > max {
            return Err(SendError::TooLong { length, max });
        }
        let number = self.next_message()?;
        let mut pieces = Pieces {
            rest: message.payload,
            taken: 0,
        };
        let count = length.div_ceil(part);
        for index in 0..count {
            let portion = pieces.next(part);
            let part = Part {
                message: number,
                // Far fewer than 2^32 of them fit into the bound.
                index: u32::try_from(index).map_err(|_| SendError::Internal("too many parts"))?,
                end: if index + 1 == count {
                    PartEnd::Last
                } else {
                    PartEnd::More
                },
            };
            self.send_one(message, Some(part), &portion, flush, rng)?;
        }
        Ok(())
    }

    /// Begins a message in parts.
    pub(crate) fn begin_parts(
        &mut self,
        view: ViewNumber,
        service: Service,
        message_type: i16,
        protection: Protection,
    ) -> Result<PartStream, SendError> {
        self.check(view, service, message_type)?;
        if !is_ordered(service) {
            return Err(SendError::Unordered(service));
        }
        let keyed = self
            .present
            .keyed_mut()
            .ok_or(SendError::GroupNotSecure(self.name))?;
        let message = keyed.keys.next_message().ok_or(SendError::KeyExhausted)?;
        let key = keyed.keys.schedule().key_id();
        keyed.window.begin(message, keyed.keys.members());
        Ok(PartStream {
            group: self.name,
            view,
            key,
            message,
            next: 0,
            service,
            message_type,
            protection,
            window: PARTS_IN_FLIGHT,
        })
    }

    /// Sends the next part of a message.
    pub(crate) fn send_part(
        &mut self,
        stream: &mut PartStream,
        end: PartEnd,
        payload: &[&[u8]],
        flush: &mut FlushLayer,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), SendError> {
        self.check(stream.view, stream.service, stream.message_type)?;
        let present = self.present.keys().map(|keys| keys.schedule().key_id());
        if present != Some(stream.key) {
            return Err(SendError::KeyChanged(self.name));
        }
        let max = self.part_max(stream.protection);
        let length = length(payload);
        if length > max {
            return Err(SendError::TooLong { length, max });
        }
        let next = stream
            .next
            .checked_add(1)
            .ok_or(SendError::KeyChanged(self.name))?;
        let message = MessageToSend {
            service: stream.service,
            self_delivery: gcs_proto::gcs::SelfDelivery::Deliver,
            message_type: stream.message_type,
            payload,
            protection: stream.protection,
        };
        let part = Part {
            message: stream.message,
            index: stream.next,
            end,
        };
        self.send_one(&message, Some(part), payload, flush, rng)?;
        stream.next = next;
        match end {
            PartEnd::More => self.request_receipts(stream, flush, rng),
            PartEnd::Last => {
                if let Some(keyed) = self.present.keyed_mut() {
                    keyed.window.end(stream.message);
                }
            }
        }
        Ok(())
    }

    /// Most bytes of payload in one part.
    pub(crate) const fn part_max(&self, protection: Protection) -> usize {
        payload_room(&self.config, self.options.record, protection).1
    }

    fn next_message(&mut self) -> Result<u32, SendError> {
        self.present
            .keys_mut()
            .ok_or(SendError::GroupNotSecure(self.name))?
            .next_message()
            .ok_or(SendError::KeyExhausted)
    }

    pub(super) fn send_one(
        &mut self,
        message: &MessageToSend<'_>,
        part: Option<Part>,
        payload: &[&[u8]],
        flush: &mut FlushLayer,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), SendError> {
        let content = Content {
            part,
            padding: message.protection.padding,
            ..Content::new(message.message_type, payload)
        };
        let sealed = self.seal(message.service, content, message.protection.signing, rng)?;
        flush.multicast(
            self.name,
            message.service,
            message.self_delivery,
            wire::SEALED,
            sealed,
        )?;
        self.stats.sealed += 1;
        self.stats.sealed_bytes += length(payload) as u64;
        let (messages, bytes) = self.present.keys().map_or((0, 0), ViewKeys::sealed);
        if self.options.refresh.is_reached(messages, bytes) {
            // A time in the past, so that it expires at once.
            self.present.timers.set(Timer::Refresh, Timestamp(0));
        }
        Ok(())
    }

    /// Seals under the present key, and signs if `signing` says so.
    pub(super) fn seal(
        &mut self,
        service: Service,
        content: Content<'_>,
        signing: Signing,
        rng: &mut dyn CryptoRng,
    ) -> Result<Bytes, SendError> {
        let signer = match signing {
            Signing::Off => None,
            Signing::Sign | Signing::Require => Some(&*self.admission.own as &dyn Signer),
        };
        let content = Content { signer, ..content };
        let keys = self
            .present
            .keys_mut()
            .ok_or(SendError::GroupNotSecure(self.name))?;
        keys.seal_content(service, &content, rng)
            .map(Bytes::from)
            .map_err(|error| match error {
                SealError::KeyExhausted => SendError::KeyExhausted,
                SealError::NotInView => SendError::Internal("not a member of the own view"),
                SealError::Signature => SendError::Internal("own signature is too long"),
                SealError::Internal(what) => SendError::Internal(what),
            })
    }

    /// Checks everything about a message but its length.
    fn check(
        &self,
        view: ViewNumber,
        service: Service,
        message_type: i16,
    ) -> Result<(), SendError> {
        if self.is_leaving() {
            return Err(SendError::NotJoined(self.name));
        }
        if message_type <= wire::HIGHEST_RESERVED {
            return Err(SendError::IllegalMessageType(message_type));
        }
        let strongest = self.config.capabilities.strongest_service;
        if service > strongest {
            return Err(SendError::Service {
                wanted: service,
                strongest,
            });
        }
        let Some(installed) = self.installed().map(|view| view.number) else {
            return Err(SendError::GroupNotSecure(self.name));
        };
        if view != installed {
            return Err(SendError::ViewChanged {
                wanted: view,
                installed,
            });
        }
        match self.phase() {
            Phase::Secure => {}
            Phase::Confirming => return Err(SendError::Unconfirmed(self.name)),
            Phase::Refreshing => return Err(SendError::Refreshing(self.name)),
            // From the answer to the flush request to the next secure view.
            Phase::Flushing | Phase::Agreeing => {
                return Err(SendError::NotAllowedToSend(self.name));
            }
            Phase::Joining | Phase::Failed | Phase::Leaving => {
                return Err(SendError::GroupNotSecure(self.name));
            }
        }
        let identity = self.admission.roster.get(&self.me);
        let decision = self.admission.policy.decide(&Request {
            action: Action::Send,
            group: &self.name,
            member: &self.me,
            identity: identity.as_ref(),
        });
        match decision {
            Decision::Allow => Ok(()),
            Decision::Deny(reason) => Err(SendError::Denied {
                group: self.name,
                reason,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;
    use crate::record::Padding;

    proptest! {
        #[test]
        fn portions_make_up_the_payload(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..30), 0..8),
            portion in 1..25_usize,
        ) {
            let payload: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let whole = payload.concat();
            let mut rest = Pieces { rest: &payload, taken: 0 };
            let mut out = vec![];
            loop {
                let next = rest.next(portion).concat();
                if next.is_empty() {
                    break;
                }
                prop_assert_eq!(next.len(), portion.min(whole.len() - out.len()));
                out.extend(next);
            }
            prop_assert_eq!(out, whole);
        }
    }

    #[test]
    fn room_is_what_fits_into_one_message() {
        let config = SessionConfig::default();
        for &suite in RecordSuite::ALL {
            for padding in [Padding::None, Padding::Multiple(256), Padding::PowerOfTwo] {
                for signing in [Signing::Off, Signing::Sign] {
                    let protection = Protection { signing, padding };
                    let (whole, part) = payload_room(&config, suite, protection);
                    assert!(part > 60_000 && whole == part + PART, "{suite} {padding:?}");
                }
            }
            let none = payload_room(&config, suite, Protection::default());
            assert_eq!(none.0, payload_max(&config, suite));
        }
    }
}
