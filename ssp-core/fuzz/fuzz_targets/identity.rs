//! Everything that strangers can show of an identity, and the files of trust and policy.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use ssp_core::{
    Timestamp,
    access::FilePolicy,
    identity::{
        Challenge, JoinProof, OwnIdentity, Proof, Trust,
        x509::{Authority, CertificateIdentity, CertificateTrust, KeyAlgorithm, Validity, summaries},
    },
};

struct Known {
    trust: CertificateTrust,
    evidence: Vec<u8>,
}

fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let validity = Validity { not_before: Timestamp(0), not_after: Timestamp(2_000_000_000_000) };
        let kind = KeyAlgorithm::EcdsaP256;
        let ca = Authority::new("CA", &[], kind, validity, &mut rng).expect("an authority");
        let pem = ca.issue("#alice#*", &[], kind, validity, &mut rng).expect("a certificate");
        let alice = CertificateIdentity::from_pem(&pem).expect("an identity");
        Known {
            trust: ca.certificate_pem().expect("PEM").parse().expect("trust"),
            evidence: alice.evidence().expect("evidence").to_vec(),
        }
    })
}

fuzz_target!(|data: (Vec<u8>, Vec<(u16, u8)>)| {
    let (bytes, changes) = data;
    let known = known();
    let alice = "#alice#n1".parse().expect("a name");
    let mut evidence = known.evidence.clone();
    let mut changed = false;
    for (at, with) in changes {
        let length = evidence.len();
        if let Some(byte) = evidence.get_mut(usize::from(at) % length) {
            changed |= with != 0;
            *byte ^= with;
        }
    }
    for shown in [&bytes, &evidence] {
        let accepted = known.trust.identify(&alice, Some(shown), Timestamp(1_000_000)).is_ok();
        assert!(!accepted || !changed || *shown == known.evidence);
    }
    if let Ok(challenge) = Challenge::decode(&bytes) {
        assert_eq!(challenge.encode(), bytes);
    }
    if let Ok(proof) = Proof::decode(&bytes) {
        assert_eq!(proof.encode(), bytes);
    }
    if let Ok(answer) = JoinProof::decode(&bytes) {
        assert_eq!(answer.encode(), bytes);
    }
    if let Ok(text) = std::str::from_utf8(&bytes) {
        let _ = text.parse::<FilePolicy>();
        let _ = text.parse::<CertificateTrust>();
        let _ = CertificateIdentity::from_pem(text);
        let _ = summaries(text);
    }
});
