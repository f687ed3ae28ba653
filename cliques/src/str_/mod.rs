//! The skinny tree (STR).
//!
//! # The idea
//!
//! Each member is a level of the tree. Level j is a two-party Diffie-Hellman agreement between all
//! members below it, who know the key k_(j-1), and the member M_j, who has a share r_j:
//!
//! ```text
//!             k_4            k_1 = r_1                            bk_1 = br_1
//!            /   \           k_j = bk_(j-1)^r_j = br_j^E(k_(j-1)) bk_j = g^E(k_j)
//!          k_3    M_4        E(k_1) = r_1, E(k_j) = F(k_j)        br_j = g^r_j
//!         /   \              K = k_n; of a lone member, r_1
//!       k_2    M_3
//!      /   \
//!    M_1    M_2
//! ```
//!
//! The blinded shares br_j and blinded keys bk_j are public, K is not. M_j computes k_j from
//! bk_(j-1) and its share, then the keys above from the blinded shares above. So a member that joins at
//! the top costs each member two exponentiations, whatever the size of the group, and one that leaves
//! near the bottom costs as many as there are members above. [`crate::keytree`] has the state machine.
//!
//! # Join and merge
//!
//! The top member of every tree refreshes its share and broadcasts the tree, with the blinded key of
//! its root. The trees are stacked: larger ones below, then by the name of the bottom member. The top
//! member of the lowest tree, the sponsor, knows the key below all missing blinded keys, and computes
//! them.
//!
//! ```text
//!  M_3 of (M_1 M_2 M_3)     N_1 of (N_1)      N_2 of (N_2)
//!   |  TREE: br_3', bk_3'    |                 |          AGREED, all at once
//!   |~~~~~~~~~~~~~~~~~~~~~~~~|~~~~~~~~~~~~~~~~>|
//!   |                        |  TREE           |
//!   |<~~~~~~~~~~~~~~~~~~~~~~~|~~~~~~~~~~~~~~~~>|
//!   |                        |           TREE  |
//!   |<~~~~~~~~~~~~~~~~~~~~~~~|<~~~~~~~~~~~~~~~~|
//!   |                        |                 |          M_1 M_2 M_3 N_1 N_2
//!   |  UPDATE: bk_4          |                 |          k_4 = br_N1^F(k_3')
//!   |~~~~~~~~~~~~~~~~~~~~~~~~|~~~~~~~~~~~~~~~~>|          K = k_5 at everybody
//! ```
//!
//! When a single member joins, no blinded key is missing: one round, two broadcasts.
//!
//! # Leave, partition, refresh
//!
//! ```text
//!    before           without M_3: M_2, right below, refreshes
//!
//!      M_5                        M_2                       all others
//!     M_4           M_5            |  UPDATE: br_2', bk_2', bk_3'   |
//!    M_3    -->    M_4             |~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~>|
//!   M_2           M_2                                               K = k_4
//!  M_1           M_1
//! ```
//!
//! The representative is the member right below the lowest leaver, or the lowest remaining one if the
//! bottom member left; in a refresh, the top member. Everything from its level up is new. If members
//! leave and others merge at once, this member broadcasts the tree.
//!
//! After an interruption a blinded key may be missing further down; then the representative is the member
//! right below it. No blinded key is ever missing below the refreshed level, so one member computes all
//! of them, and no event takes more than two rounds.
//!
//! # Why the new key is independent of the old ones
//!
//! | event | fresh share | consequence |
//! |---|---|---|
//! | merge | the top one of every tree | the blinded key of a tree's root belongs to a key that never was a group secret |
//! | leave, partition | the one below the lowest leaver | leavers know only keys of their level and above, and all of these are new |
//! | refresh | the top one | k_n is new |
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
//! // M_1 alone: its share, 53012, is the secret.
//!
//! // M_2 joins: both are trees of one, and refresh, or draw, their shares.
//! let (r1, r2) = (17_292, 7655);
//! let (br1, br2) = (pow(g, r1), pow(g, r2)); // two TREEs
//! assert_eq!((br1, br2), (75_046, 4739));
//! let k2 = pow(br2, r1); // at M_1
//! assert_eq!((k2, pow(br1, r2)), (91_174, 91_174)); // at M_2
//!
//! // M_3 joins: M_2 refreshes, and announces bk_2 with the tree.
//! let r2 = 25_408;
//! let k2 = pow(br1, r2);
//! let (br2, bk2) = (pow(g, r2), pow(g, f(k2)));
//! assert_eq!((br2, bk2), (122_565, 67_001));
//! let r3 = 13_550;
//! let br3 = pow(g, r3);
//! assert_eq!(br3, 59_353);
//! let at_m1 = pow(br3, f(pow(br2, r1)));
//! assert_eq!([at_m1, pow(br3, f(k2)), pow(bk2, r3)], [684; 3]); // K = k_3
//!
//! // Refresh: M_3, on top, draws r_3'. UPDATE has br_3' alone.
//! let r3 = 47_679;
//! let br3 = pow(g, r3);
//! assert_eq!(br3, 55_306);
//! assert_eq!([pow(br3, f(k2)), pow(bk2, r3)], [28_192; 2]);
//!
//! // M_2 leaves: M_1, right below, draws r_1'. UPDATE has br_1' = bk_1'.
//! let r1 = 28_884;
//! let br1 = pow(g, r1);
//! assert_eq!(br1, 62_148);
//! assert_eq!([pow(br3, r1), pow(br1, r3)], [96_230; 2]); // K = k_2, at M_1 and M_3
//! ```
//!
//! # Costs
//!
//! n members before, n' after, k trees; the representative of a leave is at level i > 1. *In series*
//! is the longest chain of exponentiations that depend on one another: as the papers count
//! ([`KeyTiming::Sequential`]), and as they are computed by default ([`KeyTiming::Overlapped`]).
//!
//! | event | rounds | broadcasts | exponentiations | in series, counted | in series, by default |
//! |---|---|---|---|---|---|
//! | found | 0 | 0 | 1 | 1 | 1 |
//! | join | 1 | 2 | 2n + 4 | 5 | 5 |
//! | merge of n and m ≤ n | 2 | 3 | | 3m + 2 | less |
//! | merge of k trees | ≤ 2 | k + 1 | | | |
//! | leave | 1 | 1 | | 3(n' - i) + 3 | 3(n' - i) + 2 |
//! | refresh | 1 | 1 | n + 1 | 3 | 2 |
//!
//! Compared with the papers:
//!
//! | event | here | Amir et al. 2004 | Kim, Perrig, Tsudik 2001 | why they differ |
//! |---|---|---|---|---|
//! | join: rounds, messages | 1, 2 | 2, 3 | 1, 2 | the table of 2004 counts a join as a merge, with a second round, which a single member joining at the top does not need |
//! | join: in series | 5 | 7 | 2 | 3 of the 5 are the representative's; the other 2 are those of each other member |
//! | leave: in series | 3(n' - i) + 3 | 3n/2 + 2 | 3n - 3d + 2, leaver at level d | with i = d - 1 and n' = n - 1 it is 3n - 3d + 3 here, with the group secret that the representative computes before it sends; without that, by default, it is the number of 2001; that of 2004 is the average |
//! | merge: in series | 3m + 2 | 3m + 4 | 3k, of k trees | the papers give only the sums |
//!
//! The implementation measured in 2004 recomputed every announced blinded key as a key confirmation; its
//! tables do not count that, and here it is an option
//! ([`Verification`](crate::keytree::Verification)).
//!
//! # Reading along with the papers
//!
//! | papers | here | file |
//! |---|---|---|
//! | IN_j, LN_j; k_j, bk_j, r_j, br_j | the internal node and the leaf of level j; their keys and blinded keys | `keytree/tree` |
//! | sponsor of a leave, of a merge | `representative`, `sponsor` | `rules` |
//! | stacking | `combine` | `rules` |
//! | computing the keys from the sponsor's up | `climb` | `keytree/key` |
//! | messages | `encode_tree`, `decode_tree`; `Update` | `message`, `keytree/wire` |
//!
//! # Sources
//!
//! D. G. Steer, L. Strawczynski, W. Diffie, M. Wiener, "A Secure Audio Teleconference System",
//! CRYPTO 1988 (the key); Y. Kim, A. Perrig, G. Tsudik, "Communication-Efficient Group Key
//! Agreement", IFIP/SEC 2001 (STR, its dynamic events); Y. Amir, Y. Kim, C. Nita-Rotaru, G. Tsudik,
//! "On the Performance of Group Key Agreement Protocols", ACM TISSEC 2004, tables of costs; key
//! agreement notes, section 6. The notes' sponsors are those of 2001; the original implementation
//! took the leaf above the leaver instead, with the same key structure.
//!
//! [`KeyTiming::Sequential`]: crate::keytree::KeyTiming::Sequential
//! [`KeyTiming::Overlapped`]: crate::keytree::KeyTiming::Overlapped

mod message;
mod rules;

pub(crate) use rules::Skinny;

use crate::{
    constructor,
    suite::{Suite, Survival},
    token::{TokenKind, TokenService::Agreed},
};

/// The skinny key tree.
pub const SUITE: Suite = Suite {
    name: "str",
    number: 4,
    kinds: &[TREE, UPDATE],
    survival: Survival::Everything,
    member: constructor!(Str::new),
};

/// A whole tree.
pub const TREE: TokenKind = TokenKind::new(0x41, "str-tree", Agreed);
/// New blinded keys.
pub const UPDATE: TokenKind = TokenKind::new(0x42, "str-update", Agreed);

crate::keytree::tree_suite! {
    /// A member's side of STR over the mathematical group `G`.
    ///
    /// The [module documentation](crate::str_) explains the protocol.
    Str, Skinny
}
