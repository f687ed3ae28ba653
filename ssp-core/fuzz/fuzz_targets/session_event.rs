//! A session and an engine that says anything: messages of any type and content from anybody, memberships, signals,
//! refusals, and time that passes. Nothing panics, nothing goes out in the clear, and events stay within
//! what was put in.

#![no_main]

use std::sync::Arc;

use gcs_proto::{gcs::*, name::MemberName, service::Service};
use libfuzzer_sys::fuzz_target;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use ssp_core::{
    Confirmation, Credentials, GroupOptions, PartDelivery, Protocol, RecordSuite, Session,
    SessionConfig, Signing, Timestamp,
    identity::{Ed25519Signer, TrustStore},
};

const CLEAR: &[u8] = b"never in the clear";

fn options(bits: u8) -> GroupOptions {
    let mut options = GroupOptions::of(Protocol::ALL[usize::from(bits) % Protocol::ALL.len()]);
    options.record = RecordSuite::ALL[usize::from(bits) % RecordSuite::ALL.len()];
    if bits & 0x20 != 0 {
        options.confirmation = Confirmation::Explicit;
    }
    if bits & 0x40 != 0 {
        options.parts = PartDelivery::Streamed;
    }
    if bits & 0x80 != 0 {
        options.protection.signing = Signing::Require;
    }
    options
}

fuzz_target!(|input: (u8, Vec<(u8, i16, Vec<u8>)>)| {
    let (bits, happenings) = input;
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let names: [MemberName; 3] =
        ["#alice#n1", "#bob#n1", "#mallory#n1"].map(|name| name.parse().expect("a member name"));
    let group = "chat".parse().expect("a group name");
    let signer = Ed25519Signer::from_seed(&[1; 32]);
    let mut trust = TrustStore::new();
    trust
        .insert("alice", signer.public_key())
        .expect("a session name");
    let bob = Ed25519Signer::from_seed(&[2; 32]).public_key();
    trust.insert("bob", bob).expect("a session name");
    let credentials = Credentials {
        signer: Arc::new(signer),
        trust: Arc::new(trust),
    };
    let mut config = SessionConfig {
        message_bytes: 4_096,
        ..SessionConfig::default()
    };
    if bits & 0x10 != 0 {
        // Tokens go in parts.
        config.capabilities.message = 200;
    }
    let mut session = Session::new(names[0], credentials, config);
    session
        .join(group, options(bits), Timestamp(0))
        .expect("joined");
    let first = GcsEvent::Membership(Membership {
        group,
        view: View {
            id: ViewId([1; 12]),
            members: names[..1].to_vec(),
            cause: Cause::Join(names[0]),
            transitional_set: names[..1].to_vec(),
        },
    });
    let mut now = Timestamp(1);
    session.handle_event(first, now, &mut rng);
    for (bits, message_type, body) in happenings {
        now = now.after(u64::from(bits));
        let chosen = |mask: u8| -> Vec<MemberName> {
            let place =
                |name: &&MemberName| names.iter().position(|other| other == *name).unwrap_or(0);
            names
                .iter()
                .filter(|name| mask & (1 << place(name)) != 0)
                .copied()
                .collect()
        };
        let at = |index: usize| body.get(index).copied().unwrap_or_default();
        let event = match message_type {
            0 => GcsEvent::Membership(Membership {
                group,
                view: View {
                    id: ViewId([at(0) % 4; 12]),
                    members: chosen(at(1)),
                    cause: match at(2) % 4 {
                        0 => Cause::Join(names[usize::from(at(3)) % 3]),
                        1 => Cause::Leave(names[usize::from(at(3)) % 3]),
                        2 => Cause::Disconnect(names[usize::from(at(3)) % 3]),
                        _ => Cause::Network,
                    },
                    transitional_set: chosen(at(4)),
                },
            }),
            1 => GcsEvent::TransitionalSignal { group },
            2 => GcsEvent::Refused(Refused::Leave(group)),
            3 => {
                session.handle_timeout(now, &mut rng);
                let _ = session.refresh(&group, now, &mut rng);
                continue;
            }
            4 => {
                let view = session.secure_view(&group).map(|view| view.number);
                if let Some(view) = view {
                    let _ = session.multicast(
                        &group,
                        view,
                        Service::Agreed,
                        SelfDelivery::Deliver,
                        7,
                        &[CLEAR],
                        &mut rng,
                    );
                }
                continue;
            }
            _ => GcsEvent::Message(Message {
                sender: names[usize::from(bits) % 3],
                destinations: vec![group.into()],
                service: Service::ALL[usize::from(bits >> 2) % 6],
                self_delivery: SelfDelivery::Deliver,
                scope: if bits & 0x80 == 0 {
                    Scope::Named
                } else {
                    Scope::Subset
                },
                message_type,
                order: ByteOrder::Little,
                body: body.into(),
            }),
        };
        session.handle_event(event, now, &mut rng);
        // What this member sends comes back, and may make it send more.
        for _ in 0..100 {
            while session.poll_event().is_some() {}
            let Some(command) = session.poll_command() else {
                break;
            };
            if let GcsCommand::Multicast(sent) = command {
                assert!(
                    !sent.body.windows(CLEAR.len()).any(|window| window == CLEAR)
                        || bits_in_clear(&session)
                );
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
                session.handle_event(GcsEvent::Message(back), now, &mut rng);
            }
        }
        assert!(session.poll_command().is_none(), "it never stops talking");
    }
});

/// One suite only authenticates.
fn bits_in_clear(session: &Session) -> bool {
    let group = "chat".parse().expect("a group name");
    session
        .secure_view(&group)
        .is_some_and(|view| view.record == RecordSuite::HMAC_SHA256)
}
