//! Every byte of every kind of token wrong at the moment when the right one is due, in every design
//! of the agreement; and tokens of other views, epochs, groups, stays and members.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod changed;
mod foreign;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;

use bytes::Bytes;
use cliques::{Envelope, Protocol, Recipient, Signer, TokenBinding, TokenKind};
use gcs_proto::{
    gcs::{ByteOrder, GcsEvent, Message, Scope},
    name::{GroupName, MemberName},
    service::Service,
};
use gka_robust::Algorithm;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::Rng;
use ssp_core::{
    Confirmation, Fingerprint, GroupFailure, GroupOptions, GroupStats, NamedGroup, Phase,
    SessionConfig, SessionEvent, wire,
};
use support::{World, flips, group, member, signer, trust};

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];

const DESIGNS: [(Protocol, Algorithm); 8] = [
    (Protocol::GDH, Algorithm::Basic),
    (Protocol::GDH, Algorithm::Optimized),
    (Protocol::BD, Algorithm::Restart),
    (Protocol::CKD, Algorithm::Restart),
    (Protocol::CKD, Algorithm::Incremental),
    (Protocol::STR, Algorithm::Incremental),
    (Protocol::TGDH, Algorithm::Restart),
    (Protocol::TGDH, Algorithm::Incremental),
];

/// Bytes behind the token: the original type and the view, if it was sent while the view was new; the
/// group, if it is for some members only.
fn tag(message: &Message) -> usize {
    let view = if message.message_type == TAGGED {
        2 + 12
    } else {
        0
    };
    let group = match message.scope {
        Scope::Named => 0,
        Scope::Subset => 32,
    };
    view + group
}

/// The flush layer's type of messages that name their view.
const TAGGED: i16 = -32_766;

fn chat() -> GroupName {
    group("chat")
}

fn options((protocol, algorithm): (Protocol, Algorithm)) -> GroupOptions {
    GroupOptions {
        protocol,
        algorithm: Some(algorithm),
        confirmation: Confirmation::Explicit,
        ..GroupOptions::default()
    }
}

/// A token as the engine carries it: what it is, and where its envelope ends.
fn token(message: &Message) -> Option<(TokenKind, usize)> {
    let end = message.body.len().checked_sub(tag(message))?;
    let message_type = match message.message_type {
        // Of this writer's byte order.
        TAGGED => i16::from_le_bytes([message.body[end], message.body[end + 1]]),
        other => other,
    };
    match wire::Content::of(message_type) {
        wire::Content::Token(Some(kind)) => Some((kind, end)),
        _ => None,
    }
}

/// Everything of a group that counts tokens dropped.
fn drops(stats: &GroupStats) -> u64 {
    stats.agreement.token_drops.total() + stats.unconfirmed
}

/// Where the fields of an envelope lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    /// Version, suite, kind, lengths, algorithm: what can be read or used at all.
    Form,
    /// Group, view, epoch, member list.
    Place,
    /// Sender or receiver.
    Name,
    /// Under the signature alone, or the signature itself.
    Signed,
}

fn fields(token: &[u8]) -> Vec<Field> {
    let mut fields = Vec::new();
    let enc16 = |fields: &mut Vec<Field>, field| {
        let at = fields.len();
        let length = usize::from(u16::from_be_bytes([token[at], token[at + 1]]));
        fields.extend([Field::Form; 2]);
        fields.extend(vec![field; length]);
    };
    fields.extend([Field::Form; 4]);
    enc16(&mut fields, Field::Form);
    enc16(&mut fields, Field::Place);
    fields.extend([Field::Place; 12 + 4]);
    fields.extend([Field::Signed; 8]);
    fields.extend([Field::Place; 16]);
    enc16(&mut fields, Field::Name);
    enc16(&mut fields, Field::Name);
    let at = fields.len();
    let length = u32::from_be_bytes(token[at..at + 4].try_into().unwrap());
    fields.extend([Field::Form; 4]);
    fields.extend(vec![Field::Signed; length as usize]);
    fields.push(Field::Form);
    enc16(&mut fields, Field::Signed);
    assert_eq!(fields.len(), token.len());
    fields
}

/// What a listener on the wire does to a run.
struct Attacker {
    rng: ChaCha20Rng,
    /// Kinds that were attacked, and of which the right token was then taken.
    kinds: BTreeSet<TokenKind>,
    /// Changed tokens, of them those that only the signature tells.
    changed: u64,
    signed: u64,
    /// Who was told of whom, in which view.
    told: BTreeSet<(usize, u64, MemberName)>,
}

