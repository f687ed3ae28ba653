//! What a token is to a machine.

use cliques::{Token, TokenKind};

use crate::algorithm::States;

/// What a token is to a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// GDH, driven message by message.
    Partial,
    /// The same.
    Final,
    /// The same.
    Join,
    /// The same.
    FactOut,
    /// The same.
    KeyList,
    /// Any token of the suite, where the suite itself knows what to do with it.
    Suite,
    /// Request for a refresh.
    RefreshRequest,
    /// Of no use here.
    Foreign,
}

impl Role {
    pub(crate) fn of(token: &Token, states: States) -> Self {
        match (states, token.kind()) {
            (_, TokenKind::RefreshRequest) => Self::RefreshRequest,
            (States::Generic, _) => Self::Suite,
            (States::Gdh, TokenKind::GdhPartial) => Self::Partial,
            (States::Gdh, TokenKind::GdhFinal) => Self::Final,
            (States::Gdh, TokenKind::GdhJoin) => Self::Join,
            (States::Gdh, TokenKind::GdhFactorOut) => Self::FactOut,
            (States::Gdh, TokenKind::GdhKeyList) => Self::KeyList,
            // The list of kinds belongs to the suites' crate and grows with them.
            (States::Gdh, _) => Self::Foreign,
        }
    }
}
