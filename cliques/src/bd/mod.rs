//! Burmester-Desmedt conference keying (BD).
//!
//! # The idea
//!
//! The members form a ring. Each draws a share r_i and broadcasts z_i = g^(r_i), so that each pair of
//! neighbours can compute the Diffie-Hellman value g^(r_i r_(i+1)). The group secret is the product of
//! these values over the whole ring,
//!
//! ```text
//! K = g^(r_1 r_2 + r_2 r_3 + .. + r_n r_1).
//! ```
//!
//! A member knows the factor on its left, A_0 = z_(i-1)^(r_i). The quotient of two adjacent factors is
//! broadcast by the member between them: X_i = (z_(i+1) / z_(i-1))^(r_i). With these a member computes
//! one factor after the other around the ring, and multiplies them.
//!
//! # Every event
//!
//! Nothing is kept from one event to the next, and there are no roles. Founding a group of several
//! members, join, leave, merge, partition and refresh are all the same full agreement with fresh shares:
//!
//! ```text
//!   each i                                           everybody
//!   |  z_i = g^(r_i), r_i fresh                         |
//!   |~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~>|     to the group, AGREED
//!   |             after all n of these                  |
//!   |  X_i = (z_(i+1) / z_(i-1))^(r_i)                  |
//!   |~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~>|     to the group, AGREED
//!                 after all n of these
//!                 A_0 = z_(i-1)^(r_i),  A_j = A_(j-1) X_(i+j-1),  K = A_0 A_1 .. A_(n-1)
//! ```
//!
//! The ring has the remaining members in their order, then the new ones in the order of the membership,
//! in which the new members must be given the list of all members. Each z is sent with a hash of that
//! order. Every member starts by itself; a driver without more knowledge may let all of them
//! [enter](crate::Change::Enter). A refresh must be started at all members, too.
//!
//! A lone member is its own neighbour, K = z^r. Of two members each is the other's neighbour on both
//! sides, so both X are 1 and K = g^(2 r_1 r_2); no X of a larger ring may be 1.
//!
//! # The efficient form
//!
//! The paper's K = z_(i-1)^(n r_i) X_i^(n-1) X_(i+1)^(n-2) .. X_(i-2) has n - 1 exponentiations with
//! small exponents; their multiplications dominated the measured time of large groups. This form has
//! 2(n - 1) multiplications. One more checks that the product of all X is 1, as it must be. If it is
//! not, the tokens contradict one another, and no member can tell which one is wrong: the error names
//! all the others as suspects.
//!
//! # Tests of elements
//!
//! Encoding and range of an element are checked on receipt. Whether it is in the group is tested before
//! it is used: the two z of the neighbours together when all have arrived, the X of all others together
//! when the last one has arrived. Other z are used by their neighbours only. A failure names the author
//! of the element.
//!
//! An X that arrives before the last z is stored, one for each member.
//!
//! # Why the new key is independent of the old ones
//!
//! All shares are fresh. Whoever has none of them sees only what an eavesdropper sees, to whom K is
//! indistinguishable from random under the decisional Diffie-Hellman assumption. The protocol itself
//! does not need exponents as long as q: in groups with p = 2q + 1, short ones as in RFC 7919 suffice.
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
//! let (p, g) = (130_367, 4);
//! let pow = |base, exponent| power(base, exponent, p);
//! let quotient = |a, b| a * pow(b, p - 2) % p;
//!
//! // Three members. The shares, and the blinded ones.
//! let r = [4_908, 43_187, 56_271];
//! let z = r.map(|r| pow(g, r));
//! assert_eq!(z, [23_910, 105_495, 53_533]);
//!
//! // Each broadcasts the quotient of its neighbours; their product is 1.
//! let x = [0, 1, 2].map(|i| pow(quotient(z[(i + 1) % 3], z[(i + 2) % 3]), r[i]));
//! assert_eq!(x, [16_885, 105_930, 105_037]);
//! assert_eq!(x[0] * x[1] % p * x[2] % p, 1);
//!
//! // Each computes the factors around the ring.
//! for i in 0..3 {
//!     let a0 = pow(z[(i + 2) % 3], r[i]);
//!     let a1 = a0 * x[i] % p;
//!     let a2 = a1 * x[(i + 1) % 3] % p;
//!     assert_eq!(a0 * a1 % p * a2 % p, 125_637); // K
//! }
//!
//! // Two are left: both X are 1.
//! let r = [31_177, 19_361];
//! let z = r.map(|r| pow(g, r));
//! assert_eq!(z, [19_802, 82_198]);
//! assert_eq!([pow(z[1], 2 * r[0]), pow(z[0], 2 * r[1])], [90_348; 2]); // K
//! ```
//!
//! # Costs
//!
//! n is the number of members after the event, whatever the event. The third exponentiation has
//! the generator as its base. The papers count 3 in series too, and n - 1 with small exponents:
//!
//! | event | rounds | unicasts | broadcasts | exponentiations | in series | multiplications at each |
//! |---|---|---|---|---|---|---|
//! | any, n > 1 | 2 | 0 | 2n | 3n | 3 | 2n, of them one for X |
//! | any, n = 1 | 0 | 0 | 0 | 2 | 2 | 0 |
//!
//! Each member makes one inversion, for X, and tests n + 1 elements (of two members: one).
//!
//! # Reading along with the papers
//!
//! | papers | here | file |
//! |---|---|---|
//! | U_i, r_i, z_i, X_i | `MemberName`, share, `blinded`, `quotients` | `run` |
//! | step 1 | `RingRun::start`, `process_blinded` | `run` |
//! | step 2 | `second_round`, `process_quotient` | `run` |
//! | step 3, in the efficient form | `secret` | `run` |
//! | token formats | `Blinded`, `Quotient` | `message` |
//!
//! # Sources
//!
//! M. Burmester, Y. Desmedt, "A Secure and Efficient Conference Key Distribution System",
//! EUROCRYPT '94; Y. Amir, Y. Kim, C. Nita-Rotaru, G. Tsudik, "On the Performance of Group Key
//! Agreement Protocols", ACM TISSEC 2004, costs; key agreement notes, section 5.

mod machine;
pub(crate) mod message;
mod run;

pub use machine::Bd;

use crate::{
    constructor,
    suite::{Suite, Survival},
    token::{TokenKind, TokenService::Agreed},
};

/// Burmester-Desmedt.
pub const SUITE: Suite = Suite {
    name: "bd",
    number: 1,
    kinds: &[BLINDED_SHARE, QUOTIENT],
    survival: Survival::Nothing,
    member: constructor!(Bd::new),
};

/// Blinded share z, first round.
pub const BLINDED_SHARE: TokenKind = TokenKind::new(0x11, "blinded-share", Agreed);
/// Quotient X of the neighbours' blinded shares, second round.
pub const QUOTIENT: TokenKind = TokenKind::new(0x12, "quotient", Agreed);
