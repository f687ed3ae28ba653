//! What a token is to a machine.

use cliques::{Token, TokenKind, gdh};

use crate::algorithm::States;

/// What a token is to a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Partial_Token of GDH, which is followed message by message.
    Partial,
    /// Final_Token of GDH.
    Final,
    /// Join_Token of GDH.
    Join,
    /// Fact_Out of GDH.
    FactOut,
    /// Key_List of GDH.
    KeyList,
    /// Any token of the suite, where the suite decides what to do with it.
    Suite,
    /// Request for a refresh.
    RefreshRequest,
    /// Of no use here.
    Foreign,
}

impl Role {
    pub(crate) fn of(token: &Token, states: States) -> Self {
        match (states, token.kind()) {
            (_, TokenKind::REFRESH_REQUEST) => Self::RefreshRequest,
            (States::Generic, _) => Self::Suite,
            (States::Gdh, gdh::PARTIAL_TOKEN) => Self::Partial,
            (States::Gdh, gdh::FINAL_TOKEN) => Self::Final,
            (States::Gdh, gdh::JOIN_TOKEN) => Self::Join,
            (States::Gdh, gdh::FACTOR_OUT) => Self::FactOut,
            (States::Gdh, gdh::KEY_LIST) => Self::KeyList,
            // A kind of another suite, or of none.
            (States::Gdh, _) => Self::Foreign,
        }
    }
}
