//! Robust GDH: the basic and the optimised algorithm, with rule B.
//!
//! **Basic.** Every VS view starts an agreement from scratch: one member, the same for all
//! (`choose`), takes the part of the old group and everybody else that of new
//! members. Whatever interrupts the run, the flush service brings a new VS view, and with it a new run.
//!
//! **Optimised.** A view that follows a completed agreement is a leave, a merge, or both in one pass,
//! with the cost of the suite's own protocols: members wait for it in M instead of CM. A single member
//! that joins while nobody leaves is added by the suite's direct join, which the papers describe for
//! groups without cascades: it takes two tokens instead of one from every member. A view that
//! interrupts an agreement is handled as in the basic algorithm. The side of the chosen member is the
//! old one; its acting controller, the newest remaining member, starts.
//!
//! ```text
//!             chosen: PARTIAL to the next                 FINAL delivered: FACT_OUT to its sender
//!        +------------------------------------> FT ------------------------------+
//!        |                                       ^                               v        key list delivered
//!  CM ---+                                       | not last: PARTIAL to the next KL -------------------------> S
//!   ^    |  others                               |                               ^     before signal and request
//!   |    +------------------------------------> PT                               |
//!   |                                            | last: FINAL to all            |
//!   |                                            v                               |
//!   |                                           FO ------------------------------+
//!   |                                                all FACT_OUTs: KEY_LIST, AGREED
//!   +---- Flush_Request in PT, FT, FO, KL: Flush_Ok at once;  in S: after the application's consent
//!
//!  optimised: SJ before the first view, as CM;  S --- Flush_Request, after consent ---> M
//!             M --- nobody is new: acting controller sends KEY_LIST ---> KL
//!             M --- one joins: controller sends JOIN ------------------> KL
//!             M --- old side: acting controller sends PARTIAL ---------> FT
//!             M --- new side ------------------------------------------> PT
//! ```
//!
//! | state | file | waits for |
//! |---|---|---|
//! | S | `machine/secure.rs` | nothing: a key is installed |
//! | PT | `machine/gdh/wait_for_partial_token.rs` | the token, to add a share and pass it on; or the join token, to answer it with the key list |
//! | FT | `machine/gdh/wait_for_final_token.rs` | the token with the shares of all but the last |
//! | FO | `machine/gdh/collect_fact_outs.rs` | the others' factor-outs (the last new member, acting as controller) |
//! | KL | `machine/gdh/wait_for_key_list.rs` | the key list, in AGREED order |
//! | CM | `machine/flushed.rs` | the next membership; basic: also the first one |
//! | SJ | `machine/flushed.rs` | the first membership |
//! | M | `machine/flushed.rs` | the membership after a secure view |
//! | REFRESHING | `machine/refreshing.rs` | the key of a refresh, under the old one |
//! | FAILED | `machine/failed.rs` | the next membership; a member broke the protocol |
//!
//! What PT, FT, FO and KL have in common is in `machine/agreeing.rs`.
//!
//! **Why it is safe.** The key list is the only thing that installs a key, and it is delivered at
//! one position of the common order. All who go on together see the signal and the flush request on
//! the same side of that position. The key list counts if it comes before both, so they all install
//! the key, or none does. That a flush request ends the wait (rule B) departs from the published rule,
//! which waits for key list or signal: over a flush service that gives no signal on voluntary joins
//! that wait may never end, because the controller has flushed and will not send.
//!
//! Sources: [TPDS'04] Amir, Kim, Nita-Rotaru, Schultz, Stanton, Tsudik: Secure Group Communication
//! Using Robust Contributory Key Agreement, IEEE TPDS 15(5), 2004, section 5; [ICDCS'01] Amir et
//! al.: Exploring Robustness in Group Key Agreement, ICDCS 2001; rule B, refresh and FAILED: robust
//! agreement notes, sections 5.3 and 7.4.

pub(super) mod collect_fact_outs;
pub(super) mod wait_for_final_token;
pub(super) mod wait_for_key_list;
pub(super) mod wait_for_partial_token;
