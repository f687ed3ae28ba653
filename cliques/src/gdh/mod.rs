//! Group Diffie-Hellman (GDH, initial agreement IKA.3).
//!
//! # The idea
//!
//! Every member i holds a share r_i. The group secret is g raised to the product of all shares, and
//! each member computes it from its *partial key* P_i = g^(product of all shares but r_i) as
//! K = P_i^(r_i). The partial keys are public: knowing all of them, but no share, does not allow to compute
//! K. All members store all of them, so any member can act as controller. The controller is the
//! newest member; after a loss, the newest that is left.
//!
//! # Merge
//!
//! A token collects shares. The acting controller c starts it with a fresh share of its own, and the
//! new members N_1 .. N_m add theirs in turn, except the last one, x, which broadcasts the token as
//! it is. Everybody else factors its own share out of it and returns the result to x. x raises all
//! of these to its fresh share: they are the partial keys of the new group.
//!
//! ```text
//!   c             N_1            N_2 = x         each y of the others
//!   |  PARTIAL T_0 |              |               |     T_0 = P_c^(r_c'), r_c' fresh
//!   |------------->|  PARTIAL T_1 |               |     T_1 = T_0^(r_N1)
//!   |              |------------->|    FINAL T    |     T = T_1, unchanged
//!   |              |              |~~~~~~~~~~~~~~>|     to the group, FIFO
//!   |              |              |<--------------|     FACT-OUT F_y = T^(1/r_y)
//!   |              |              |   KEY-LIST P  |     P_y = F_y^(r_x), P_x = T
//!   |              |              |~~~~~~~~~~~~~~>|     to the group, AGREED
//!                                                       K = P_me^(r_me) at everybody
//! ```
//!
//! The diagram shows m = 2; with m = 1, N_1 is x and receives T_0 from c. T_0 is the key that the old
//! members would have agreed on without new members, and N_1 sees it. It is never used as a key: the
//! one that is agreed contains the shares of all the new members too.
//!
//! # Leave, partition, refresh
//!
//! ```text
//!   c                                     each y of the others that stay
//!   |  KEY-LIST P'                         |     P_y' = P_y^(r_c'/r_c), P_c' = P_c
//!   |~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~>|     to the group, AGREED
//!                                                K = P_me'^(r_me), with r_c' at c
//! ```
//!
//! The acting controller c draws r_c' and replaces r_c with it in the partial keys of all remaining
//! members; its own does not contain r_c and does not change. A refresh is a leave without leavers. If
//! members leave and others merge at once, no separate key list is needed: everybody removes the
//! leavers, and T_0 contains the fresh share of c.
//!
//! # Why the new key is independent of the old ones
//!
//! | event | fresh shares | consequence |
//! |---|---|---|
//! | merge | r_c', all of the new members | the new members see only values that contain r_c', so nothing of the old key (backward secrecy) |
//! | leave, partition | r_c' | every value that the leavers know lacks r_c' (forward secrecy); their own shares remain in the exponent as constants, which does no harm |
//! | refresh | r_c' | a key that becomes known says nothing about the others |
//!
//! This holds against members who follow the protocol and against outsiders. A member who deviates can
//! disrupt an agreement, as in the papers.
//!
//! # In numbers
//!
//! p = 130367 = 2q + 1, q = 65183, g = 4; the numbers are those of the test vectors.
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
//! let inverse = |share| power(share, q - 2, q);
//!
//! // M_1 founds the group: P_1 = g.
//! assert_eq!(pow(g, 5036), 113_204); // K
//!
//! // M_2 joins: c = M_1 draws r_1', x = M_2.
//! let r1 = 46_141;
//! let t = pow(g, r1); // PARTIAL and FINAL
//! assert_eq!(t, 94_860);
//! let f1 = pow(t, inverse(r1)); // FACT-OUT of M_1
//! let r2 = 61_845;
//! let (p1, p2) = (pow(f1, r2), t); // KEY-LIST
//! assert_eq!(p1, 154);
//! assert_eq!((pow(p1, r1), pow(p2, r2)), (38_141, 38_141)); // K at M_1, at M_2
//!
//! // M_3 joins: c = M_2 draws r_2', x = M_3.
//! let r2 = 26_792;
//! let t = pow(p2, r2);
//! let (f1, f2) = (pow(t, inverse(r1)), pow(t, inverse(r2)));
//! let r3 = 57_698;
//! let (p1, p2, p3) = (pow(f1, r3), pow(f2, r3), t);
//! assert_eq!([p1, p2, p3], [62_298, 106_885, 66_326]);
//! assert_eq!([pow(p1, r1), pow(p2, r2), pow(p3, r3)], [64_823; 3]);
//!
//! // Refresh: c = M_3 draws r_3'.
//! let (old, r3) = (r3, 10_527);
//! let factor = r3 * inverse(old) % q;
//! let (p1, p2) = (pow(p1, factor), pow(p2, factor));
//! assert_eq!([pow(p1, r1), pow(p2, r2), pow(p3, r3)], [10_397; 3]);
//!
//! // M_2 leaves: c = M_3 draws again; no P_2 is computed.
//! let (old, r3) = (r3, 42_178);
//! let p1 = pow(p1, r3 * inverse(old) % q);
//! assert_eq!([pow(p1, r1), pow(p3, r3)], [112_432; 2]);
//! ```
//!
//! # When it takes effect
//!
//! A key list is installed when it is delivered, at its sender too, so that all members switch at the
//! same point of the agreed order. Until then the previous share is kept.
//!
//! # When elements are tested
//!
//! Encoding and range on receipt, membership before the first use (key agreement notes, section 1.4):
//! the tokens of a merge at once and exactly, because they are passed on; factor-outs as a batch, when
//! the last one has arrived; of a key list the own partial key, and those of others when this member
//! is the controller of a later event and computes with them. The own one is tested exactly before it
//! becomes the token of a merge. An error of a late test names the author of the message that contained
//! the element.
//!
//! # Costs
//!
//! n members before, m new. Tests of received elements are not counted as exponentiations; `Cost` has
//! its own counter for them. The last column is the longest chain of exponentiations that depend on one
//! another:
//!
//! | event | rounds | unicasts | broadcasts | exponentiations | in series |
//! |---|---|---|---|---|---|
//! | found | 0 | 0 | 0 | 1 | 1 |
//! | join | 4 | n + 1 | 2 | 3n + 2 | n + 3 |
//! | merge | m + 3 | n + 2m - 1 | 2 | 3n + 4m - 2 | n + 2m + 1 |
//! | leave of one | 1 | 0 | 1 | 2n - 3 | n - 1 |
//! | refresh | 1 | 0 | 1 | 2n - 1 | n |
//! | direct join | 2 | 1 | 1 | 3n + 1 | 2n + 1 |
//!
//! # Reading along with the papers
//!
//! | papers | here | file |
//! |---|---|---|
//! | M_i or N_i, their secret exponents, base | `MemberName`, share, generator g | `context` |
//! | group controller, sponsor of the event | last of `order()`, `controller()` | `machine` |
//! | upflow: partial token | `send_first_partial`, `process_partial` | `merge` |
//! | final token, broadcast | end of `process_partial`, `process_final` | `merge` |
//! | factor-out, response | end of `process_final`, `process_factor_out` | `merge` |
//! | downflow: key list of partial keys | `send_key_list`, `process_key_list` | `key_list` |
//! | key update after a leave or partition; refresh | `update`, `send_list` | `leave` |
//! | join of one member in two rounds | `begin_direct_join`, `process_join` | `join` |
//! | token formats | `Chain`, `FactorOut`, `KeyList` | `message` |
//!
//! A function that starts with `process` handles a token of the kind in its name: it checks sender,
//! list and elements, in this order, and returns the next token.
//!
//! # Sources
//!
//! M. Steiner, G. Tsudik, M. Waidner, "Key Agreement in Dynamic Peer Groups", IEEE TPDS 2000
//! (IKA.2, IKA.3); Y. Amir et al., "Secure Group Communication Using Robust Contributory Key
//! Agreement", IEEE TPDS 2004; Y. Amir, Y. Kim, C. Nita-Rotaru, G. Tsudik, "On the Performance of
//! Group Key Agreement Protocols", ACM TISSEC 2004, table of costs; key agreement notes, section 3.

