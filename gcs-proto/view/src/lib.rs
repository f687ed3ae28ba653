#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;

mod listed;
pub mod name;
mod signature;
mod view;

pub use listed::Listed;
pub use name::{GroupName, MEMBER_NAME_MAX, MemberName, NameError};
pub use signature::{Claim, SignatureAlgorithm, Signer, Verifier, VerifyError};
pub use view::{Cause, VIEW_ID, View, ViewId};
