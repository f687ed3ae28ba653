//! Random generators of tests.

use alloc::vec::Vec;
use core::convert::Infallible;

use rand_chacha::ChaCha20Rng;
use rand_core::{SeedableRng, TryCryptoRng, TryRng};

/// A generator whose output is a function of `seed`.
pub fn seeded(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Emits bytes that were recorded before.
///
/// Shares are drawn from the bytes of one encoded number, so a member that replays the recorded
/// shares draws them. Panics when it runs out of bytes: the member drew more than the recording.
#[derive(Debug, Default)]
pub struct ReplayRng {
    bytes: Vec<u8>,
    used: usize,
}

impl ReplayRng {
    /// A generator that emits nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends bytes to emit.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Bytes not emitted yet.
    pub fn left(&self) -> usize {
        self.bytes.len() - self.used
    }
}

impl TryRng for ReplayRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        let end = self.used + out.len();
        let recorded = self
            .bytes
            .get(self.used..end)
            .expect("more was drawn than recorded");
        out.copy_from_slice(recorded);
        self.used = end;
        Ok(())
    }
}

impl TryCryptoRng for ReplayRng {}
