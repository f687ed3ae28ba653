//! Branches: what a VS view becomes for those who stay together in it.
//!
//! A branch holds a total order, the log, of AGREED messages, flush request and signal; FIFO
//! messages are beside it, in the order of their senders only. When members are lost, the branch is
//! split: each side gets a copy of it with a *cut*. Up to the cut everything is delivered, then
//! comes the signal; of what lost members sent and nobody on this side has received, a random part
//! is missing behind it.
//!
//! Source: robust agreement notes, section 8, last paragraph.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    vec::Vec,
};

use core::hash::{Hash, Hasher};
use std::collections::hash_map::DefaultHasher;

use bytes::Bytes;
use cliques::{MemberName, Recipient, TokenKind};

use super::Dice;
use crate::{input::Payload, view::ViewId};

/// User data of a simulation: number, sender, and the key it is sealed under.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Parcel {
    /// Number.
    pub id: u64,
    /// Key.
    pub key: Vec<u8>,
}

impl Payload for Parcel {
    fn size(&self) -> usize {
        self.key.len()
    }
}

/// What a message carries.
#[derive(Clone, Debug, Hash)]
pub(super) enum Body {
    Token { kind: TokenKind, bytes: Bytes },
    Data(Parcel),
}

/// A message in a branch.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) sender: MemberName,
    /// Place among the messages of its sender in this view.
    pub(super) index: usize,
    /// None for all.
    pub(super) to: Option<MemberName>,
    pub(super) agreed: bool,
    /// How many messages of each sender an AGREED message comes behind.
    pub(super) knows: BTreeMap<MemberName, usize>,
    pub(super) body: Body,
    /// Stands for all of the above.
    digest: u64,
}

impl Hash for Message {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.digest.hash(hasher);
    }
}

impl Message {
    fn is_for(&self, member: &MemberName) -> bool {
        self.to.as_ref().is_none_or(|to| to == member)
    }
}

/// An entry of the common order.
#[derive(Clone, Debug, Hash)]
pub(super) enum LogEntry {
    Message(Rc<Message>),
    FlushRequest,
    Signal,
}

/// A view as those who are together in it have it.
#[derive(Clone, Debug, Hash)]
pub(super) struct Branch {
    pub(super) view: ViewId,
    /// Original members.
    pub(super) members: Vec<MemberName>,
    /// Those still together.
    pub(super) present: BTreeSet<MemberName>,
    pub(super) log: Vec<LogEntry>,
    sent: BTreeMap<MemberName, Vec<Rc<Message>>>,
    requested: bool,
    signalled: bool,
}

/// How far one process is in its branch.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Position {
    pub(super) log: usize,
    /// Messages behind each sender: looked at, and last received plus one.
    next: BTreeMap<MemberName, usize>,
    pub(super) received: BTreeMap<MemberName, usize>,
}

/// A delivery that is possible now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// The next entry of the log.
    Log,
    /// The next FIFO message of a sender.
    Fifo(MemberName),
}

impl Branch {
    pub(super) fn new(view: ViewId, members: Vec<MemberName>) -> Self {
        Self {
            view,
            present: members.iter().cloned().collect(),
            members,
            log: Vec::new(),
            sent: BTreeMap::new(),
            requested: false,
            signalled: false,
        }
    }

    pub(super) fn send(
        &mut self,
        sender: &MemberName,
        to: Recipient,
        agreed: bool,
        position: &Position,
        body: Body,
    ) {
        let sent = self.sent.entry(*sender).or_default();
        let to = match to {
            Recipient::Group => None,
            Recipient::Member(member) => Some(member),
        };
        let mut digest = DefaultHasher::new();
        (sender, sent.len(), &to, agreed, &position.received, &body).hash(&mut digest);
        let message = Rc::new(Message {
            sender: *sender,
            index: sent.len(),
            to,
            agreed,
            knows: position.received.clone(),
            body,
            digest: digest.finish(),
        });
        sent.push(message.clone());
        if agreed {
            self.log.push(LogEntry::Message(message));
        }
    }

