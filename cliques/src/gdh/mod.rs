//! Group Diffie-Hellman (GDH, initial agreement IKA.3).
//!
//! # The idea
//!
//! Every member i holds a share r_i. The group secret is g raised to the product of all shares, and
//! each member computes it from its *partial key* P_i = g^(product of all shares but r_i) as
//! K = P_i^(r_i). All members store the partial keys of all, so any member can act as controller.
//! The controller is the newest member; after a loss, the newest that is left.
//!
//! # Merge
//!
//! A token collects shares: the acting controller c refreshes its own, the new members N_1 .. N_m
//! add theirs in turn, but the last one, x, does not. Everybody factors its share out of the final
//! token, x raises what comes back to its fresh share, and so makes all the partial keys at once.
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
//! x raises by its own share because T_0 is what the old members would have agreed on had the new
//! ones not come: without it the new members would see a key.
//!
//! # Leave, partition, refresh
//!
//! The acting controller c draws r_c' and broadcasts a new key list, in which every partial key but
//! its own is raised to r_c'/r_c. Leavers know no value with r_c'. A refresh is a leave of nobody. A
//! loss that comes with a merge needs no list of its own: everybody deletes the leavers, and T_0
//! carries the fresh share of c.
//!
//! # When it takes effect
//!
//! A key list is installed when it is delivered, at its sender too, so that all members change at
//! one point of the agreed order. Until then the share used before is kept.
//!
//! # Costs
//!
//! n members before, m new, membership tests of elements counted apart:
//!
//! | event | rounds | unicasts | broadcasts | exponentiations | one after the other |
//! |---|---|---|---|---|---|
//! | found | 0 | 0 | 0 | 1 | 1 |
//! | join | 4 | n + 1 | 2 | 3n + 2 | n + 3 |
//! | merge | m + 3 | n + 2m - 1 | 2 | 3n + 4m - 2 | n + 2m + 1 |
//! | leave of one | 1 | 0 | 1 | 2n - 3 | n - 1 |
//! | refresh | 1 | 0 | 1 | 2n - 1 | n |
//! | direct join | 2 | 1 | 1 | 3n + 1 | 2n + 1 |
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
