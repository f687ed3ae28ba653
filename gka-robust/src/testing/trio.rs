//! Drivers of three members in one view, brought to any state of the tables by hand.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

use bytes::Bytes;
use cliques::{
    Envelope, MemberName, Protocol, Recipient, TokenBinding, TokenKind,
    bd::BLINDED_SHARE,
    gdh::{FACTOR_OUT, FINAL_TOKEN, KEY_LIST, PARTIAL_TOKEN},
    testing::{
        rng::seeded,
        signature::{TestSigner, TestVerifier},
    },
};
use rand_chacha::ChaCha20Rng;

use super::designs::{BASIC, Design};
use crate::{
    Cause, Config, DEFAULT_QUEUE_BYTES, Error, Input, Output, RefreshPolicy, RobustDriver,
    Transmission, View, ViewId,
};

/// Name of the group of members.
pub const GROUP: &[u8] = b"group";

/// A member name.
pub fn id(name: &str) -> MemberName {
    MemberName::try_from(name).unwrap()
}

/// Member names.
pub fn ids(names: &[&str]) -> Vec<MemberName> {
    names.iter().map(|name| id(name)).collect()
}

/// Configuration of a member, basic algorithm.
pub fn config(name: &str) -> Config {
    config_of(name, BASIC)
}

/// Configuration of a member.
pub fn config_of(name: &str, design: Design) -> Config {
    config_for(id(name), design)
}

/// Configuration of a member.
pub fn config_for(me: MemberName, (protocol, algorithm): Design) -> Config {
    Config {
        me,
        group: GROUP.to_vec(),
        protocol,
        mathematical_group: "ristretto255".parse().unwrap(),
        algorithm,
        refresh: RefreshPolicy::default(),
        signer: Arc::new(TestSigner::new(me)),
        verifier: Arc::new(TestVerifier::new()),
        queue_bytes: DEFAULT_QUEUE_BYTES,
        timestamp_window: None,
        event_log: 0,
    }
}

/// A view with the identifier `number` twelve times.
pub fn view(number: u8, members: &[&str], together: &[&str], cause: Cause) -> View {
    View {
        id: ViewId([number; 12]),
        members: ids(members),
        transitional_set: ids(together),
        cause,
    }
}

/// States in which [`Trio::at`] can bring a member that has a view, with basic algorithm.
pub const STATES: [&str; 9] = [
    "S",
    "PT",
    "FT",
    "FO",
    "FO one",
    "KL",
    "KL controller",
    "REFRESHING",
    "S asked",
];

/// Abbreviation of a state in the tables.
pub fn short(state: &str) -> &str {
    match state {
        "SECURE" => "S",
        "WAIT_FOR_PARTIAL_TOKEN" => "PT",
        "WAIT_FOR_FINAL_TOKEN" => "FT",
        "COLLECT_FACT_OUTS" => "FO",
        "WAIT_FOR_KEY_LIST" => "KL",
        "WAIT_FOR_CASCADING_MEMBERSHIP" => "CM",
        "WAIT_FOR_MEMBERSHIP" => "M",
        "WAIT_FOR_SELF_JOIN" => "SJ",
        "RUNNING" => "R",
        other => other,
    }
}

/// A token as the transport delivers it.
pub fn token(sender: &str, kind: TokenKind, bytes: impl Into<Bytes>) -> Input<Bytes> {
    Input::Token {
        sender: id(sender),
        kind: Some(kind),
        bytes: bytes.into(),
    }
}

/// Describes an output in a few words, as the tables do.
pub fn describe(output: &Output<Bytes>) -> String {
    match output {
        Output::Send(Transmission {
            to: Recipient::Group,
            kind,
            ..
        }) => format!("{kind} to all"),
        Output::Send(Transmission {
            to: Recipient::Member(to),
            kind,
            ..
        }) => {
            format!("{kind} to {to}")
        }
        Output::FlushOk => "flush-ok".into(),
        Output::Install { view, .. } => {
            format!("install {} {}", view.view.members.len(), view.epoch)
        }
        Output::SecureFlushRequest => "secure-flush-request".into(),
        Output::SecureTransitionalSignal => "secure-signal".into(),
        Output::Deliver(_) => "deliver".into(),
        Output::Failed(failure) => format!("failed {}", failure.suspects[0]),
    }
}

