//! Every suite: arbitrary tokens in every state. No panic; a refused token changes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| cliques::testing::fuzz::suite_bodies(bytes));
