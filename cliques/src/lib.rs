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
mod envelope;
mod error;
pub mod gdh;
pub mod group;
pub mod keytree;
mod rules;
mod secret;
mod staged;
pub mod str_;
mod suite;
mod suites;
#[cfg(feature = "test-util")]
pub mod testing;
pub mod tgdh;
mod token;

#[doc(hidden)]
pub use alloc::boxed::Box as __Box;

pub use agreement::{Change, KeyAgreement, Step};
pub use cost::{Cost, Exponentiation};
pub use envelope::{Envelope, Expected, ReceivedToken, SIGNATURE_CONTEXT, Token, TokenBinding};
pub use error::{DecodeError, Error, PeerFault, Rejected};
pub use gcs_view::{
    Claim, Listed, MEMBER_NAME_MAX, MemberName, SignatureAlgorithm, Signer, Verifier, VerifyError,
};
pub use group::{Group, MathematicalGroup, NamedGroup};
pub use secret::GroupSecret;
pub use suite::{Protocol, Suite, Survival};
pub use suites::UnknownProtocol;
pub use token::{Outgoing, Recipient, TokenKind, TokenService};
