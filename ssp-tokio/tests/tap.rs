//! What a daemon gets to see of a secure group: every message that crosses it is put in its place.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod support;

use std::{collections::BTreeMap, sync::Arc};

use cliques::{ReceivedToken, SignatureAlgorithm, Verifier, VerifyError};
use gcs_daemon::{Direction, Tap};
use gcs_proto::{
    codec::{self, DataMessage, FrameDecoder, Request},
    flush,
    limits::AUTHENTICATION_CHOICE,
    name::MemberName,
    service::Service,
};
use ssp_tokio::{
    gcs_proto,
    ssp_core::{
        Timestamp,
        identity::Trust,
        record::{Header, RecordSuite},
        wire::Content,
    },
};
use support::{
    people::{Person, agree, credentials},
    start_daemon,
};

const FLUSH_OK: i16 = -32_768;
const FLUSH_RECV: i16 = -32_767;
const VIEW_ID: usize = 12;

/// What went to the group, by kind.
#[derive(Debug, Default)]
struct Seen {
    acknowledgements: usize,
    tokens: BTreeMap<String, usize>,
    sealed: usize,
}

/// All requests that clients made.
fn requests(tap: &Tap) -> Vec<(MemberName, Request)> {
    let names: BTreeMap<u64, MemberName> = tap
        .records()
        .iter()
        .filter_map(|record| Some((record.connection, record.member?)))
        .collect();
    let mut requests = Vec::new();
    for (connection, stream) in tap.streams(Direction::FromClient) {
        let member = names[&connection];
        let handshake = 5 + usize::from(stream[4]) + AUTHENTICATION_CHOICE;
        let mut decoder = FrameDecoder::new(codec::Direction::ToDaemon);
        decoder.push(&stream[handshake..]);
        while let Some(frame) = decoder.next_frame().unwrap() {
            requests.push((member, Request::decode(frame, &member).unwrap()));
        }
    }
    requests
}

/// Verifies with the keys that a member trusts.
#[derive(Debug)]
struct Known(Arc<dyn Trust>);

impl Verifier for Known {
    fn verify(
        &self,
        member: &MemberName,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        let name = MemberName::new(member.as_bytes()).unwrap();
        let identity = self.0.identify(&name, None, Timestamp(0)).unwrap();
        identity.key().verify(algorithm, message, signature)
    }
}

/// Puts a message in its place; panics if it has none.
fn classify(sender: &MemberName, message: DataMessage, seen: &mut Seen) {
    let order = message.hint.order();
    let sent = flush::original(message.into_multicast(), order);
    let (message_type, body) = (sent.message_type, &sent.body[..]);
    if [FLUSH_OK, FLUSH_RECV].contains(&message_type) {
        assert_eq!(body.len(), VIEW_ID);
        seen.acknowledgements += 1;
        return;
    }
    match Content::of(message_type) {
        Content::Token(kind) => {
            let token = ReceivedToken::decode(body, ssp_core::Protocol::GDH).unwrap();
            assert_eq!(token.sender().as_bytes(), sender.as_bytes());
            assert_eq!(Some(token.kind()), kind);
            let token = token.verify(&Known(credentials("a").trust)).unwrap();
            assert_eq!(*token.sender(), MemberName::new(sender.as_bytes()).unwrap());
            *seen.tokens.entry(token.kind().to_string()).or_default() += 1;
        }
        Content::Sealed => {
            let header = Header::accept(body).unwrap();
            assert_eq!(header.suite, RecordSuite::default().number());
            seen.sealed += 1;
        }
        Content::TokenPart | Content::Evidence | Content::Reserved | Content::User => {
            panic!("{sender} sent type {message_type} in the open: {sent:?}");
        }
    }
}

fn assert_absent(tap: &Tap, secret: &[u8]) {
    for direction in [Direction::FromClient, Direction::ToClient] {
        for (connection, stream) in tap.streams(direction) {
            let crossed = stream.windows(secret.len()).any(|window| window == secret);
            assert!(
                !crossed,
                "{:?} crossed connection {connection}",
                secret.escape_ascii().to_string()
            );
        }
    }
}

#[tokio::test]
async fn only_acknowledgements_signed_tokens_and_sealed_data_cross_the_daemon() {
    let daemon = start_daemon(&["n1", "n2"]).await;
    let tap = daemon.tap();
    let mut secrets: Vec<Vec<u8>> = Vec::new();
    let mut people = Vec::new();
    for (at, name) in [("n1", "a"), ("n1", "b"), ("n2", "c"), ("n2", "d")] {
        people.push(Person::join(&daemon, at, name).await);
        secrets.push(agree(&mut people).await.0.to_vec());
    }

    let mut sent = 0;
    for service in [
        Service::Reliable,
        Service::Fifo,
        Service::Agreed,
        Service::Safe,
    ] {
        let text = format!("a {service} message that nobody may read");
        people[0]
            .group
            .multicast(service, 7, text.clone())
            .await
            .unwrap();
        for person in &mut people {
            assert_eq!(person.message().await.payload, text);
        }
        secrets.push(text.into_bytes());
        sent += 1;
    }

    people[1].group.refresh().await.unwrap();
    for person in &mut people {
        secrets.push(person.refreshed().await.fingerprint.0.to_vec());
    }
    secrets.push(
        people[0]
            .group
            .export("label", b"", 32)
            .await
            .unwrap()
            .to_vec(),
    );

    daemon
        .control()
        .partition("n1 | n2".parse().unwrap())
        .await
        .unwrap();
    let (first, second) = people.split_at_mut(2);
    secrets.push(agree(first).await.0.to_vec());
    secrets.push(agree(second).await.0.to_vec());
    daemon.control().heal().await.unwrap();
    secrets.push(agree(&mut people).await.0.to_vec());

    people.pop().unwrap().group.leave().await.unwrap();
    secrets.push(agree(&mut people).await.0.to_vec());
    daemon
        .control()
        .drop_session(people.pop().unwrap().me())
        .await
        .unwrap();
    secrets.push(agree(&mut people).await.0.to_vec());

    let mut seen = Seen::default();
    for (member, request) in requests(&tap) {
        match request {
            Request::Data(message) => classify(&member, message, &mut seen),
            Request::Join(_) | Request::Leave(_) | Request::Disconnect => {}
        }
    }
    assert_eq!(seen.sealed, sent, "{seen:?}");
    assert!(seen.acknowledgements > 0, "{seen:?}");
    let kinds: Vec<_> = seen.tokens.keys().map(String::as_str).collect();
    assert_eq!(
        kinds,
        [
            "fact-out",
            "final-token",
            "key-list",
            "partial-token",
            "refresh-request"
        ]
    );
    for secret in &secrets {
        assert_absent(&tap, secret);
    }
    daemon.shutdown().await;
}
