//! Parameter files and parameters: no panic, no endless work, and what is accepted is a group in which
//! the generator has the order that it is said to have.
//!
//! Input: one byte for what the rest is: a whole file, the DER content of one, or numbers of 8 bytes.
#![no_main]

use cliques::{
    Group,
    group::{GroupExt, Modp, ParameterError},
};
use libfuzzer_sys::fuzz_target;

const LABELS: [&str; 3] = ["DH PARAMETERS", "X9.42 DH PARAMETERS", "DSA PARAMETERS"];

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { digit.into() } else { '=' });
        }
    }
    text
}

fn armoured(label: &str, der: &[u8]) -> String {
    let digits = base64(der);
    let lines: Vec<_> = digits
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line))
        .collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn check(result: Result<Modp, ParameterError>) {
    let Ok(group) = result else { return };
    let generator = group.generator();
    let bytes = group.encode(&generator);
    assert_eq!(group.decode(&bytes).as_ref(), Ok(&generator));
    assert_eq!(group.validate_token(&generator), Ok(()));
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    match kind % 5 {
        0 => check(Modp::from_pem(&String::from_utf8_lossy(rest))),
        4 => {
            let [p, q, g] = [0, 8, 16].map(|start| {
                let number = rest.iter().skip(start).take(8);
                number.copied().collect::<Vec<u8>>()
            });
            check(Modp::custom_insecure(&p, &q, &g));
        }
        label => check(Modp::from_pem(&armoured(LABELS[usize::from(label) - 1], rest))),
    }
});
