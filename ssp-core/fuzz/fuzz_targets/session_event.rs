//! A member alone in its group gets messages of any type and content from anybody.

#![no_main]

use std::sync::Arc;

use gcs_proto::{gcs::*, name::MemberName, service::Service};
use libfuzzer_sys::fuzz_target;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use ssp_core::{
    Credentials, GroupOptions, Session, SessionConfig, Timestamp,
    identity::{Ed25519Signer, TrustStore},
};

fuzz_target!(|messages: Vec<(u8, i16, Vec<u8>)>| {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let names: [MemberName; 2] =
        ["#alice#n1", "#bob#n1"].map(|name| name.parse().expect("a member name"));
    let group = "chat".parse().expect("a group name");
    let signer = Ed25519Signer::from_seed(&[1; 32]);
    let mut trust = TrustStore::new();
    trust.insert("alice", signer.public_key()).expect("a session name");
    let credentials = Credentials { signer: Arc::new(signer), trust: Arc::new(trust) };
    let mut session = Session::new(names[0], credentials, SessionConfig::default());
    session.join(group, GroupOptions::default(), Timestamp(0)).expect("joined");
    let first = GcsEvent::Membership(Membership {
        group,
        id: ViewId([1; 12]),
        members: names[..1].to_vec(),
        cause: Cause::Join(names[0]),
        transitional_set: names[..1].to_vec(),
    });
    session.handle_event(first, Timestamp(0), &mut rng);
    let events = messages.into_iter().map(|(bits, message_type, body)| {
        GcsEvent::Message(Message {
            sender: names[usize::from(bits & 1)],
            destinations: vec![group.into()],
            service: Service::ALL[usize::from(bits >> 1) % 6],
            self_delivery: SelfDelivery::Deliver,
            scope: if bits & 0x80 == 0 { Scope::Named } else { Scope::Subset },
            message_type,
            order: ByteOrder::Little,
            body: body.into(),
        })
    });
    for event in events {
        session.handle_event(event, Timestamp(1), &mut rng);
        while session.poll_event().is_some() {}
        // What this member sends comes back.
        while let Some(command) = session.poll_command() {
            if let GcsCommand::Multicast(sent) = command {
                let back = Message {
                    sender: names[0],
                    destinations: sent.destinations,
                    service: sent.service,
                    self_delivery: sent.self_delivery,
                    scope: sent.scope,
                    message_type: sent.message_type,
                    order: ByteOrder::Little,
                    body: sent.body,
                };
                session.handle_event(GcsEvent::Message(back), Timestamp(1), &mut rng);
            }
        }
    }
});
