//! One case: its modulus, its operands, the comparison.

use cliques_modexp::{Engine, Exponent, Modulus, Residue};
use num_bigint::BigUint;

use crate::{
    operations::{Operation, ours, reference},
    random::Random,
};

/// Ranges of lengths of moduli, in bits, with their share of the cases, per mille. The limits are those
/// where the vector engine for AVX-512 IFMA takes another kernel.
pub(crate) const LENGTHS: [Length; 8] = [
    Length::new(16, 64, 230),
    Length::new(65, 255, 230),
    Length::new(256, 518, 230),
    Length::new(519, 1038, 160),
    Length::new(1039, 1558, 80),
    Length::new(1559, 2078, 45),
    Length::new(2079, 4158, 22),
    Length::new(4159, 8192, 3),
];

pub(crate) struct Length {
    pub(crate) shortest: u32,
    pub(crate) longest: u32,
    per_mille: u64,
}

impl Length {
    const fn new(shortest: u32, longest: u32, per_mille: u64) -> Self {
        Self {
            shortest,
            longest,
            per_mille,
        }
    }
}

/// The kind of a case.
pub(crate) struct Checked {
    pub(crate) length: usize,
    pub(crate) engine: Engine,
    pub(crate) operation: Operation,
}

/// The operands, in our types and in those of num-bigint.
pub(crate) struct Operands {
    pub(crate) modulus: Modulus,
    pub(crate) p: BigUint,
    pub(crate) width: u32,
    pub(crate) bases: Vec<Residue>,
    pub(crate) exponents: Vec<Exponent>,
    pub(crate) base_numbers: Vec<BigUint>,
    pub(crate) exponent_numbers: Vec<BigUint>,
}

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> Option<T> {
        choices
            .get(self.below(choices.len() as u64) as usize)
            .copied()
    }

    /// A number of at most so many bits. Half of them have long runs of equal bits, where carries go
    /// far, and some are as small or as large as possible.
    fn number(&mut self, bits: u32) -> BigUint {
        let bound = BigUint::from(1_u8) << bits;
        let number = match self.below(20) {
            0 => BigUint::from(self.below(3)),
            1 => &bound - 1_u8 - BigUint::from(self.below(2)),
            2..=10 => (0..bits.div_ceil(64)).fold(BigUint::ZERO, |number, _| {
                (number << 64_u8) | BigUint::from(self.next())
            }),
            _ => {
                let (mut number, mut length) = (BigUint::ZERO, 0);
                while length < bits {
                    let run = 1 + self.below(130) as u32;
                    number <<= run;
                    if self.below(2) == 0 {
                        number |= (BigUint::from(1_u8) << run) - 1_u8;
                    }
                    length += run;
                }
                number
            }
        };
        number % bound
    }

    /// An odd number of exactly so many bits.
    fn modulus(&mut self, bits: u32) -> BigUint {
        let top = BigUint::from(1_u8) << (bits - 1);
        (self.number(bits) % &top) | top | BigUint::from(1_u8)
    }

    fn length(&mut self) -> (usize, &'static Length) {
        let mut point = self.below(1000);
        for (index, length) in LENGTHS.iter().enumerate() {
            if point < length.per_mille {
                return (index, length);
            }
            point -= length.per_mille;
        }
        (0, &LENGTHS[0])
    }

    /// A width of exponents, in bits; shorter for longer moduli.
    fn width(&mut self, bits: u32) -> u32 {
        let longest = match bits {
            0..=255 => 300,
            256..=1038 => 160,
            _ => 64,
        };
        match self.below(200) {
            // Wide enough for wider windows.
            0 if bits < 600 => 640 + self.below(100) as u32,
            _ => 1 + self.below(longest) as u32,
        }
    }
}

/// Runs case `number` of a seed. The error describes a difference.
pub(crate) fn check(seed: u64, number: u64) -> Result<Checked, String> {
    // The seeds are far apart, so that the random numbers of a case do not recur in the next one.
    let mut random = Random::new(Random::new(seed ^ (number << 20)).next());
    let (length, range) = random.length();
    let span = u64::from(range.longest - range.shortest + 1);
    // Often at the limits, where all digits and words are in use.
    let bits = match random.below(8) {
        0 => range.shortest,
        1 => range.longest,
        _ => range.shortest + random.below(span) as u32,
    };
    let p = random.modulus(bits);
    let modulus = Modulus::from_be_bytes(&p.to_bytes_be()).map_err(|error| error.to_string())?;
    let engines: Vec<_> = Engine::all().collect();
    let engine = random.one_of(&engines).unwrap_or(Engine::PORTABLE);
    let modulus = modulus.with_engine(engine).unwrap_or(modulus);
    let operation = random.one_of(&Operation::ALL).unwrap_or(Operation::Power);
    let width = random.width(bits);
    let count = operation.counts();
    let count = random.one_of(count).unwrap_or(1);
    let base_numbers: Vec<_> = (0..count).map(|_| random.number(bits) % &p).collect();
    let exponent_numbers: Vec<_> = (0..count).map(|_| random.number(width)).collect();
    let operands = Operands {
        bases: base_numbers
            .iter()
            .map(|base| modulus.reduce_vartime(&base.to_bytes_be()))
            .collect(),
        exponents: exponent_numbers
            .iter()
            .map(|exponent| Exponent::from_be_bytes(&exponent.to_bytes_be(), width))
            .collect(),
        modulus,
        p,
        width,
        base_numbers,
        exponent_numbers,
    };
    let checked = Checked {
        length,
        engine: operands.modulus.engine(),
        operation,
    };
    let (ours, expected) = (ours(operation, &operands), reference(operation, &operands));
    if ours == expected {
        return Ok(checked);
    }
    Err(format!(
        "case {number} of seed {seed}: {operation:?} on {} differs: modulus {}, bases {:?}, \
         exponents of {width} bits {:?}",
        checked.engine, operands.p, operands.base_numbers, operands.exponent_numbers
    ))
}
