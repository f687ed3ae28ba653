//! Robust agreement over any suite: restart, and incremental.
//!
//! One state stands for the whole of an agreement. The suite is given what is delivered; when it has
//! a secret, that is installed. Every suite completes by a rule over delivered AGREED broadcasts
//! alone, which all who go on together see in one order; so they complete at one place, or not at
//! all:
//!
//! | suite | complete when |
//! |---|---|
//! | BD | all X_i are delivered |
//! | CKD | the key message is delivered |
//! | STR | all blinded session randoms are known and no blinded key bk_j, j < n, is missing |
//! | TGDH | no blinded key but the root's is missing, and no refresh is pending |
//! | GDH | the key list is delivered |
//!
//! ```text
//!         Membership                   the suite has the secret, before signal and request
//!  CM ------------------->  R  -------------------------------------------------------------> S
//!  M, SJ  ^                 |  Flush_Request: Flush_Ok at once                                |
//!         +------ CM <------+                                                                 |
//!         +------ M  <------------- Flush_Request, after the application's consent -----------+
//! ```
//!
//! **Restart**: every view starts from scratch; M and SJ are CM then. **Incremental**: over CKD a
//! completed agreement goes on with the suite's leave or merge; over STR and TGDH an interrupted one
//! goes on as well.
//!
//! **Why carrying on is safe.** The public state of a tree suite is a function of the broadcasts
//! delivered. It changes on those before the first of signal and flush request only, and is frozen
//! then: behind the signal messages may be missing, and one that fills a hole may rest on a refresh
//! that this side never saw. So all who come along carry on from the same tree, frozen at the same
//! place. Each run prunes it to the transitional set and begins with the fresh share of one
//! member of each side, whose old share stays valid until the message that announces the new one
//! has come back under the same rule.
//!
//! Source: robust agreement notes, section 7; for the idea of going on with the tree there is, Kim,
//! Perrig, Tsudik: Simple and Fault-Tolerant Key Agreement for Dynamic Collaborative Groups, CCS
//! 2000.

mod running;

pub(crate) use self::running::Running;