    /// Skips what is not for `me`; then the next message of `sender`.
    fn next_of<'a>(
        &'a self,
        sender: &MemberName,
        me: &MemberName,
        position: &Position,
    ) -> Option<&'a Rc<Message>> {
        let from = position.next.get(sender).copied().unwrap_or(0);
        self.sent
            .get(sender)?
            .iter()
            .skip(from)
            .find(|message| message.is_for(me))
    }

    /// Whether `me` has everything of `sender` before `count`.
    fn has(&self, sender: &MemberName, count: usize, me: &MemberName, position: &Position) -> bool {
        self.next_of(sender, me, position)
            .is_none_or(|message| message.index >= count)
    }

    /// Everything that may be delivered to `me` next.
    pub(super) fn deliveries(&self, me: &MemberName, position: &Position) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        match self.log.get(position.log) {
            None => {}
            Some(LogEntry::FlushRequest | LogEntry::Signal) => deliveries.push(Delivery::Log),
            Some(LogEntry::Message(message)) => {
                let in_turn = self.has(&message.sender, message.index, me, position);
                let causal = message
                    .knows
                    .iter()
                    .all(|(sender, count)| self.has(sender, *count, me, position));
                if !message.is_for(me) || (in_turn && causal) {
                    deliveries.push(Delivery::Log);
                }
            }
        }
        for sender in self.sent.keys() {
            if self
                .next_of(sender, me, position)
                .is_some_and(|message| !message.agreed)
            {
                deliveries.push(Delivery::Fifo(*sender));
            }
        }
        deliveries
    }

    /// Carries out a delivery; none if the entry was not for `me`.
    pub(super) fn deliver(
        &self,
        delivery: &Delivery,
        me: &MemberName,
        position: &mut Position,
    ) -> Option<LogEntry> {
        let message = match delivery {
            Delivery::Log => {
                let entry = self.log.get(position.log)?.clone();
                position.log += 1;
                match entry {
                    LogEntry::FlushRequest | LogEntry::Signal => return Some(entry),
                    LogEntry::Message(message) if !message.is_for(me) => return None,
                    LogEntry::Message(message) => message,
                }
            }
            Delivery::Fifo(sender) => self.next_of(sender, me, position)?.clone(),
        };
        position.next.insert(message.sender, message.index + 1);
        position.received.insert(message.sender, message.index + 1);
        Some(LogEntry::Message(message))
    }

    /// Whether nothing is left to deliver to `me`.
    pub(super) fn drained(&self, me: &MemberName, position: &Position) -> bool {
        position.log == self.log.len()
            && self
                .sent
                .keys()
                .all(|sender| self.next_of(sender, me, position).is_none())
    }

    /// The branch of `stay`, whose members are at `positions`; a flush request is put in if there
    /// was none.
    pub(super) fn split(
        &self,
        stay: &BTreeSet<MemberName>,
        positions: &[&Position],
        needless_signal: bool,
        dice: &mut Dice,
    ) -> Self {
        let mut side = self.clone();
        side.present = stay.clone();
        let reached = positions
            .iter()
            .map(|position| position.log)
            .max()
            .unwrap_or(0);
        let lost: Vec<MemberName> = self.present.difference(stay).cloned().collect();
        if !lost.is_empty() {
            side.lose(&lost, reached, positions, dice);
        } else if needless_signal && !side.signalled {
            side.signalled = true;
            let at = dice.between(reached, side.log.len());
            side.log.insert(at, LogEntry::Signal);
        }
        if !side.requested {
            side.requested = true;
            let at = dice.between(reached, side.log.len());
            side.log.insert(at, LogEntry::FlushRequest);
        }
        side
    }

    fn lose(
        &mut self,
        lost: &[MemberName],
        reached: usize,
        positions: &[&Position],
        dice: &mut Dice,
    ) {
        // No gaps before the signal.
        let signal = self
            .log
            .iter()
            .position(|entry| matches!(entry, LogEntry::Signal));
        let cut = signal.unwrap_or_else(|| dice.between(reached, self.log.len()));
        let mut kept: BTreeMap<MemberName, usize> = BTreeMap::new();
        for member in lost {
            let received = positions
                .iter()
                .filter_map(|position| position.received.get(member));
            kept.insert(*member, received.copied().max().unwrap_or(0));
        }
        for entry in self.log.iter().take(cut) {
            if let LogEntry::Message(message) = entry
                && let Some(count) = kept.get_mut(&message.sender)
            {
                *count = (*count).max(message.index + 1);
            }
        }
        self.close(&mut kept);
        for member in lost {
            let all = self.sent.get(member).map_or(0, Vec::len);
            let count = kept.get_mut(member).expect("entered above");
            if dice.one_in(2) {
                *count = dice.between(*count, all);
            }
        }
        self.close(&mut kept);

        let mut log = Vec::with_capacity(self.log.len() + 2);
        for (place, entry) in self.log.drain(..).enumerate() {
            if signal.is_none() && place == cut {
                log.push(LogEntry::Signal);
            }
            let keep = match &entry {
                LogEntry::Message(message) => kept
                    .get(&message.sender)
                    .is_none_or(|count| message.index < *count),
                LogEntry::FlushRequest | LogEntry::Signal => true,
            };
            if keep {
                log.push(entry);
            }
        }
        if !log.iter().any(|entry| matches!(entry, LogEntry::Signal)) {
            log.push(LogEntry::Signal);
        }
        self.log = log;
        self.signalled = true;
        for (member, count) in kept {
            if let Some(sent) = self.sent.get_mut(&member) {
                sent.truncate(count);
            }
        }
    }

    /// What a kept AGREED message comes behind is kept too.
    fn close(&self, kept: &mut BTreeMap<MemberName, usize>) {
        loop {
            let mut grown = false;
            for entry in &self.log {
                let LogEntry::Message(message) = entry else {
                    continue;
                };
                if kept
                    .get(&message.sender)
                    .is_some_and(|count| message.index >= *count)
                {
                    continue;
                }
                for (sender, known) in &message.knows {
                    if let Some(count) = kept.get_mut(sender)
                        && *count < *known
                    {
                        *count = *known;
                        grown = true;
                    }
                }
            }
            if !grown {
                return;
            }
        }
    }
}
