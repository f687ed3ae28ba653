//! Tokens: the messages of a key agreement, and the signed envelope they travel in.

mod envelope;
mod kind;
mod received;

pub use envelope::{
    Claim, Envelope, Expected, SIGNATURE_CONTEXT, SignatureAlgorithm, Signer, TokenBinding,
    Verifier, VerifyError,
};
pub use kind::TokenKind;
pub use received::{ReceivedToken, Token};
