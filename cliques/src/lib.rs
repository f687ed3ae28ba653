#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;
#[cfg(feature = "test-util")]
extern crate std;

mod agreement;
mod arithmetic;
pub mod bd;
pub mod ckd;
mod codec;
mod cost;
mod error;
pub mod gdh;
pub mod group;
pub mod keytree;
mod protocol;
mod rules;
mod secret;
pub mod str_;
#[cfg(feature = "test-util")]
pub mod testing;
pub mod tgdh;
pub mod token;

pub use agreement::{Change, KeyAgreement, Outgoing, Recipient, Step, TokenService};
pub use cost::{Cost, Exponentiation};
pub use error::{DecodeError, Error, PeerFault, Rejected};
pub use gcs_view::{Listed, MEMBER_NAME_MAX, MemberName};
pub use group::{Group, MathematicalGroup, NamedGroup};
pub use protocol::{CustomSuite, Protocol, UnknownProtocol};
pub use secret::GroupSecret;
pub use token::{
    Claim, Envelope, Expected, ReceivedToken, SIGNATURE_CONTEXT, SignatureAlgorithm, Signer, Token,
    TokenBinding, TokenKind, Verifier, VerifyError,
};
