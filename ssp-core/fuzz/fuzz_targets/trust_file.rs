//! Trust files and key files.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ssp_core::identity::{Ed25519Signer, TrustStore};

fuzz_target!(|text: &str| {
    if let Err(error) = text.parse::<TrustStore>() {
        assert!(error.line >= 1);
    }
    let _ = Ed25519Signer::from_pem(text);
});
