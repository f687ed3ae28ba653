//! Flow control of messages in parts: a message longer than memory is sent no faster than the slowest
//! member receives it.
//!
//! ```text
//!  sender    part 0, 1 .. 7, REQUEST(8)   part 8 .. 15, REQUEST(16)   ..   part 31, REQUEST(32)  waits
//!  receiver                     RECEIPT(8) to the sender alone  ..
//! ```
//!
//! The daemon queues what a member has yet to read, disconnects a member whose queue is too long, and
//! tells nobody how long it is. So a sender requests receipts after each quarter of its window, with the
//! service of the parts, and continues while the last receipt of every member is less than a window
//! behind. The sender's own parts are delivered to it as well and count in the same way.
//!
//! Requests and receipts are sealed messages with a reserved type inside the seal, so the daemon can
//! neither distinguish nor forge them. Content: `u32 message || u32 parts before it`.
//!
//! | who | what it can do |
//! |---|---|
//! | a member that sends no receipts | delay a sender until it stops waiting for the member ([`forgo`](SendWindow::forgo)) |
//! | a member that sends false ones | be disconnected by the daemon for being too slow |
//! | a member that requests needlessly | cause one short message for each of its own |

use alloc::collections::BTreeMap;

use gcs_proto::{flush::FlushLayer, gcs::SelfDelivery, name::MemberName, service::Service};
use rand_core::CryptoRng;

use super::{Environment, Phase, SecureGroup, wire};
use crate::{
    epoch::{Opened, ViewKeys},
    record::Content,
    sending::{MessageToSend, PartStream},
};

/// Most own messages whose receipts are counted at once; receivers keep no more either.
const STREAMS: usize = 4;

/// What members have confirmed of own messages in parts, under one key.
#[derive(Debug, Default)]
pub(super) struct SendWindow {
    /// By message: parts that each member has, of the members that are waited for.
    streams: BTreeMap<u32, BTreeMap<MemberName, u32>>,
}

impl SendWindow {
    pub(super) fn begin(&mut self, message: u32, members: &[MemberName]) {
        if self.streams.len() >= STREAMS {
            self.streams.pop_first();
        }
        let none = members.iter().map(|member| (*member, 0)).collect();
        self.streams.insert(message, none);
    }

    pub(super) fn end(&mut self, message: u32) {
        self.streams.remove(&message);
    }

