//! A network model: processes with a flush layer each over an extended-virtually-synchronous
//! engine that orders, partitions, merges, loses and lets weak messages overtake.
//!
//! Every component of the network has one log. Each process delivers it at its own pace; FIFO
//! messages may be delivered ahead of stronger ones of other senders, RELIABLE ones ahead of
//! anything. When the network changes, those who stay together agree on a cut behind everything
//! that one of them has delivered; behind the cut come the signal, if somebody is lost, then the
//! messages of those who stay, and of the lost ones up to a first gap; then the new membership.

mod changes;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use gcs_proto::{
    flush::{FlushEvent, FlushLayer, VsView},
    gcs::{
        ByteOrder, Cause, GcsCommand, GcsEvent, Membership, Message, Multicast, SelfDelivery, View,
        ViewId,
    },
    name::{GroupName, MemberName, Name},
    service::Service,
};

/// SplitMix64: reproducible and good enough to choose a schedule.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// True in `percent` of cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// Something ordered by the engine; processes are named by their index.
#[derive(Clone, Debug)]
enum Op {
    Send(usize, Multicast),
    Join(usize),
    Leave(usize),
    Disconnect(usize),
}

impl Op {
    fn process(&self) -> usize {
        match self {
            Self::Send(process, _)
            | Self::Join(process)
            | Self::Leave(process)
            | Self::Disconnect(process) => *process,
        }
    }
}

#[derive(Clone, Debug)]
struct Entry {
    op: Op,
    /// What each process gets of it.
    events: BTreeMap<usize, Vec<GcsEvent>>,
}

/// The group in one component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    pub members: BTreeSet<usize>,
    pub id: (u64, u32),
    /// First half of the next id, the engine's own membership: what was cut off may count on
    /// from the same id.
    era: u64,
}

#[derive(Clone, Debug, Default)]
struct Component {
    log: Vec<Entry>,
    /// The group behind each entry; the first is before the log.
    states: Vec<Group>,
}

/// What an application has seen or done.
#[derive(Clone, Debug)]
pub enum Seen {
    View(VsView),
    Request,
    Signal,
    Message(u64),
    Sent(u64),
    SelfLeave,
}

/// A user message, by its number.
#[derive(Clone, Debug)]
pub struct Sent {
    pub process: usize,
    pub name: MemberName,
    pub view: ViewId,
    pub service: Service,
    /// `None` for the group.
    pub receivers: Option<Vec<MemberName>>,
    pub self_delivery: SelfDelivery,
}

impl Sent {
    /// Whether `member` is to get it, as long as it is in the view.
    pub fn is_for(&self, member: MemberName) -> bool {
        let listed = self
            .receivers
            .as_ref()
            .is_none_or(|list| list.contains(&member));
        let discarded = self.self_delivery == SelfDelivery::Discard && self.name == member;
        listed && !discarded
    }
}

/// One incarnation of a member.
pub struct Process {
    pub name: MemberName,
    pub daemon: usize,
    pub alive: bool,
    pub layer: FlushLayer,
    pub seen: Vec<Seen>,
    /// Number of network changes before each view was installed.
    pub installed_at: Vec<usize>,
    /// Decided by earlier network changes, still to be delivered, each with the number of
    /// network changes before it.
    backlog: VecDeque<(usize, GcsEvent)>,
    /// Entries of the component's log delivered out of order.
    ahead: BTreeSet<usize>,
    /// First entry of the component's log not delivered in order.
    position: usize,
    /// One more than the last entry of which something was delivered.
    delivered: usize,
    asked: bool,
    joined: bool,
}

pub struct Network {
    pub random: Random,
    pub processes: Vec<Process>,
    pub sent: Vec<Sent>,
    /// Component of each daemon.
    pub place: Vec<usize>,
    /// Where each daemon was after each network change.
    pub path: Vec<Vec<usize>>,
    /// Number of network changes before each membership.
    pub announced_at: BTreeMap<ViewId, usize>,
    components: Vec<Component>,
    clock: u64,
}

pub fn group() -> GroupName {
    "g".parse().unwrap()
}

fn view_id(id: (u64, u32)) -> ViewId {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&id.0.to_be_bytes());
    bytes[8..].copy_from_slice(&id.1.to_be_bytes());
    ViewId(bytes)
}

