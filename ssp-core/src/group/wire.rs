//! What travels under which message type.
//!
//! | type | content | service |
//! |---|---|---|
//! | -32765 | sealed message | the user's |
//! | -32750 | GDH partial token | FIFO, to one member |
//! | -32749 | GDH final token | FIFO |
//! | -32748 | GDH factor-out | FIFO, to one member |
//! | -32747 | GDH key list | AGREED |
//! | -32753 | GDH token of the direct join | FIFO, to one member |
//! | -32752 | request for a refresh | AGREED |
//! | -32751 | key confirmation | AGREED |
//! | -32746 | CKD controller's share, controller stays | FIFO |
//! | -32754 | CKD controller's share, controller is new | FIFO |
//! | -32745 | CKD member's share | FIFO, to one member |
//! | -32744 | CKD key | AGREED |
//! | -32743, -32742 | TGDH tree, update | AGREED |
//! | -32741, -32740 | BD z, X | AGREED |
//! | -32739, -32738 | STR tree, update | AGREED |
//! | -32755 | part of a token that is too long for the engine | the token's |
//! | -32756 | evidence of the sender's identity | FIFO |
//! | -32757, -32758 | a daemon's challenge for a join, the answer ([`JOIN_CHALLENGE`](crate::identity::JOIN_CHALLENGE)) | FIFO, between daemon and client |
//!
//! Inside the seal, and there alone:
//!
//! | type | content | service |
//! |---|---|---|
//! | -32759 | request for receipts of parts | the parts' |
//! | -32760 | receipt of parts | FIFO, to one member |
//!
//! The type is a hint for routing: what a token is stands in its signed envelope, and both must
//! agree. Users may send any type above -32738.
//!
//! Source: secure layer notes, section 3.2.

use cliques::TokenKind;

/// Type of sealed messages.
pub const SEALED: i16 = -32_765;
/// Type of parts of a token.
pub const TOKEN_PART: i16 = -32_755;
/// Type of evidence of an identity.
pub const EVIDENCE: i16 = -32_756;
/// Type, inside the seal, of a request for receipts of parts.
pub const RECEIPT_REQUEST: i16 = -32_759;
/// Type, inside the seal, of a receipt of parts.
pub const RECEIPT: i16 = -32_760;
/// Highest type that is reserved for the secure layer and what is below.
pub const HIGHEST_RESERVED: i16 = -32_738;

const TOKENS: [(TokenKind, i16); 17] = [
    (TokenKind::GdhPartial, -32_750),
    (TokenKind::GdhFinal, -32_749),
    (TokenKind::GdhFactorOut, -32_748),
    (TokenKind::GdhKeyList, -32_747),
    (TokenKind::GdhJoin, -32_753),
    (TokenKind::RefreshRequest, -32_752),
    (TokenKind::KeyConfirmation, -32_751),
    (TokenKind::CkdNew, -32_754),
    (TokenKind::CkdOld, -32_746),
    (TokenKind::CkdResponse, -32_745),
    (TokenKind::CkdKey, -32_744),
    (TokenKind::TgdhTree, -32_743),
    (TokenKind::TgdhUpdate, -32_742),
    (TokenKind::BdZ, -32_741),
    (TokenKind::BdX, -32_740),
    (TokenKind::StrTree, -32_739),
    (TokenKind::StrUpdate, -32_738),
];

/// What a message is by its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A sealed message.
    Sealed,
    /// A token that should be of this kind.
    Token(TokenKind),
    /// Part of a token that is too long for the engine.
    TokenPart,
    /// Evidence of the sender's identity.
    Evidence,
    /// Reserved, without a meaning.
    Reserved,
    /// A user's type, which never travels in the open in a secure group.
    User,
}

impl Content {
    /// What a message of this type is.
    pub fn of(message_type: i16) -> Self {
        let token = TOKENS.iter().find(|(_, wire)| *wire == message_type);
        match token {
            Some((kind, _)) => Self::Token(*kind),
            None if message_type == SEALED => Self::Sealed,
            None if message_type == TOKEN_PART => Self::TokenPart,
            None if message_type == EVIDENCE => Self::Evidence,
            None if message_type <= HIGHEST_RESERVED => Self::Reserved,
            None => Self::User,
        }
    }
}

/// The type under which a token travels; `None` for a kind that this layer does not carry.
pub fn wire_type(kind: TokenKind) -> Option<i16> {
    TOKENS
        .iter()
        .find(|(of, _)| *of == kind)
        .map(|(_, wire)| *wire)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_type_of_its_own() {
        for kind in TokenKind::ALL {
            let wire = wire_type(*kind).unwrap();
            assert_eq!(Content::of(wire), Content::Token(*kind));
            assert!(wire <= HIGHEST_RESERVED && wire != SEALED);
        }
    }

    #[test]
    fn bounds_of_the_users_types() {
        assert_eq!(Content::of(-32_765), Content::Sealed);
        assert_eq!(Content::of(-32_764), Content::Reserved);
        assert_eq!(Content::of(-32_757), Content::Reserved);
        assert_eq!(Content::of(-32_755), Content::TokenPart);
        assert_eq!(Content::of(-32_756), Content::Evidence);
        assert_eq!(Content::of(-32_737), Content::User);
        assert_eq!(Content::of(i16::MIN), Content::Reserved);
        assert_eq!(Content::of(i16::MAX), Content::User);
    }
}