/// Three members `a`, `b` and `c`, and the tokens between them.
#[derive(Debug)]
pub struct Trio {
    /// By name.
    pub drivers: BTreeMap<String, RobustDriver<Bytes>>,
    /// Sent and not delivered: sender, receiver, token.
    pub flight: Vec<(String, String, TokenKind, Bytes)>,
    /// Everything that was sent.
    pub sent: Vec<(String, Recipient, TokenKind, Bytes)>,
    /// The view whose members get what is sent.
    pub current: View,
    /// The secret that each member installed last.
    pub secrets: BTreeMap<String, Vec<u8>>,
    /// Randomness of all drivers.
    pub rng: ChaCha20Rng,
    /// What they run.
    pub design: Design,
}

impl Default for Trio {
    fn default() -> Self {
        Self::new()
    }
}

impl Trio {
    /// Three members in CM.
    pub fn new() -> Self {
        Self::new_of(BASIC)
    }

    /// Three members without a view.
    pub fn new_of(design: Design) -> Self {
        Self {
            design,
            drivers: ["a", "b", "c"]
                .into_iter()
                .map(|name| {
                    (
                        name.to_string(),
                        RobustDriver::new(config_of(name, design)).unwrap(),
                    )
                })
                .collect(),
            flight: Vec::new(),
            sent: Vec::new(),
            current: view(1, &["a", "b", "c"], &["a", "b", "c"], Cause::Network),
            secrets: BTreeMap::new(),
            rng: seeded(7),
        }
    }

    /// Three members that have a view.
    pub fn in_view() -> Self {
        Self::in_view_of(BASIC)
    }

    /// Three members that have a view.
    pub fn in_view_of(design: Design) -> Self {
        let mut trio = Self::new_of(design);
        trio.enter();
        trio
    }

    /// All get their first view.
    pub fn enter(&mut self) {
        for name in ["a", "b", "c"] {
            let own = View {
                transitional_set: ids(&[name]),
                ..self.current.clone()
            };
            self.handle(name, Input::Membership(own)).unwrap();
        }
    }

    /// Gives an input to a member; returns what came out.
    ///
    /// # Errors
    /// Those of the driver.
    pub fn handle(&mut self, name: &str, input: Input<Bytes>) -> Result<Vec<Output<Bytes>>, Error> {
        let driver = self.drivers.get_mut(name).unwrap();
        driver.handle(input, 5_000, &mut self.rng)?;
        let outputs: Vec<_> = core::iter::from_fn(|| driver.poll_output()).collect();
        for output in &outputs {
            match output {
                Output::Send(Transmission {
                    to, kind, bytes, ..
                }) => {
                    let bytes = Bytes::from(bytes.clone());
                    self.sent
                        .push((name.into(), to.clone(), *kind, bytes.clone()));
                    for member in self.current.members.clone() {
                        if *to == Recipient::Group || *to == Recipient::Member(member) {
                            let to = member.to_string();
                            self.flight.push((name.into(), to, *kind, bytes.clone()));
                        }
                    }
                }
                Output::Install { secret, .. } => {
                    self.secrets.insert(name.into(), secret.expose().to_vec());
                }
                Output::FlushOk
                | Output::SecureFlushRequest
                | Output::SecureTransitionalSignal
                | Output::Deliver(_)
                | Output::Failed(_) => {}
            }
        }
        Ok(outputs)
    }

    /// The next token of a kind that is on its way to a member.
    pub fn take(&mut self, to: &str, kind: TokenKind) -> Option<Input<Bytes>> {
        let place = self
            .flight
            .iter()
            .position(|(_, t, k, _)| t == to && *k == kind)?;
        let (sender, _, kind, bytes) = self.flight.remove(place);
        Some(Input::Token {
            sender: id(&sender),
            kind: Some(kind),
            bytes,
        })
    }

    /// Delivers a token of a kind to a member.
    pub fn deliver(&mut self, to: &str, kind: TokenKind) -> Vec<Output<Bytes>> {
        let token = self
            .take(to, kind)
            .unwrap_or_else(|| panic!("no {kind} for {to}"));
        self.handle(to, token).unwrap()
    }

    /// Delivers everything that is on its way.
    pub fn run(&mut self) {
        while !self.flight.is_empty() {
            let (sender, to, kind, bytes) = self.flight.remove(0);
            let token = Input::Token {
                sender: id(&sender),
                kind: Some(kind),
                bytes,
            };
            self.handle(&to, token).unwrap();
        }
    }

