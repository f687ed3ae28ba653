//! Sessions over an engine in memory: keys, messages, changes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod ends;
mod flush;
mod keys;
mod sends;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;

use gcs_proto::{
    gcs::{Cause, CloseReason, GcsEvent, Refused, SelfDelivery},
    service::Service,
};
use ssp_core::{
    Error, FlushMode, GroupOptions, NamedGroup, Phase, RecordSuite, SendError, SessionConfig,
    SessionEvent, ViewNumber,
    record::Header,
    wire::{self, Content},
};
use support::{World, contains, group, member, signer, trust};

/// Everybody joins, one after the other, at rest in between.
fn joined(seed: u64, names: &[&str]) -> World {
    let mut world = World::of(seed, names);
    for node in 0..names.len() {
        world.join(node, group("chat"));
        world.run();
    }
    world
}

/// Everything that was given to the engine is an acknowledgement of the flush layer, a readable
/// token or a sealed message, and none has a payload or a part of one in it.
fn assert_confidential(world: &World, payloads: &BTreeSet<Vec<u8>>) {
    let (mut tokens, mut sealed) = (0, 0);
    for (_, message) in &world.wire {
        let body = match message.message_type {
            // Acknowledgements of the flush layer.
            i16::MIN | -32_767 => {
                assert_eq!(message.body.len(), 12);
                continue;
            }
            // With the tag of its view: type and view id behind the body.
            -32_766 => &message.body[..message.body.len() - 14],
            _ => &message.body[..],
        };
        for payload in payloads {
            assert!(payload.len() < 16 || !contains(body, &payload[..16]));
        }
        match Content::of(message.message_type) {
            Content::Token(_) => {
                tokens += 1;
                let end = body.len() - reference(message);
                cliques::ReceivedToken::decode(&body[..end], cliques::Protocol::GDH)
                    .expect("a token");
            }
            Content::Sealed => {
                sealed += 1;
                assert_eq!(Header::accept(body).unwrap().suite, 2);
            }
            Content::Evidence | Content::TokenPart => panic!("none of these here"),
            Content::Reserved => {
                let end = body.len() - reference(message);
                match cliques::ReceivedToken::decode(&body[..end], cliques::Protocol::GDH) {
                    Ok(_) => tokens += 1,
                    Err(_) => {
                        sealed += 1;
                        assert_eq!(Header::accept(body).unwrap().suite, 2);
                    }
                }
            }
            Content::User => panic!("message type {}", message.message_type),
        }
    }
    assert!(tokens > 0 && sealed >= payloads.len());
}

/// Bytes of the reference group behind a subset cast.
fn reference(message: &gcs_proto::gcs::Multicast) -> usize {
    match message.scope {
        gcs_proto::gcs::Scope::Named => 0,
        gcs_proto::gcs::Scope::Subset => 32,
    }
}
