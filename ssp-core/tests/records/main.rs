//! Sealed messages: what opens, and everything that must not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod numbers;
mod opened;
mod random;
mod rejected;

use std::collections::BTreeSet;

use cliques::GroupSecret;
use gcs_proto::{
    name::{GroupName, MemberName},
    service::Service,
};
use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use ssp_core::{
    epoch::{EpochKeys, Opened, ViewKeys},
    record::{
        Authorship, Header, OpenError, RecordSuite, SEALED_BYTES_MAX, SEQUENCE_MAX, SealError,
    },
    replay::Replay,
    schedule::{KeyContext, KeySchedule},
};

const ALICE: &str = "#alice#n1";
const BOB: &str = "#bob#n1";
const CAROL: &str = "#carol#n1";

fn name(text: &str) -> MemberName {
    text.parse().unwrap()
}

fn schedule(secret: u8, group: &str, view: u8, epoch: u32) -> KeySchedule {
    KeySchedule::new(
        GroupSecret::new(vec![secret; 32].into_boxed_slice()),
        &KeyContext {
            suite: "gdh",
            mathematical_group: "ristretto255",
            group: group.as_bytes(),
            view_id: &[view; 12],
            epoch,
            members: &[ALICE, BOB].map(str::as_bytes),
        },
    )
}

fn epoch(number: u32) -> EpochKeys {
    EpochKeys::new(schedule(1, "chat", 1, number), number)
}

fn keys_of(me: &str, group: &str, suite: RecordSuite, epoch: EpochKeys) -> ViewKeys {
    let group: GroupName = group.parse().unwrap();
    let members = vec![name(ALICE), name(BOB)];
    ViewKeys::new(group, name(me), members, suite, 1_024, epoch)
}

fn keys(me: &str) -> ViewKeys {
    with(me, RecordSuite::default())
}

fn with(me: &str, suite: RecordSuite) -> ViewKeys {
    keys_of(me, "chat", suite, epoch(0))
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

fn seal(keys: &mut ViewKeys, payload: &[u8]) -> Vec<u8> {
    keys.seal(Service::Agreed, 5, &[payload], &mut rng())
        .unwrap()
}

fn open(keys: &mut ViewKeys, message: &[u8]) -> Result<Opened, OpenError> {
    keys.open(&name(ALICE), Service::Agreed, message)
}

/// A message with an honest tag and any sequence number, which no honest sender makes.
fn forged_by_member(sequence: u64) -> Vec<u8> {
    use hmac::{Hmac, KeyInit, Mac};
    let mut message = seal(&mut keys(ALICE), b"payload");
    message[12..20].copy_from_slice(&sequence.to_be_bytes());
    let material = schedule(1, "chat", 1, 0).record_keys(2, 64, ALICE.as_bytes());
    let mut aad = Vec::new();
    for part in ["chat", ALICE] {
        aad.extend((part.len() as u16).to_be_bytes());
        aad.extend(part.as_bytes());
    }
    aad.extend(Service::Agreed.bit().to_be_bytes());
    let end = message.len() - 32;
    let tag = Hmac::<sha2::Sha256>::new_from_slice(&material[32..])
        .unwrap()
        .chain_update(&aad)
        .chain_update(&message[..end])
        .chain_update((aad.len() as u64 * 8).to_be_bytes())
        .finalize()
        .into_bytes();
    message[end..].copy_from_slice(&tag);
    message
}
