//! Certificates as identities: who is accepted, who is not and why, and groups whose members know
//! nothing of each other but their authority.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod certificates;
mod groups;
#[path = "../support/mod.rs"]
mod support;

use std::sync::Arc;

use gcs_proto::{
    flush,
    gcs::{ByteOrder, GcsCommand, GcsEvent, Refused},
    name::MemberName,
    service::Service,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use ssp_core::{
    Confirmation, Credentials, GroupFailure, GroupOptions, Phase, Protection, SendError, Session,
    SessionConfig, SessionEvent, Signing, Timestamp,
    access::{Action, FilePolicy},
    identity::{
        AnyOf, Challenge, ChallengeError, Distrust, Identity, IdentityError, OwnIdentity, Proof,
        Trust,
        x509::{
            Authority, CertificateIdentity, CertificateTrust, IssueError, KeyAlgorithm, Revocation,
            RevocationPolicy, TrustPemError, Validity, summaries,
        },
    },
    wire,
};
use support::{World, group, member};

/// The world's clock starts here.
const NOW: u64 = 1_000_000;
const VALID: Validity = Validity {
    not_before: Timestamp(0),
    not_after: Timestamp(2_000_000_000_000),
};
const KINDS: [KeyAlgorithm; 2] = [KeyAlgorithm::Ed25519, KeyAlgorithm::EcdsaP256];

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn authority(seed: u64, kind: KeyAlgorithm) -> Authority {
    let fields = [("O", "Example Ltd")];
    Authority::new("Example CA", &fields, kind, VALID, &mut rng(seed)).unwrap()
}

fn issue(authority: &Authority, name: &str, kind: KeyAlgorithm) -> CertificateIdentity {
    issue_for(authority, name, kind, VALID, &[])
}

fn issue_for(
    authority: &Authority,
    name: &str,
    kind: KeyAlgorithm,
    validity: Validity,
    fields: &[(&str, &str)],
) -> CertificateIdentity {
    let seed = name.bytes().fold(7, |sum, byte| sum * 31 + u64::from(byte));
    let pem = authority
        .issue(name, fields, kind, validity, &mut rng(seed))
        .unwrap();
    CertificateIdentity::from_pem(&pem).unwrap()
}

fn trust(authority: &Authority) -> CertificateTrust {
    authority.certificate_pem().unwrap().parse().unwrap()
}

fn reason(
    trust: &CertificateTrust,
    name: &str,
    identity: &CertificateIdentity,
    now: u64,
) -> Option<Distrust> {
    trust
        .identify(&name.parse().unwrap(), identity.evidence(), Timestamp(now))
        .err()
}

fn subject(name: &str) -> String {
    // As RFC 4514 writes a value that begins with #.
    format!("CN=\\{name}")
}

/// A node whose identity is a certificate.
fn add(
    world: &mut World,
    name: &str,
    identity: CertificateIdentity,
    trust: Arc<dyn Trust>,
) -> usize {
    let credentials = Credentials {
        signer: Arc::new(identity),
        trust,
    };
    let session = Session::new(member(name), credentials, SessionConfig::default());
    world.add_session(name, session)
}

fn refused(name: &str, reason: Distrust) -> SessionEvent {
    SessionEvent::IdentityRefused {
        group: group("chat"),
        member: member(name),
        reason,
    }
}

/// Thinks well of itself.
#[derive(Debug)]
struct Gullible {
    me: MemberName,
    others: Arc<dyn Trust>,
}

impl Trust for Gullible {
    fn identify(
        &self,
        name: &MemberName,
        evidence: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<Identity, Distrust> {
        if *name == self.me {
            let key = support::signer("mallory").public_key();
            return Ok(Identity::of_key(Arc::new(key)));
        }
        self.others.identify(name, evidence, now)
    }
}
