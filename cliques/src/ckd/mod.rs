//! Centralised key distribution (CKD).
//!
//! # The idea
//!
//! One member, the controller, draws the group secret and encrypts it for each of the others. With each
//! of them it has agreed by Diffie-Hellman on a *pairwise key*, which lasts as long as it is controller.
//! The controller is the oldest member; when it leaves, the oldest remaining member takes over and
//! agrees on new pairwise keys with everybody.
//!
//! Unlike in the other suites, one member chooses the key, so all depend on its randomness.
//!
//! # Join, merge
//!
//! The *targets*, the members that share no key with the controller yet, are the new members.
//!
//! ```text
//!   c                         each target y        each other y
//!   |  OLD order, z_c            |                    |     z_c = g^(r_c)
//!   |~~~~~~~~~~~~~~~~~~~~~~~~~~~>|~~~~~~~~~~~~~~~~~~~>|     to the group, or to y alone if it is the
//!   |                            |                    |     only one; FIFO
//!   |        RESPONSE z_y        |                    |     z_y = g^(r_y), r_y fresh
//!   |<---------------------------|                    |     e_y = F(g^(r_c r_y)) at c and y
//!   |  KEY C_y                   |                    |     K = g^s, s fresh; C_y = K^(e_y)
//!   |~~~~~~~~~~~~~~~~~~~~~~~~~~~>|~~~~~~~~~~~~~~~~~~~>|     to the group, AGREED
//!                                 K = C_y^(1/e_y) at each y
//! ```
//!
//! Members that share a key with the controller check the announcement: the list must be the expected
//! one, and z_c the public share that their pairwise key was computed with.
//!
//! # Leave, partition, refresh
//!
//! As long as the controller stays, all remaining members share a key with it, and round 3 is enough. If
//! the controller left, the next one draws a share and announces it as NEW, and all others are targets.
//! When members leave and others merge at once, the three rounds run once: targets are the new members,
//! or everybody if the controller changes.
//!
//! # Modes
//!
//! | suite | group secret K | ciphertext C_y for y |
//! |---|---|---|
//! | `ckd`, mode 0 | the element g^s | the element K^(e_y) |
//! | `ckd-aead`, mode 1 | 32 random bytes | AES-256-CBC and HMAC-SHA-256 under keys derived from g^(r_c r_y), TH and y: 96 bytes |
//!
//! Mode 0 is that of the papers: the key is a group element as in the other suites, for n - 1
//! exponentiations. Mode 1 needs none of these, and detects a modified ciphertext. TH is the hash of the
//! key context, which the driver passes to [`bind`](crate::KeyAgreement::bind) before every agreement.
//! Both have number 2 in the envelope. The first byte of the KEY tells them apart, and a KEY of the other
//! mode is rejected as a suite mismatch.
//!
//! # Tests of elements
//!
//! z_c and the own C_y are tested on receipt. The C_y of other members are ignored. The z_y are tested
//! together when the last one has arrived; a failure names the author.
//!
//! # Why the new key is independent of the old ones
//!
//! | event | fresh | consequence |
//! |---|---|---|
//! | merge | s, r_y of the new members | no old key was encrypted with their pairwise keys |
//! | leave, partition | s | no ciphertext is made with the pairwise keys of the leavers |
//! | loss of the controller | s, r_c, all r_y | the old controller shares no key with anybody |
//! | refresh | s | a key that becomes known says nothing about the others |
//!
//! Whoever learns r_c later can compute, from the recorded tokens, every group secret that was agreed
//! while that controller was in office: there is no forward secrecy against that.
//! [`Ckd::with_fresh_pairs`] replaces the pairwise keys in every event, at the cost of three rounds. Shares
//! of members other than the controller are erased as soon as the pairwise key is computed.
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
//! let inverse = |exponent| power(exponent, q - 2, q);
//!
//! // M_1 is the controller.
//! let r1 = 58_591;
//! let z1 = pow(g, r1); // OLD
//! assert_eq!(z1, 48_891);
//!
//! // M_2 joins.
//! let r2 = 4_190;
//! let z2 = pow(g, r2); // RESPONSE
//! assert_eq!(z2, 49_060);
//! let e2 = pow(z1, r2) % q;
//! assert_eq!((e2, pow(z2, r1) % q), (44_866, 44_866));
//! let k = pow(g, 23_272);
//! let c2 = pow(k, e2); // KEY
//! assert_eq!((k, c2), (9_287, 93_750));
//! assert_eq!(pow(c2, inverse(e2)), k);
//!
//! // M_3 joins; M_2 keeps its pairwise key.
//! let z3 = pow(g, 39_036);
//! let e3 = pow(z3, r1) % q;
//! assert_eq!((z3, e3), (103_919, 54_278));
//! let k = pow(g, 17_228);
//! assert_eq!((k, pow(k, e2), pow(k, e3)), (71_945, 51_000, 116_000));
//!
//! // Refresh, and M_2 leaves: one KEY each.
//! let k = pow(g, 11_427);
//! assert_eq!((k, pow(k, e2), pow(k, e3)), (92_113, 54_865, 122_793));
//! let k = pow(g, 61_454);
//! assert_eq!((k, pow(k, e3)), (91_657, 129_398));
//! ```
//!
//! # When it takes effect
//!
//! A key is installed when it is delivered, at the controller too, so that all members switch at the
//! same point of the agreed order. Until then the previous pairwise keys are kept. A member that an event
//! leaves alone sends the key to itself, for the same reason.
//!
//! # Costs
//!
//! Mode 0; n members before, m new. The last column is the longest chain of exponentiations that depend
//! on one another. Tests of received elements are counted separately:
//!
//! | event | rounds | unicasts | broadcasts | exponentiations | in series |
//! |---|---|---|---|---|---|
//! | found | 0 | 0 | 0 | 2 | 2 |
//! | join | 3 | 2 | 1 | 2n + 4 | n + 5 |
//! | merge, m > 1 | 3 | m | 2 | 2n + 5m - 1 | n + 2m + 3 |
//! | leave of one | 1 | 0 | 1 | 2n - 3 | n |
//! | leave of the controller, n > 3 | 3 | n - 2 | 2 | 5n - 8 | 2n + 1 |
//! | refresh | 1 | 0 | 1 | 2n - 1 | n + 1 |
//!
//! In series these are 3 more than in the tables of the papers for join and merge, and 2 to 4 more for
//! leaves: here the two of the new member and the decryption at the receivers are counted.
//!
//! In mode 1 the only exponentiations are two at each new member, one at the controller for each of
//! them, and one more if the controller is new:
//!
//! | event | exponentiations | in series |
//! |---|---|---|
//! | found | 1 | 1 |
//! | join, merge | 3m | m + 2 |
//! | leave of one, refresh | 0 | 0 |
//! | leave of the controller | 3n - 5 | n + 1 |
//!
//! # Reading along with the papers
//!
//! | papers | here | file |
//! |---|---|---|
//! | controller, long-term shares | first of `order()`, `Controller` | `context` |
//! | round 1: the controller's public value | `announce`, `process_announcement` | `announce` |
//! | round 2: a member's public value | `respond`, `process_response` | `announce` |
//! | round 3: group secret under pairwise secrets | `send_key`, `process_key` | `key` |
//! | leave, partition, refresh | `update`, `send_key_at_once` | `announce`, `key` |
//! | token formats | `Announcement`, `Response`, `EncryptedKey` | `message` |
//! | authenticated encryption (mode 1) | `WrapKey` | `wrap` |
//!
//! # Sources
//!
//! Y. Amir, Y. Kim, C. Nita-Rotaru, G. Tsudik, "On the Performance of Group Key Agreement Protocols",
//! ACM TISSEC 2004; key agreement notes, section 4.

