//! Exponentiation: ratios of ours to others, and their targets.
//!
//! `cargo bench -p benches --features openssl --bench modexp_ratios`
//!
//! All contenders of a setting take turns, round after round, so that whatever else the machine does
//! meets all of them; a time is the median of the rounds, in CPU time of the thread, each run after
//! one that only warms the caches, or for `fixedbasecold` after they were emptied. Ends with 1 when
//! a target is missed. Without feature `openssl`, or on a processor without the vector
//! engine's instructions, the targets that need them are left out by name.

use std::{hint::black_box, process::ExitCode, time::Duration};

use benches::contenders::{Contender, Operation, Setting, contenders};
use cpu_time::ThreadTime;

const ROUNDS: usize = 31;

/// What a time is measured against.
enum Against {
    /// Another contender's single power.
    Contender(&'static str),
    /// This long.
    Time(Duration),
}

struct Target {
    setting: Setting,
    operation: Operation,
    ours: &'static str,
    against: Against,
    at_most: f64,
}

const fn openssl(setting: Setting, operation: Operation, at_most: f64) -> Target {
    Target {
        setting,
        operation,
        ours: "ours/avx512-ifma",
        against: Against::Contender("openssl"),
        at_most,
    }
}

const TARGETS: [Target; 9] = [
    openssl(Setting::new(2048, 256), Operation::Single, 0.42),
    openssl(Setting::new(3072, 256), Operation::Single, 0.38),
    openssl(Setting::new(2048, 2048), Operation::Single, 0.46),
    openssl(Setting::new(2048, 256), Operation::Batch, 0.31),
    openssl(Setting::new(1024, 160), Operation::Batch, 0.22),
    openssl(Setting::new(512, 160), Operation::Batch, 0.19),
    openssl(Setting::new(2048, 256), Operation::FixedBase, 0.10),
    Target {
        setting: Setting::new(2048, 256),
        operation: Operation::Single,
        ours: "ours/portable",
        against: Against::Contender("crypto-bigint"),
        at_most: 0.85,
    },
    Target {
        setting: Setting::new(2048, 256),
        operation: Operation::Jacobi,
        ours: "ours",
        against: Against::Time(Duration::from_micros(30)),
        at_most: 1.0,
    },
];

/// A contender with the median time of a result.
struct Measured {
    name: &'static str,
    operation: Operation,
    time: Duration,
}

/// More than the caches hold.
const EVICTION_BYTES: usize = 64 << 20;

/// Fills the caches with something else.
fn empty_caches(memory: &mut [u8]) {
    for byte in memory.iter_mut().step_by(64) {
        *byte = black_box(byte.wrapping_add(1));
    }
}

fn measure(mut contenders: Vec<Contender>) -> Vec<Measured> {
    let mut times: Vec<Vec<Duration>> = contenders.iter().map(|_| Vec::new()).collect();
    let mut memory = vec![0; EVICTION_BYTES];
    for _ in 0..ROUNDS {
        for (contender, times) in contenders.iter_mut().zip(&mut times) {
            match contender.operation {
                Operation::FixedBaseCold => empty_caches(&mut memory),
                // Once before, so that nobody finds the caches full of the numbers of others.
                _ => (contender.run)(),
            }
            let start = ThreadTime::now();
            (contender.run)();
            times.push(start.elapsed());
        }
    }
    let measured = contenders.iter().zip(times).map(|(contender, mut times)| {
        times.sort();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        Measured {
            name: contender.name,
            operation: contender.operation,
            time: median / contender.results as u32,
        }
    });
    measured.collect()
}

fn find(measured: &[Measured], operation: Operation, name: &str) -> Option<f64> {
    let mut matching = measured
        .iter()
        .filter(|it| it.operation == operation && it.name == name);
    matching.next().map(|it| it.time.as_secs_f64())
}

fn main() -> ExitCode {
    // A filter, as in `cargo bench -- suites`, is meant for the benches that have names.
    let mut arguments = std::env::args().skip(1);
    if arguments.any(|argument| !argument.starts_with('-')) {
        return ExitCode::SUCCESS;
    }
    // `cargo bench -- --test` asks whether everything runs.
    if std::env::args().any(|argument| argument == "--test") {
        for setting in [Setting::new(512, 160)] {
            for mut contender in contenders(setting) {
                (contender.run)();
            }
        }
        return ExitCode::SUCCESS;
    }
    let mut missed = 0;
    for setting in Setting::ALL {
        let Setting { modulus, exponent } = setting;
        println!("{modulus}-bit modulus, {exponent}-bit exponents");
        let measured = measure(contenders(setting));
        let openssl = find(&measured, Operation::Single, "openssl");
        for it in &measured {
            let time = it.time.as_secs_f64();
            let operation = format!("{:?}", it.operation).to_lowercase();
            let ratio =
                openssl.map_or_else(String::new, |of| format!("{:8.3} of OpenSSL", time / of));
            println!(
                "  {operation:13} {:18} {:9.1} us{ratio}",
                it.name,
                time * 1e6
            );
        }
        for target in TARGETS.iter().filter(|target| target.setting == setting) {
            let ours = find(&measured, target.operation, target.ours);
            let (against, name) = match target.against {
                Against::Contender(name) => (find(&measured, Operation::Single, name), name),
                Against::Time(time) => (Some(time.as_secs_f64()), "30 us"),
            };
            let at_most = target.at_most;
            let label = format!("{:?} {} / {name}", target.operation, target.ours);
            match ours.zip(against).map(|(ours, against)| ours / against) {
                None => println!("  left out  {label}: not here"),
                Some(ratio) if ratio <= at_most => {
                    println!("  pass      {label}: {ratio:.3}, at most {at_most}");
                }
                Some(ratio) => {
                    missed += 1;
                    println!("  MISSED    {label}: {ratio:.3}, at most {at_most}");
                }
            }
        }
    }
    match missed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
