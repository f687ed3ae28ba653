//! The modulus, with everything that is computed once for it.

use alloc::{boxed::Box, sync::Arc, vec, vec::Vec};
use core::fmt;

use crypto_bigint::{
    BoxedUint, NonZero,
    modular::{BoxedMontyForm, BoxedMontyParams},
};

use crate::{
    engine::{Engine, Kernel},
    residue::{Residue, ResidueError},
    words,
};

/// Why a number is no modulus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum ModulusError {
    /// Fewer or more bits than [`Modulus::MIN_BITS`] to [`Modulus::MAX_BITS`].
    #[error("modulus of {0} bits, {min} to {max} allowed", min = Modulus::MIN_BITS, max = Modulus::MAX_BITS)]
    Size(u32),
    /// Divisible by two, so that there is no Montgomery form.
    #[error("modulus is even")]
    Even,
}

/// An odd modulus of 16 to 8192 bits with its Montgomery parameters.
///
/// A handle: clones share what was computed once. The modulus is public; making it takes
/// variable time.
#[derive(Clone)]
pub struct Modulus(Arc<Shared>);

struct Shared {
    params: BoxedMontyParams,
    bits: u32,
    byte_len: usize,
    limbs: Box<[u64]>,
    kernel: Kernel,
}

impl Modulus {
    /// Shortest modulus, in bits.
    pub const MIN_BITS: u32 = 16;

    /// Longest modulus, in bits.
    pub const MAX_BITS: u32 = 8192;

    /// Makes a modulus of big-endian bytes; leading zeros do not count.
    ///
    /// # Errors
    /// [`ModulusError`] when it is even, too short or too long.
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
        Ok(Self(Arc::new(Shared {
            kernel: Kernel::detect(&params, bits),
            params,
            bits,
            byte_len: trimmed.len(),
            limbs,
        })))
    }

    /// The same modulus on a certain engine; none where the processor lacks what the engine needs,
    /// or the engine has no code for moduli of this length. Results are the same on every engine,
    /// and the two moduli are equal: this is for comparing engines.
    pub fn with_engine(&self, engine: Engine) -> Option<Self> {
        let shared = &*self.0;
        Some(Self(Arc::new(Shared {
            params: shared.params.clone(),
            bits: shared.bits,
            byte_len: shared.byte_len,
            limbs: shared.limbs.clone(),
            kernel: Kernel::of(engine, &shared.params, shared.bits)?,
        })))
    }

    /// The engine that computes powers.
    pub fn engine(&self) -> Engine {
        self.0.kernel.engine()
    }

    /// Length in bits.
    pub fn bits(&self) -> u32 {
        self.0.bits
    }

    /// Length in bytes, which is that of every encoded residue.
    pub fn byte_len(&self) -> usize {
        self.0.byte_len
    }

    /// The modulus itself, [`byte_len`](Self::byte_len) big-endian bytes.
    pub fn to_be_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.0.byte_len];
        words::write_be_bytes(self.0.params.modulus().as_ref().as_words(), &mut bytes);
        bytes
    }

    /// The residue of [`byte_len`](Self::byte_len) big-endian bytes, which must stand for a number
    /// below the modulus. Variable time: for public values.
    ///
    /// # Errors
    /// [`ResidueError`] when the length differs or the number is not reduced.
    pub fn residue(&self, bytes: &[u8]) -> Result<Residue, ResidueError> {
        if bytes.len() != self.0.byte_len {
            return Err(ResidueError::Length {
                got: bytes.len(),
                expected: self.0.byte_len,
            });
        }
        let value = words::from_be_bytes(bytes, self.0.bits);
        if value >= *self.number() {
            return Err(ResidueError::NotReduced);
        }
        Ok(Residue::new(
            self.clone(),
            BoxedMontyForm::new(value, &self.0.params),
        ))
    }

    /// The residue of big-endian bytes of any length, reduced if need be. Variable time: for
    /// public values.
    pub fn reduce_vartime(&self, bytes: &[u8]) -> Residue {
        let precision = (bytes.len() as u32).saturating_mul(8).max(self.0.bits);
        let reduced = words::from_be_bytes(bytes, precision).rem_vartime(self.non_zero());
        Residue::new(self.clone(), BoxedMontyForm::new(reduced, &self.0.params))
    }

    /// The residue of a small number.
    pub fn residue_of(&self, number: u64) -> Residue {
        self.reduce_vartime(&number.to_be_bytes())
    }

    /// The residue 1.
    pub fn one(&self) -> Residue {
        Residue::new(self.clone(), BoxedMontyForm::one(&self.0.params))
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

    pub(crate) fn kernel(&self) -> &Kernel {
        &self.0.kernel
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