mod context;
mod join;
mod key_list;
mod leave;
mod machine;
mod merge;
pub(crate) mod message;

pub use machine::Gdh;

use crate::{
    constructor,
    suite::{Suite, Survival},
    token::{
        TokenKind,
        TokenService::{Agreed, Fifo},
    },
};

/// Group Diffie-Hellman.
pub const SUITE: Suite = Suite {
    name: "gdh",
    number: 3,
    kinds: &[PARTIAL_TOKEN, FINAL_TOKEN, FACTOR_OUT, KEY_LIST, JOIN_TOKEN],
    survival: Survival::Completed,
    member: constructor!(Gdh::new),
};

/// Partial token, passed from new member to new member.
pub const PARTIAL_TOKEN: TokenKind = TokenKind::new(0x31, "partial-token", Fifo);
/// Final token, broadcast by the last new member.
pub const FINAL_TOKEN: TokenKind = TokenKind::new(0x32, "final-token", Fifo);
/// Factor-out: the final token without one member's share.
pub const FACTOR_OUT: TokenKind = TokenKind::new(0x33, "fact-out", Fifo);
/// Key list, broadcast by the controller.
pub const KEY_LIST: TokenKind = TokenKind::new(0x34, "key-list", Agreed);
/// The direct join's list for the joiner.
pub const JOIN_TOKEN: TokenKind = TokenKind::new(0x35, "join-token", Fifo);
