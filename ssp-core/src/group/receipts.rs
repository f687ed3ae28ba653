//! Receipts of parts, by which a message longer than memory is sent no faster than the slowest member
//! takes it.
//!
//! ```text
//!  sender    part 0, 1 .. 7, REQUEST(8)   part 8 .. 15, REQUEST(16)   ..   part 31, REQUEST(32)  waits
//!  receiver                     RECEIPT(8) to the sender alone  ..
//! ```
//!
//! The daemon keeps what a member has yet to take, and closes a member that has too much waiting; it
//! tells nobody how much that is. So a sender asks after each quarter of its window, with the service of
//! the parts, and goes on while the last receipt of every member is less than a window behind. The
//! sender's own parts come back to it, and count in the same way.
//!
//! Both are sealed messages of the sender, with a reserved type inside the seal; the daemon cannot tell
//! them from others, nor make them up. Content: `u32 message || u32 parts before it`.
//!
//! | who | what it can do |
//! |---|---|
//! | a member that gives no receipts | hold a sender up until that has waited long enough ([`forgo`](Receipts::forgo)) |
//! | a member that gives false ones | be closed by the daemon itself for being too slow |
//! | a member that asks needlessly | cause one short message for each of its own |

use alloc::collections::BTreeMap;

use gcs_proto::{flush::FlushLayer, gcs::SelfDelivery, name::MemberName, service::Service};
use rand_core::CryptoRng;

use super::{Around, Phase, SecureGroup, wire};
use crate::{
    epoch::{Opened, ViewKeys},
    outgoing::{Outgoing, PartStream},
    record::Content,
};

/// Own messages whose receipts are counted at once: receivers follow no more either.
const STREAMS: usize = 4;

/// What members have received of own messages in parts.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    /// By message: parts that each member has, of those that are waited for.
    streams: BTreeMap<u32, BTreeMap<MemberName, u32>>,
    /// Receipts that told something new, of all messages so far.
    total: u64,
}

impl Receipts {
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

    /// A new key: no message goes on.
    pub(super) fn clear(&mut self) {
        self.streams.clear();
    }

    /// A member has so many parts of a message. One that is no longer waited for stays so.
    fn received(&mut self, member: MemberName, message: u32, parts: u32) {
        let known = self
            .streams
            .get_mut(&message)
            .and_then(|members| members.get_mut(&member));
        if let Some(known) = known.filter(|known| **known < parts) {
            *known = parts;
            self.total += 1;
        }
    }

    /// Parts, of so many sent, that not everybody who is waited for has.
    fn in_flight(&self, message: u32, sent: u32) -> u32 {
        let least = self
            .streams
            .get(&message)
            .and_then(|members| members.values().min());
        least.map_or(0, |least| sent.saturating_sub(*least))
    }

    /// Waits no longer for members that are a window behind.
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
    /// Receipts that told something new.
    pub(crate) const fn receipts(&self) -> u64 {
        self.receipts.total
    }

    /// Parts of a message that not everybody who is waited for has received.
    pub(crate) fn parts_in_flight(&self, stream: &PartStream) -> u32 {
        let present = self.keys.as_ref().map(|keys| keys.schedule().key_id());
        if present == Some(stream.key) {
            self.receipts.in_flight(stream.message, stream.next)
        } else {
            0
        }
    }

    /// Waits no longer for the members that are a window behind.
    pub(crate) fn forgo_receipts(&mut self, stream: &PartStream) {
        self.receipts
            .forgo(stream.message, stream.next, stream.window);
    }

    #[cfg(feature = "test-util")]
    pub(crate) fn send_unruly(
        &mut self,
        message_type: i16,
        payload: &[u8],
        flush: &mut FlushLayer,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), crate::error::SendError> {
        let message = Outgoing {
            service: Service::Fifo,
            self_delivery: SelfDelivery::Deliver,
            message_type,
            payload: &[payload],
            protection: self.options.protection,
        };
        self.send_one(&message, None, message.payload, flush, rng)
    }

