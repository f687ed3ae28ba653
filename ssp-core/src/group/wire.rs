//! The message types of a secure group.
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
//! | -32761 | token of any other kind | the token's |
//! | -32755 | part of a token that is too long for the engine | the token's |
//! | -32756 | evidence of the sender's identity | FIFO |
//! | -32757, -32758 | a daemon's challenge for a join, the answer ([`JOIN_CHALLENGE`](crate::identity::JOIN_CHALLENGE)) | FIFO, between daemon and client |
//!
//! Inside the seal only:
//!
//! | type | content | service |
//! |---|---|---|
//! | -32759 | request for receipts of parts | the parts' |
//! | -32760 | receipt of parts | FIFO, to one member |
//!
//! The type is a hint for routing: the signed envelope of a token contains its kind, and both must
//! agree. Applications may send any type above -32738.
//!
//! Source: secure layer notes, section 3.2.

use cliques::{Protocol, ReceivedToken, TokenKind, bd, ckd, gdh, str_, tgdh};

/// Type of sealed messages.
pub const SEALED: i16 = -32_765;
/// Type of tokens whose kind has no type of its own.
pub const TOKEN: i16 = -32_761;
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

/// The kinds that have a type of their own. Those of other suites share [`TOKEN`].
const TOKENS: [(TokenKind, i16); 17] = [
    (gdh::PARTIAL_TOKEN, -32_750),
    (gdh::FINAL_TOKEN, -32_749),
    (gdh::FACTOR_OUT, -32_748),
    (gdh::KEY_LIST, -32_747),
    (gdh::JOIN_TOKEN, -32_753),
    (TokenKind::REFRESH_REQUEST, -32_752),
    (TokenKind::KEY_CONFIRMATION, -32_751),
    (ckd::NEW_CONTROLLER, -32_754),
    (ckd::OLD_CONTROLLER, -32_746),
    (ckd::RESPONSE, -32_745),
    (ckd::KEY, -32_744),
    (tgdh::TREE, -32_743),
    (tgdh::UPDATE, -32_742),
    (bd::BLINDED_SHARE, -32_741),
    (bd::QUOTIENT, -32_740),
    (str_::TREE, -32_739),
    (str_::UPDATE, -32_738),
];

/// What the type of a message says about its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// A sealed message.
    Sealed,
    /// A token; of this kind, if the type determines it.
    Token(Option<TokenKind>),
    /// Part of a token that is too long for the engine.
    TokenPart,
    /// Evidence of the sender's identity.
    Evidence,
    /// Reserved and undefined.
    Reserved,
    /// A type of the application, which a secure group never sends unsealed.
    User,
}

impl Content {
    /// The content of a message of this type.
    pub fn of(message_type: i16) -> Self {
        let token = TOKENS.iter().find(|(_, wire)| *wire == message_type);
        match token {
            Some((kind, _)) => Self::Token(Some(*kind)),
            None if message_type == TOKEN => Self::Token(None),
            None if message_type == SEALED => Self::Sealed,
            None if message_type == TOKEN_PART => Self::TokenPart,
            None if message_type == EVIDENCE => Self::Evidence,
            None if message_type <= HIGHEST_RESERVED => Self::Reserved,
            None => Self::User,
        }
    }
}

/// The message type of a token.
pub fn wire_type(kind: TokenKind) -> i16 {
    let own = TOKENS.iter().find(|(of, _)| *of == kind);
    own.map_or(TOKEN, |(_, wire)| *wire)
}

/// The kind of a token of type [`TOKEN`]; `None` if it cannot be read or has a type of its own.
pub(super) fn untyped_kind(token: &[u8], protocol: Protocol) -> Option<TokenKind> {
    let kind = ReceivedToken::decode(token, protocol).ok()?.kind();
    (wire_type(kind) == TOKEN).then_some(kind)
}

#[cfg(test)]
mod tests {
    use cliques::TokenService;

    use super::*;

    #[test]
    fn every_kind_is_read_back_or_is_a_token_of_another_kind() {
        for kind in Protocol::all_kinds() {
            let wire = wire_type(kind);
            let told = (wire != TOKEN).then_some(kind);
            assert_eq!(Content::of(wire), Content::Token(told));
            assert!(wire <= HIGHEST_RESERVED && wire != SEALED);
        }
        let other = TokenKind::new(0x8001, "other", TokenService::Agreed);
        assert_eq!(wire_type(other), TOKEN);
        assert_eq!(Content::of(TOKEN), Content::Token(None));
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
