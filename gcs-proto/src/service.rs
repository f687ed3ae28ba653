//! Service types: what order and reliability a message asks for.
//!
//! The six services are ordered by strength, each one giving at least what the weaker ones give.
//!
//! | service | bit in the type word |
//! |---|---|
//! | unreliable | `0x01` |
//! | reliable | `0x02` |
//! | FIFO | `0x04` |
//! | causal | `0x08` |
//! | agreed | `0x10` |
//! | safe | `0x20` |
//!
//! Source: Spread client protocol, section 4.4 of the protocol notes in `docs/`.

use core::{fmt, str::FromStr};

/// Delivery service of a message, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u32)]
pub enum Service {
    /// May be lost.
    Unreliable = 0x01,
    /// Arrives, in no particular order.
    Reliable = 0x02,
    /// In the order of its sender's FIFO-or-stronger messages.
    Fifo = 0x04,
    /// After everything its sender had sent or received.
    Causal = 0x08,
    /// In one total order that respects causality.
    Agreed = 0x10,
    /// As [`Agreed`](Self::Agreed), and only once every daemon of the membership has it.
    Safe = 0x20,
}

impl Service {
    /// All services, weakest first.
    pub const ALL: [Self; 6] = [
        Self::Unreliable,
        Self::Reliable,
        Self::Fifo,
        Self::Causal,
        Self::Agreed,
        Self::Safe,
    ];

    /// The one bit that stands for this service in a type word.
    pub const fn bit(self) -> u32 {
        self as u32
    }

    /// The service of a type word that has exactly one service bit, whatever other bits it has.
    pub fn from_bits(word: u32) -> Option<Self> {
        let bits = word & 0x3f;
        Self::ALL.into_iter().find(|service| service.bit() == bits)
    }

    /// Lower-case name, as the command line and the logs spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreliable => "unreliable",
            Self::Reliable => "reliable",
            Self::Fifo => "fifo",
            Self::Causal => "causal",
            Self::Agreed => "agreed",
            Self::Safe => "safe",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown service \"{0}\", one of unreliable, reliable, fifo, causal, agreed, safe")]
pub struct UnknownService(pub alloc::string::String);

impl FromStr for Service {
    type Err = UnknownService;

    fn from_str(text: &str) -> Result<Self, UnknownService> {
        Self::ALL
            .into_iter()
            .find(|service| service.as_str() == text)
            .ok_or_else(|| UnknownService(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bit_and_only_one_names_a_service() {
        for service in Service::ALL {
            assert_eq!(
                Service::from_bits(service.bit() | 0x8000_0080),
                Some(service)
            );
            assert_eq!(service.as_str().parse(), Ok(service));
        }
        assert_eq!(Service::from_bits(0), None);
        assert_eq!(Service::from_bits(0x14), None);
        assert!("fast".parse::<Service>().is_err());
    }
}