impl Attacker {
    fn new() -> Self {
        Self {
            rng: ChaCha20Rng::seed_from_u64(99),
            kinds: BTreeSet::new(),
            changed: 0,
            signed: 0,
            told: BTreeSet::new(),
        }
    }

    /// Until nobody has anything to do; before a member gets the first token of a kind from another
    /// one, it gets all wrong ones.
    fn run(&mut self, world: &mut World) {
        loop {
            let busy = |node: &usize| {
                let node = &world.nodes[*node];
                node.alive && !node.inbox.is_empty()
            };
            let ready: Vec<usize> = (0..world.nodes.len()).filter(busy).collect();
            if ready.is_empty() {
                return;
            }
            let node = ready[world.rng.next_u32() as usize % ready.len()];
            let me = world.nodes[node].name;
            let attacked = match world.nodes[node].inbox.front() {
                Some(GcsEvent::Message(message)) if message.sender != me => {
                    let kind = token(message).map(|(kind, _)| kind);
                    kind.filter(|kind| !self.kinds.contains(kind))
                        .map(|kind| (kind, message.clone()))
                }
                _ => None,
            };
            let Some((kind, honest)) = attacked else {
                world.handle_next(node);
                continue;
            };
            let before = accepted(world, node);
            self.attack(world, node, &honest);
            assert_eq!(accepted(world, node), before);
            let missing = world.nodes[node].session().stats(&chat()).unwrap();
            world.handle_next(node);
            let after = world.nodes[node].session().stats(&chat()).unwrap();
            // Too late, or for somebody else: then another one has to show it.
            if accepted(world, node) > before
                || (kind == TokenKind::KEY_CONFIRMATION && after.unconfirmed == missing.unconfirmed)
            {
                self.kinds.insert(kind);
            }
        }
    }

    /// Gives a member all that the honest message is not.
    fn attack(&mut self, world: &mut World, node: usize, honest: &Message) {
        let (kind, end) = token(honest).unwrap();
        let fields = fields(&honest.body[..end]);
        let with = [1, 2, 4, 8, 16, 32, 64, 128, 0xff];
        for (at, changed) in flips(&honest.body, &with) {
            // The tag is not the token's; what becomes of it may be for another layer. Behind the
            // end of the group's name nothing is read.
            let group = tag(honest).saturating_sub(32);
            if at > end + group + chat().as_bytes().len() {
                continue;
            }
            let field = fields.get(at).copied();
            self.refuse(world, node, honest, kind, field, changed);
        }
        let tag = &honest.body[end..];
        for length in 0..end {
            let cut = [&honest.body[..length], tag].concat();
            self.refuse(world, node, honest, kind, Some(Field::Form), cut);
        }
        for more in [1, 2, 64] {
            let longer = [&honest.body[..end], &vec![0; more], tag].concat();
            self.refuse(world, node, honest, kind, Some(Field::Form), longer);
        }
    }

