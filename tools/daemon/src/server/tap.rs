//! Recording tap: every byte that crosses the daemon, for tests.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use gcs_proto::name::MemberName;

/// Most bytes that a tap keeps (ours). What comes later is counted, not kept.
pub const TAP_BYTES: usize = 256 << 20;

/// Which way bytes went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From a client to the daemon.
    FromClient,
    /// From the daemon to a client.
    ToClient,
}

/// Some bytes of one stream. Records of one stream and direction are in the order of the stream;
/// where one record ends and the next begins means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapRecord {
    /// Number of the stream, in the order of arrival.
    pub connection: u64,
    /// Who is at the other end, once its handshake has named it.
    pub member: Option<MemberName>,
    /// Which way.
    pub direction: Direction,
    /// What.
    pub bytes: Bytes,
}

#[derive(Debug, Default)]
struct Tape {
    records: Vec<TapRecord>,
    bytes: usize,
    lost: u64,
}

/// Handle to the recording; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Tap {
    running: Arc<AtomicBool>,
    tape: Arc<Mutex<Tape>>,
}

impl Tap {
    /// Everything recorded until now.
    #[must_use]
    pub fn records(&self) -> Vec<TapRecord> {
        self.tape().records.clone()
    }

    /// The recorded bytes of one direction, put together stream by stream, so that a search does
    /// not miss what a record's border cuts.
    #[must_use]
    pub fn streams(&self, direction: Direction) -> Vec<(u64, Vec<u8>)> {
        let mut streams = std::collections::BTreeMap::<u64, Vec<u8>>::new();
        for record in &self.tape().records {
            if record.direction == direction {
                streams
                    .entry(record.connection)
                    .or_default()
                    .extend_from_slice(&record.bytes);
            }
        }
        streams.into_iter().collect()
    }

    /// Bytes that came after the tape was full ([`TAP_BYTES`]).
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.tape().lost
    }

    pub(crate) fn start(&self) {
        self.running.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed)
    }

    pub(crate) fn record(&self, record: impl FnOnce() -> TapRecord) {
        if !self.is_running() {
            return;
        }
        let record = record();
        let mut tape = self.tape();
        let length = record.bytes.len();
        if tape.bytes.saturating_add(length) > TAP_BYTES {
            tape.lost = tape
                .lost
                .saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
            return;
        }
        tape.bytes += length;
        tape.records.push(record);
    }

    // A panic elsewhere leaves a tape that is whole: every change to it is one step.
    fn tape(&self) -> MutexGuard<'_, Tape> {
        self.tape.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
