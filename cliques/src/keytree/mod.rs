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
//! its node, and to nobody else. A member computes the keys of its *key path*, from its leaf to the
//! root, with the blinded keys of the *co-path*, the siblings of that path. The key of the root is
//! the group secret; its blinded key is never needed, and is only announced when other trees are to
//! come above it. F makes an exponent of an element (key agreement notes, section 1.3).
//!
//! TGDH keeps the tree low. In STR it is as skinny as can be: every right child is a leaf. That is a
//! difference in where trees are put, who speaks for them and how they are encoded, so these are the
//! suites' own, and everything else is here.
//!
//! # An event
//!
//! The same procedure serves every event, also one that cuts another off:
//!
//! ```text
//!  members gone, or to come
//!        |
//!        v
//!     prune  ------>  representative of each tree     who it is follows from the public tree alone
//!                           |
//!                           | draws a share, computes upward, forgets all that was above it
//!                           v
//!       others come: TREE, the whole public tree        nobody comes: UPDATE, what is new on its path
//!                           |                                             |
//!                           v                                             |
//!       trees cover the view: fold them to one                            |
//!                           |                                             |
//!                           v                                             v
//!       blinded keys missing:  sponsors compute them, UPDATE     <--------+
//!                           |       again until none is
//!                           v
//!       k of the root at everybody
//! ```
//!
//! Everybody can tell from the public tree which announcements are to come, from whom, and with which
//! nodes; anything else is refused. Broadcasts take effect when they are delivered, at their sender
//! too. Until then a member that refreshes its share keeps the one before.
//!
//! # Why it stabilises
//!
//! The public tree is a function of the tokens that were delivered. Members that are delivered the
//! same tokens of a view that is cut off have the same tree, holes included, and
//! [`Change::Resume`](crate::Change::Resume) goes on from it: a hole is a missing blinded key like
//! any other. A share that was drawn but whose announcement was not delivered is dropped, so the
//! blinded key that everybody has is always that of the share in use. Each event refreshes a share
//! whether the one before it completed or not (notes on robust key agreement, section 7.2).
//!
//! # What is tested when
//!
//! A blinded key is checked for encoding and range when it comes. Whether it is in the group is
//! tested when it is first computed with, which for most of them is never; who sent it is kept until
//! then, and is named by the error. That error can also come from
//! [`begin`](crate::KeyAgreement::begin), for an element that an earlier agreement has brought.
//!
//! # What waits for what
//!
//! Keys that did not change are kept, not computed again. With [`KeyTiming::Overlapped`] a member
//! sends as soon as it has what it announces, and computes its other keys while tokens are on their
//! way; [`KeyTiming::Sequential`] is the order in which the papers count.
//!
//! Source: key agreement notes, sections 6 and 7.

mod announce;
mod blinded;
mod key;
mod machine;
mod missing;
mod receive;
mod reshape;
mod rules;
mod run;
mod suite;
mod tree;
mod wire;

pub(crate) use machine::TreeAgreement;
pub(crate) use reshape::Pruned;
pub(crate) use rules::{Event, Rules, SponsorPath, TooHigh};
pub(crate) use suite::tree_suite;
pub use suite::{KeyTiming, PublicNode, Verification};
pub(crate) use tree::{Content, NodeId, Tree};
#[cfg(feature = "test-util")]
pub(crate) use wire::Update;
pub(crate) use wire::{BadBody, NAME, WireNode, optional, write_optional};