mod announce;
mod context;
mod key;
mod machine;
pub(crate) mod message;
mod wrap;

pub use machine::Ckd;

use crate::{
    constructor,
    suite::{Suite, Survival},
    token::{
        TokenKind,
        TokenService::{Agreed, Fifo},
    },
};

/// Centralised key distribution, the key being a group element (mode 0).
pub const SUITE: Suite = Suite {
    name: "ckd",
    number: 2,
    kinds: &[NEW_CONTROLLER, OLD_CONTROLLER, RESPONSE, KEY],
    survival: Survival::Completed,
    member: constructor!(Ckd::new),
};

/// Centralised key distribution, the key being encrypted with AES (mode 1).
pub const SUITE_AEAD: Suite = Suite {
    name: "ckd-aead",
    member: constructor!(Ckd::aead),
    ..SUITE
};

/// NEW: blinded share of a controller that is new.
pub const NEW_CONTROLLER: TokenKind = TokenKind::new(0x21, "new-controller", Fifo);
/// OLD: blinded share of a controller that stays, for new members.
pub const OLD_CONTROLLER: TokenKind = TokenKind::new(0x22, "old-controller", Fifo);
/// RESPONSE: blinded share of a member, for the controller.
pub const RESPONSE: TokenKind = TokenKind::new(0x23, "response", Fifo);
/// KEY: the key, encrypted for each member.
pub const KEY: TokenKind = TokenKind::new(0x24, "enciphered-key", Agreed);
