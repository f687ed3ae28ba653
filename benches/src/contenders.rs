//! Contenders of the benchmarks of exponentiation: implementations that compute the same results.

use std::{hint::black_box, rc::Rc};

use cliques_modexp::{Engine, Exponent, FixedBase, Modulus, Residue};
use crypto_bigint::{
    BoxedUint, Odd, Resize,
    modular::{BoxedMontyForm, BoxedMontyParams},
};
use num_bigint::BigUint;

/// Lengths of modulus and exponents, in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Length of the modulus.
    pub modulus: u32,
    /// Length of every exponent.
    pub exponent: u32,
}

impl Setting {
    /// The settings that the targets refer to.
    pub const ALL: [Self; 5] = [
        Self::new(512, 160),
        Self::new(1024, 160),
        Self::new(2048, 256),
        Self::new(3072, 256),
        Self::new(2048, 2048),
    ];

    /// A setting.
    pub const fn new(modulus: u32, exponent: u32) -> Self {
        Self { modulus, exponent }
    }
}

/// Number of powers in a batch.
pub const BATCH: usize = 8;

/// The operation that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// One power.
    Single,
    /// [`BATCH`] powers of as many bases with as many exponents.
    Batch,
    /// One power of a base with a table.
    FixedBase,
    /// The same, to be measured with cold caches.
    FixedBaseCold,
    /// A Jacobi symbol.
    Jacobi,
    /// One inverse of a public number.
    Inverse,
    /// The product of [`BATCH`] powers.
    Product,
}

impl Operation {
    /// Name in reports.
    pub fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

/// An implementation of one operation, with its operands.
pub struct Contender {
    /// `<library>`, or `ours/<engine>`.
    pub name: String,
    /// The operation.
    pub operation: Operation,
    /// The number of results of a run.
    pub results: usize,
    /// Runs the operation once.
    pub run: Box<dyn FnMut()>,
}

impl Contender {
    fn new(name: &str, operation: Operation, run: impl FnMut() + 'static) -> Self {
        Self {
            name: name.into(),
            operation,
            results: match operation {
                Operation::Batch => BATCH,
                Operation::Single
                | Operation::FixedBase
                | Operation::FixedBaseCold
                | Operation::Jacobi
                | Operation::Inverse
                | Operation::Product => 1,
            },
            run: Box::new(run),
        }
    }
}

impl std::fmt::Debug for Contender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.name, self.operation)
    }
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn bytes(&mut self, bits: u32) -> Vec<u8> {
        let mut bytes: Vec<u8> = (0..bits.div_ceil(8))
            .map(|_| {
                // Knuth's linear congruential generator (MMIX).
                let step = self.0.wrapping_mul(6_364_136_223_846_793_005);
                self.0 = step.wrapping_add(1_442_695_040_888_963_407);
                (self.0 >> 40) as u8
            })
            .collect();
        if let Some(first) = bytes.first_mut() {
            *first |= 0x80;
        }
        bytes
    }
}

/// The operands of a setting, as big-endian bytes. Single operations take the first base and exponent.
struct Operands {
    setting: Setting,
    modulus: Vec<u8>,
    bases: [Vec<u8>; BATCH],
    exponents: [Vec<u8>; BATCH],
}

impl Operands {
    fn new(setting: Setting) -> Self {
        let mut numbers = Numbers(1);
        let mut modulus = numbers.bytes(setting.modulus);
        if let Some(last) = modulus.last_mut() {
            *last |= 1;
        }
        Self {
            setting,
            bases: [(); BATCH].map(|()| reduced(&numbers.bytes(setting.modulus), &modulus)),
            exponents: [(); BATCH].map(|()| numbers.bytes(setting.exponent)),
            modulus,
        }
    }

    fn modulus(&self) -> Modulus {
        Modulus::from_be_bytes(&self.modulus).unwrap_or_else(|error| panic!("{error}"))
    }

    fn exponent(&self, bytes: &[u8]) -> Exponent {
        Exponent::from_be_bytes(bytes, self.setting.exponent)
    }
}

/// A number modulo another one of the same length.
fn reduced(number: &[u8], modulus: &[u8]) -> Vec<u8> {
    let integer = BigUint::from_bytes_be(number) % BigUint::from_bytes_be(modulus);
    let bytes = integer.to_bytes_be();
    let mut padded = vec![0; modulus.len() - bytes.len()];
    padded.extend(bytes);
    padded
}

/// All contenders of a setting. Their powers are compared before anything is measured.
///
/// # Panics
/// If two contenders disagree.
pub fn contenders(setting: Setting) -> Vec<Contender> {
    let operands = Operands::new(setting);
    let ([base, ..], [exponent, ..]) = (&operands.bases, &operands.exponents);
    let modulus = operands.modulus();
    let base = modulus.reduce_vartime(base);
    let expected = base.pow(&operands.exponent(exponent)).to_be_bytes();
    let mut contenders = Vec::new();
    #[cfg(feature = "openssl")]
    contenders.push(openssl(&operands, &expected));
    for modulus in Engine::all().filter_map(|engine| modulus.with_engine(engine)) {
        contenders.extend(engine(&operands, &modulus, &expected));
    }
    contenders.extend(vartime(base));
    contenders.extend(crypto_bigint(&operands));
    contenders.push(num_bigint(&operands));
    contenders
}

