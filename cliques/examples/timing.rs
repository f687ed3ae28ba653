//! Do secret values show in the time of the group operations? A statistical answer.
//!
//! ```text
//! cargo run --release -p cliques --example timing -- [group] [measurements]
//! ```
//!
//! The method is that of O. Reparaz, J. Balasch, I. Verbauwhede, "Dude, is my code constant time?",
//! DATE 2017: an operation is timed on inputs of two classes in random order, and Welch's t-test
//! compares the means, of all measurements and of those below some percentiles, because
//! interruptions make the slow end noisy. One class is a value with little in it (the exponent 1,
//! the generator as secret element, whose encoding is mostly zeros in MODP groups), the other is
//! random.
//!
//! Read the largest |t| of an operation as follows: below 4.5 nothing was found with so many
//! measurements, above 10 the operation surely depends on its input, between the two measure
//! again, on a quiet machine. The last line is a control, an operation that is known to leak: if
//! its |t| is small, the run could not have seen anything.
//!
//! A test like this finds leaks; it cannot prove that there are none, and it sees one compiler and
//! one processor. It ends with 1 if an operation is above 10.
#![allow(clippy::print_stdout, missing_docs)]

use std::{env, hint::black_box, process::ExitCode, time::Instant};

use cliques::{Group, MathematicalGroup, group::GroupVisitor, testing::rng::seeded};
use num_bigint::BigUint;
use rand_chacha::ChaCha20Rng;
use rand_core::Rng;

/// Different inputs of each class.
const POOL: usize = 256;

/// |t| above which an operation surely depends on its input.
const SURE: f64 = 10.0;

/// |t| above which it might.
const SUSPECT: f64 = 4.5;

/// Inputs of the two classes: values with little in them, and random ones.
struct Classes<I>([Vec<I>; 2]);

impl<I> Classes<I> {
    fn new(mut plain: impl FnMut() -> I, mut random: impl FnMut() -> I) -> Self {
        let plain = (0..POOL).map(|_| plain()).collect();
        let random = (0..POOL).map(|_| random()).collect();
        Self([plain, random])
    }
}

/// Times in nanoseconds, by class.
type Times = [Vec<f64>; 2];

/// Times an operation on inputs of both classes in random order.
fn measure<I, O>(classes: &Classes<I>, count: usize, operation: impl Fn(&I) -> O) -> Times {
    let mut rng = seeded(1);
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..count {
        let choice = rng.next_u32() as usize;
        let (class, place) = (choice % 2, (choice >> 8) % POOL);
        let (Some(inputs), Some(times)) = (classes.0.get(class), times.get_mut(class)) else {
            continue;
        };
        let Some(input) = inputs.get(place) else {
            continue;
        };
        let start = Instant::now();
        let output = black_box(operation(black_box(input)));
        let time = start.elapsed();
        drop(output);
        // The first ones warm caches up.
        if round >= count / 100 {
            times.push(time.as_nanos() as f64);
        }
    }
    times
}

/// Welch's t of two samples.
fn welch([a, b]: &Times, limit: f64) -> f64 {
    let moments = |times: &[f64]| {
        let kept: Vec<f64> = times
            .iter()
            .copied()
            .filter(|time| *time <= limit)
            .collect();
        let count = kept.len() as f64;
        let mean = kept.iter().sum::<f64>() / count;
        let squares: f64 = kept.iter().map(|time| (time - mean).powi(2)).sum();
        (mean, squares / (count - 1.0) / count)
    };
    let ((a, a_error), (b, b_error)) = (moments(a), moments(b));
    (a - b) / (a_error + b_error).sqrt()
}

/// The largest |t| over several limits.
fn largest_t(times: &Times) -> f64 {
    let mut all: Vec<f64> = times.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let limits = [50, 75, 90, 95, 99, 100].map(|percent| all.len() * percent / 100);
    limits
        .iter()
        .filter_map(|place| all.get(place.saturating_sub(1)))
        .map(|limit| welch(times, *limit).abs())
        .filter(|t| t.is_finite())
        .fold(0.0, f64::max)
}