    fn refuse(
        &mut self,
        world: &mut World,
        node: usize,
        honest: &Message,
        kind: TokenKind,
        field: Option<Field>,
        changed: Vec<u8>,
    ) {
        let now = world.now;
        let session = world.nodes[node].session();
        let (phase, before) = (
            session.group_state(&chat()),
            session.stats(&chat()).unwrap(),
        );
        let key = session.fingerprint(&chat());
        let message = GcsEvent::Message(Message {
            body: changed.into(),
            ..honest.clone()
        });
        session.handle_event(message, now, &mut self.rng);
        let after = session.stats(&chat()).unwrap();
        let told: Vec<SessionEvent> = std::iter::from_fn(|| session.poll_event()).collect();
        assert!(
            session.poll_command().is_none(),
            "{kind} {field:?}: answered"
        );
        assert_eq!(session.group_state(&chat()), phase, "{kind} {field:?}");
        assert_eq!(session.fingerprint(&chat()), key, "{kind} {field:?}");
        let Some(field) = field else {
            // Told at most as a message in the clear.
            let harmless = |event: &SessionEvent| {
                matches!(event, SessionEvent::MessageRejected { sender, .. } if *sender == honest.sender)
                    || is_signature(event, honest)
            };
            assert!(told.iter().all(harmless), "{kind}, tag: {told:?}");
            if told.iter().any(|event| is_signature(event, honest)) {
                let view = (node, after.agreement.memberships, honest.sender);
                assert!(self.told.insert(view));
            }
            return;
        };
        self.changed += 1;
        assert_eq!(
            drops(&after) - drops(&before),
            1,
            "{kind} {field:?}: {after:?}"
        );
        let (new, old) = (&after.agreement.token_drops, &before.agreement.token_drops);
        if kind == TokenKind::KEY_CONFIRMATION {
            // Whatever it is, it confirms nothing, and accuses nobody.
            assert_eq!(told, [], "{field:?}");
            return;
        }
        match field {
            Field::Form => assert_eq!(new.wrong_epoch, old.wrong_epoch),
            Field::Place => {
                let place = |drops: &gka_robust::TokenDrops| drops.wrong_epoch + drops.group_name;
                assert_eq!(place(new), place(old) + 1, "{kind}");
            }
            Field::Name => {
                let name = |drops: &gka_robust::TokenDrops| {
                    // A byte that no name may have makes the token unreadable.
                    let unreadable = drops.malformed;
                    unreadable + drops.sender_mismatch + drops.not_in_view + drops.not_for_me
                };
                assert_eq!(name(new), name(old) + 1, "{kind}");
            }
            Field::Signed => {
                self.signed += 1;
                assert_eq!(new.bad_signature, old.bad_signature + 1, "{kind}");
            }
        }
        // Only a bad signature and another suite are for the application, once in each view.
        let view = (node, after.agreement.memberships, honest.sender);
        let tells =
            new.bad_signature > old.bad_signature || new.suite_mismatch > old.suite_mismatch;
        if tells && self.told.insert(view) {
            let mismatch = |event: &SessionEvent| {
                matches!(event, SessionEvent::GroupFailed { suspects, reason: GroupFailure::SuiteMismatch(_), .. }
                    if *suspects == [honest.sender])
            };
            let right = is_signature(&told[0], honest) || mismatch(&told[0]);
            assert!(told.len() == 1 && right, "{kind} {field:?}: {told:?}");
        } else {
            assert_eq!(told, [], "{kind} {field:?}");
        }
    }
}

fn is_signature(event: &SessionEvent, honest: &Message) -> bool {
    matches!(event, SessionEvent::GroupFailed { suspects, reason: GroupFailure::BadSignature, .. }
        if *suspects == [honest.sender])
}

fn accepted(world: &mut World, node: usize) -> u64 {
    let stats = world.nodes[node].session().stats(&chat());
    stats.map_or(0, |stats| stats.agreement.tokens_accepted)
}

/// Joins, refreshes, a partition, a merge and a leave; the keys that each member had.
fn story(
    world: &mut World,
    design: (Protocol, Algorithm),
    mut run: impl FnMut(&mut World),
) -> Vec<Vec<(u32, Fingerprint)>> {
    for node in 0..4 {
        world.join_with(node, chat(), options(design));
        run(world);
    }
    world.assert_agreed(chat(), &[0, 1, 2, 3]);
    world.refresh(1, chat()).unwrap();
    run(world);
    world.send(0, chat(), Service::Agreed, b"before").unwrap();
    run(world);
    world.partition(&[&[0, 1], &[2, 3]]);
    run(world);
    world.assert_agreed(chat(), &[0, 1]);
    world.assert_agreed(chat(), &[2, 3]);
    world.heal();
    run(world);
    world.assert_agreed(chat(), &[0, 1, 2, 3]);
    world.leave(0, chat());
    run(world);
    world.leave(3, chat());
    run(world);
    world.assert_agreed(chat(), &[1, 2]);
    world.refresh(2, chat()).unwrap();
    run(world);
    world.send(2, chat(), Service::Agreed, b"after").unwrap();
    run(world);
    for node in [1, 2] {
        assert_eq!(world.nodes[node].payloads(), [&b"before"[..], b"after"]);
    }
    let keys = |view: &&ssp_core::SecureViewEvent| (view.epoch, view.fingerprint);
    let nodes = world.nodes.iter();
    nodes
        .map(|node| node.views().iter().map(keys).collect())
        .collect()
}

// Tokens in parts.

