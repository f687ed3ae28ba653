//! Key schedule and sealed messages against the vectors of the protocol notes (`kdf.json`, made by
//! their reference model).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use std::collections::{BTreeMap, BTreeSet};

use cliques::{GroupSecret, SignatureAlgorithm, Signer, Verifier, VerifyError};
use gcs_proto::{name::MemberName, service::Service};
use rand_core::{CryptoRng, Rng, TryCryptoRng, TryRng};
use serde::Deserialize;
use ssp_core::{
    epoch::{EpochKeys, Signatures, ViewKeys},
    identity::{Ed25519Signer, PublicKey},
    record::{Authorship, Content, Header, Padding, Part, PartEnd, RecordSuite, flag},
    schedule::{KeyContext, KeySchedule},
};

#[derive(Deserialize)]
struct File {
    format: String,
    kdf: Vec<Kdf>,
    sealed: Vec<Sealed>,
}

#[derive(Deserialize)]
struct Kdf {
    name: String,
    secret: String,
    element_len: usize,
    suite: String,
    dh_group: String,
    group: String,
    view_id_bytes: String,
    epoch: u32,
    members: Vec<String>,
    context: String,
    context_hash: String,
    keys: BTreeMap<String, String>,
    record_keys: BTreeMap<String, BTreeMap<u8, String>>,
    exporter: Vec<Export>,
    confirm_tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Export {
    label: String,
    context: String,
    length: usize,
    output: String,
}

#[derive(Deserialize)]
struct Sealed {
    kdf_case: String,
    cipher_suite: u8,
    flags: u16,
    group: String,
    sender: String,
    service: u32,
    mess_type: i16,
    seq: u64,
    #[serde(default)]
    iv: Option<String>,
    #[serde(default)]
    part: Option<SplitPart>,
    #[serde(default)]
    pad_to: Option<u16>,
    #[serde(default)]
    ed25519_seed: Option<String>,
    plaintext: String,
    sealed: String,
}

#[derive(Deserialize)]
struct SplitPart {
    message: u32,
    index: u32,
    last: u8,
}

fn file() -> File {
    let file: File = serde_json::from_str(include_str!("vectors/kdf.json")).unwrap();
    assert_eq!(file.format, "ka-kdf-1");
    file
}

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex).unwrap()
}

impl Kdf {
    fn secret(&self) -> GroupSecret {
        let secret = bytes(&self.secret);
        let mut padded = vec![0; self.element_len.saturating_sub(secret.len())];
        padded.extend(secret);
        GroupSecret::new(padded.into_boxed_slice())
    }

    fn with_context<T>(&self, use_it: impl FnOnce(&KeyContext<'_>) -> T) -> T {
        let view_id: [u8; 12] = bytes(&self.view_id_bytes).try_into().unwrap();
        // Any order: the context sorts.
        let members: Vec<&[u8]> = self.members.iter().rev().map(String::as_bytes).collect();
        use_it(&KeyContext {
            suite: &self.suite,
            mathematical_group: &self.dh_group,
            group: self.group.as_bytes(),
            view_id: &view_id,
            epoch: self.epoch,
            members: &members,
        })
    }

    fn schedule(&self) -> KeySchedule {
        self.with_context(|context| KeySchedule::new(self.secret(), context))
    }
}

#[test]
fn key_schedule() {
    let file = file();
    assert_eq!(file.kdf.len(), 4);
    for case in &file.kdf {
        let schedule = case.schedule();
        let name = &case.name;
        let context = case.with_context(|context| context.encode());
        assert_eq!(hex::encode(context), case.context, "{name}");
        assert_eq!(hex::encode(schedule.context_hash()), case.context_hash);
        assert_eq!(schedule.key_id().to_string(), case.keys["key-id"], "{name}");
        assert_eq!(
            schedule.fingerprint().to_string().replace('-', ""),
            case.keys["fingerprint"]
        );
        for (member, suites) in &case.record_keys {
            assert!(suites.keys().eq(&[1, 2, 3, 4, 5]));
            for (number, expected) in suites {
                let suite = RecordSuite::from_number(*number).unwrap();
                let keys = schedule.record_keys(*number, suite.key_length(), member.as_bytes());
                assert_eq!(&hex::encode(&*keys), expected, "{name} {member} {suite}");
            }
        }
        assert!(!case.exporter.is_empty());
        for export in &case.exporter {
            let out = schedule
                .export(
                    export.label.as_bytes(),
                    &bytes(&export.context),
                    export.length,
                )
                .unwrap();
            assert_eq!(hex::encode(&*out), export.output, "{name} {}", export.label);
        }
        for (member, tag) in &case.confirm_tags {
            let expected: [u8; 16] = bytes(tag).try_into().unwrap();
            assert_eq!(schedule.confirmation_tag(member.as_bytes()), expected);
            assert!(schedule.confirms(member.as_bytes(), &expected));
            assert!(!schedule.confirms(b"#mallory#d1", &expected));
        }
    }
}

#[test]
fn fingerprint_reads_as_eight_groups_of_four() {
    let file = file();
    assert_eq!(
        file.kdf[0].schedule().fingerprint().to_string(),
        "381f-5b19-ad23-4d03-c7c8-1230-6088-18af"
    );
}

#[test]
fn exporter_bounds() {
    let schedule = file().kdf[0].schedule();
    assert_eq!(schedule.export(b"l", b"", 8_160).unwrap().len(), 8_160);
    assert!(schedule.export(b"l", b"", 8_161).is_none());
    assert!(schedule.export(&[b'l'; 65_535], b"", 1).is_some());
    assert!(schedule.export(&[b'l'; 65_536], b"", 1).is_none());
    // As documented: a longer export begins like a shorter one.
    let long = schedule.export(b"l", b"c", 64).unwrap();
    assert_eq!(&long[..32], &schedule.export(b"l", b"c", 32).unwrap()[..]);
}

/// Gives the bytes it was made with, and nothing else.
struct Replayed(Vec<u8>);

impl TryRng for Replayed {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        panic!("bytes only")
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        panic!("bytes only")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        let rest = self.0.split_off(out.len());
        out.copy_from_slice(&self.0);
        self.0 = rest;
        Ok(())
    }
}