    /// A member has so many parts of a message; whether that is more than it had. A member that is no
    /// longer waited for stays so.
    fn received(&mut self, member: MemberName, message: u32, parts: u32) -> bool {
        let known = self
            .streams
            .get_mut(&message)
            .and_then(|members| members.get_mut(&member));
        match known {
            Some(known) if *known < parts => {
                *known = parts;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Of so many parts sent, those that some member that is waited for does not have.
    fn in_flight(&self, message: u32, sent: u32) -> u32 {
        let least = self
            .streams
            .get(&message)
            .and_then(|members| members.values().min());
        least.map_or(0, |least| sent.saturating_sub(*least))
    }

    /// Stops waiting for members that are a window behind.
    fn forgo(&mut self, message: u32, sent: u32, window: u32) {
        if let Some(members) = self.streams.get_mut(&message) {
            members.retain(|_, received| sent.saturating_sub(*received) < window);
        }
    }
}

fn body(message: u32, parts: u32) -> [u8; 8] {
    (u64::from(message) << 32 | u64::from(parts)).to_be_bytes()
}

fn read(body: &[u8]) -> Option<(u32, u32)> {
    let [m0, m1, m2, m3, parts @ ..] = body.first_chunk::<8>().filter(|_| body.len() == 8)?;
    Some((
        u32::from_be_bytes([*m0, *m1, *m2, *m3]),
        u32::from_be_bytes(*parts),
    ))
}

impl SecureGroup {
    /// Receipts that confirmed parts not confirmed before.
    pub(crate) const fn receipts(&self) -> u64 {
        self.history.receipts
    }

    /// Parts of a message that some member that is waited for has not received.
    pub(crate) fn parts_in_flight(&self, stream: &PartStream) -> u32 {
        match self.present.keyed() {
            Some(keyed) if keyed.keys.schedule().key_id() == stream.key => {
                keyed.window.in_flight(stream.message, stream.next)
            }
            Some(_) | None => 0,
        }
    }

    /// Stops waiting for the members that are a window behind.
    pub(crate) fn forgo_receipts(&mut self, stream: &PartStream) {
        if let Some(keyed) = self.present.keyed_mut() {
            keyed
                .window
                .forgo(stream.message, stream.next, stream.window);
        }
    }

    #[cfg(feature = "test-util")]
    pub(crate) fn send_unruly(
        &mut self,
        message_type: i16,
        payload: &[u8],
        flush: &mut FlushLayer,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), crate::error::SendError> {
        let message = MessageToSend {
            service: Service::Fifo,
            self_delivery: SelfDelivery::Deliver,
            message_type,
            payload: &[payload],
            protection: self.options.protection,
        };
        self.send_one(&message, None, message.payload, flush, rng)
    }

    /// A part was sent: requests receipts after each quarter of the window.
    pub(super) fn request_receipts(
        &mut self,
        stream: &PartStream,
        flush: &mut FlushLayer,
        rng: &mut dyn CryptoRng,
    ) {
        if !stream.next.is_multiple_of((stream.window / 4).max(1)) {
            return;
        }
        let body = body(stream.message, stream.next);
        let payload: &[&[u8]] = &[&body];
        let request = MessageToSend {
            service: stream.service,
            self_delivery: SelfDelivery::Deliver,
            message_type: wire::RECEIPT_REQUEST,
            payload,
            protection: stream.protection,
        };
        if let Err(error) = self.send_one(&request, None, payload, flush, rng) {
            // The part is sent, and the next part will fail with the same error.
            tracing::debug!(group = %self.name, %error, "receipts not requested");
        }
    }

    /// A sealed message between sessions, which no application sees.
    pub(super) fn internal_message(
        &mut self,
        sender: MemberName,
        opened: &Opened,
        environment: &mut Environment<'_>,
    ) {
        let told = read(&opened.payload);
        // Messages are numbered anew under each key: a receipt sealed before a refresh is for a message
        // that ended with its key.
        let present = self.present.keys().map(ViewKeys::epoch) == Some(opened.epoch);
        match (opened.message_type, told) {
            (wire::RECEIPT_REQUEST | wire::RECEIPT, Some(_)) if !present => {}
            (wire::RECEIPT_REQUEST, Some((message, parts))) if sender == self.me => {
                self.count_receipt(sender, message, parts);
            }
            (wire::RECEIPT_REQUEST, Some((message, parts))) => {
                self.send_receipt(sender, message, parts, environment);
            }
            (wire::RECEIPT, Some((message, parts))) => {
                self.count_receipt(sender, message, parts);
            }
            (_, _) => self.stats.reserved += 1,
        }
    }

    fn count_receipt(&mut self, sender: MemberName, message: u32, parts: u32) {
        if let Some(keyed) = self.present.keyed_mut()
            && keyed.window.received(sender, message, parts)
        {
            self.history.receipts += 1;
        }
    }

    fn send_receipt(
        &mut self,
        to: MemberName,
        message: u32,
        parts: u32,
        environment: &mut Environment<'_>,
    ) {
        match self.phase() {
            // The sender may have received all confirmations of the key before this member.
            Phase::Secure | Phase::Confirming => {}
            // The message ends with the view or the key, so nobody waits for receipts.
            Phase::Joining
            | Phase::Agreeing
            | Phase::Refreshing
            | Phase::Flushing
            | Phase::Failed
            | Phase::Leaving => return,
        }
        let body = body(message, parts);
        let payload: &[&[u8]] = &[&body];
        let content = Content {
            padding: self.options.protection.padding,
            ..Content::new(wire::RECEIPT, payload)
        };
        let signing = self.options.protection.signing;
        let sent = self
            .seal(Service::Fifo, content, signing, environment.rng)
            .and_then(|sealed| {
                let (group, service) = (self.name, Service::Fifo);
                Ok(environment
                    .flush
                    .unicast(group, to, service, wire::SEALED, sealed)?)
            });
        if let Err(error) = sent {
            self.stats.unsent += 1;
            tracing::debug!(group = %self.name, %to, %error, "receipt not sent");
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn names() -> [MemberName; 2] {
        ["#a#n1", "#b#n1"].map(|name| name.parse().unwrap())
    }

    #[test]
    fn the_slowest_member_limits_the_sender() {
        let [a, b] = names();
        let mut window = SendWindow::default();
        window.begin(7, &[a, b]);
        assert_eq!(window.in_flight(7, 5), 5);
        assert!(window.received(a, 7, 5));
        assert!(window.received(b, 7, 2));
        assert_eq!(window.in_flight(7, 6), 4);
        // Neither late, nor repeated, nor of another message, nor of a stranger.
        let stranger = "#c#n1".parse().unwrap();
        for (member, message, parts) in [(b, 7, 1), (b, 7, 2), (b, 8, 6), (stranger, 7, 6)] {
            assert!(!window.received(member, message, parts));
        }
        assert_eq!(window.in_flight(7, 6), 4);
        // More than was sent is all of it.
        window.received(b, 7, u32::MAX);
        assert_eq!(window.in_flight(7, 6), 1);
        assert_eq!(window.in_flight(8, 6), 0);
    }

    #[test]
    fn a_member_a_window_behind_is_not_waited_for() {
        let [a, b] = names();
        let mut window = SendWindow::default();
        window.begin(1, &[a, b]);
        window.received(a, 1, 7);
        window.forgo(1, 8, 8);
        assert_eq!(window.in_flight(1, 8), 1);
        window.received(b, 1, 1);
        assert_eq!(window.in_flight(1, 8), 1);
        window.forgo(1, 15, 8);
        assert_eq!(window.in_flight(1, 15), 0);
    }

    #[test]
    fn few_messages_are_followed() {
        let mut window = SendWindow::default();
        for message in 0..10 {
            window.begin(message, &names());
        }
        let followed: Vec<_> = window.streams.keys().copied().collect();
        assert_eq!(followed, [6, 7, 8, 9]);
        window.end(7);
        assert_eq!(window.in_flight(7, 1), 0);
    }

    #[test]
    fn bodies_are_read_back_and_of_one_length() {
        assert_eq!(body(1, 0x0203), [0, 0, 0, 1, 0, 0, 2, 3]);
        assert_eq!(read(&body(u32::MAX, 5)), Some((u32::MAX, 5)));
        for length in [0, 7, 9, 64] {
            assert_eq!(read(&[0; 64][..length]), None);
        }
    }
}