impl Network {
    pub fn new(seed: u64, daemons: usize) -> Self {
        let mut network = Self {
            random: Random(seed),
            processes: Vec::new(),
            sent: Vec::new(),
            place: vec![0; daemons],
            path: vec![Vec::new(); daemons],
            announced_at: BTreeMap::new(),
            components: vec![Component {
                log: Vec::new(),
                states: vec![Group {
                    members: BTreeSet::new(),
                    id: (1, 0),
                    era: 1,
                }],
            }],
            clock: 1,
        };
        for daemon in 0..daemons {
            network.start(daemon);
        }
        network
    }

    fn start(&mut self, daemon: usize) {
        let name: MemberName = format!("#p{daemon}#n{daemon}").parse().unwrap();
        let position = self.components[self.place[daemon]].log.len();
        self.processes.push(Process {
            name,
            daemon,
            alive: true,
            layer: FlushLayer::new(name),
            seen: Vec::new(),
            installed_at: Vec::new(),
            backlog: VecDeque::new(),
            ahead: BTreeSet::new(),
            position,
            delivered: 0,
            asked: false,
            joined: false,
        });
    }

    fn names(&self, members: &BTreeSet<usize>) -> Vec<MemberName> {
        let mut names: Vec<_> = members.iter().map(|m| self.processes[*m].name).collect();
        names.sort();
        names
    }

    /// The group as the engine has it where `process` is.
    pub fn engine_group(&self, process: usize) -> &Group {
        let component = &self.components[self.place[self.processes[process].daemon]];
        component.states.last().unwrap()
    }

    pub fn members_of(&self, process: usize) -> (ViewId, Vec<MemberName>) {
        let state = self.engine_group(process);
        (view_id(state.id), self.names(&state.members))
    }

    /// Carries out an operation on a group; `unreachable` are members lost in a transition.
    fn apply(
        &self,
        op: &Op,
        state: &mut Group,
        unreachable: &BTreeSet<usize>,
    ) -> BTreeMap<usize, Vec<GcsEvent>> {
        let mut events = BTreeMap::new();
        let before = state.members.clone();
        let (cause, joiner) = match op {
            Op::Send(sender, message) => {
                let wanted = |m: &usize| {
                    let listed = message.destinations.iter().any(|name: &Name| {
                        name == group().as_name() || name == self.processes[*m].name.as_name()
                    });
                    listed && (m != sender || message.self_delivery == SelfDelivery::Deliver)
                };
                for member in before.iter().filter(|m| wanted(m)) {
                    let event = GcsEvent::Message(Message {
                        sender: self.processes[*sender].name,
                        destinations: message.destinations.clone(),
                        service: message.service,
                        self_delivery: message.self_delivery,
                        scope: message.scope,
                        message_type: message.message_type,
                        order: ByteOrder::Little,
                        body: message.body.clone(),
                    });
                    events.insert(*member, vec![event]);
                }
                return events;
            }
            Op::Join(m) if state.members.insert(*m) => {
                (Cause::Join(self.processes[*m].name), Some(*m))
            }
            Op::Leave(m) if state.members.remove(m) => {
                events.insert(*m, vec![GcsEvent::SelfLeave { group: group() }]);
                (Cause::Leave(self.processes[*m].name), None)
            }
            Op::Disconnect(m) if state.members.remove(m) => {
                (Cause::Disconnect(self.processes[*m].name), None)
            }
            Op::Join(_) | Op::Leave(_) | Op::Disconnect(_) => return events,
        };
        state.id = (state.era, state.id.1 + 1);
        let together: BTreeSet<usize> = before
            .intersection(&state.members)
            .copied()
            .filter(|m| !unreachable.contains(m))
            .collect();
        for member in state.members.difference(unreachable) {
            let set = if joiner == Some(*member) {
                BTreeSet::from([*member])
            } else {
                together.clone()
            };
            let mut got = vec![GcsEvent::Membership(Membership {
                group: group(),
                view: View {
                    id: view_id(state.id),
                    members: self.names(&state.members),
                    cause: if unreachable.is_empty() {
                        cause
                    } else {
                        Cause::Network
                    },
                    transitional_set: self.names(&set),
                },
            })];
            if !unreachable.is_empty() {
                got.push(GcsEvent::TransitionalSignal { group: group() });
            }
            events.insert(*member, got);
        }
        events
    }

