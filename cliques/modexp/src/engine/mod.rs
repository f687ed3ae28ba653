//! Exponentiation engines, and the choice among them.
//!
//! ```text
//!   mod.rs                  the choice: which engine serves a modulus
//!   portable/  ifma/  ..    the engines, one folder each, which do not know each other
//!   kernel.rs               what an engine implements
//!   comb.rs  bits.rs        tables of fixed bases, digits of exponents
//! ```
//!
//! A new engine is a folder whose `mod.rs` has a constant `ENGINE: Implementation`, and a line in
//! `engines!` below. No result depends on the engine.

mod bits;
mod comb;
mod kernel;
mod portable;

use alloc::boxed::Box;
use core::{fmt, ops::RangeInclusive};

use crypto_bigint::modular::BoxedMontyParams;

pub(crate) use bits::ExponentBits;
pub(crate) use comb::Comb;
use kernel::Implementation;
pub(crate) use kernel::{CombTable, Kernel, Power};
/// Running products are left to the portable engine: for vectors, every factor would have to be
/// converted first.
pub(crate) use portable::running;

/// Declares the module of each engine, and puts all engines into a table with the portable one at
/// its end.
macro_rules! engines {
    ($($module:ident on $arch:literal, $bits:expr;)*) => {
        $(
            #[cfg(all(
                target_arch = $arch,
                target_pointer_width = "64",
                not(cliques_modexp_portable)
            ))]
            mod $module;
        )*

        /// All engines of this build.
        static ENGINES: &[Entry] = &[
            $(
                #[cfg(all(
                    target_arch = $arch,
                    target_pointer_width = "64",
                    not(cliques_modexp_portable)
                ))]
                Entry { implementation: &$module::ENGINE, bits: $bits },
            )*
            Entry { implementation: &portable::ENGINE, bits: 1..=u32::MAX },
        ];
    };
}

// An engine, its architecture and the lengths of the moduli that it serves, in bits. A modulus gets
// the first engine in this list that serves it and that runs on the processor. Moduli below 256 bits
// are left to the portable engine, whose numbers have no unused lanes.
engines! {
    ifma on "x86_64", 256..=4158;
}

struct Entry {
    implementation: &'static Implementation,
    bits: RangeInclusive<u32>,
}

impl Entry {
    const fn engine(&self) -> Engine {
        Engine(self.implementation.name)
    }
}

/// An implementation of exponentiation.
///
/// A modulus gets the fastest engine that the processor has; [`Modulus::with_engine`] selects
/// another one.
///
/// [`Modulus::with_engine`]: crate::Modulus::with_engine
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Engine(&'static str);

impl Engine {
    /// The engine for any processor and any modulus, named `portable`.
    pub const PORTABLE: Self = Self(portable::ENGINE.name);

    /// Every engine of this build, the fastest first, whether the processor has what it needs or
    /// not. The last one is [`PORTABLE`](Self::PORTABLE).
    pub fn all() -> impl Iterator<Item = Self> {
        ENGINES.iter().map(Entry::engine)
    }

    /// The name, in lower case: `avx512-ifma`.
    pub const fn name(self) -> &'static str {
        self.0
    }

    /// The kernel of this engine for a modulus, if the engine can serve it here.
    pub(crate) fn kernel(self, params: &BoxedMontyParams, bits: u32) -> Option<Box<dyn Kernel>> {
        let entry = ENGINES.iter().find(|entry| entry.engine() == self)?;
        (entry.implementation.kernel)(params, bits)
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Engine({})", self.0)
    }
}

/// The engine that this processor uses for moduli of the usual lengths. Those that it does not
/// serve get another one, which [`Modulus::engine`](crate::Modulus::engine) names.
///
/// Tests and benchmarks can force an engine: if the environment variable `CLIQUES_MODEXP_ENGINE` has
/// the name of an engine when the crate is *compiled*, that engine serves every modulus that it can.
pub fn engine() -> Engine {
    let candidates = forced().into_iter().chain(ENGINES);
    let mut available = candidates.filter(|entry| (entry.implementation.is_available)());
    available.next().map_or(Engine::PORTABLE, Entry::engine)
}

/// The engine and its kernel for a modulus of so many bits.
pub(crate) fn choose(params: &BoxedMontyParams, bits: u32) -> (Engine, Box<dyn Kernel>) {
    let serving = ENGINES.iter().filter(|entry| entry.bits.contains(&bits));
    let candidates = forced().into_iter().chain(serving);
    candidates
        .map(Entry::engine)
        .find_map(|engine| Some((engine, engine.kernel(params, bits)?)))
        .unwrap_or_else(|| (Engine::PORTABLE, Box::new(portable::Portable)))
}

const FORCED: Option<&str> = option_env!("CLIQUES_MODEXP_ENGINE");

fn forced() -> Option<&'static Entry> {
    FORCED.and_then(|name| {
        ENGINES
            .iter()
            .find(|entry| entry.implementation.name == name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forced_engine_exists_and_runs() {
        let Some(name) = FORCED else { return };
        let entry = forced();
        assert!(entry.is_some(), "this build has no engine named {name}");
        let available = entry.filter(|entry| (entry.implementation.is_available)());
        assert!(available.is_none_or(|entry| entry.engine() == engine()));
    }
}
