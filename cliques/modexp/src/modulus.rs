//! The modulus, with everything that is precomputed for it.

use alloc::{boxed::Box, sync::Arc, vec, vec::Vec};
use core::fmt;

use crypto_bigint::{BoxedUint, NonZero, modular::BoxedMontyParams};

use crate::{
    engine::{self, Engine, Kernel},
    words,
};

/// Why a number cannot be a modulus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ModulusError {
    /// Fewer or more bits than [`Modulus::MIN_BITS`] to [`Modulus::MAX_BITS`].
    #[error("modulus of {0} bits, {min} to {max} allowed", min = Modulus::MIN_BITS, max = Modulus::MAX_BITS)]
    Size(u32),
    /// Divisible by two: there is no Montgomery form.
    #[error("modulus is even")]
    Even,
}

/// An odd modulus of 16 to 8192 bits with its Montgomery parameters.
///
/// A handle: clones share what was precomputed. The modulus is public, and creating it takes variable
/// time.
#[derive(Clone)]
pub struct Modulus(Arc<Shared>);

struct Shared {
    params: BoxedMontyParams,
    bits: u32,
    byte_len: usize,
    limbs: Box<[u64]>,
    engine: Engine,
    kernel: Box<dyn Kernel>,
}

impl Modulus {
    /// Shortest modulus, in bits.
    pub const MIN_BITS: u32 = 16;

    /// Longest modulus, in bits.
    pub const MAX_BITS: u32 = 8192;

    /// Creates a modulus from big-endian bytes. Leading zeros are ignored.
    ///
    /// # Errors
    /// [`ModulusError`] if it is even, too short or too long.
    pub fn from_be_bytes(bytes: &[u8]) -> Result<Self, ModulusError> {
        let trimmed = words::trim_vartime(bytes);
        let bits = words::bits_vartime(trimmed);
        if !(Self::MIN_BITS..=Self::MAX_BITS).contains(&bits) {
            return Err(ModulusError::Size(bits));
        }
        let value = words::from_be_bytes(trimmed, bits);
        let odd = value.to_odd().into_option().ok_or(ModulusError::Even)?;
        let limbs = words::to_u64_limbs(odd.as_ref().as_words()).into_boxed_slice();
        let params = BoxedMontyParams::new_vartime(odd);
        let (engine, kernel) = engine::choose(&params, bits);
        Ok(Self(Arc::new(Shared {
            engine,
            kernel,
            params,
            bits,
            byte_len: trimmed.len(),
            limbs,
        })))
    }

    /// The same modulus on another engine, for tests and comparisons; `None` if the processor lacks
    /// what the engine needs, or the engine has no code for moduli of this length. Results do not
    /// depend on the engine, and the two moduli are equal.
    pub fn with_engine(&self, engine: Engine) -> Option<Self> {
        let shared = &*self.0;
        Some(Self(Arc::new(Shared {
            params: shared.params.clone(),
            bits: shared.bits,
            byte_len: shared.byte_len,
            limbs: shared.limbs.clone(),
            engine,
            kernel: engine.kernel(&shared.params, shared.bits)?,
        })))
    }

    /// The engine that computes powers.
    pub fn engine(&self) -> Engine {
        self.0.engine
    }

    /// Length in bits.
    pub fn bits(&self) -> u32 {
        self.0.bits
    }

    /// Length in bytes, which is the length of every encoded residue.
    pub fn byte_len(&self) -> usize {
        self.0.byte_len
    }

    /// The modulus itself, [`byte_len`](Self::byte_len) big-endian bytes.
    pub fn to_be_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.0.byte_len];
        words::write_be_bytes(self.0.params.modulus().as_ref().as_words(), &mut bytes);
        bytes
    }

    pub(crate) fn params(&self) -> &BoxedMontyParams {
        &self.0.params
    }

    pub(crate) fn number(&self) -> &BoxedUint {
        self.0.params.modulus().as_ref()
    }

    pub(crate) fn non_zero(&self) -> &NonZero<BoxedUint> {
        self.0.params.modulus().as_nz_ref()
    }

    pub(crate) fn limbs(&self) -> &[u64] {
        &self.0.limbs
    }

    pub(crate) fn kernel(&self) -> &dyn Kernel {
        &*self.0.kernel
    }
}

impl PartialEq for Modulus {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.number() == other.number()
    }
}

impl Eq for Modulus {}

impl fmt::Debug for Modulus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Modulus({} bits)", self.0.bits)
    }
}
