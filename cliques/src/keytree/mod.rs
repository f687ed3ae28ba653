//! TODO

mod announce;
mod blinded;
mod key;
mod machine;
mod receive;
mod rules;
mod run;
mod suite;
mod tree;
mod wire;

pub(crate) use machine::TreeAgreement;
pub(crate) use rules::{Event, Rules, SponsorPath, TooHigh};
pub(crate) use suite::tree_suite;
pub use suite::{KeyTiming, PublicNode, Verification};
pub(crate) use tree::{Content, NodeId, Pruned, Tree};
#[cfg(feature = "test-util")]
pub(crate) use wire::Update;
pub(crate) use wire::{BadBody, NAME, WireNode, optional, write_optional};
