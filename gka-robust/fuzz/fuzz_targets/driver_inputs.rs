//! A driver under a flush service and members that do anything, in any order. No panic; errors for
//! what the application asks only, and then nothing changes; nothing is sent between Flush_Ok and
//! membership; no Flush_Ok without a request; early data stays within its bound.
//!
//! Input: a list of events, each one byte for its kind and what the kind needs.
#![no_main]

use std::sync::Arc;

use bytes::Bytes;
use cliques::{
    Envelope, MemberName, Protocol, Recipient, TokenBinding, TokenKind,
    testing::{
        rng::seeded,
        signature::{TestSigner, TestVerifier},
        world::members,
    },
};
use gka_robust::{
    Algorithm, Cause, Config, Failure, FailureReason, Input, Output, RefreshPolicy, RobustDriver,
    View, ViewId,
};
use libfuzzer_sys::fuzz_target;

const GROUP: &[u8] = b"group";
const QUEUE_BYTES: usize = 4096;

/// Bytes of the fuzzer, zeros at the end.
struct Source<'a>(&'a [u8]);

impl Source<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn bytes(&mut self) -> Vec<u8> {
        let len = usize::from(self.byte()).min(self.0.len());
        let (bytes, rest) = self.0.split_at(len);
        self.0 = rest;
        bytes.to_vec()
    }

    fn name(&mut self) -> MemberName {
        members([usize::from(self.byte() % 5)]).remove(0)
    }

    fn names(&mut self) -> Vec<MemberName> {
        (0..self.byte() % 6).map(|_| self.name()).collect()
    }
}

/// What a driver runs.
type Design = (Protocol, Algorithm);

const DESIGNS: [Design; 7] = [
    (Protocol::GDH, Algorithm::Basic),
    (Protocol::GDH, Algorithm::Optimized),
    (Protocol::BD, Algorithm::Restart),
    (Protocol::CKD, Algorithm::Incremental),
    (Protocol::STR, Algorithm::Incremental),
    (Protocol::TGDH, Algorithm::Incremental),
    (Protocol::TGDH, Algorithm::Restart),
];

fn config(me: MemberName, (protocol, algorithm): Design) -> Config {
    Config {
        signer: Arc::new(TestSigner::new(me.clone())),
        me,
        group: GROUP.to_vec(),
        protocol,
        mathematical_group: "toy17".parse().expect("the group of tests"),
        algorithm,
        refresh: RefreshPolicy::default(),
        verifier: Arc::new(TestVerifier::new()),
        queue_bytes: QUEUE_BYTES,
        timestamp_window: None,
        event_log: 0,
    }
}

/// A view, often one that a flush service could give.
fn view(source: &mut Source<'_>, me: &MemberName) -> View {
    let mut names = source.names();
    let mut together = source.names();
    if source.byte() % 8 != 0 {
        names.sort();
        names.dedup();
        together.push(me.clone());
        if !names.contains(me) {
            names.insert(usize::from(source.byte()) % (names.len() + 1), me.clone());
        }
    }
    View {
        id: ViewId([source.byte() % 4; 12]),
        members: names,
        transitional_set: together,
        cause: match source.byte() % 4 {
            0 => Cause::Join(source.name()),
            1 => Cause::Leave(source.name()),
            2 => Cause::Disconnect(source.name()),
            _ => Cause::Network,
        },
    }
}

/// A token that its author signed, for the view of the driver as a rule.
fn token(
    source: &mut Source<'_>,
    driver: &RobustDriver<Bytes>,
    protocol: Protocol,
) -> Input<Bytes> {
    let sender = source.name();
    let kinds = Protocol::all_kinds();
    let kind = kinds[usize::from(source.byte()) % kinds.len()];
    let (view_id, listed) = match driver.view() {
        Some(view) => (view.id.0, view.members.clone()),
        None => ([0; 12], Vec::new()),
    };
    let binding = TokenBinding {
        protocol,
        group_name: "toy17".into(),
        group: GROUP.to_vec(),
        view_id,
        view_hash: TokenBinding::view_hash(&listed),
    };
    let envelope = Envelope {
        kind,
        epoch: u32::from(source.byte() % 3),
        timestamp: u64::from(source.byte()),
        sender: sender.clone(),
        recipient: match source.byte() % 2 {
            0 => Recipient::Group,
            _ => Recipient::Member(source.name()),
        },
        body: source.bytes(),
    };
    let mut bytes = envelope.seal(&binding, &TestSigner::new(sender.clone()));
    if source.byte() % 8 == 0 {
        let place = usize::from(source.byte()) % bytes.len();
        bytes[place] ^= source.byte();
    }
    Input::Token {
        sender,
        kind: Some(kind),
        bytes: bytes.into(),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut source = Source(bytes);
    let me = source.name();
    let design = DESIGNS[usize::from(source.byte()) % DESIGNS.len()];
    let mut driver = RobustDriver::new(config(me.clone(), design)).expect("it exists");
    let mut rng = seeded(1);
    // Own broadcasts, which come back.
    let mut sent: Vec<(TokenKind, Bytes)> = Vec::new();
    let mut requests = 0;
    let mut flushed = false;
    while !source.0.is_empty() {
        let input = match source.byte() % 12 {
            0 => Input::Membership(view(&mut source, &me)),
            1 => Input::FlushRequest,
            2 => Input::TransitionalSignal,
            3 => Input::Data(source.bytes().into()),
            4 => Input::EarlyData(source.bytes().into()),
            5 => Input::SecureFlushOk,
            6 => Input::RequestRefresh,
            7 => Input::Fail(Failure::of(source.name(), FailureReason::UnknownIdentity)),
            8 if !sent.is_empty() => {
                let (kind, bytes) = sent[usize::from(source.byte()) % sent.len()].clone();
                Input::Token {
                    sender: me.clone(),
                    kind: Some(kind),
                    bytes,
                }
            }
            8 | 9 => Input::Token {
                sender: source.name(),
                kind: None,
                bytes: source.bytes().into(),
            },
            10 => {
                driver.reset();
                (requests, flushed) = (0, false);
                assert!(driver.poll_output().is_none());
                continue;
            }
            _ => token(&mut source, &driver, design.0),
        };
        let asked = matches!(input, Input::SecureFlushOk | Input::RequestRefresh);
        requests += usize::from(matches!(input, Input::FlushRequest));
        let before = (format!("{driver:?}"), driver.stats().clone());
        let result = driver.handle(input, 0, &mut rng);
        if let Err(error) = result {
            assert!(asked, "{error}");
            assert_eq!((format!("{driver:?}"), driver.stats().clone()), before);
        }
        if driver.stats().memberships > before.1.memberships {
            (requests, flushed) = (0, false);
        }
        let mut delivered = 0;
        while let Some(output) = driver.poll_output() {
            match output {
                Output::Send(transmission) => {
                    assert!(!flushed, "{transmission:?} after Flush_Ok");
                    sent.push((transmission.kind, transmission.bytes.into()));
                }
                Output::FlushOk => {
                    assert!(!flushed && requests > 0, "Flush_Ok unasked");
                    flushed = true;
                }
                Output::Install { view, .. } => {
                    assert!(
                        view.view.members.contains(&me) && view.view.transitional_set.contains(&me)
                    );
                }
                Output::Deliver(data) => delivered += data.len(),
                Output::SecureFlushRequest
                | Output::SecureTransitionalSignal
                | Output::Failed(_) => {}
            }
        }
        assert!(delivered <= QUEUE_BYTES);
    }
});