    /// State of a member.
    pub fn state(&self, name: &str) -> &'static str {
        self.drivers[name].state_name()
    }

    /// What tokens of the current view are bound to.
    pub fn binding(&self) -> TokenBinding {
        TokenBinding {
            protocol: self.design.0,
            group_name: "ristretto255".into(),
            group: GROUP.to_vec(),
            view_id: self.current.id.0,
            view_hash: TokenBinding::view_hash(&self.current.members),
        }
    }

    /// A token with a valid signature of `sender` and any content.
    pub fn forge(&self, sender: &str, to: Recipient, kind: TokenKind, epoch: u32) -> Input<Bytes> {
        self.forge_body(sender, to, kind, epoch, b"nothing that can be read")
    }

    /// A token with a valid signature of `sender` and this body.
    pub fn forge_body(
        &self,
        sender: &str,
        to: Recipient,
        kind: TokenKind,
        epoch: u32,
        body: &[u8],
    ) -> Input<Bytes> {
        let envelope = Envelope {
            kind,
            epoch,
            timestamp: 4_000,
            sender: id(sender),
            recipient: to,
            body: body.to_vec(),
        };
        let bytes = envelope
            .seal(&self.binding(), &TestSigner::new(id(sender)))
            .into();
        Input::Token {
            sender: id(sender),
            kind: Some(kind),
            bytes,
        }
    }

    /// A trio in which `a`, `b` or `c` is in a state; gives its name. States of the table, with
    /// what happened in them where that matters.
    pub fn at(state: &str) -> (Self, &'static str) {
        Self::at_of(state, BASIC)
    }

    /// The same, with any suite and algorithm.
    pub fn at_of(state: &str, design: Design) -> (Self, &'static str) {
        let mut trio = Self::in_view_of(design);
        let who = match state {
            "CM" | "SJ" => return (Self::new_of(design), "a"),
            "CM joining" | "SJ joining" => return (Self::new_of(design), "b"),
            "FT" | "R" => "a",
            "R signal" => {
                trio.handle("a", Input::TransitionalSignal).unwrap();
                "a"
            }
            "CM interrupted" => {
                trio.handle("a", Input::FlushRequest).unwrap();
                "a"
            }
            "PT" => "b",
            "PT last" | "FO" | "FO one" | "KL controller" | "KL" | "KL signal" => {
                trio.deliver("b", PARTIAL_TOKEN);
                if state != "PT last" {
                    trio.deliver("c", PARTIAL_TOKEN);
                }
                if !matches!(state, "PT last" | "FO") {
                    trio.deliver("a", FINAL_TOKEN);
                    trio.deliver("b", FINAL_TOKEN);
                    trio.deliver("c", FACTOR_OUT);
                }
                if state.starts_with("KL") {
                    trio.deliver("c", FACTOR_OUT);
                }
                if state == "KL signal" {
                    trio.handle("a", Input::TransitionalSignal).unwrap();
                }
                if matches!(state, "KL" | "KL signal") {
                    "a"
                } else {
                    "c"
                }
            }
            "FAILED" => {
                let kind = if design.0 == Protocol::BD {
                    BLINDED_SHARE
                } else {
                    FINAL_TOKEN
                };
                let unreadable = trio.forge("b", Recipient::Group, kind, 0);
                trio.handle("a", unreadable).unwrap();
                "a"
            }
            _ => {
                trio.run();
                let input = match state {
                    "S" => None,
                    "S asked" | "CM flushed" | "M" | "M controller" => Some(Input::FlushRequest),
                    "S signal" => Some(Input::TransitionalSignal),
                    "REFRESHING" | "S given up" | "M given up" | "FAILED refresh" => {
                        Some(Input::RequestRefresh)
                    }
                    other => panic!("no state {other}"),
                };
                let who = if state == "M controller" { "c" } else { "a" };
                if let Some(input) = input {
                    trio.handle(who, input).unwrap();
                }
                match state {
                    "CM flushed" | "M" | "M controller" => {
                        trio.handle(who, Input::SecureFlushOk).unwrap();
                    }
                    "REFRESHING" | "S given up" | "M given up" | "FAILED refresh" => {
                        for name in ["a", "b", "c"] {
                            trio.deliver(name, TokenKind::REFRESH_REQUEST);
                        }
                        if matches!(state, "S given up" | "M given up") {
                            trio.handle("a", Input::TransitionalSignal).unwrap();
                        }
                        if state == "M given up" {
                            trio.handle("a", Input::FlushRequest).unwrap();
                            trio.handle("a", Input::SecureFlushOk).unwrap();
                        }
                        if state == "FAILED refresh" {
                            let list = trio.forge("c", Recipient::Group, KEY_LIST, 1);
                            trio.handle("a", list).unwrap();
                        }
                    }
                    _ => {}
                }
                who
            }
        };
        (trio, who)
    }
}