/// Two members over an engine that carries no token in one piece.
fn narrow(seed: u64) -> World {
    let names = ["alice", "bob"];
    let mut world = World::new(seed);
    for name in names {
        let mut config = SessionConfig::default();
        config.capabilities.message = 160;
        world.add_as(name, signer(name), trust(&names), config);
    }
    for node in 0..2 {
        world.join(node, chat());
        world.run();
    }
    world.assert_agreed(chat(), &[0, 1]);
    world
}

/// The next part of a token of bob's that alice is about to get, and which one of them it is.
fn next_part(world: &mut World, from: usize) -> Option<usize> {
    let bob = world.nodes[1].name;
    world.nodes[0].held = true;
    world.run();
    let is_part = |event: &GcsEvent| {
        matches!(event, GcsEvent::Message(message)
            if message.sender == bob && message.message_type == wire::TOKEN_PART)
    };
    let parts = world.nodes[0].inbox.iter().enumerate();
    let mut parts = parts.filter(|(_, event)| is_part(event));
    parts.nth(from).map(|(at, _)| at)
}

// Tokens that are right, elsewhere.

/// All tokens that were sent, with their senders: bare, and where they named their view, as they were.
fn tokens(world: &World) -> Vec<(usize, i16, Bytes)> {
    let mut all = Vec::new();
    for (name, sent) in &world.wire {
        let sender = world.nodes.iter().position(|node| node.name == *name);
        let sender = sender.unwrap();
        let message = Message {
            sender: *name,
            destinations: sent.destinations.clone(),
            service: sent.service,
            self_delivery: sent.self_delivery,
            scope: sent.scope,
            message_type: sent.message_type,
            order: ByteOrder::Little,
            body: sent.body.clone(),
        };
        let Some((kind, end)) = token(&message) else {
            continue;
        };
        let wire_type = wire::wire_type(kind);
        all.push((sender, wire_type, sent.body.slice(..end)));
        if message.message_type == TAGGED {
            all.push((sender, TAGGED, sent.body.slice(..end + 2 + 12)));
        }
    }
    all
}

/// A group is founded, refreshed and left, with these tokens of elsewhere thrown in at each step,
/// in their senders' names and in others'.
fn among(world: &mut World, design: (Protocol, Algorithm), foreign: &[(usize, i16, Bytes)]) {
    let mut next = 0;
    let mut run = |world: &mut World| {
        while world.step() {
            if next < 400 && world.rng.next_u32().is_multiple_of(2) {
                let (sender, message_type, body) = &foreign[next % foreign.len()];
                next += 1;
                let sender = match world.rng.next_u32() % 4 {
                    0 => world.rng.next_u32() as usize % 3,
                    _ => *sender,
                };
                world.inject(sender, chat(), Service::Agreed, *message_type, body.clone());
            }
        }
    };
    for node in 0..3 {
        world.join_with(node, chat(), options(design));
        run(world);
    }
    world.assert_agreed(chat(), &[0, 1, 2]);
    world.refresh(0, chat()).unwrap();
    run(world);
    world.assert_agreed(chat(), &[0, 1, 2]);
    world.send(1, chat(), Service::Agreed, b"read").unwrap();
    run(world);
    for node in 0..3 {
        assert_eq!(world.nodes[node].payloads(), [b"read"]);
    }
    world.leave(2, chat());
    run(world);
    world.assert_agreed(chat(), &[0, 1]);
}

fn fingerprints(world: &World) -> BTreeSet<Fingerprint> {
    let views = world.nodes.iter().flat_map(|node| node.views());
    views.map(|view| view.fingerprint).collect()
}

/// A token for the present view and the next key, as its signer makes it.
fn forged(world: &mut World, of: &str, by: &str, kind: TokenKind, epoch: u32) -> Bytes {
    let view = world.nodes[0].last_view();
    let id = |name: &MemberName| MemberName::new(name.as_bytes()).unwrap();
    let members: Vec<MemberName> = view.view.members.iter().map(id).collect();
    let binding = TokenBinding {
        protocol: Protocol::GDH,
        group_name: NamedGroup::Ristretto255.as_str().to_string(),
        group: chat().as_bytes().to_vec(),
        view_id: view.view.id.0,
        view_hash: TokenBinding::view_hash(&members),
    };
    let envelope = Envelope {
        kind,
        epoch,
        timestamp: world.now.0,
        sender: id(&member(of)),
        recipient: Recipient::Group,
        body: vec![0; 20],
    };
    let by: &dyn Signer = &signer(by);
    envelope.seal(&binding, by).into()
}
