//! The public types of the tree suites, and a macro for what the suites have in common.

use alloc::vec::Vec;

/// When a member computes the keys of its key path. The work is the same, but others wait for less or
/// more of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyTiming {
    /// A member with something to announce computes what that needs, sends, and continues when the token
    /// is delivered. All others compute each key as soon as its inputs are known, while the tokens of
    /// others are in transit.
    #[default]
    Overlapped,
    /// Step by step, as the papers and the key agreement notes, section 9.3, count costs in series: keys
    /// that can be computed before a token is sent are computed before, all others when no blinded key is
    /// missing any more.
    Sequential,
}

/// Whether announced blinded keys are checked against the keys that this member computes.
///
/// Costs one exponentiation of the generator for each announced node on the own path. A mismatch is
/// blamed on the sender of the blinded key. That is only a hint: the fault can be in a blinded key below
/// it that this member cannot check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verification {
    /// They are not: members with different keys detect that later, at the first message.
    #[default]
    Off,
    /// bk_v = g^F(k_v) is checked for every announced v on the own key path.
    On,
}

/// A node of the public tree.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PublicNode {
    /// The path from the root: true is right.
    pub path: Vec<bool>,
    /// The member, at a leaf.
    pub member: Option<MemberName>,
    /// Encoded blinded key. `None` at the root, where none is needed.
    pub blinded_key: Option<Vec<u8>>,
}

/// Makes the public type of a suite: the state machine with the rules of the suite.
macro_rules! tree_suite {
    ($(#[$doc:meta])* $name:ident, $rules:ty) => {
        $(#[$doc])*
        pub struct $name<G: $crate::Group>($crate::keytree::TreeAgreement<G, $rules>);

        impl<G: $crate::Group> $name<G> {
            /// A member without a group.
            pub fn new(group: G, me: $crate::MemberName) -> Self {
                Self($crate::keytree::TreeAgreement::new(group, me))
            }

            /// Chooses when keys are computed; [`KeyTiming::Overlapped`] otherwise.
            ///
            /// [`KeyTiming::Overlapped`]: crate::keytree::KeyTiming::Overlapped
            #[must_use]
            pub fn with_timing(mut self, timing: $crate::keytree::KeyTiming) -> Self {
                self.0.set_timing(timing);
                self
            }

            /// Chooses whether announced blinded keys are verified; they are not otherwise.
            #[must_use]
            pub fn with_verification(
                mut self,
                verification: $crate::keytree::Verification,
            ) -> Self {
                self.0.set_verification(verification);
                self
            }

            /// The tree of the last completed agreement in one line: `((m01 m02) m03)`.
            pub fn tree(&self) -> Option<alloc::string::String> {
                self.0.tree_text()
            }

            /// The nodes of that tree in pre-order. They are public: tokens contain them.
            pub fn nodes(&self) -> alloc::vec::Vec<$crate::keytree::PublicNode> {
                self.0.public_nodes()
            }
        }

        impl<G: $crate::Group> $crate::KeyAgreement for $name<G> {
            fn group_name(&self) -> &str {
                self.0.group_name()
            }

            fn me(&self) -> &$crate::MemberName {
                self.0.me()
            }

            fn begin(
                &mut self,
                change: $crate::Change,
                rng: &mut dyn rand_core::CryptoRng,
            ) -> Result<$crate::Step, $crate::Error> {
                self.0.begin(change, rng)
            }

            fn process(
                &mut self,
                sender: &$crate::MemberName,
                kind: $crate::TokenKind,
                body: &[u8],
                _: &mut dyn rand_core::CryptoRng,
            ) -> Result<$crate::Step, $crate::Error> {
                self.0.process(sender, kind, body)
            }

            fn is_awaited(&self) -> bool {
                self.0.is_awaited()
            }

            fn abandon(&mut self) {
                self.0.abandon();
            }

            fn reset(&mut self) {
                self.0.reset();
            }

            fn order(&self) -> &[$crate::MemberName] {
                self.0.order()
            }

            fn controller(&self) -> Option<&$crate::MemberName> {
                self.0.controller()
            }

            fn take_cost(&mut self) -> $crate::Cost {
                self.0.take_cost()
            }
        }

        impl<G: $crate::Group> core::fmt::Debug for $name<G> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}
use gcs_view::MemberName;
pub(crate) use tree_suite;
