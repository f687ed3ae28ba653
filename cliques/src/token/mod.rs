//! Tokens: the messages of a key agreement, and the signed envelope they travel in.

mod envelope;
mod kind;

pub use envelope::{
    Envelope, Expected, ReceivedToken, SIGNATURE_CONTEXT, SignatureAlgorithm, Signer, Token, TokenBinding, Verifier,
    VerifyError,
};
pub use kind::TokenKind;
