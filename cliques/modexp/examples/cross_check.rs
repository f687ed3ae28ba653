//! Random cases, every engine against num-bigint.
//!
//! `cargo run --release -p cliques-modexp --example cross_check -- [cases] [seed]`
//!
//! 1 000 000 cases are the default, and take some hours; each compares one power, a batch, a fixed
//! base or a product on one engine with the reference. Ends with 1 at the first difference and names
//! it. The same seed gives the same cases.

#![allow(clippy::indexing_slicing, reason = "a program for its developers")]
#![allow(clippy::print_stdout, reason = "a program")]

use std::process::ExitCode;

use cliques_modexp::{Engine, Exponent, FixedBase, Modulus, Residue};
use num_bigint::BigUint;

/// SplitMix64 (Steele, Lea, Flood, 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Every second number has long runs of equal bits, where carries go far.
    fn number(&mut self, bits: u32) -> BigUint {
        let mut number = BigUint::ZERO;
        if self.below(2) == 0 {
            for _ in 0..bits.div_ceil(64) {
                number = (number << 64_u8) | BigUint::from(self.next());
            }
        } else {
            while number.bits() < u64::from(bits) {
                let run = 1 + self.below(130);
                let ones = (BigUint::from(1_u8) << run) - 1_u8;
                number <<= run;
                if self.below(2) == 0 {
                    number |= ones;
                }
                number |= BigUint::from(u8::from(number == BigUint::ZERO));
            }
        }
        number % (BigUint::from(1_u8) << bits)
    }
}

/// One random case; the difference, if there is one.
fn check(random: &mut Random) -> Result<(), String> {
    // Short moduli are more frequent, as they take less time.
    let longest = [300, 600, 1100, 2100, 4200][random.below(5).min(random.below(5)) as usize];
    let bits = 16 + random.below(longest - 16) as u32;
    let p = random.number(bits) | (BigUint::from(1_u8) << (bits - 1)) | BigUint::from(1_u8);
    let modulus = Modulus::from_be_bytes(&p.to_bytes_be()).map_err(|error| error.to_string())?;
    let engine = Engine::ALL[random.below(Engine::ALL.len() as u64) as usize];
    let Some(modulus) = modulus.with_engine(engine) else {
        return Ok(());
    };
    let count = [1, 1, 1, 3, 8, 11][random.below(6) as usize];
    let width = 1 + random.below(if bits < 600 { 700 } else { 90 }) as u32;
    let values: Vec<(BigUint, BigUint)> = (0..count)
        .map(|_| (random.number(bits) % &p, random.number(width)))
        .collect();
    let bases: Vec<Residue> = values
        .iter()
        .map(|(base, _)| modulus.reduce_vartime(&base.to_bytes_be()))
        .collect();
    let exponents: Vec<Exponent> = values
        .iter()
        .map(|(_, exponent)| Exponent::from_be_bytes(&exponent.to_bytes_be(), width))
        .collect();
    let pairs: Vec<_> = bases.iter().zip(&exponents).collect();
    let powers = || {
        values
            .iter()
            .map(|(base, exponent)| base.modpow(exponent, &p))
    };
    let (what, ours, expected): (_, Vec<_>, Vec<BigUint>) = match random.below(4) {
        0 => (
            "single",
            pairs
                .iter()
                .map(|(base, exponent)| base.pow(exponent))
                .collect(),
            powers().collect(),
        ),
        1 => ("pairs", Residue::pow_pairs(&pairs), powers().collect()),
        2 => (
            "fixed base",
            FixedBase::new(&bases[0], width).pow_each(&exponents.iter().collect::<Vec<_>>()),
            values
                .iter()
                .map(|(_, e)| values[0].0.modpow(e, &p))
                .collect(),
        ),
        _ => (
            "product",
            vec![modulus.product_of_powers(&pairs)],
            vec![powers().fold(BigUint::from(1_u8), |product, power| product * power % &p)],
        ),
    };
    let ours = ours
        .iter()
        .map(|it| BigUint::from_bytes_be(&it.to_be_bytes()));
    if ours.eq(expected.iter().cloned()) {
        return Ok(());
    }
    Err(format!(
        "{what} on {engine:?} differs: modulus {p}, base and exponent {values:?}"
    ))
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| {
        let argument = arguments.next().and_then(|it| it.parse().ok());
        argument.unwrap_or(default)
    };
    let (cases, seed) = (number(1_000_000), number(1));
    let mut random = Random(seed);
    for case in 0..cases {
        if let Err(difference) = check(&mut random) {
            eprintln!("case {case}: {difference}");
            return ExitCode::FAILURE;
        }
        if (case + 1) % 10_000 == 0 {
            eprintln!("{} of {cases} cases", case + 1);
        }
    }
    eprintln!("{cases} cases, seed {seed}: all equal");
    ExitCode::SUCCESS
}
