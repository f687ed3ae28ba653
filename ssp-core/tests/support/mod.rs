//! A group communication engine in memory: one total order for each group and component, joins,
//! leaves, crashes, partitions and merges, and a seeded order in which members get to work.

#![allow(dead_code, unreachable_pub)]

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use gcs_proto::{
    gcs::{
        ByteOrder, Cause, CloseReason, GcsCommand, GcsEvent, Membership, Message, Multicast, Scope,
        SelfDelivery, View, ViewId,
    },
    name::{GroupName, MemberName, Name},
    service::Service,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::Rng;
use ssp_core::{
    Credentials, GroupOptions, SecureMessage, SecureViewEvent, SendError, Session, SessionConfig,
    SessionEvent, Timestamp, ViewNumber,
    identity::{Ed25519Signer, TrustStore},
};

pub fn group(name: &str) -> GroupName {
    name.parse().unwrap()
}

pub fn member(name: &str) -> MemberName {
    format!("#{name}#n1").parse().unwrap()
}

/// The signing key that the member of this name has.
pub fn signer(name: &str) -> Ed25519Signer {
    let mut seed = [0; 32];
    seed[..name.len()].copy_from_slice(name.as_bytes());
    Ed25519Signer::from_seed(&seed)
}

/// Trusts these members.
pub fn trust(names: &[&str]) -> TrustStore {
    let mut store = TrustStore::new();
    for name in names {
        store.insert(name, signer(name).public_key()).unwrap();
    }
    store
}

/// A process at the engine.
pub struct Node {
    pub name: MemberName,
    pub inbox: VecDeque<GcsEvent>,
    /// None: it speaks to the engine bare.
    pub session: Option<Session>,
    /// Everything its session told, in order.
    pub events: Vec<SessionEvent>,
    pub component: usize,
    pub alive: bool,
    /// Its inbox is not looked at.
    pub held: bool,
}

impl Node {
    pub fn session(&mut self) -> &mut Session {
        self.session.as_mut().unwrap()
    }

    pub fn views(&self) -> Vec<&SecureViewEvent> {
        self.events
            .iter()
            .filter_map(|event| match event {
                SessionEvent::SecureView(view) | SessionEvent::KeyRefreshed(view) => Some(view),
                _ => None,
            })
            .collect()
    }

    pub fn last_view(&self) -> &SecureViewEvent {
        self.views().pop().unwrap()
    }

    pub fn messages(&self) -> Vec<&SecureMessage> {
        self.events
            .iter()
            .filter_map(|event| match event {
                SessionEvent::Message(message) => Some(message),
                _ => None,
            })
            .collect()
    }

    pub fn payloads(&self) -> Vec<Vec<u8>> {
        self.messages()
            .iter()
            .map(|message| message.payload.to_vec())
            .collect()
    }

    pub fn count(&self, which: impl Fn(&SessionEvent) -> bool) -> usize {
        self.events.iter().filter(|event| which(event)).count()
    }
}

pub struct World {
    pub nodes: Vec<Node>,
    /// Members of each group, wherever they are.
    groups: BTreeMap<GroupName, BTreeSet<usize>>,
    pub now: Timestamp,
    pub rng: ChaCha20Rng,
    pub next_id: u32,
    /// Every message that anybody gave to the engine.
    pub wire: Vec<(MemberName, Multicast)>,
}

impl World {
    pub fn new(seed: u64) -> Self {
        Self {
            nodes: Vec::new(),
            groups: BTreeMap::new(),
            now: Timestamp(1_000_000),
            rng: ChaCha20Rng::seed_from_u64(seed),
            next_id: 1,
            wire: Vec::new(),
        }
    }

    /// A world in which these members run sessions and trust each other.
    pub fn of(seed: u64, names: &[&str]) -> Self {
        let mut world = Self::new(seed);
        for name in names {
            world.add(name, trust(names));
        }
        world
    }

    pub fn add(&mut self, name: &str, trust: TrustStore) -> usize {
        self.add_as(name, signer(name), trust, SessionConfig::default())
    }

    pub fn add_as(
        &mut self,
        name: &str,
        signer: Ed25519Signer,
        trust: TrustStore,
        config: SessionConfig,
    ) -> usize {
        let credentials = Credentials {
            signer: Arc::new(signer),
            trust: Arc::new(trust),
        };
        let session = Session::new(member(name), credentials, config);
        self.add_node(name, Some(session))
    }

    pub fn add_session(&mut self, name: &str, session: Session) -> usize {
        self.add_node(name, Some(session))
    }

    pub fn add_bare(&mut self, name: &str) -> usize {
        self.add_node(name, None)
    }

    fn add_node(&mut self, name: &str, session: Option<Session>) -> usize {
        self.nodes.push(Node {
            name: member(name),
            inbox: VecDeque::new(),
            session,
            events: Vec::new(),
            component: 0,
            alive: true,
            held: false,
        });
        self.nodes.len() - 1
    }

    // Calls of the applications.

    pub fn join(&mut self, node: usize, name: GroupName) {
        self.join_with(node, name, GroupOptions::default());
    }

    pub fn join_with(&mut self, node: usize, name: GroupName, options: GroupOptions) {
        let now = self.now;
        self.nodes[node].session().join(name, options, now).unwrap();
        self.settle(node);
    }

    pub fn leave(&mut self, node: usize, name: GroupName) {
        self.nodes[node].session().leave(&name).unwrap();
        self.settle(node);
    }

    pub fn refresh(&mut self, node: usize, name: GroupName) -> Result<(), ssp_core::Error> {
        let now = self.now;
        let result = self.nodes[node]
            .session
            .as_mut()
            .unwrap()
            .refresh(&name, now, &mut self.rng);
        self.settle(node);
        result
    }

    pub fn flush_ok(&mut self, node: usize, name: GroupName) -> Result<(), ssp_core::Error> {
        let now = self.now;
        let result = self.nodes[node]
            .session
            .as_mut()
            .unwrap()
            .flush_ok(&name, now, &mut self.rng);
        self.settle(node);
        result
    }

    pub fn send_as(
        &mut self,
        node: usize,
        name: GroupName,
        view: ViewNumber,
        service: Service,
        message_type: i16,
        payload: &[u8],
    ) -> Result<(), SendError> {
        let middle = payload.len() / 2;
        let parts = [&payload[..middle], &payload[middle..]];
        let result = self.nodes[node].session.as_mut().unwrap().multicast(
            &name,
            view,
            service,
            SelfDelivery::Deliver,
            message_type,
            &parts,
            &mut self.rng,
        );
        self.settle(node);
        result
    }

    /// Sends in the secure view installed last.
    pub fn send(
        &mut self,
        node: usize,
        name: GroupName,
        service: Service,
        payload: &[u8],
    ) -> Result<(), SendError> {
        let view = self.nodes[node]
            .session()
            .secure_view(&name)
            .map_or(ViewNumber(0), |view| view.number);
        self.send_as(node, name, view, service, 7, payload)
    }

    // What happens to the engine.

    /// A bare process joins.
    pub fn bare_join(&mut self, node: usize, name: GroupName) {
        self.command(node, GcsCommand::Join(name));
    }

    pub fn bare_leave(&mut self, node: usize, name: GroupName) {
        self.command(node, GcsCommand::Leave(name));
    }

    /// A process is gone without a word.
    pub fn crash(&mut self, node: usize) {
        if !self.nodes[node].alive {
            return;
        }
        self.nodes[node].alive = false;
        self.nodes[node].inbox.clear();
        let name = self.nodes[node].name;
        for group in self.groups_of(node) {
            self.groups.get_mut(&group).unwrap().remove(&node);
            let component = self.nodes[node].component;
            self.announce(group, component, Cause::Disconnect(name), None);
        }
    }

    /// The network falls into these parts; whoever is not named is alone with its like.
    pub fn partition(&mut self, parts: &[&[usize]]) {
        let before: Vec<usize> = self.nodes.iter().map(|node| node.component).collect();
        for (index, node) in self.nodes.iter_mut().enumerate() {
            node.component = parts
                .iter()
                .position(|part| part.contains(&index))
                .unwrap_or(parts.len());
        }
        self.reconfigure(&before);
    }

    pub fn heal(&mut self) {
        let before: Vec<usize> = self.nodes.iter().map(|node| node.component).collect();
        for node in &mut self.nodes {
            node.component = 0;
        }
        self.reconfigure(&before);
    }

    fn reconfigure(&mut self, before: &[usize]) {
        let groups: Vec<GroupName> = self.groups.keys().copied().collect();
        let components: BTreeSet<usize> = self.nodes.iter().map(|node| node.component).collect();
        for group in groups {
            for component in &components {
                let now = self.members_in(group, *component);
                // Unchanged components notice nothing.
                let changed = now.iter().any(|node| {
                    let was: Vec<usize> = self.groups[&group]
                        .iter()
                        .copied()
                        .filter(|other| before[*other] == before[*node])
                        .collect();
                    was != now
                });
                if changed {
                    for node in &now {
                        let signal = GcsEvent::TransitionalSignal { group };
                        self.nodes[*node].inbox.push_back(signal);
                    }
                    self.announce(group, *component, Cause::Network, Some(before));
                }
            }
        }
    }

    fn groups_of(&self, node: usize) -> Vec<GroupName> {
        self.groups
            .iter()
            .filter(|(_, members)| members.contains(&node))
            .map(|(group, _)| *group)
            .collect()
    }

    pub fn members_in(&self, group: GroupName, component: usize) -> Vec<usize> {
        self.groups
            .get(&group)
            .into_iter()
            .flatten()
            .copied()
            .filter(|node| self.nodes[*node].component == component)
            .collect()
    }

    fn announce(
        &mut self,
        group: GroupName,
        component: usize,
        cause: Cause,
        before: Option<&[usize]>,
    ) {
        let nodes = self.members_in(group, component);
        let mut members: Vec<MemberName> =
            nodes.iter().map(|node| self.nodes[*node].name).collect();
        members.sort();
        let mut id = [0; 12];
        id[8..].copy_from_slice(&self.next_id.to_be_bytes());
        id[..4].copy_from_slice(&[10, 0, 0, 1]);
        self.next_id += 1;
        for node in &nodes {
            let me = self.nodes[*node].name;
            let transitional_set = match (cause, before) {
                (Cause::Join(joiner), _) if joiner == me => vec![me],
                (Cause::Join(joiner), _) => {
                    members.iter().copied().filter(|m| *m != joiner).collect()
                }
                (Cause::Network, Some(before)) => nodes
                    .iter()
                    .filter(|other| before[**other] == before[*node])
                    .map(|other| self.nodes[*other].name)
                    .collect(),
                _ => members.clone(),
            };
            self.nodes[*node]
                .inbox
                .push_back(GcsEvent::Membership(Membership {
                    group,
                    view: View {
                        id: ViewId(id),
                        members: members.clone(),
                        cause,
                        transitional_set,
                    },
                }));
        }
    }

    pub fn command(&mut self, node: usize, command: GcsCommand) {
        let name = self.nodes[node].name;
        let component = self.nodes[node].component;
        match command {
            GcsCommand::Join(group) => {
                if self.groups.entry(group).or_default().insert(node) {
                    self.announce(group, component, Cause::Join(name), None);
                }
            }
            GcsCommand::Leave(group) => {
                if self.groups.entry(group).or_default().remove(&node) {
                    self.nodes[node]
                        .inbox
                        .push_back(GcsEvent::SelfLeave { group });
                    self.announce(group, component, Cause::Leave(name), None);
                }
            }
            GcsCommand::Multicast(multicast) => {
                self.wire.push((name, multicast.clone()));
                self.multicast(node, &multicast);
            }
            GcsCommand::Unicast {
                to,
                service,
                message_type,
                body,
            } => {
                let multicast = Multicast {
                    destinations: vec![to.into()],
                    service,
                    self_delivery: SelfDelivery::Deliver,
                    scope: Scope::Named,
                    message_type,
                    body,
                };
                self.wire.push((name, multicast.clone()));
                self.multicast(node, &multicast);
            }
            GcsCommand::Disconnect => {
                self.crash(node);
                self.nodes[node].alive = true;
                self.nodes[node]
                    .inbox
                    .push_back(GcsEvent::Closed(CloseReason::Disconnected));
            }
        }
    }

    /// A message as if `sender` had sent it.
    pub fn inject(
        &mut self,
        sender: usize,
        group: GroupName,
        service: Service,
        message_type: i16,
        body: Bytes,
    ) {
        self.multicast(
            sender,
            &Multicast::to_group(group, service, message_type, body),
        );
    }

    fn multicast(&mut self, sender: usize, multicast: &Multicast) {
        let component = self.nodes[sender].component;
        let receivers: BTreeSet<usize> = multicast
            .destinations
            .iter()
            .flat_map(|destination| self.destination(*destination))
            .filter(|node| self.nodes[*node].component == component && self.nodes[*node].alive)
            .filter(|node| multicast.self_delivery == SelfDelivery::Deliver || *node != sender)
            .collect();
        for node in receivers {
            let message = Message {
                sender: self.nodes[sender].name,
                destinations: multicast.destinations.clone(),
                service: multicast.service,
                self_delivery: multicast.self_delivery,
                scope: multicast.scope,
                message_type: multicast.message_type,
                order: ByteOrder::Little,
                body: multicast.body.clone(),
            };
            self.nodes[node].inbox.push_back(GcsEvent::Message(message));
        }
    }

    fn destination(&self, name: Name) -> Vec<usize> {
        if name.is_private() {
            let is = |node: &Node| *node.name.as_name() == name;
            return self.nodes.iter().position(is).into_iter().collect();
        }
        GroupName::try_from(name)
            .ok()
            .and_then(|group| self.groups.get(&group))
            .into_iter()
            .flatten()
            .copied()
            .collect()
    }

    // Time goes on.

    /// Carries out the commands of a node and takes its events.
    pub fn settle(&mut self, node: usize) {
        loop {
            let Some(session) = &mut self.nodes[node].session else {
                return;
            };
            let Some(command) = session.poll_command() else {
                break;
            };
            self.command(node, command);
        }
        let Node {
            session, events, ..
        } = &mut self.nodes[node];
        events.extend(std::iter::from_fn(|| {
            session.as_mut().and_then(Session::poll_event)
        }));
    }

    /// One member handles one event; false when nobody has any.
    pub fn step(&mut self) -> bool {
        let ready: Vec<usize> = (0..self.nodes.len())
            .filter(|node| {
                let node = &self.nodes[*node];
                node.alive && !node.held && !node.inbox.is_empty()
            })
            .collect();
        if ready.is_empty() {
            return false;
        }
        let node = ready[self.rng.next_u32() as usize % ready.len()];
        self.handle_next(node);
        true
    }

    /// This member handles its next event.
    pub fn handle_next(&mut self, node: usize) {
        let event = self.nodes[node].inbox.pop_front().unwrap();
        self.now = self.now.after(1);
        if let Some(session) = &mut self.nodes[node].session {
            session.handle_event(event, self.now, &mut self.rng);
        }
        self.settle(node);
    }

    /// Until nobody has anything to do.
    pub fn run(&mut self) {
        for _ in 0..1_000_000 {
            if !self.step() {
                return;
            }
        }
        panic!("no rest");
    }

    pub fn steps(&mut self, count: u32) {
        for _ in 0..count {
            self.step();
        }
    }

    /// Lets time pass and timers run out.
    pub fn wait(&mut self, milliseconds: u64) {
        let end = self.now.after(milliseconds);
        loop {
            let due = self
                .nodes
                .iter()
                .filter(|node| node.alive)
                .filter_map(|node| node.session.as_ref()?.poll_timeout())
                .min()
                .filter(|due| *due <= end);
            let Some(due) = due else { break };
            self.now = self.now.max(due);
            for node in 0..self.nodes.len() {
                if self.nodes[node].alive {
                    if let Some(session) = &mut self.nodes[node].session {
                        session.handle_timeout(self.now, &mut self.rng);
                    }
                    self.settle(node);
                }
            }
        }
        self.now = end;
    }

    /// A connection ends at the engine's side.
    pub fn close(&mut self, node: usize) {
        self.crash(node);
        self.nodes[node].alive = true;
        self.nodes[node]
            .inbox
            .push_back(GcsEvent::Closed(CloseReason::EndOfStream));
    }

    // What must hold at rest.

    /// All members of the group in a component are in one secure view with one key.
    pub fn assert_agreed(&mut self, name: GroupName, nodes: &[usize]) {
        let first = self.nodes[nodes[0]].last_view().clone();
        let mut members: Vec<MemberName> =
            nodes.iter().map(|node| self.nodes[*node].name).collect();
        members.sort();
        assert_eq!(first.view.members, members);
        let key = |session: &Session| session.export(&name, b"test", b"", 32).unwrap();
        let expected = key(self.nodes[nodes[0]].session());
        for node in nodes {
            let node = &mut self.nodes[*node];
            let view = node.last_view().clone();
            assert_eq!(view.group, name);
            assert_eq!(view.view.id, first.view.id, "{}", node.name);
            assert_eq!(view.epoch, first.epoch);
            assert_eq!(view.view.members, first.view.members);
            assert_eq!(view.view.members[view.index], node.name);
            assert_eq!(view.fingerprint, first.fingerprint);
            assert_eq!(view.controller, first.controller);
            let session = node.session();
            assert_eq!(session.fingerprint(&name), Some(first.fingerprint));
            assert_eq!(session.epoch(&name), Some(first.epoch));
            assert_eq!(session.group_state(&name), Some(ssp_core::Phase::Secure));
            assert_eq!(key(session), expected);
        }
    }
}

/// `honest` with each byte in turn changed by each of `with`, and where.
pub fn flips<'a>(honest: &'a [u8], with: &'a [u8]) -> impl Iterator<Item = (usize, Vec<u8>)> + 'a {
    (0..honest.len()).flat_map(move |at| {
        with.iter().map(move |bits| {
            let mut changed = honest.to_vec();
            changed[at] ^= bits;
            (at, changed)
        })
    })
}

/// Whether `needle` stands anywhere in `hay`.
pub fn contains(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|window| window == needle)
}
