//! Keys of one sender under one record suite.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use gcs_proto::name::MemberName;
use rand_core::CryptoRng;

use super::{
    AssociatedData, Header, OpenError,
    content::Plain,
    suite::{Cipher, RecordSuite},
};
use crate::{replay::Replay, schedule::KeySchedule};

/// What seals and opens the messages of one sender; its keys are expanded once. Not `Clone`; erased on
/// drop.
pub struct SenderKeys {
    suite: RecordSuite,
    cipher: Box<dyn Cipher>,
}

impl SenderKeys {
    /// Derives the keys of `sender`. `None` would be a bug: key lengths are constants.
    pub fn derive(schedule: &KeySchedule, suite: RecordSuite, sender: &MemberName) -> Option<Self> {
        let keys = schedule.record_keys(suite.number(), suite.key_length(), sender.as_bytes());
        let cipher = suite.expand(&keys)?;
        Some(Self { suite, cipher })
    }

    /// The suite.
    pub const fn suite(&self) -> RecordSuite {
        self.suite
    }

    /// Seals one message. `None` would be a bug.
    pub(crate) fn seal(
        &self,
        aad: &AssociatedData,
        header: &Header,
        plain: &Plain<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Option<Vec<u8>> {
        self.cipher.seal(aad, header, plain, rng)
    }

    /// Verifies form and tag of a message, checks that it is `fresh`, and returns what was encrypted.
    pub(crate) fn open(
        &self,
        aad: &AssociatedData,
        header: &Header,
        message: &[u8],
        fresh: impl Fn() -> Result<(), Replay>,
    ) -> Result<Vec<u8>, OpenError> {
        self.cipher.open(aad, header, message, &fresh)
    }
}

impl fmt::Debug for SenderKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SenderKeys({})", self.suite)
    }
}
