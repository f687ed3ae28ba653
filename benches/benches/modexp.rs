//! Exponentiation, by setting, operation and contender. The program `modexp_ratios` beside this one
//! takes the contenders in turns and compares with the targets.

#![allow(missing_docs, reason = "criterion's macros make public items")]

use benches::contenders::{Setting, contenders};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn modexp(criterion: &mut Criterion) {
    for setting in Setting::ALL {
        let Setting { modulus, exponent } = setting;
        let mut group = criterion.benchmark_group(format!("modexp/{modulus}-{exponent}"));
        for mut contender in contenders(setting) {
            group.throughput(Throughput::Elements(contender.results as u64));
            let operation = format!("{:?}", contender.operation).to_lowercase();
            group.bench_function(format!("{operation}/{}", contender.name), |bencher| {
                bencher.iter(&mut contender.run);
            });
        }
        group.finish();
    }
}

criterion_group!(benches, modexp);
criterion_main!(benches);
