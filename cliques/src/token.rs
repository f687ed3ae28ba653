//! What members send each other during a key agreement.

use alloc::vec::Vec;
use core::fmt;

use gcs_view::MemberName;

/// What a token is (key agreement notes, section 2.4).
///
/// The kinds of a suite are constants in its module, such as [`gdh::KEY_LIST`](crate::gdh::KEY_LIST);
/// those that go with every suite are here.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenKind {
    number: u16,
    name: &'static str,
    service: TokenService,
}

impl TokenKind {
    /// Request for a refresh; its epoch is the one to be replaced.
    pub const REFRESH_REQUEST: Self = Self::new(0x7e, "refresh-request", TokenService::Agreed);
    /// Key confirmation tag.
    pub const KEY_CONFIRMATION: Self = Self::new(0x7f, "key-confirmation", TokenService::Agreed);
    /// Kinds that go with every suite.
    pub(crate) const COMMON: [Self; 2] = [Self::REFRESH_REQUEST, Self::KEY_CONFIRMATION];

    /// A kind. Numbers below 0x1000 are reserved for this project, which uses the suite's number
    /// times 16 plus 1 to 15; a suite from elsewhere should use its own number times 256 plus 0 to 255.
    pub const fn new(number: u16, name: &'static str, service: TokenService) -> Self {
        Self {
            number,
            name,
            service,
        }
    }

    /// The number in the envelope.
    pub const fn number(self) -> u16 {
        self.number
    }

    /// Name in logs and event records.
    pub const fn as_str(self) -> &'static str {
        self.name
    }

    /// The weakest service that is strong enough for the kind (key agreement notes, section 8).
    pub const fn service(self) -> TokenService {
        self.service
    }
}

impl fmt::Display for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name)
    }
}

impl fmt::Debug for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({:#x})", self.name, self.number)
    }
}

/// Where a token goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// To all members, the sender included: broadcasts take effect when they come back.
    Group,
    /// To one member.
    Member(MemberName),
}

/// The delivery service that a token needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenService {
    /// In the order of its sender.
    Fifo,
    /// At one place in the order common to all members.
    Agreed,
}

/// A token to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Receiver.
    pub to: Recipient,
    /// Service needed.
    pub service: TokenService,
    /// What the body is.
    pub kind: TokenKind,
    /// Encoded body (key agreement notes, section 2.4).
    pub body: Vec<u8>,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("to", &self.to)
            .field("service", &self.service)
            .field("kind", &self.kind)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}
