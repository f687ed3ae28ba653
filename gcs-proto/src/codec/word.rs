//! Bits of the type word, without its marker.
//!
//! | bits | meaning | direction |
//! |---|---|---|
//! | `0x0000003f` | one of six services: a data message | both |
//! | `0x00000040` | not to be delivered to its sender | both |
//! | `0x00000f00` | why a membership changed | daemon to client |
//! | `0x00001000` | regular membership | daemon to client |
//! | `0x00002000` | transitional signal | daemon to client |
//! | `0x00070000` | join, leave, disconnect | client to daemon |
//! | `0x00400000` | refused request | daemon to client |
//! | `0x40000000` | sent to listed members of a group | both |
//! | `0x7f800000` | free for upper layers, passed on unchanged | both |
//! | `0x80000080` | byte order of the header, see [`endian`](super::endian) | both |
//! | `0x0038c000` | between daemons only; a client that sets one is put out | |
//!
//! Source: Spread client protocol, section 4.4 of the protocol notes in `docs/`.

use crate::{
    error::DecodeError,
    gcs::{Scope, SelfDelivery},
    service::Service,
};

/// The six service bits.
pub const SERVICES: u32 = 0x3f;
/// Not to be delivered to the sending session.
pub const SELF_DISCARD: u32 = 0x40;
/// A member joined.
pub const CAUSED_BY_JOIN: u32 = 0x100;
/// A member left; alone: the receiver's own leave is done.
pub const CAUSED_BY_LEAVE: u32 = 0x200;
/// A member's session ended.
pub const CAUSED_BY_DISCONNECT: u32 = 0x400;
/// Partition, merge, or any change in a transitional period.
pub const CAUSED_BY_NETWORK: u32 = 0x800;
/// The four causes.
pub const CAUSES: u32 = 0xf00;
/// Regular membership.
pub const REGULAR_MEMBERSHIP: u32 = 0x1000;
/// Transitional signal.
pub const TRANSITION: u32 = 0x2000;
/// Any membership message.
pub const MEMBERSHIP: u32 = 0x3f00;
/// Join request.
pub const JOIN: u32 = 0x1_0000;
/// Leave request.
pub const LEAVE: u32 = 0x2_0000;
/// Disconnect request.
pub const DISCONNECT: u32 = 0x4_0000;
/// The three requests that carry no data.
pub const REQUESTS: u32 = JOIN | LEAVE | DISCONNECT;
/// Refused request.
pub const REJECT: u32 = 0x40_0000;
/// Bits that upper layers may use and daemons pass on.
pub const UPPER: u32 = 0x7f80_0000;
/// Upper bit of messages to listed members of a group.
pub const SUBSET: u32 = 0x4000_0000;

/// Type word of a data message: exactly one service, self-discard, and bits of upper layers.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ServiceWord {
    service: Service,
    bits: u32,
}

impl ServiceWord {
    /// The word of a message with these properties and no other upper bits.
    pub const fn new(service: Service, self_delivery: SelfDelivery, scope: Scope) -> Self {
        let discard = match self_delivery {
            SelfDelivery::Deliver => 0,
            SelfDelivery::Discard => SELF_DISCARD,
        };
        let subset = match scope {
            Scope::Named => 0,
            Scope::Subset => SUBSET,
        };
        Self {
            service,
            bits: service.bit() | discard | subset,
        }
    }

    /// A word as it came. Bits that no data message may have are cleared: a daemon that lets its
    /// clients set them must not make a data message look like anything else.
    ///
    /// # Errors
    /// [`DecodeError::Illegal`] unless exactly one service bit is set.
    pub fn from_bits(bits: u32) -> Result<Self, DecodeError> {
        let service = Service::from_bits(bits).ok_or(DecodeError::Illegal {
            what: "service in type",
            value: bits,
        })?;
        Ok(Self {
            service,
            bits: bits & (SERVICES | SELF_DISCARD | UPPER),
        })
    }

    /// All bits, without marker.
    pub const fn bits(self) -> u32 {
        self.bits
    }

    /// The service.
    pub const fn service(self) -> Service {
        self.service
    }

    /// Whether the sender wants its copy.
    pub const fn self_delivery(self) -> SelfDelivery {
        if self.bits & SELF_DISCARD == 0 {
            SelfDelivery::Deliver
        } else {
            SelfDelivery::Discard
        }
    }

    /// Whether it went to listed members of a group.
    pub const fn scope(self) -> Scope {
        if self.bits & SUBSET == 0 {
            Scope::Named
        } else {
            Scope::Subset
        }
    }
}

impl core::fmt::Debug for ServiceWord {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}|{:#x}", self.service, self.bits & !SERVICES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_and_bits_agree() {
        for service in Service::ALL {
            for self_delivery in [SelfDelivery::Deliver, SelfDelivery::Discard] {
                for scope in [Scope::Named, Scope::Subset] {
                    let word = ServiceWord::new(service, self_delivery, scope);
                    assert_eq!(ServiceWord::from_bits(word.bits()), Ok(word));
                    assert_eq!(word.service(), service);
                    assert_eq!(word.self_delivery(), self_delivery);
                    assert_eq!(word.scope(), scope);
                }
            }
        }
    }

    #[test]
    fn upper_bits_stay_reserved_bits_go() {
        let word = ServiceWord::from_bits(0x10 | 0x0100_0000 | REGULAR_MEMBERSHIP | 0x8_0000);
        assert_eq!(word.map(ServiceWord::bits), Ok(0x0100_0010));
        assert!(ServiceWord::from_bits(0x30).is_err());
        assert!(ServiceWord::from_bits(SELF_DISCARD).is_err());
    }
}
