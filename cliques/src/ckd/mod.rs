//! Centralised key distribution (CKD).

mod announce;
mod context;
mod key;
mod machine;
pub(crate) mod message;
mod wrap;

pub use machine::Ckd;
