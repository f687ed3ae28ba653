//! Tree-based group Diffie-Hellman (TGDH).
//!
//! # The idea
//!
//! Members are the leaves of a binary tree of small height, and every internal node is a two-party
//! Diffie-Hellman agreement between its children:
//!
//! ```text
//!                  K                       k_v  = bk_right^E(left) = bk_left^E(right)
//!            /           \                 E(leaf) = r, the member's share; E(internal) = F(k)
//!          <0>            <1>              bk_v = g^E(v)
//!         /   \          /   \
//!      M_1     M_2    <10>    M_5          key path of M_2:  <01>, <0>, root
//!                     /  \                 co-path of M_2:   <00>, <1>
//!                  M_3    M_4
//! ```
//!
//! A node is named by the path from the root: 0 is left, 1 is right. The blinded keys are public; a
//! member computes the keys of its own path with those of the co-path. A change of one share changes one
//! path, so the number of exponentiations of an event grows with the height of the tree.
//! [`crate::keytree`] has the state machine.
//!
//! # Join and merge
//!
//! The representative of every tree, its rightmost member, refreshes its share and broadcasts the
//! tree with the blinded key of its root. Each member combines the trees: in the order of height, then by
//! the name of the leftmost member, each is inserted at the shallowest, then rightmost node where it does
//! not increase the height of the whole, or beside the root if there is no such node. Blinded keys above
//! an insertion are missing; the rightmost member of the subtree beside it, the sponsor, computes them.
//!
//! ```text
//!     <>               <>                 M_3 of ((M_1 M_2) M_3)                M_4 of (M_4)
//!    /  \             /  \                 |  TREE: bk of M_3, of the root       |
//!   <0>  M_3  +  M_4 <0>  <1>              |~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~>|
//!  /  \        -->  /  \  /  \             |                               TREE  |
//! M_1  M_2        M_1 M_2 M_3 M_4          |<~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~|
//!                                          |  UPDATE: bk of <1>                  |
//!                                          |~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~>|   K at everybody
//! ```
//!
//! After an insertion beside the root none is missing: one round.
//!
//! # Leave, partition, refresh
//!
//! ```text
//!          <>                     <>
//!         /  \                   /  \         M_3                         all others
//!      <0>    <1>     M_4     <0>    M_3       |  UPDATE: bk of M_3        |
//!     /  \    /  \   leaves  /  \              |~~~~~~~~~~~~~~~~~~~~~~~~~~>|     K at everybody
//!   M_1 M_2 M_3  M_4   -->  M_1 M_2
//! ```
//!
//! The sibling of a leaver replaces their parent. The rightmost member below it refreshes its share and
//! announces its path. After a partition there are several such siblings. Of their rightmost members, the
//! shallowest, then rightmost refreshes; blinded keys missing elsewhere are computed by the rightmost
//! member below each lowest missing one, at the same time, and so on upward, at worst one round a level.
//! In a refresh the shallowest, then rightmost member of all refreshes.
//!
//! # Why the new key is independent of the old ones
//!
//! | event | fresh share | consequence |
//! |---|---|---|
//! | merge | one in every tree | the blinded key of a tree's root belongs to a key that never was a group secret; old group secrets never become keys of internal nodes |
//! | leave, partition | one beside a leaver | the keys that leavers know lie on their paths, and all of these are new above a fresh share; a subtree that becomes the whole tree contains the fresh share |
//! | refresh | one | its whole path is new |
//!
//! # In numbers
//!
//! p = 130367 = 2q + 1, q = 65183, g = 4, F(x) = x mod q; the numbers are those of the test vectors.
//!
//! ```
//! # fn power(base: u64, exponent: u64, modulus: u64) -> u64 {
//! #     let mut result = 1;
//! #     for bit in (0..64).rev() {
//! #         result = result * result % modulus;
//! #         if exponent >> bit & 1 == 1 {
//! #             result = result * base % modulus;
//! #         }
//! #     }
//! #     result
//! # }
//! let (p, q, g) = (130_367, 65_183, 4);
//! let pow = |base, exponent| power(base, exponent, p);
//! let f = |key| key % q;
//!
//! // (M_1 M_2)
//! let (r1, r2) = (13_977, 37_797);
//! let (bk1, bk2) = (pow(g, r1), pow(g, r2)); // two TREEs
//! assert_eq!((bk1, bk2), (60_276, 109_969));
//! assert_eq!([pow(bk2, r1), pow(bk1, r2)], [75_264; 2]); // K
//!
//! // M_3 joins: M_2, rightmost, refreshes and announces the root of (M_1 M_2), which becomes <0>
//! // of ((M_1 M_2) M_3).
//! let r2 = 28_291;
//! let bk2 = pow(g, r2);
//! let k0 = pow(bk1, r2);
//! let bk0 = pow(g, f(k0));
//! assert_eq!((bk2, bk0), (46_661, 83_887));
//! let r3 = 33_089;
//! let bk3 = pow(g, r3);
//! assert_eq!(bk3, 126_171);
//! let at_m1 = pow(bk3, f(pow(bk2, r1)));
//! assert_eq!([at_m1, pow(bk3, f(k0)), pow(bk0, r3)], [81_489; 3]); // K
//!
//! // Refresh: M_3 is the shallowest. UPDATE has its blinded key alone.
//! let r3 = 46_211;
//! let bk3 = pow(g, r3);
//! assert_eq!(bk3, 44_625);
//! assert_eq!([pow(bk3, f(k0)), pow(bk0, r3)], [34_862; 2]);
//!
//! // M_2 leaves: M_1 takes the place of <0> in (M_1 M_3), and refreshes.
//! let r1 = 5563;
//! let bk1 = pow(g, r1);
//! assert_eq!(bk1, 17_785);
//! assert_eq!([pow(bk3, r1), pow(bk1, r3)], [44_835; 2]); // K
//! ```
//!
//! # Costs
//!
//! n members before, k trees, h the height of the tree afterwards: ceil(log2 n) if members have only
//! joined, below 2 log2 n in random events. *In series* is the longest chain of exponentiations that
//! depend on one another, as the papers count ([`KeyTiming::Sequential`]); by default
//! ([`KeyTiming::Overlapped`]) it is at least one less where a member computes the group secret after it
//! sent a token.
//!
//! | event | rounds | broadcasts | in series |
//! |---|---|---|---|
//! | found | 0 | 0 | 1 |
//! | join | 1 beside the root, else 2 | 2, else 3 | ≤ 5h |
//! | merge of two trees | 1 beside the root, else 2 | 2, else 3 | |
//! | merge of k trees | ≤ 1 + nesting of insertions | k to 2k | |
//! | leave | 1 | 1 | ≤ 3h |
//! | partition | ≤ h | at most one for each missing key, and one | |
//! | refresh | 1 | 1 | ≤ 3h; 3h in a full tree |
//!
//! Compared with Amir et al. 2004:
//!
//! | event | here | there | why they differ |
//! |---|---|---|---|
//! | join: rounds, messages | 1 or 2, 2 or 3 | 2, 3 | beside the root no blinded key is missing, so no update is sent |
//! | join, merge: in series | ≤ 5h | 3h/2 | up to 2h at the representative, 2h at the sponsor and h at a receiver, all on whole paths; the paper gives only the sum |
//! | leave: in series | ≤ 3h | 3h/2 | the representative computes up to h keys and h blinded keys, then a receiver h keys; half of that if the leaver was at half the height |
//! | partition: rounds | ≤ h | h | |
//! | partition: messages | one for each subtree where keys are missing, then fewer at each level | 2h | many subtrees may lose members at once; with few, both are about the height |
//!
//! The measured implementation recomputed every announced blinded key as a key confirmation, which its
//! tables do not count; here it is an option
//! ([`Verification`](crate::keytree::Verification)).
//!
//! # Reading along with the papers
//!
//! | papers | here | file |
//! |---|---|---|
//! | <l, v>, K<l, v>, BK<l, v> | `NodeId`, its key and blinded key; `path` gives the l bits of v | `keytree/tree` |
//! | key path, co-path | `ancestors`, their `sibling`s | `keytree/tree`, `keytree/key` |
//! | sponsor of a leave or partition that refreshes | `representative` | `rules` |
//! | sponsors that compute missing keys | `sponsor` | `rules` |
//! | insertion point | `joining_location`, `combine` | `rules` |
//! | messages | `encode_tree`, `decode_tree`; `Update` | `message`, `keytree/wire` |
//!
//! # Sources
//!
//! Y. Kim, A. Perrig, G. Tsudik, "Simple and Fault-Tolerant Key Agreement for Dynamic Collaborative
//! Groups", ACM CCS 2000, and "Tree-Based Group Key Agreement", ACM TISSEC 2004; D. G. Steer et al.,
//! "A Secure Audio Teleconference System", CRYPTO 1988 (keys of nested agreements); Y. Amir, Y. Kim,
//! C. Nita-Rotaru, G. Tsudik, "On the Performance of Group Key Agreement Protocols", ACM TISSEC 2004,
//! tables of costs; key agreement notes, section 7. In the papers a joining member broadcasts its
//! blinded key and a sponsor answers; the notes use the merge for joins too, so that every tree, also one
//! of a single member, contributes a fresh share.
//!
//! [`KeyTiming::Sequential`]: crate::keytree::KeyTiming::Sequential
//! [`KeyTiming::Overlapped`]: crate::keytree::KeyTiming::Overlapped

mod message;
mod rules;

pub(crate) use rules::Bushy;

use crate::{
    constructor,
    suite::{Suite, Survival},
    token::{TokenKind, TokenService::Agreed},
};

/// Tree-based group Diffie-Hellman.
pub const SUITE: Suite = Suite {
    name: "tgdh",
    number: 5,
    kinds: &[TREE, UPDATE],
    survival: Survival::Everything,
    member: constructor!(Tgdh::new),
};

/// A whole tree.
pub const TREE: TokenKind = TokenKind::new(0x51, "tgdh-tree", Agreed);
/// New blinded keys.
pub const UPDATE: TokenKind = TokenKind::new(0x52, "tgdh-update", Agreed);

crate::keytree::tree_suite! {
    /// A member's side of TGDH over the mathematical group `G`.
    ///
    /// The [module documentation](crate::tgdh) explains the protocol.
    Tgdh, Bushy
}