fn report(name: &str, times: &Times) -> f64 {
    let t = largest_t(times);
    let mut all: Vec<f64> = times.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let median = all.get(all.len() / 2).copied().unwrap_or(0.0);
    let verdict = match t {
        _ if t > SURE => "depends on its input",
        _ if t > SUSPECT => "measure again",
        _ => "nothing found",
    };
    println!(
        "{name:<24} {:>10.2} us  |t| = {t:>8.2}  {verdict}",
        median / 1000.0
    );
    t
}

/// Times the operations of a group.
struct Operations {
    count: usize,
}

impl GroupVisitor for Operations {
    type Output = f64;

    fn visit<G: Group>(self, group: G) -> f64 {
        let group = &group;
        let mut rng = seeded(2);
        let mut other_rng = seeded(3);
        let random = |rng: &mut ChaCha20Rng| group.random_scalar(rng);
        let one = |rng: &mut ChaCha20Rng| {
            let scalar = group.random_scalar(rng);
            group.multiply_scalars(&scalar, &group.invert_scalar(&scalar))
        };
        let scalars = Classes::new(|| one(&mut rng), || random(&mut other_rng));
        let secrets = Classes::new(
            || group.agree_generator(&one(&mut rng)),
            || group.agree_generator(&random(&mut other_rng)),
        );
        let base = group.exponentiate_generator(&random(&mut rng));
        let factor = random(&mut rng);
        let secret = group.agree_generator(&factor);

        let slow = self.count;
        // Operations without an exponentiation are short: they need more measurements, and have
        // the time for them.
        let quick = 20 * self.count;
        [
            report(
                "exponentiate",
                &measure(&scalars, slow, |e| group.exponentiate(&base, e)),
            ),
            report(
                "exponentiate_generator",
                &measure(&scalars, slow, |e| group.exponentiate_generator(e)),
            ),
            report("agree", &measure(&scalars, slow, |e| group.agree(&base, e))),
            report(
                "exponentiate_each (8)",
                &measure(&scalars, slow, |e| group.exponentiate_each(&[&base; 8], e)),
            ),
            report(
                "secret base",
                &measure(&secrets, slow, |secret| {
                    group.exponentiate_secret_each(secret, &[&factor])
                }),
            ),
            report(
                "invert_scalar",
                &measure(&scalars, quick, |e| group.invert_scalar(e)),
            ),
            report(
                "multiply_scalars",
                &measure(&scalars, quick, |e| group.multiply_scalars(e, &factor)),
            ),
            report(
                "secret_to_scalar",
                &measure(&secrets, quick, |secret| group.secret_to_scalar(secret)),
            ),
            report(
                "multiply_secrets",
                &measure(&secrets, quick, |other| {
                    group.multiply_secrets(&secret, other)
                }),
            ),
            report(
                "secret",
                &measure(&secrets, quick, |secret| group.secret(secret)),
            ),
        ]
        .into_iter()
        .fold(0.0, f64::max)
    }
}

/// Exponentiation of a general-purpose library, which takes time by the value of the exponent.
fn control(count: usize) {
    let mut rng = seeded(4);
    let modulus = BigUint::from_bytes_be(&[0xfb; 64]);
    let base = BigUint::from(3_u8);
    let random = || {
        let mut bytes = [0; 20];
        rng.fill_bytes(&mut bytes);
        BigUint::from_bytes_be(&bytes)
    };
    let exponents = Classes::new(|| BigUint::from(1_u8), random);
    report(
        "control, which leaks",
        &measure(&exponents, count, |exponent| {
            base.modpow(exponent, &modulus)
        }),
    );
}

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "schnorr2048-256".into());
    let count = arguments.next().map_or(Ok(10_000), |count| count.parse());
    let (group, count) = match (name.parse::<MathematicalGroup>(), count) {
        (Ok(group), Ok(count @ 1_000..)) => (group, count),
        (Err(error), _) => {
            println!("{error}");
            return ExitCode::from(2);
        }
        (_, Ok(_) | Err(_)) => {
            println!("the number of measurements is at least 1000");
            return ExitCode::from(2);
        }
    };
    println!("{name}, {count} measurements, 20 times as many of short operations");
    let worst = group.with(Operations { count });
    control(count);
    ExitCode::from(u8::from(worst > SURE))
}
