//! What the benches of exponentiation compare: one setting, computed by everybody.

use std::hint::black_box;

use cliques_modexp::{Engine, Exponent, FixedBase, Modulus, Residue};
use crypto_bigint::{
    BoxedUint, Odd, Resize,
    modular::{BoxedMontyForm, BoxedMontyParams},
};
use num_bigint::BigUint;

/// Lengths of modulus and exponents, in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Of the modulus.
    pub modulus: u32,
    /// Of every exponent.
    pub exponent: u32,
}

impl Setting {
    /// The settings that the targets name.
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

/// Powers of a batch.
pub const BATCH: usize = 8;

/// What is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// One power.
    Single,
    /// [`BATCH`] powers, of as many bases with as many exponents.
    Batch,
    /// One power of a base with a table.
    FixedBase,
    /// The same, for who empties the caches beforehand.
    FixedBaseCold,
    /// A Jacobi symbol.
    Jacobi,
    /// One inverse modulo the modulus, of a public number.
    Inverse,
    /// The product of [`BATCH`] powers.
    Product,
}

/// Somebody who computes it, by a name.
pub struct Contender {
    /// `<who>` or `<who>/<engine>`.
    pub name: &'static str,
    /// What is computed.
    pub operation: Operation,
    /// How many results a run gives.
    pub results: usize,
    /// Computes it once.
    pub run: Box<dyn FnMut()>,
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

/// Everybody on one setting. All results are compared before anything is measured.
///
/// # Panics
/// When two contenders do not agree.
pub fn contenders(setting: Setting) -> Vec<Contender> {
    let mut numbers = Numbers(1);
    let mut p = numbers.bytes(setting.modulus);
    if let Some(last) = p.last_mut() {
        *last |= 1;
    }
    let Ok(modulus) = Modulus::from_be_bytes(&p) else {
        panic!("{p:?} is no modulus");
    };
    let bases: Vec<Residue> = (0..BATCH)
        .map(|_| modulus.reduce_vartime(&numbers.bytes(setting.modulus)))
        .collect();
    let exponents: Vec<Vec<u8>> = (0..BATCH)
        .map(|_| numbers.bytes(setting.exponent))
        .collect();
    let Some((base, exponent)) = bases.first().cloned().zip(exponents.first().cloned()) else {
        return Vec::new();
    };
    let base_bytes = base.to_be_bytes();
    let secret = |bytes: &Vec<u8>| Exponent::from_be_bytes(bytes, setting.exponent);
    let expected = base.pow(&secret(&exponent)).to_be_bytes();
    let mut contenders = Vec::new();
    let mut add = |name, operation, results, run: Box<dyn FnMut()>| {
        contenders.push(Contender {
            name,
            operation,
            results,
            run,
        });
    };

    #[cfg(feature = "openssl")]
    {
        let mut openssl = crate::openssl::Exponentiation::new(&base_bytes, &exponent, &p);
        assert_eq!(openssl.exponent_bits(), setting.exponent);
        openssl.run();
        assert_eq!(openssl.result()[..], expected[..], "OpenSSL differs");
        add(
            "openssl",
            Operation::Single,
            1,
            Box::new(move || openssl.run()),
        );
    }

    for (name, engine) in [
        ("ours/portable", Engine::Portable),
        ("ours/avx512-ifma", Engine::Avx512Ifma),
    ] {
        let Some(modulus) = modulus.with_engine(engine) else {
            continue;
        };
        let bases: Vec<Residue> = bases
            .iter()
            .map(|base| modulus.reduce_vartime(&base.to_be_bytes()))
            .collect();
        let exponents: Vec<Exponent> = exponents.iter().map(secret).collect();
        let base = modulus.reduce_vartime(&base_bytes);
        let single = secret(&exponent);
        assert_eq!(base.pow(&single).to_be_bytes(), expected, "{name} differs");
        let table = FixedBase::new(&base, setting.exponent);
        let (of_base, of_single) = (base.clone(), secret(&exponent));
        add(
            name,
            Operation::Single,
            1,
            Box::new(move || {
                black_box(black_box(&of_base).pow(&of_single));
            }),
        );
        for operation in [Operation::FixedBase, Operation::FixedBaseCold] {
            let (table, single) = (table.clone(), secret(&exponent));
            add(
                name,
                operation,
                1,
                Box::new(move || {
                    black_box(table.pow(black_box(&single)));
                }),
            );
        }
        let exponents = std::rc::Rc::new(exponents);
        let pairs = (bases.clone(), exponents.clone());
        add(
            name,
            Operation::Batch,
            BATCH,
            Box::new(move || {
                let pairs: Vec<_> = pairs.0.iter().zip(pairs.1.iter()).collect();
                black_box(Residue::pow_pairs(black_box(&pairs)));
            }),
        );
        let owner = modulus.clone();
        add(
            name,
            Operation::Product,
            1,
            Box::new(move || {
                let pairs: Vec<_> = bases.iter().zip(exponents.iter()).collect();
                black_box(owner.product_of_powers(black_box(&pairs)));
            }),
        );
    }
    let public = base.clone();
    add(
        "ours",
        Operation::Jacobi,
        1,
        Box::new(move || {
            black_box(black_box(&public).jacobi_vartime());
        }),
    );
    add(
        "ours",
        Operation::Inverse,
        1,
        Box::new(move || {
            black_box(black_box(&base).invert_vartime());
        }),
    );

    let precision = setting.modulus.next_multiple_of(64);
    let odd: Option<Odd<BoxedUint>> = BoxedUint::from_be_slice(&p, precision)
        .ok()
        .and_then(|p| p.to_odd().into_option());
    if let Some(odd) = odd {
        let params = BoxedMontyParams::new_vartime(odd);
        let number = BoxedUint::from_be_slice_vartime(&base_bytes);
        let base = BoxedMontyForm::new(number.resize_unchecked(precision), &params);
        let power = BoxedUint::from_be_slice_vartime(&exponent);
        let inverse_of = base.clone();
        add(
            "crypto-bigint",
            Operation::Single,
            1,
            Box::new(move || {
                black_box(base.pow_bounded_exp(black_box(&power), setting.exponent));
            }),
        );
        add(
            "crypto-bigint",
            Operation::Inverse,
            1,
            Box::new(move || {
                black_box(black_box(&inverse_of).invert_vartime());
            }),
        );
    }

    let number = |bytes: &[u8]| BigUint::from_bytes_be(bytes);
    let (base, power, p) = (number(&base_bytes), number(&exponent), number(&p));
    add(
        "num-bigint",
        Operation::Single,
        1,
        Box::new(move || {
            black_box(base.modpow(black_box(&power), &p));
        }),
    );
    contenders
}
