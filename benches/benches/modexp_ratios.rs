//! Exponentiation: our times divided by those of others, and targets for these ratios.
//!
//! `cargo bench -p benches --features openssl --bench modexp_ratios`
//!
//! Every round runs all contenders of a setting, so that other load of the machine affects all of them
//! alike. A time is the median of the rounds, in CPU time of the thread. Each measured run follows one
//! that warms up the caches, or the eviction of all caches for `fixedbasecold`. Exits with 1 if a target
//! is missed. Without feature `openssl`, or on a processor that cannot run the vector engine, the
//! targets that need them are listed as skipped.

use std::{hint::black_box, process::ExitCode, time::Duration};

use benches::contenders::{Contender, Operation, Setting, contenders};
use cpu_time::ThreadTime;

/// Rounds of each setting.
const ROUNDS: usize = 31;

/// What a time is compared with.
enum Against {
    /// The single power of another contender.
    Contender(&'static str),
    /// A fixed time.
    Time(Duration),
}

/// A limit for the time of one of our contenders.
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

/// A contender with its median time per result.
struct Measured {
    name: String,
    operation: Operation,
    time: Duration,
}

/// More than all caches hold.
const EVICTION_BYTES: usize = 64 << 20;

/// Fills the caches with other data.
fn evict_caches(memory: &mut [u8]) {
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
                Operation::FixedBaseCold => evict_caches(&mut memory),
                Operation::Single
                | Operation::Batch
                | Operation::FixedBase
                | Operation::Jacobi
                | Operation::Inverse
                | Operation::Product => (contender.run)(),
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
            name: contender.name.clone(),
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
    // A filter, as in `cargo bench -- suites`, is for the benchmarks with names.
    let mut arguments = std::env::args().skip(1);
    if arguments.any(|argument| !argument.starts_with('-')) {
        return ExitCode::SUCCESS;
    }
    // `cargo bench -- --test` only runs everything once.
    if std::env::args().any(|argument| argument == "--test") {
        for mut contender in contenders(Setting::new(512, 160)) {
            (contender.run)();
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
            let operation = it.operation.name();
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
                None => println!("  skipped   {label}: not available here"),
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