#[cfg(feature = "openssl")]
fn openssl(operands: &Operands, expected: &[u8]) -> Contender {
    let ([base, ..], [exponent, ..]) = (&operands.bases, &operands.exponents);
    let mut power = crate::openssl::Exponentiation::new(base, exponent, &operands.modulus);
    assert_eq!(power.exponent_bits(), operands.setting.exponent);
    power.run();
    assert_eq!(power.result()[..], expected[..], "OpenSSL differs");
    Contender::new("openssl", Operation::Single, move || power.run())
}

/// What depends on the engine.
fn engine(operands: &Operands, modulus: &Modulus, expected: &[u8]) -> Vec<Contender> {
    let name = format!("ours/{}", modulus.engine());
    let bases = operands.bases.each_ref();
    let bases = Rc::new(bases.map(|base| modulus.reduce_vartime(base)));
    let exponents = operands.exponents.each_ref();
    let exponents = Rc::new(exponents.map(|exponent| operands.exponent(exponent)));
    let power = bases[0].pow(&exponents[0]);
    assert_eq!(power.to_be_bytes()[..], expected[..], "{name} differs");
    let pairs = {
        let (bases, exponents) = (Rc::clone(&bases), Rc::clone(&exponents));
        move || (Rc::clone(&bases), Rc::clone(&exponents))
    };
    let table = FixedBase::new(&bases[0], operands.setting.exponent);
    let fixed_base = |operation| {
        let (table, exponents) = (table.clone(), Rc::clone(&exponents));
        Contender::new(&name, operation, move || {
            black_box(table.pow(black_box(&exponents[0])));
        })
    };
    let single = {
        let (bases, exponents) = pairs();
        move || {
            black_box(black_box(&bases[0]).pow(&exponents[0]));
        }
    };
    let batch = {
        let (bases, exponents) = pairs();
        move || {
            let pairs: Vec<_> = bases.iter().zip(exponents.iter()).collect();
            black_box(Residue::pow_pairs(black_box(&pairs)));
        }
    };
    let product = {
        let ((bases, exponents), modulus) = (pairs(), modulus.clone());
        move || {
            let pairs: Vec<_> = bases.iter().zip(exponents.iter()).collect();
            black_box(modulus.product_of_powers(black_box(&pairs)));
        }
    };
    vec![
        Contender::new(&name, Operation::Single, single),
        fixed_base(Operation::FixedBase),
        fixed_base(Operation::FixedBaseCold),
        Contender::new(&name, Operation::Batch, batch),
        Contender::new(&name, Operation::Product, product),
    ]
}

/// Operations with public numbers, which are the same on every engine.
fn vartime(base: Residue) -> [Contender; 2] {
    let number = base.clone();
    let jacobi = move || {
        black_box(black_box(&number).jacobi_vartime());
    };
    let inverse = move || {
        black_box(black_box(&base).invert_vartime());
    };
    [
        Contender::new("ours", Operation::Jacobi, jacobi),
        Contender::new("ours", Operation::Inverse, inverse),
    ]
}

fn crypto_bigint(operands: &Operands) -> Vec<Contender> {
    let ([base, ..], [exponent, ..]) = (&operands.bases, &operands.exponents);
    let precision = operands.setting.modulus.next_multiple_of(64);
    let modulus = BoxedUint::from_be_slice(&operands.modulus, precision).ok();
    let odd: Option<Odd<BoxedUint>> = modulus.and_then(|odd| odd.to_odd().into_option());
    let Some(odd) = odd else { return Vec::new() };
    let params = BoxedMontyParams::new_vartime(odd);
    let number = BoxedUint::from_be_slice_vartime(base);
    let base = BoxedMontyForm::new(number.resize_unchecked(precision), &params);
    let (number, width) = (base.clone(), operands.setting.exponent);
    let exponent = BoxedUint::from_be_slice_vartime(exponent);
    let power = move || {
        black_box(base.pow_bounded_exp(black_box(&exponent), width));
    };
    let inverse = move || {
        black_box(black_box(&number).invert_vartime());
    };
    vec![
        Contender::new("crypto-bigint", Operation::Single, power),
        Contender::new("crypto-bigint", Operation::Inverse, inverse),
    ]
}

fn num_bigint(operands: &Operands) -> Contender {
    let number = |bytes: &[u8]| BigUint::from_bytes_be(bytes);
    let ([base, ..], [exponent, ..]) = (&operands.bases, &operands.exponents);
    let (base, exponent) = (number(base), number(exponent));
    let modulus = number(&operands.modulus);
    Contender::new("num-bigint", Operation::Single, move || {
        black_box(base.modpow(black_box(&exponent), &modulus));
    })
}