impl TryCryptoRng for Replayed {}

fn keys(case: &Kdf, me: &str, suite: RecordSuite, sequence: u64) -> ViewKeys {
    let members = case
        .members
        .iter()
        .map(|member| member.parse().unwrap())
        .collect();
    ViewKeys::new(
        case.group.parse().unwrap(),
        me.parse().unwrap(),
        members,
        suite,
        1_024,
        EpochKeys::new(case.schedule(), case.epoch).counted(sequence, 0),
    )
}

/// Trusts one key, whoever uses it.
#[derive(Debug)]
struct OneKey(PublicKey);

impl Verifier for OneKey {
    fn verify(
        &self,
        _: &MemberName,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        assert_eq!(algorithm, SignatureAlgorithm::Ed25519);
        self.0.verify(message, signature)
    }
}

#[test]
fn sealed_messages() {
    let file = file();
    let mut suites = BTreeSet::new();
    let mut flags = 0;
    for vector in &file.sealed {
        let case = file
            .kdf
            .iter()
            .find(|case| case.name == vector.kdf_case)
            .unwrap();
        let suite = RecordSuite::from_number(vector.cipher_suite).unwrap();
        let sender: MemberName = vector.sender.parse().unwrap();
        let service = Service::from_bits(vector.service).unwrap();
        assert_eq!(vector.group, case.group);
        let payload = bytes(&vector.plaintext);
        let mut rng = Replayed(bytes(vector.iv.as_deref().unwrap_or_default()));
        let rng: &mut dyn CryptoRng = &mut rng;
        let signer = vector
            .ed25519_seed
            .as_ref()
            .map(|seed| Ed25519Signer::from_seed(&bytes(seed).try_into().unwrap()));
        // In pieces, because that must make no difference.
        let (front, back) = payload.split_at(payload.len() / 3);
        let pieces: [&[u8]; 3] = [front, &[], back];
        let content = Content {
            part: vector.part.as_ref().map(|part| Part {
                message: part.message,
                index: part.index,
                end: if part.last == 1 {
                    PartEnd::Last
                } else {
                    PartEnd::More
                },
            }),
            padding: vector.pad_to.map_or(Padding::None, Padding::Multiple),
            signer: signer.as_ref().map(|signer| signer as &dyn Signer),
            ..Content::new(vector.mess_type, &pieces)
        };
        let sealed = keys(case, &vector.sender, suite, vector.seq)
            .seal_content(service, &content, rng)
            .unwrap();
        assert_eq!(hex::encode(&sealed), vector.sealed);
        assert_eq!(Header::accept(&sealed).unwrap().flags, vector.flags);

        let mut receiver = keys(case, &case.members[0], suite, 1);
        let verifier = signer.as_ref().map(|signer| OneKey(signer.public_key()));
        let signatures = match &verifier {
            Some(verifier) => Signatures::Required(verifier),
            None => Signatures::Unknown,
        };
        let opened = receiver
            .open_verified(&sender, service, &sealed, signatures)
            .unwrap();
        assert_eq!(opened.message_type, vector.mess_type);
        assert_eq!(&opened.payload[..], &payload[..]);
        assert_eq!(opened.epoch, case.epoch);
        assert_eq!(opened.part, content.part);
        assert_eq!(opened.authorship == Authorship::Signed, verifier.is_some());
        suites.insert(suite);
        flags |= vector.flags;
    }
    assert_eq!(suites.len(), 5, "vectors of every suite");
    assert_eq!(flags, flag::KNOWN, "vectors of every flag");
}

/// The replayed generator is only worth something if it is really read.
#[test]
#[should_panic(expected = "bytes only")]
fn replayed_generator_gives_bytes_only() {
    let _ = Rng::next_u32(&mut Replayed(Vec::new()));
}
