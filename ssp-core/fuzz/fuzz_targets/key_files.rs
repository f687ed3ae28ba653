//! Private keys, certificates, revocation lists and files of authorities: any bytes as the content of each kind
//! of PEM block, and right ones that were changed.

#![no_main]

use std::sync::OnceLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use libfuzzer_sys::fuzz_target;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use ssp_core::{
    Timestamp,
    identity::{
        Ed25519Signer,
        x509::{
            Authority, CertificateIdentity, CertificateTrust, KeyAlgorithm, P256Signer, Revocation,
            Validity, summaries,
        },
    },
};

const LABELS: [&str; 3] = ["PRIVATE KEY", "CERTIFICATE", "X509 CRL"];

struct Known {
    authority: Authority,
    /// DER of a key, a certificate and a revocation list.
    right: [Vec<u8>; 3],
}

fn der(pem: &str, label: &str) -> Vec<u8> {
    let begin = format!("-----BEGIN {label}-----");
    let end = format!("-----END {label}-----");
    let (_, rest) = pem.split_once(&begin).expect("a block");
    let (text, _) = rest.split_once(&end).expect("an end");
    let text: String = text.split_whitespace().collect();
    STANDARD.decode(text).expect("base64")
}

fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let validity = Validity {
            not_before: Timestamp(0),
            not_after: Timestamp(2_000_000_000_000),
        };
        let authority = Authority::new(
            "CA",
            &[("O", "Example")],
            KeyAlgorithm::Ed25519,
            validity,
            &mut rng,
        )
        .expect("an authority");
        let list = authority
            .revoke(&revocation(None, &["0102"]))
            .expect("a list");
        let pem = authority
            .issue("#alice#*", &[], KeyAlgorithm::EcdsaP256, validity, &mut rng)
            .expect("PEM");
        let right = [
            der(&pem, LABELS[0]),
            der(&pem, LABELS[1]),
            der(&list, LABELS[2]),
        ];
        Known { authority, right }
    })
}

fn revocation<'a>(list: Option<&'a str>, serials: &'a [&'a str]) -> Revocation<'a> {
    Revocation {
        list,
        serials,
        now: Timestamp(1_000_000),
        next: Timestamp(2_000_000),
    }
}

fn block(label: &str, der: &[u8]) -> String {
    let mut pem = format!("-----BEGIN {label}-----\n");
    let text = STANDARD.encode(der);
    for line in text.as_bytes().chunks(64) {
        pem.push_str(std::str::from_utf8(line).expect("base64 is text"));
        pem.push('\n');
    }
    pem + &format!("-----END {label}-----\n")
}

fn read(text: &str) {
    let _ = Ed25519Signer::from_pem(text);
    let _ = P256Signer::from_pem(text);
    let _ = CertificateIdentity::from_pem(text);
    let _ = text.parse::<CertificateTrust>();
    let _ = summaries(text);
    if let Ok(authority) = Authority::from_pem(text) {
        let _ = authority.certificate_pem();
    }
    // What it continues must be of its own making, or nearly so.
    let _ = known().authority.revoke(&revocation(Some(text), &["0a"]));
}

fuzz_target!(|input: (u8, Vec<u8>, Vec<(u16, u8)>, String)| {
    let (which, any, changes, serial) = input;
    let right = &known().right;
    let which = usize::from(which) % LABELS.len();
    read(&block(LABELS[which], &any));
    let mut changed = right.clone();
    for (at, with) in changes {
        let block = &mut changed[which];
        let at = usize::from(at) % block.len();
        block[at] ^= with;
    }
    let all: String = LABELS
        .iter()
        .zip(&changed)
        .map(|(label, der)| block(label, der))
        .collect();
    read(&all);
    let serials = [serial.as_str()];
    let _ = known().authority.revoke(&revocation(None, &serials));
});
