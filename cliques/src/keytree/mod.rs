//! The key tree that STR and TGDH share.
//!
//! # The tree
//!
//! Members are the leaves of a binary tree. Every node v has a *key* k_v and a *blinded key* bk_v:
//!
//! ```text
//!            k_ab = bk_b^E(a) = bk_a^E(b)           E(leaf)     = r, the member's share
//!           /    \                                  E(internal) = F(k)
//!        k_a      k_b                               bk_v        = g^E(v)
//! ```
//!
//! Shape and blinded keys are public and known to all members; a key is known to the members below
//! its node, and to no one else. A member computes the keys of its *key path*, from its leaf to the
//! root, with the blinded keys of the *co-path*, the siblings of that path. The key of the root is
//! the group secret; its blinded key is only needed, and announced, when the tree becomes part of a
//! larger one. F maps an element to an exponent (key agreement notes, section 1.3).
//!
//! TGDH keeps the height of the tree small. STR uses the skinny tree, in which every right child is a
//! leaf. So the suites differ in where a tree is inserted, who sends its tokens and how it is encoded;
//! everything else is here.
//!
//! # An event
//!
//! The procedure is the same for every event, also for one that interrupts another:
//!
//! ```text
//!  members leave, join or merge
//!        |
//!        v
//!     prune  ------>  representative of each tree     determined by the public tree alone
//!                           |
//!                           | draws a share, computes upward, discards all keys above its leaf
//!                           v
//!       additive: TREE, the whole public tree           subtractive: UPDATE, what is new on its path
//!                           |                                             |
//!                           v                                             |
//!       trees cover the view: combine them                            |
//!                           |                                             |
//!                           v                                             v
//!       blinded keys missing:  sponsors compute them, UPDATE     <--------+
//!                           |       repeated until none is missing
//!                           v
//!       k of the root at every member
//! ```
//!
//! The public tree determines which announcements are expected, from whom, and with which nodes;
//! anything else is refused. Broadcasts take effect when they are delivered, at their sender too. Until
//! then a member that refreshes its share keeps the previous one.
//!
//! # Why it stabilises
//!
//! The public tree is a function of the tokens that were delivered. Members to which the same tokens of
//! an interrupted view were delivered have the same tree, with the same blinded keys missing, and
//! [`Change::Resume`](crate::Change::Resume) continues from it. A share that was drawn but whose
//! announcement was not delivered is dropped, so the blinded key that all members have is always that of
//! the share in use. Each event refreshes a share, whether the one before it completed or not (notes on
//! robust key agreement, section 7.2).
//!
//! # What is tested when
//!
//! Encoding and range of a blinded key are checked on receipt. Whether it is in the group is tested when
//! it is first used, which for most of them is never; its sender is kept until then, for the error.
//! [`begin`](crate::KeyAgreement::begin) can return that error too, for an element from an earlier
//! agreement.
//!
//! # Order of computation
//!
//! Keys that did not change are kept, not computed again. With [`KeyTiming::Overlapped`] a member
//! sends as soon as it has what it announces, and computes its other keys while tokens are in transit;
//! [`KeyTiming::Sequential`] is the order for which the papers count the cost.
//!
//! Source: key agreement notes, sections 6 and 7.

mod announce;
mod blinded;
mod climb;
mod key;
mod machine;
mod missing;
mod receive;
mod reshape;
mod rules;
mod run;
mod suite;
mod tree;
mod update;
mod wire;

pub(crate) use machine::TreeAgreement;
pub(crate) use reshape::Pruned;
pub(crate) use rules::{Event, Rules, SponsorPath, TooHigh};
pub(crate) use suite::tree_suite;
pub use suite::{KeyTiming, PublicNode, Verification};
pub(crate) use tree::{Content, NodeId, Tree};
#[cfg(feature = "test-util")]
pub(crate) use update::Update;
pub(crate) use wire::{BadBody, WireNode, optional, write_optional};
