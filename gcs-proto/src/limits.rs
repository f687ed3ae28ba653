//! Every bound of the protocol, with its origin.
//!
//! "4.4.0" is what the reference daemon of that version enforces or survives; "ours" are bounds
//! that the protocol leaves open and that keep memory finite here.

pub use gcs_view::{
    VIEW_ID,
    name::{
        DAEMON_NAME_MAX as DAEMON_NAME, GROUP_NAME_MAX as GROUP_NAME,
        MEMBER_NAME_MAX as MEMBER_NAME, NAME_SLOT, PRIVATE_NAME_MAX as PRIVATE_NAME,
    },
};

/// Bytes of a message header (format).
pub const HEADER: usize = 48;
/// Most destinations of one message that a daemon accepts (4.4.0).
pub const DESTINATIONS: usize = 100;
/// Most destinations that a 4.4.0 daemon really routes; further ones are lost silently.
pub const ROUTED_DESTINATIONS: usize = 43;
/// Most bytes of body and names of one message that a daemon accepts (4.4.0 client library).
pub const MESSAGE: usize = 144_000;
/// Most bytes of body and names that a 4.4.0 daemon survives: one more corrupts its memory.
pub const SAFE_MESSAGE: usize = 143_151;
/// Most members in a membership message (ours; the daemon's own bound is lower).
pub const MEMBERS: usize = 65_536;
/// Most bytes of a membership body (ours).
pub const MEMBERSHIP_BODY: usize = 4 << 20;
/// Most sets in a membership body (ours; a set stands for one of 128 daemons or for a joiner).
pub const MEMBERSHIP_SETS: usize = 1_024;
/// Bytes of the longest message that a client takes from a daemon (ours, from the above).
pub const LONGEST_DELIVERY: usize = HEADER + NAME_SLOT * MEMBERS + MEMBERSHIP_BODY;
/// Most bytes that wait at a client to be decoded: a message and what came behind it (ours).
pub const RECEIVE_BUFFER: usize = LONGEST_DELIVERY + (1 << 20);
/// Least room for one read of a stream, in bytes (ours).
pub const READ_ROOM: usize = 4 << 10;
/// Room made for reads when there is less than [`READ_ROOM`], in bytes (ours).
pub const READ_BUFFER: usize = 64 << 10;
/// Most room made ahead on the word of a header alone, in bytes (ours; above [`MESSAGE`], so that
/// every data message comes into one piece of memory).
pub const READ_AHEAD: usize = 160 << 10;
/// Room made for messages on their way out, in bytes (ours).
pub const WRITE_BUFFER: usize = 16 << 10;
/// Longest body that is copied instead of being shared, in bytes (ours): behind its header on the
/// way out, and where it may have to wait for long.
pub const COPIED_BODY: usize = 4 << 10;
/// Most bytes that wait at a client to be sent (ours).
pub const TRANSMIT_BUFFER: usize = 16 << 20;

/// Most bytes that wait at either end while the handshake is under way (ours).
pub const HANDSHAKE_BUFFER: usize = 20 << 10;
/// Longest challenge of the proof method, in bytes (ours).
pub const CHALLENGE: usize = 1 << 10;
/// Longest proof of the proof method, in bytes (ours: a signature and a chain of certificates).
pub const PROOF: usize = 18 << 10;
/// Length of the connect record's longest form, in bytes (format).
pub const CONNECT_RECORD: usize = 5 + PRIVATE_NAME;
/// Bytes of the authentication choice (format).
pub const AUTHENTICATION_CHOICE: usize = 90;
/// Slots for method names in the authentication choice (format).
pub const AUTHENTICATION_METHODS: usize = 3;
/// Bytes of one method slot, terminator included (format).
pub const AUTHENTICATION_SLOT: usize = 30;
/// Bytes of the user name of the password method (format).
pub const PASSWORD_USER: usize = 32;
/// Bytes of the password of the password method (format).
pub const PASSWORD: usize = 8;

/// Sessions of one daemon (4.4.0).
pub const SESSIONS: usize = 997;
/// Messages queued towards one slow session before it is closed (4.4.0 default).
pub const QUEUED_MESSAGES: usize = 1_000;

/// Lowest message type a user of the flush layer may send (flush library).
pub const LOWEST_FLUSH_USER_TYPE: i16 = -32_765;
/// Bytes that the flush layer may add to a message: original type, view id, reference group.
pub const FLUSH_OVERHEAD: usize = 2 + VIEW_ID + NAME_SLOT;
/// Flush acknowledgements kept per group for memberships not yet seen (ours).
pub const UNKNOWN_CHANGES: usize = 256;
/// Membership messages an acknowledgement may wait for its own before it is dropped (flush library).
pub const UNKNOWN_CHANGE_AGE: u32 = 200;
/// Changes of one group whose membership has arrived and that wait for agreement (ours).
pub const PENDING_CHANGES: usize = 4_096;
/// Bytes of bodies kept per group for the view that is about to be installed (ours).
pub const POSTPONED_BYTES: usize = 4 << 20;
/// Messages kept per group for the view that is about to be installed (ours).
pub const POSTPONED_MESSAGES: usize = 4_096;
