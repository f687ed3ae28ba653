//! Criterion benchmarks across the layers.
//!
//! | bench | measures | names |
//! |---|---|---|
//! | `codec` | messages and memberships to bytes and back | `codec/<direction>/<message>` |
//! | `suites` | one membership event, total and serial CPU time; `--json`, `--targets` | `suites/<suite>/<event>/<group>/<unsigned or signed>/<total or serial>/<members>` |
//! | `modexp` | powers, by contender | `modexp/<bits>-<exponent bits>/<operation>/<contender>` |
//! | `modexp_ratios` | the same in interleaved rounds, ratios and their targets | a table, pass or fail |
//! | `records` | sealing and opening user messages | `<suite>/<direction>/<bytes>` |
//!
//! `cargo bench -p benches` runs all, `cargo bench -p benches --bench suites -- gdh/join` some.
//! `CLIQUES_MODEXP_ENGINE=portable` in the environment of the build forces an exponentiation engine.
//! `docs/performance.md` in the repository has figures.
//! Compare only figures of the same run: machines differ.

pub mod contenders;
#[cfg(feature = "openssl")]
pub mod openssl;
