//! Opening any bytes, as they are and behind a right header, and any content that is authentic.

#![no_main]

use cliques::GroupSecret;
use gcs_proto::service::Service;
use libfuzzer_sys::fuzz_target;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use ssp_core::{
    RecordSuite,
    epoch::{EpochKeys, ViewKeys},
    record::{Header, flag},
    schedule::{KeyContext, KeySchedule},
};

fuzz_target!(|input: (u8, u16, &[u8])| {
    let (suite, flags, data) = input;
    let suite = RecordSuite::ALL[usize::from(suite) % RecordSuite::ALL.len()];
    let context = KeyContext {
        suite: "gdh",
        mathematical_group: "ristretto255",
        group: b"chat",
        view_id: &[1; 12],
        epoch: 0,
        members: &[b"#alice#n1"],
    };
    let schedule = KeySchedule::new(GroupSecret::new(vec![1; 32].into()), &context);
    let key_id = schedule.key_id();
    let Ok(alice) = "#alice#n1".parse() else { return };
    let Ok(chat) = "chat".parse() else { return };
    let keys = EpochKeys::new(schedule, 0);
    let mut keys = ViewKeys::new(chat, alice, vec![alice], suite, 1_024, keys);
    assert!(keys.open(&alice, Service::Agreed, data).is_err());
    let flags = flags & flag::KNOWN;
    let header = Header { suite: suite.number(), flags, key_id, sequence: 1 };
    let mut message = header.encode().to_vec();
    message.extend_from_slice(data);
    assert!(keys.open(&alice, Service::Agreed, &message).is_err());
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    // A member can put anything inside: here, under any flags, with a right tag.
    if let Some(message) = keys.seal_raw(Service::Agreed, flags, data, &mut rng) {
        let _ = keys.open(&alice, Service::Agreed, &message);
    }
});
