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
//! The column in nanoseconds is the difference of the means: one far below a cycle is that of the
//! machine and not of the code, however sure it is.
//!
//! A test like this finds leaks; it cannot prove that there are none, and it sees one compiler and
//! one processor. It ends with 1 if an operation is above 10.
#![allow(clippy::print_stdout, missing_docs)]

use std::{env, hint::black_box, process::ExitCode, time::Instant};

use cliques::{Group, MathematicalGroup, group::GroupVisitor, testing::rng::seeded};
use num_bigint::BigUint;
use rand_chacha::ChaCha20Rng;
use rand_core::Rng;

/// Inputs that are measured together. Few, so that they stay in the fastest cache.
const POOL: usize = 64;

/// How often all inputs are made anew. Where a value lies in memory shows a little in the time, so
/// it must not depend on the class; over many pools that evens out.
const POOLS: usize = 32;

/// |t| above which an operation surely depends on its input.
const SURE: f64 = 10.0;

/// |t| above which it might.
const SUSPECT: f64 = 4.5;

/// Which class an input is of: values with little in them, and random ones.
#[derive(Clone, Copy)]
enum Class {
    Plain,
    Random,
}

/// Inputs of both classes in random order.
fn pool<I>(rng: &mut ChaCha20Rng, make: &impl Fn(Class, &mut ChaCha20Rng) -> I) -> Vec<(Class, I)> {
    let draw = |_| {
        let class = match rng.next_u32() % 2 {
            0 => Class::Plain,
            _ => Class::Random,
        };
        (class, make(class, rng))
    };
    (0..POOL).map(draw).collect()
}

/// Times in nanoseconds, by class.
#[derive(Default)]
struct Times {
    plain: Vec<f64>,
    random: Vec<f64>,
}

impl Times {
    fn sorted(&self) -> Vec<f64> {
        let mut all = [&self.plain[..], &self.random].concat();
        all.sort_by(f64::total_cmp);
        all
    }
}

/// Times an operation on inputs in random order.
fn measure<I, O>(
    make: &impl Fn(Class, &mut ChaCha20Rng) -> I,
    count: usize,
    operation: impl Fn(&I) -> O,
) -> Times {
    let mut rng = seeded(1);
    let mut times = Times::default();
    for _ in 0..POOLS {
        let inputs = pool(&mut rng, make);
        for round in 0..count / POOLS {
            let place = rng.next_u32() as usize % POOL;
            let Some((class, input)) = inputs.get(place) else {
                continue;
            };
            let start = Instant::now();
            let output = black_box(operation(black_box(input)));
            let time = start.elapsed().as_nanos() as f64;
            drop(output);
            // The first ones warm caches up.
            if round < 4 {
                continue;
            }
            match class {
                Class::Plain => times.plain.push(time),
                Class::Random => times.random.push(time),
            }
        }
    }
    times
}

/// Welch's t of two samples.
fn welch(times: &Times, limit: f64) -> f64 {
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
    let (plain, plain_error) = moments(&times.plain);
    let (random, random_error) = moments(&times.random);
    (plain - random) / (plain_error + random_error).sqrt()
}

/// How much longer the plain class takes in the mean, in nanoseconds, without the slowest tenth.
fn difference(times: &Times) -> f64 {
    let all = times.sorted();
    let limit = all.get(all.len() * 9 / 10).copied().unwrap_or(f64::MAX);
    let mean = |times: &[f64]| {
        let kept = times.iter().copied().filter(|time| *time <= limit);
        kept.clone().sum::<f64>() / kept.count() as f64
    };
    mean(&times.plain) - mean(&times.random)
}

/// The largest |t| over several limits.
fn largest_t(times: &Times) -> f64 {
    let all = times.sorted();
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
    let all = times.sorted();
    let median = all.get(all.len() / 2).copied().unwrap_or(0.0);
    let verdict = match t {
        _ if t > SURE => "depends on its input",
        _ if t > SUSPECT => "measure again",
        _ => "nothing found",
    };
    println!(
        "{name:<24} {:>10.2} us  {:>+9.2} ns  |t| = {t:>8.2}  {verdict}",
        median / 1000.0,
        difference(times)
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
        let scalars = |class, rng: &mut ChaCha20Rng| {
            let scalar = group.random_scalar(rng);
            match class {
                Class::Plain => group.multiply_scalars(&scalar, &group.invert_scalar(&scalar)),
                Class::Random => scalar,
            }
        };
        let secrets = |class, rng: &mut ChaCha20Rng| group.agree_generator(&scalars(class, rng));
        let factor = group.random_scalar(&mut rng);
        let base = group.exponentiate_generator(&group.random_scalar(&mut rng));
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
    let modulus = BigUint::from_bytes_be(&[0xfb; 64]);
    let base = BigUint::from(3_u8);
    let exponents = |class, rng: &mut ChaCha20Rng| {
        let mut bytes = [0; 20];
        rng.fill_bytes(&mut bytes);
        match class {
            Class::Plain => BigUint::from(1_u8),
            Class::Random => BigUint::from_bytes_be(&bytes),
        }
    };
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