    /// A part was sent: asks for receipts if it is time to.
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
        let request = Outgoing {
            service: stream.service,
            self_delivery: SelfDelivery::Deliver,
            message_type: wire::RECEIPT_REQUEST,
            payload,
            protection: stream.protection,
        };
        if let Err(error) = self.send_one(&request, None, payload, flush, rng) {
            // The part is sent, and what keeps this from following it ends the message anyway.
            tracing::debug!(group = %self.name, %error, "receipts not asked for");
        }
    }

    /// A sealed message that members' sessions have for each other; no application sees it.
    pub(super) fn internal_message(
        &mut self,
        sender: MemberName,
        opened: &Opened,
        around: &mut Around<'_>,
    ) {
        let told = read(&opened.payload);
        // Messages are numbered anew under each key, so what was sealed before a refresh tells of
        // another message, which ended with its key.
        let present = self.keys.as_ref().map(ViewKeys::epoch) == Some(opened.epoch);
        match (opened.message_type, told) {
            (wire::RECEIPT_REQUEST | wire::RECEIPT, Some(_)) if !present => {}
            (wire::RECEIPT_REQUEST, Some((message, parts))) if sender == self.me => {
                self.receipts.received(sender, message, parts);
            }
            (wire::RECEIPT_REQUEST, Some((message, parts))) => {
                self.send_receipt(sender, message, parts, around);
            }
            (wire::RECEIPT, Some((message, parts))) => {
                self.receipts.received(sender, message, parts);
            }
            (_, _) => self.stats.reserved += 1,
        }
    }

    fn send_receipt(&mut self, to: MemberName, message: u32, parts: u32, around: &mut Around<'_>) {
        match self.phase() {
            // Its sender may have all confirmations of the key before this member has.
            Phase::Secure | Phase::Confirming => {}
            // The message ends with the view or the key, and so does the wait for receipts.
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
            .seal(Service::Fifo, content, signing, around.rng)
            .and_then(|sealed| {
                let (group, service) = (self.name, Service::Fifo);
                Ok(around
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
    fn the_slowest_member_counts() {
        let [a, b] = names();
        let mut receipts = Receipts::default();
        receipts.begin(7, &[a, b]);
        assert_eq!(receipts.in_flight(7, 5), 5);
        receipts.received(a, 7, 5);
        receipts.received(b, 7, 2);
        assert_eq!(receipts.in_flight(7, 6), 4);
        // Neither late, nor repeated, nor of another message, nor of a stranger.
        receipts.received(b, 7, 1);
        receipts.received(b, 7, 2);
        receipts.received(b, 8, 6);
        receipts.received("#c#n1".parse().unwrap(), 7, 6);
        assert_eq!((receipts.in_flight(7, 6), receipts.total), (4, 2));
        // More than was sent is all of it.
        receipts.received(b, 7, u32::MAX);
        assert_eq!(receipts.in_flight(7, 6), 1);
        assert_eq!(receipts.in_flight(8, 6), 0);
    }

    #[test]
    fn who_is_a_window_behind_is_forgone() {
        let [a, b] = names();
        let mut receipts = Receipts::default();
        receipts.begin(1, &[a, b]);
        receipts.received(a, 1, 7);
        receipts.forgo(1, 8, 8);
        assert_eq!(receipts.in_flight(1, 8), 1);
        receipts.received(b, 1, 1);
        assert_eq!(receipts.in_flight(1, 8), 1);
        receipts.forgo(1, 15, 8);
        assert_eq!(receipts.in_flight(1, 15), 0);
    }

    #[test]
    fn few_messages_are_followed() {
        let mut receipts = Receipts::default();
        for message in 0..10 {
            receipts.begin(message, &names());
        }
        let followed: Vec<_> = receipts.streams.keys().copied().collect();
        assert_eq!(followed, [6, 7, 8, 9]);
        receipts.end(7);
        assert_eq!(receipts.in_flight(7, 1), 0);
        receipts.clear();
        assert_eq!(receipts.in_flight(9, 1), 0);
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
