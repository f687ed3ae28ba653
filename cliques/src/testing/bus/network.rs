//! Tokens in transit.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};

use rand_chacha::ChaCha20Rng;
use rand_core::Rng;

use super::Schedule;
use crate::{MemberName, TokenService, testing::rng::seeded};

/// A token in transit to one receiver.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    /// Place of the token in the order of sending.
    pub(super) number: usize,
    pub(super) from: MemberName,
    pub(super) to: MemberName,
    pub(super) service: TokenService,
}

/// Picks what is delivered next.
pub(super) enum Network {
    /// In order of sending, to receivers in their order.
    Rounds(VecDeque<Packet>),
    /// Any that the services permit.
    Shuffled {
        /// By receiver and sender, in the sender's order.
        queues: BTreeMap<(MemberName, MemberName), VecDeque<Packet>>,
        /// By receiver: numbers of AGREED tokens in the common order.
        agreed: BTreeMap<MemberName, VecDeque<usize>>,
        rng: Box<ChaCha20Rng>,
    },
}

impl Network {
    pub(super) fn new(schedule: Schedule) -> Self {
        match schedule {
            Schedule::Rounds => Self::Rounds(VecDeque::new()),
            Schedule::Shuffled(seed) => Self::Shuffled {
                queues: BTreeMap::new(),
                agreed: BTreeMap::new(),
                rng: Box::new(seeded(seed)),
            },
        }
    }

    /// Drops everything in transit.
    pub(super) fn clear(&mut self) {
        match self {
            Self::Rounds(packets) => packets.clear(),
            Self::Shuffled { queues, agreed, .. } => {
                queues.clear();
                agreed.clear();
            }
        }
    }

    pub(super) fn push(&mut self, packet: Packet) {
        match self {
            Self::Rounds(packets) => packets.push_back(packet),
            Self::Shuffled { queues, agreed, .. } => {
                if packet.service == TokenService::Agreed {
                    agreed
                        .entry(packet.to)
                        .or_default()
                        .push_back(packet.number);
                }
                queues
                    .entry((packet.to, packet.from))
                    .or_default()
                    .push_back(packet);
            }
        }
    }

    /// Tokens that wait for a receiver.
    pub(super) fn waiting<'a>(
        &'a self,
        to: &'a MemberName,
    ) -> Box<dyn Iterator<Item = usize> + 'a> {
        match self {
            Self::Rounds(packets) => Box::new(
                packets
                    .iter()
                    .filter(move |packet| packet.to == *to)
                    .map(|packet| packet.number),
            ),
            Self::Shuffled { queues, .. } => Box::new(
                queues
                    .iter()
                    .filter(move |((receiver, _), _)| receiver == to)
                    .flat_map(|(_, queue)| queue.iter().map(|packet| packet.number)),
            ),
        }
    }

    pub(super) fn pop(&mut self) -> Option<Packet> {
        match self {
            Self::Rounds(packets) => packets.pop_front(),
            Self::Shuffled {
                queues,
                agreed,
                rng,
            } => {
                let next_agreed = |to| agreed.get(to).and_then(|order| order.front());
                let ready: Vec<_> = queues
                    .iter()
                    .filter_map(|(pair, queue)| {
                        let packet = queue.front()?;
                        let deliverable = match packet.service {
                            TokenService::Fifo => true,
                            TokenService::Agreed => next_agreed(&packet.to) == Some(&packet.number),
                        };
                        deliverable.then_some(pair)
                    })
                    .collect();
                let count = u64::try_from(ready.len()).ok().filter(|count| *count > 0)?;
                let index = usize::try_from(rng.next_u64() % count).ok()?;
                let pair = *(*ready.get(index)?);
                let packet = queues.get_mut(&pair)?.pop_front()?;
                if packet.service == TokenService::Agreed {
                    agreed.get_mut(&packet.to)?.pop_front();
                }
                Some(packet)
            }
        }
    }
}
