//! `--json` and `--targets`: one measurement of each subject, without the statistics of criterion.

use std::time::Duration;

use benches::contenders::{Contender, Operation, Setting, contenders};
use cliques::{NamedGroup, Protocol, testing::bus::Run};
use serde_json::json;

use crate::{
    event::Event,
    measure::{Signatures, Subject, thread_time},
};

/// Events that are measured for one line.
const ROUNDS: usize = 9;

/// The same for large groups, whose events take long.
const LARGE_ROUNDS: usize = 5;

/// The number of members from which a group is large.
const LARGE: usize = 64;

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Prints one JSON object per line.
pub(crate) fn json_lines(subjects: impl Iterator<Item = Subject>) {
    for subject in subjects {
        let rounds = if subject.size < LARGE {
            ROUNDS
        } else {
            LARGE_ROUNDS
        };
        let run = subject.median(rounds);
        print_line(&subject, &run);
    }
}

#[allow(clippy::print_stdout, reason = "the report is the output")]
fn print_line(subject: &Subject, run: &Run) {
    let (total, serial) = (run.total(), run.serial());
    let line = json!({
        "suite": subject.protocol.as_str(),
        "event": subject.event.name(),
        "group": subject.group.as_str(),
        "members": subject.size,
        "signatures": subject.signatures.name(),
        "total_ms": milliseconds(run.total_time()),
        "serial_ms": milliseconds(serial.time()),
        "rounds": run.rounds(),
        "unicasts": total.unicasts,
        "broadcasts": total.broadcasts,
        "bytes": total.bytes,
        "full_exponentiations": total.full_exponentiations,
        "short_exponentiations": total.short_exponentiations,
        "fixed_base_exponentiations": total.fixed_base_exponentiations,
        "serial_exponentiations": serial.exponentiations(),
        "multiplications": total.multiplications,
        "inversions": total.inversions,
        "element_tests": total.element_tests,
        "signatures_made": total.signatures,
        "signatures_verified": total.verifications,
    });
    println!("{line}");
}

/// Limits for the serial time of 50 members, in milliseconds, on a machine where OpenSSL takes 0.27 ms
/// for a constant-time exponentiation with a modulus of 2048 bits and an exponent of 256 bits.
const TARGETS: [(&str, &str, Event, f64); 28] = [
    ("schnorr2048-256", "gdh", Event::Join, 8.5),
    ("schnorr2048-256", "ckd", Event::Join, 6.0),
    ("schnorr2048-256", "bd", Event::Join, 4.0),
    ("schnorr2048-256", "str", Event::Join, 1.8),
    ("schnorr2048-256", "tgdh", Event::Join, 3.5),
    ("schnorr2048-256", "gdh", Event::Leave, 6.0),
    ("schnorr2048-256", "ckd", Event::Leave, 3.0),
    ("schnorr2048-256", "bd", Event::Leave, 4.0),
    ("schnorr2048-256", "str", Event::Leave, 9.0),
    ("schnorr2048-256", "tgdh", Event::Leave, 2.5),
    ("schnorr2048-256", "gdh", Event::Merge, 14.0),
    ("schnorr2048-256", "bd", Event::Merge, 4.0),
    ("schnorr2048-256", "str", Event::Merge, 15.0),
    ("schnorr2048-256", "tgdh", Event::Merge, 3.5),
    ("schnorr2048-256", "gdh", Event::Partition, 4.0),
    ("schnorr2048-256", "bd", Event::Partition, 2.5),
    ("schnorr2048-256", "str", Event::Partition, 12.0),
    ("schnorr2048-256", "tgdh", Event::Partition, 3.0),
    ("ristretto255", "gdh", Event::Join, 4.0),
    ("ristretto255", "ckd", Event::Join, 3.0),
    ("ristretto255", "bd", Event::Join, 4.0),
    ("ristretto255", "str", Event::Join, 0.6),
    ("ristretto255", "tgdh", Event::Join, 1.2),
    ("ristretto255", "gdh", Event::Leave, 2.5),
    ("ristretto255", "ckd", Event::Leave, 2.0),
    ("ristretto255", "bd", Event::Leave, 4.0),
    ("ristretto255", "str", Event::Leave, 4.0),
    ("ristretto255", "tgdh", Event::Leave, 0.9),
];

/// OpenSSL's exponentiation with a modulus of 2048 bits and an exponent of 256 bits, if it is in this
/// build.
fn openssl() -> Option<Contender> {
    contenders(Setting::new(2048, 256))
        .into_iter()
        .find(|contender| contender.name == "openssl" && contender.operation == Operation::Single)
}

/// The time of that exponentiation divided by the 0.27 ms that the limits assume. It is measured
/// directly after each target, so that other load of the machine affects both. 1 without OpenSSL.
fn scale(openssl: Option<&mut Contender>) -> f64 {
    let Some(openssl) = openssl else {
        return 1.0;
    };
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = thread_time();
            (openssl.run)();
            thread_time().saturating_sub(start)
        })
        .collect();
    times.sort();
    milliseconds(times[times.len() / 2]) / 0.27
}

/// Measures every target and prints whether it is met; returns whether all are.
#[allow(clippy::print_stdout, reason = "the report is the output")]
pub(crate) fn targets() -> bool {
    println!("50 members, Ed25519 signatures and element tests included, serial CPU time");
    println!("each limit is multiplied by the time of OpenSSL's exponentiation here / 0.27 ms");
    let mut met = true;
    let mut openssl = openssl();
    for (group, suite, event, limit) in TARGETS {
        let (Ok(group), Ok(protocol)) = (group.parse::<NamedGroup>(), suite.parse::<Protocol>())
        else {
            println!("{suite} over {group}: not in this build");
            met = false;
            continue;
        };
        let subject = Subject {
            protocol,
            group,
            event,
            size: 50,
            signatures: Signatures::Ed25519,
        };
        let time = milliseconds(subject.median(ROUNDS).serial().time());
        let limit = limit * scale(openssl.as_mut());
        let verdict = if time <= limit { "met" } else { "MISSED" };
        met &= time <= limit;
        println!(
            "{group:16} {suite:5} {:10} {time:8.3} ms of {limit:8.3} ms  {verdict}",
            event.name()
        );
    }
    met
}