    fn order(&mut self, op: Op) {
        let place = self.place[self.processes[op.process()].daemon];
        let mut state = self.components[place].states.last().unwrap().clone();
        let events = self.apply(&op, &mut state, &BTreeSet::new());
        self.components[place].log.push(Entry { op, events });
        self.components[place].states.push(state);
    }

    /// Hands what the layer of `process` wants done to the engine.
    pub fn carry_out(&mut self, process: usize) {
        while let Some(command) = self.processes[process].layer.poll_command() {
            match command {
                GcsCommand::Join(_) => self.order(Op::Join(process)),
                GcsCommand::Leave(_) => self.order(Op::Leave(process)),
                GcsCommand::Multicast(message) => self.order(Op::Send(process, message)),
                GcsCommand::Unicast { .. } | GcsCommand::Disconnect => unreachable!(),
            }
        }
    }

    /// Whether entry `index` may be delivered to `process` before the entries ahead of it.
    fn may_overtake(&self, process: usize, index: usize) -> bool {
        let state = &self.processes[process];
        let component = &self.components[self.place[state.daemon]];
        let Op::Send(sender, message) = &component.log[index].op else {
            return false;
        };
        if message.service > Service::Fifo || state.ahead.contains(&index) {
            return false;
        }
        (state.position..index).all(|earlier| match &component.log[earlier].op {
            Op::Send(other, _) => {
                other != sender || state.ahead.contains(&earlier) || message.service < Service::Fifo
            }
            // Nothing crosses the limits of the receiver's own membership, and nobody is heard
            // before it is there.
            Op::Join(other) => *other != process,
            Op::Leave(other) | Op::Disconnect(other) => other != sender && *other != process,
        })
    }

    /// Delivers something to `process`; false when there is nothing.
    pub fn deliver(&mut self, process: usize) -> bool {
        let state = &mut self.processes[process];
        if !state.alive {
            return false;
        }
        if let Some((change, event)) = state.backlog.pop_front() {
            self.handle(process, change, event);
            return true;
        }
        let place = self.place[state.daemon];
        let length = self.components[place].log.len();
        let member = self.components[place]
            .states
            .get(state.position)
            .is_some_and(|group| group.members.contains(&process));
        let mut index = state.position;
        if member && self.random.chance(35) {
            let candidates: Vec<usize> = (index + 1..length.min(index + 16))
                .filter(|ahead| self.may_overtake(process, *ahead))
                .collect();
            if !candidates.is_empty() {
                index = candidates[self.random.below(candidates.len())];
            }
        }
        if index >= length {
            return false;
        }
        let events = self.components[place].log[index].events.get(&process);
        let events = events.cloned().unwrap_or_default();
        let state = &mut self.processes[process];
        if index > state.position {
            state.ahead.insert(index);
        } else {
            state.position += 1;
            while state.ahead.remove(&state.position) {
                state.position += 1;
            }
        }
        if !events.is_empty() {
            state.delivered = state.delivered.max(index + 1);
        }
        let changes = self.path[0].len();
        for event in events {
            self.handle(process, changes, event);
        }
        true
    }

    fn handle(&mut self, process: usize, changes: usize, event: GcsEvent) {
        if let GcsEvent::Membership(membership) = &event {
            let announced = self
                .announced_at
                .entry(membership.view.id)
                .or_insert(changes);
            assert_eq!(*announced, changes);
        }
        let state = &mut self.processes[process];
        state.layer.handle_event(event);
        if state.layer.stats().views > state.installed_at.len() as u64 {
            state.installed_at.push(changes);
        }
        self.carry_out(process);
    }

    /// Whether two daemons were in one component all the time between these network changes.
    pub fn stayed_together(&self, a: usize, b: usize, from: usize, to: usize) -> bool {
        self.path[a][from..to] == self.path[b][from..to]
    }

    /// The application of `process` takes an event; false when there is none.
    pub fn take(&mut self, process: usize) -> bool {
        let state = &mut self.processes[process];
        if !state.alive {
            return false;
        }
        let Some(event) = state.layer.poll_event() else {
            return false;
        };
        state.seen.push(match event {
            FlushEvent::View(view) => {
                state.asked = false;
                Seen::View(view)
            }
            FlushEvent::FlushRequest { .. } => {
                state.asked = true;
                Seen::Request
            }
            FlushEvent::TransitionalSignal { .. } => Seen::Signal,
            FlushEvent::Message(message) => {
                let number = message.body.as_ref().try_into().unwrap();
                let number = u64::from_be_bytes(number);
                let sent = &self.sent[number as usize];
                assert_eq!(message.sender, sent.name, "VS4: sender as sent");
                assert_eq!(message.service, sent.service);
                assert_eq!(message.message_type, number as i16 & 0xff);
                Seen::Message(number)
            }
            FlushEvent::SelfLeave { .. } => {
                state.asked = false;
                state.joined = false;
                Seen::SelfLeave
            }
            FlushEvent::Private(_) | FlushEvent::Refused(_) | FlushEvent::Closed(_) => {
                unreachable!()
            }
        });
        true
    }

