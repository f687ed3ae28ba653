//! A message costs its output buffer and no other allocation, at either end.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs)]

use allocation_counter::measure;
use cliques::GroupSecret;
use gcs_proto::{name::MemberName, service::Service};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use ssp_core::{
    RecordSuite,
    epoch::{EpochKeys, ViewKeys},
    schedule::{KeyContext, KeySchedule},
};

fn keys(me: MemberName, members: &[MemberName], suite: RecordSuite) -> ViewKeys {
    let names: Vec<&[u8]> = members.iter().map(MemberName::as_bytes).collect();
    let context = KeyContext {
        suite: "gdh",
        mathematical_group: "ristretto255",
        group: b"chat",
        view_id: &[1; 12],
        epoch: 0,
        members: &names,
    };
    let schedule = KeySchedule::new(GroupSecret::new(vec![7; 32].into()), &context);
    let group = "chat".parse().unwrap();
    ViewKeys::new(
        group,
        me,
        members.to_vec(),
        suite,
        1_024,
        EpochKeys::new(schedule, 0),
    )
}

#[test]
fn sealing_and_opening_allocate_one_buffer_each() {
    let members: [MemberName; 2] = ["#alice#n1", "#bob#n1"].map(|name| name.parse().unwrap());
    for &suite in RecordSuite::ALL {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut alice = keys(members[0], &members, suite);
        let mut bob = keys(members[1], &members, suite);
        for length in [0, 1, 13, 14, 15, 1_000, 16_384, 100_000] {
            let payload = vec![1; length];
            let mut seal = || {
                alice
                    .seal(Service::Agreed, 1, &[&payload], &mut rng)
                    .unwrap()
            };
            // The first message of a sender under a key expands its keys.
            let first = seal();
            bob.open(&members[0], Service::Agreed, &first).unwrap();
            let mut sealed = None;
            let cost = measure(|| sealed = Some(seal()));
            let sealed = sealed.unwrap();
            assert_eq!(cost.count_total, 1, "seal {suite} {length}");
            assert_eq!(
                cost.bytes_total,
                sealed.len() as u64,
                "seal {suite} {length}"
            );
            let mut opened = None;
            let cost = measure(|| {
                opened = Some(bob.open(&members[0], Service::Agreed, &sealed).unwrap());
            });
            assert_eq!(cost.count_total, 1, "open {suite} {length}");
            assert_eq!(cost.bytes_total, length as u64 + 2, "open {suite} {length}");
            assert_eq!(opened.unwrap().payload, payload);
        }
    }
}
