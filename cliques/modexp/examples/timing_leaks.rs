//! Looks for secrets in times: Welch's t-test on two classes of inputs, after Reparaz, Balasch,
//! Verbauwhede, "Dude, is my code constant time?", 2017.
//!
//! `cargo run --release -p cliques-modexp --example timing_leaks -- [measurements]`
//!
//! Class 0 has one special input, class 1 random ones, and a random bit decides which comes next. Inputs
//! are made in advance, few at a time so that they stay in the first-level cache, and are replaced often,
//! because their addresses influence times too. The slowest tenth of the times is discarded: then
//! something else was running. The difference of the means is given beside t; a difference far below a
//! cycle is the machine's. |t| above 4.5 in one run is a reason to repeat with more measurements, and a
//! t that grows with them is a leak. The last line has an intended leak, a variable-time inversion, which
//! shows that the test can detect one.

#![allow(clippy::indexing_slicing, reason = "a program for its developers")]
#![allow(clippy::print_stdout, reason = "a program")]

#[path = "support/random.rs"]
mod random;

use std::{hint::black_box, time::Instant};

use cliques_modexp::{Engine, Exponent, FixedBase, Modulus, Order, Residue};
use random::Random;

/// Random bytes.
fn bytes(random: &mut Random, len: usize) -> Vec<u8> {
    (0..len).map(|_| random.next() as u8).collect()
}

/// Inputs that are made and measured together.
const POOL: usize = 64;

/// How often all inputs are replaced.
const POOLS: usize = 32;

/// An operation with a secret exponent.
type Run<'a> = &'a dyn Fn(&Exponent);

/// The comparison of two classes of times.
struct Comparison {
    t: f64,
    /// Mean of class 0 minus mean of class 1, in nanoseconds.
    difference: f64,
    /// Mean of class 1, in nanoseconds.
    mean: f64,
}

impl std::fmt::Display for Comparison {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            t,
            difference,
            mean,
        } = self;
        write!(f, "t = {t:.2}, {difference:+.2} ns of {mean:.0} ns")
    }
}

fn welch(mut times: Vec<(bool, f64)>) -> Comparison {
    times.sort_by(|a, b| a.1.total_cmp(&b.1));
    times.truncate(times.len() * 9 / 10);
    let moments = |class| {
        let of_class = times.iter().filter(|(of, _)| *of == class);
        let times: Vec<f64> = of_class.map(|(_, time)| *time).collect();
        let count = times.len() as f64;
        let mean = times.iter().sum::<f64>() / count;
        let squares = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>();
        (mean, squares / (count - 1.0) / count)
    };
    let ((mean_0, variance_0), (mean_1, variance_1)) = (moments(false), moments(true));
    let difference = mean_0 - mean_1;
    Comparison {
        t: difference / (variance_0 + variance_1).sqrt(),
        difference,
        mean: mean_1,
    }
}

/// Measures a function on inputs of two classes.
fn measure<T>(
    random: &mut Random,
    count: usize,
    mut special: impl FnMut() -> T,
    mut other: impl FnMut(&mut Random) -> T,
    mut run: impl FnMut(&T),
) -> Comparison {
    let mut times = Vec::with_capacity(count);
    for _ in 0..POOLS {
        let inputs: Vec<(bool, T)> = (0..POOL)
            .map(|_| match random.next() & 1 {
                0 => (false, special()),
                _ => (true, other(random)),
            })
            .collect();
        for round in 0..count / POOLS {
            let (class, input) = &inputs[random.next() as usize % POOL];
            let start = Instant::now();
            run(input);
            let time = start.elapsed().as_nanos() as f64;
            // The first ones warm up the caches.
            if round >= 4 {
                times.push((*class, time));
            }
        }
    }
    welch(times)
}

fn main() {
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok());
    let count = count.unwrap_or(20_000);
    let mut random = Random::new(1);
    let (bits, width) = (1024_usize, 160_u32);
    let mut p = bytes(&mut random, bits / 8);
    p[0] |= 0x80;
    p[bits / 8 - 1] |= 1;
    let Ok(modulus) = Modulus::from_be_bytes(&p) else {
        return eprintln!("no modulus");
    };
    let exponent = |bytes: &[u8]| Exponent::from_be_bytes(bytes, width);
    let random_exponent = |random: &mut Random| exponent(&bytes(random, width as usize / 8));
    for modulus in Engine::all().filter_map(|engine| modulus.with_engine(engine)) {
        let engine = modulus.engine();
        let base = modulus.reduce_vartime(&bytes(&mut random, bits / 8));
        let table = FixedBase::new(&base, width);
        let operations: [(&str, usize, Run<'_>); 3] = [
            ("power", 1, &|e| {
                black_box(base.pow(e));
            }),
            ("fixed base", 1, &|e| {
                black_box(table.pow(e));
            }),
            ("batch", 8, &|e| {
                black_box(Residue::pow_each(&[&base; 8], e));
            }),
        ];
        for (name, special) in [
            ("0", vec![0; 20]),
            ("1", vec![1]),
            ("all ones", vec![0xff; 20]),
        ] {
            for (operation, cost, run) in operations {
                let special = || exponent(&special);
                let comparison = measure(&mut random, count / cost, special, random_exponent, run);
                println!("{engine}: {operation}, exponent {name} or random: {comparison}");
            }
        }
        let fixed = random_exponent(&mut random);
        let any = |random: &mut Random| modulus.reduce_vartime(&bytes(random, bits / 8));
        let pow = |base: &Residue| {
            black_box(base.pow(&fixed));
        };
        let comparison = measure(&mut random, count, || modulus.one(), any, pow);
        println!("{engine}: power, base 1 or random: {comparison}");
    }
    let mut q = bytes(&mut random, width as usize / 8);
    q[0] |= 0x80;
    q[width as usize / 8 - 1] |= 1;
    let Ok(order) = Order::from_be_bytes(&q) else {
        return eprintln!("no order");
    };
    let share = |random: &mut Random| order.reduce(&bytes(random, 20));
    let comparison = measure(
        &mut random,
        count,
        || order.reduce(&[1]),
        share,
        |share| {
            black_box(order.invert(share));
        },
    );
    println!("inverse modulo the order, share 1 or random: {comparison}");
    let any = |random: &mut Random| modulus.reduce_vartime(&bytes(random, bits / 8));
    let invert = |residue: &Residue| {
        black_box(residue.invert_vartime());
    };
    let comparison = measure(&mut random, count, || modulus.one(), any, invert);
    println!("intended leak, variable-time inverse of 1 or a random number: {comparison}");
}
