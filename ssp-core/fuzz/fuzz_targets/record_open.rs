//! Opening any bytes, as they are and behind a right header.

#![no_main]

use cliques::GroupSecret;
use gcs_proto::service::Service;
use libfuzzer_sys::fuzz_target;
use ssp_core::{
    RecordSuite,
    epoch::{EpochKeys, ViewKeys},
    record::Header,
    schedule::{KeyContext, KeySchedule},
};

fuzz_target!(|data: &[u8]| {
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
    let suite = RecordSuite::default();
    let keys = EpochKeys::new(schedule, 0);
    let mut keys = ViewKeys::new(chat, alice, vec![alice], suite, 1_024, keys);
    assert!(keys.open(&alice, Service::Agreed, data).is_err());
    let header = Header { suite: suite.number(), flags: 0, key_id, sequence: 1 };
    let mut message = header.encode().to_vec();
    message.extend_from_slice(data);
    assert!(keys.open(&alice, Service::Agreed, &message).is_err());
});