    pub fn flush(&mut self, process: usize) -> bool {
        let state = &mut self.processes[process];
        if !state.alive || !state.asked {
            return false;
        }
        state.asked = false;
        // A member that is leaving may not answer any more.
        let _ = state.layer.flush_ok(group());
        self.carry_out(process);
        true
    }

    pub fn join(&mut self, process: usize) {
        let state = &mut self.processes[process];
        if state.alive && !state.joined {
            state.joined = true;
            state.layer.join(group()).unwrap();
            self.carry_out(process);
        }
    }

    pub fn leave(&mut self, process: usize) {
        let state = &mut self.processes[process];
        if state.alive && state.layer.leave(group()).is_ok() {
            self.carry_out(process);
        }
    }

    /// Sends a numbered message, if the layer allows it.
    pub fn send(&mut self, process: usize) {
        let services = [
            Service::Unreliable,
            Service::Reliable,
            Service::Fifo,
            Service::Fifo,
            Service::Causal,
            Service::Agreed,
            Service::Safe,
        ];
        let service = services[self.random.below(services.len())];
        // To all, to one, or to some, which may be nobody.
        let scope = self.random.below(10);
        let self_delivery = if scope < 7 && self.random.chance(20) {
            SelfDelivery::Discard
        } else {
            SelfDelivery::Deliver
        };
        let pick = self.random.next();
        let number = self.sent.len() as u64;
        let body = Bytes::copy_from_slice(&number.to_be_bytes());
        let message_type = number as i16 & 0xff;
        let state = &mut self.processes[process];
        let Some(view) = state.layer.view(&group()) else {
            return;
        };
        let id = view.view.id;
        let mut members = view.view.members.clone();
        let layer = &mut state.layer;
        let (result, receivers) = match scope {
            0..7 => (
                layer.multicast(group(), service, self_delivery, message_type, body),
                None,
            ),
            7 | 8 => {
                let receiver = members[pick as usize % members.len()];
                (
                    layer.unicast(group(), receiver, service, message_type, body),
                    Some(vec![receiver]),
                )
            }
            _ => {
                let mut bits = pick;
                members.retain(|_| {
                    bits >>= 1;
                    bits & 1 == 1
                });
                (
                    layer.subset(group(), &members, service, message_type, body),
                    Some(members),
                )
            }
        };
        if state.alive && result.is_ok() {
            state.seen.push(Seen::Sent(number));
            self.sent.push(Sent {
                process,
                name: state.name,
                view: id,
                service,
                receivers,
                self_delivery,
            });
            self.carry_out(process);
        }
    }

    /// The process dies; another one of the same name starts at once.
    pub fn crash(&mut self, process: usize) {
        if !self.processes[process].alive {
            return;
        }
        self.processes[process].alive = false;
        self.order(Op::Disconnect(process));
        self.start(self.processes[process].daemon);
    }

    /// Any change of the network.
    pub fn reconfigure_at_random(&mut self) {
        let components = 1 + self.random.below(3);
        let place: Vec<usize> = (0..self.place.len())
            .map(|_| self.random.below(components))
            .collect();
        self.reconfigure(&place);
    }

    /// Index of the living process of a daemon.
    pub fn living(&self, daemon: usize) -> usize {
        let find = |process: &Process| process.alive && process.daemon == daemon;
        self.processes.iter().position(find).unwrap()
    }

    /// Lets everything settle: all applications take all events and answer all requests.
    pub fn settle(&mut self) {
        for round in 0.. {
            assert!(round < 100_000, "does not come to rest");
            let mut busy = false;
            for process in 0..self.processes.len() {
                busy |= self.deliver(process);
                busy |= self.take(process);
                busy |= self.flush(process);
            }
            if !busy {
                break;
            }
        }
    }
}
