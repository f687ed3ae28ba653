//! Exponentiation, by setting, operation and contender. For comparisons with targets, `modexp_ratios`
//! measures the contenders in interleaved rounds.

#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::time::Duration;

use benches::contenders::{Operation, Setting, contenders};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn modexp(criterion: &mut Criterion) {
    for setting in Setting::ALL {
        let Setting { modulus, exponent } = setting;
        let mut group = criterion.benchmark_group(format!("modexp/{modulus}-{exponent}"));
        // Batches take eight times as long as the others.
        group.sample_size(20);
        group.warm_up_time(Duration::from_millis(300));
        group.measurement_time(Duration::from_secs(1));
        for mut contender in contenders(setting) {
            // Criterion warms up the caches.
            if contender.operation == Operation::FixedBaseCold {
                continue;
            }
            group.throughput(Throughput::Elements(contender.results as u64));
            let operation = contender.operation.name();
            group.bench_function(format!("{operation}/{}", contender.name), |bencher| {
                bencher.iter(&mut contender.run);
            });
        }
        group.finish();
    }
}

criterion_group!(benches, modexp);
criterion_main!(benches);
