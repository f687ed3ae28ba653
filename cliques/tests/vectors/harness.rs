//! Replays a scenario of the vector files, for any suite.

use std::{collections::BTreeMap, marker::PhantomData, mem};

use cliques::{
    Change, Group, KeyAgreement, MemberName, Outgoing, Recipient, Step, TokenKind, TokenService,
    group::{GroupVisitor, MathematicalGroup},
    testing::rng::ReplayRng,
};
use hkdf::Hkdf;
use md5::{Digest, Md5};
use serde_json::Value;

/// What the harness must know of a suite.
pub(crate) trait Suite {
    /// The suite's name in the files.
    const NAME: &'static str;

    /// Kinds of tokens by their names in the files.
    const KINDS: &'static [(&'static str, TokenKind)];

    /// The suite's machine.
    type Machine<G: Group>: KeyAgreement;

    /// A member without a group.
    fn machine<G: Group>(group: G, me: MemberName) -> Self::Machine<G>;

    /// Tells a member of the event.
    fn begin<G: Group>(
        machine: &mut Self::Machine<G>,
        event: &Event<'_>,
        rng: &mut ReplayRng,
    ) -> Step {
        let change = Self::change(machine, event);
        machine.begin(change, rng).unwrap()
    }

    /// The event as it looks to a member.
    fn change<G: Group>(machine: &Self::Machine<G>, event: &Event<'_>) -> Change {
        event.change(machine.me())
    }

    /// Members in the order in which their first messages are recorded.
    fn speakers(event: &Event<'_>) -> Vec<MemberName> {
        event.members()
    }

    /// Compares the exponentiations on the critical path with those recorded.
    fn check_serial(recorded: u64, serial: u64, label: &str) {
        assert_eq!(serial, recorded, "{label}: serial");
    }

    /// The bytes of a recorded body.
    fn body(numbers: Numbers, event: &Event<'_>, kind: TokenKind, body: &Value) -> Vec<u8>;

    /// Compares a member's public state with the recorded one.
    fn check_state<G: Group>(
        numbers: Numbers,
        event: &Event<'_>,
        machine: &Self::Machine<G>,
        label: &str,
    );
}

/// Lengths of encoded numbers.
#[derive(Clone, Copy)]
pub(crate) struct Numbers {
    element_len: usize,
    share_len: usize,
}

impl Numbers {
    /// A hexadecimal element as bytes.
    pub(crate) fn element(self, value: &Value) -> Vec<u8> {
        number(value, self.element_len)
    }
}

/// One step of a scenario: the event and what came of it.
pub(crate) struct Event<'a>(pub(crate) &'a Value);

impl Event<'_> {
    pub(crate) fn members(&self) -> Vec<MemberName> {
        names(&self.0["members_after"])
    }

    pub(crate) fn joined(&self) -> Vec<MemberName> {
        names(&self.0["joined"])
    }

    pub(crate) fn left(&self) -> Vec<MemberName> {
        names(&self.0["left"])
    }

    pub(crate) fn state(&self) -> &Value {
        &self.0["state"]
    }

    /// The event as it looks to a member.
    pub(crate) fn change(&self, me: &MemberName) -> Change {
        let members = self.members();
        let joined = self.joined();
        let left = self.left();
        let is_new = joined.contains(me);
        match self.0["event"].as_str().unwrap() {
            "init" => Change::Found,
            "restart" if !is_new => Change::Restart { joined },
            _ if is_new => Change::Enter { members },
            _ => Change::Update { left, joined },
        }
    }
}

/// A token on its way.
struct Flying {
    from: MemberName,
    token: Outgoing,
    time: u64,
}

/// One member: its machine, its recorded draws, and when it would be done with what it has
/// computed so far, counted in exponentiations.
struct Station<M> {
    machine: M,
    rng: ReplayRng,
    time: u64,
    exponentiations: u64,
}

impl<M: KeyAgreement> Station<M> {
    /// Takes what the member answers to something that reached it at `time`.
    fn absorb(&mut self, time: u64, answer: Step, flying: &mut Vec<Flying>, secrets: &mut Secrets) {
        let work = self.machine.take_cost().exponentiations();
        self.exponentiations += work;
        self.time = self.time.max(time) + work;
        flying.extend(answer.send.into_iter().map(|token| Flying {
            from: *self.machine.me(),
            token,
            time: self.time,
        }));
        if let Some(secret) = answer.secret {
            let me = *self.machine.me();
            let earlier = secrets.insert(me, secret.expose().to_vec());
            assert!(earlier.is_none(), "a second secret");
        }
    }
}

type Secrets = BTreeMap<MemberName, Vec<u8>>;

pub(crate) fn name(value: &Value) -> MemberName {
    MemberName::try_from(value.as_str().unwrap()).unwrap()
}

pub(crate) fn names(value: &Value) -> Vec<MemberName> {
    value
        .as_array()
        .map_or_else(Vec::new, |list| list.iter().map(name).collect())
}

/// Appends a name behind its length.
pub(crate) fn put_name(bytes: &mut Vec<u8>, member: &MemberName) {
    put_count(bytes, member.as_bytes().len());
    bytes.extend(member.as_bytes());
}

/// Appends a 16-bit number.
pub(crate) fn put_count(bytes: &mut Vec<u8>, count: usize) {
    bytes.extend(u16::try_from(count).unwrap().to_be_bytes());
}

/// A hexadecimal number as big-endian bytes of fixed length.
fn number(value: &Value, len: usize) -> Vec<u8> {
    let digits = value.as_str().unwrap();
    hex::decode(format!("{digits:0>width$}", width = 2 * len)).unwrap()
}

struct Replay<S> {
    scenario: Value,
    numbers: Numbers,
    suite: PhantomData<S>,
}

impl<S: Suite> GroupVisitor for Replay<S> {
    type Output = ();

    fn visit<G: Group>(self, group: G) {
        assert_eq!(group.element_len(), self.numbers.element_len);
        let mut stations = BTreeMap::new();
        for step in self.scenario["steps"].as_array().unwrap() {
            self.step(&group, &mut stations, &Event(step));
        }
    }
}

impl<S: Suite> Replay<S> {
    fn step<G: Group>(
        &self,
        group: &G,
        stations: &mut BTreeMap<MemberName, Station<S::Machine<G>>>,
        event: &Event<'_>,
    ) {
        let step = event.0;
        let label = format!(
            "{} {} step {} {}",
            S::NAME,
            self.scenario["name"],
            step["step"],
            step["event"]
        );
        let members = event.members();
        for member in &members {
            let station = stations.entry(*member).or_insert_with(|| Station {
                machine: S::machine(group.clone(), *member),
                rng: ReplayRng::new(),
                time: 0,
                exponentiations: 0,
            });
            station.time = 0;
            station.exponentiations = 0;
        }
        for draw in step["draws"].as_array().unwrap() {
            let bytes = number(&draw["value"], self.numbers.share_len);
            let member = name(&draw["member"]);
            stations.get_mut(&member).unwrap().rng.push(&bytes);
        }

        let mut secrets = Secrets::new();
        let mut flying = Vec::new();
        for member in &S::speakers(event) {
            let station = stations.get_mut(member).unwrap();
            let answer = S::begin(&mut station.machine, event, &mut station.rng);
            station.absorb(0, answer, &mut flying, &mut secrets);
        }

        let mut recorded = step["messages"].as_array().unwrap().iter();
        let (mut rounds, mut unicasts, mut broadcasts) = (0, 0, 0);
        while !flying.is_empty() {
            rounds += 1;
            let round = mem::take(&mut flying);
            for sent in &round {
                let expected = recorded
                    .next()
                    .unwrap_or_else(|| panic!("{label}: a message more"));
                assert_eq!(expected["round"].as_u64(), Some(rounds), "{label}");
                self.compare(&label, event, expected, sent);
            }
            for sent in round {
                let receivers = match &sent.token.to {
                    Recipient::Group => {
                        broadcasts += 1;
                        members.clone()
                    }
                    Recipient::Member(member) => {
                        unicasts += 1;
                        vec![*member]
                    }
                };
                for member in receivers {
                    let station = stations.get_mut(&member).unwrap();
                    let Outgoing { kind, body, .. } = &sent.token;
                    let answer = station
                        .machine
                        .process(&sent.from, *kind, body, &mut station.rng)
                        .unwrap_or_else(|error| panic!("{label}: {member}: {error}"));
                    station.absorb(sent.time, answer, &mut flying, &mut secrets);
                }
            }
        }
        assert!(recorded.next().is_none(), "{label}: a message is missing");

        self.check_secrets(&label, step, &members, &secrets);
        let cost = &step["cost"];
        for (what, count) in [
            ("rounds", rounds),
            ("unicasts", unicasts),
            ("broadcasts", broadcasts),
        ] {
            assert_eq!(cost[what].as_u64(), Some(count), "{label}: {what}");
        }
        let by_member = cost["exps_by_member"].as_object().unwrap();
        assert_eq!(by_member.len(), members.len(), "{label}");
        let (mut total, mut serial) = (0, 0);
        for member in &members {
            let station = &stations[member];
            assert_eq!(
                by_member[&member.to_string()].as_u64(),
                Some(station.exponentiations),
                "{label}: exponentiations of {member}"
            );
            assert_eq!(station.rng.left(), 0, "{label}: {member} drew too little");
            total += station.exponentiations;
            serial = serial.max(station.time);
            let label = format!("{label}: {member}");
            S::check_state(self.numbers, event, &station.machine, &label);
        }
        assert_eq!(cost["exps_total"].as_u64(), Some(total), "{label}: total");
        S::check_serial(cost["exps_serial"].as_u64().unwrap(), serial, &label);
    }

    fn compare(&self, label: &str, event: &Event<'_>, expected: &Value, sent: &Flying) {
        let label = format!("{label}: {} of {}", sent.token.kind, sent.from);
        let recorded = expected["kind"].as_str().unwrap();
        let (_, kind) = S::KINDS
            .iter()
            .find(|(name, _)| *name == recorded)
            .unwrap_or_else(|| panic!("{label}: unknown kind {recorded}"));
        assert_eq!(sent.token.kind, *kind, "{label}");
        assert_eq!(sent.from, name(&expected["from"]), "{label}");
        let to = match expected["to"].as_str().unwrap() {
            "*" => Recipient::Group,
            _ => Recipient::Member(name(&expected["to"])),
        };
        assert_eq!(sent.token.to, to, "{label}");
        let service = match expected["service"].as_str().unwrap() {
            "fifo" => TokenService::Fifo,
            "agreed" => TokenService::Agreed,
            other => panic!("unknown service {other}"),
        };
        assert_eq!(sent.token.service, service, "{label}");
        let body = S::body(self.numbers, event, *kind, &expected["body"]);
        assert_eq!(hex::encode(&sent.token.body), hex::encode(body), "{label}");
    }

    fn check_secrets(&self, label: &str, step: &Value, members: &[MemberName], secrets: &Secrets) {
        let expected = self.numbers.element(&step["secret"]);
        assert_eq!(
            secrets.len(),
            members.len(),
            "{label}: not everybody completed"
        );
        for (member, secret) in secrets {
            assert_eq!(*secret, expected, "{label}: secret of {member}");
        }
        let mut okm = [0; 32];
        Hkdf::<sha2::Sha256>::new(Some(&[0; 32]), &expected)
            .expand(b"ka-vector", &mut okm)
            .unwrap();
        assert_eq!(step["hkdf32"], hex::encode(okm), "{label}: hkdf32");
        let text = hex::encode_upper(&expected);
        let mut digits = text.as_str();
        while let Some(rest) = digits.strip_prefix("00") {
            digits = rest;
        }
        let digest = hex::encode(Md5::digest(digits));
        assert_eq!(step["legacy_md5"], digest, "{label}: legacy_md5");
    }
}

/// Replays the scenario `name` of suite `S`.
pub(crate) fn replay<S: Suite>(file: &str, name: &str) {
    let file: Value = serde_json::from_str(file).unwrap();
    let group = &file["group"];
    let len = |digits: &Value| digits.as_str().unwrap().len().div_ceil(2);
    let scenario = file["scenarios"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["name"] == name && it.get("suite").is_none_or(|suite| suite == S::NAME))
        .unwrap_or_else(|| panic!("no scenario {name}"))
        .clone();
    assert!(file["suite"] == S::NAME || scenario["suite"] == S::NAME);
    assert!(scenario["steps"].as_array().unwrap().len() > 3);
    let map = match scenario["f_map"].as_str().unwrap() {
        "mod_q" => "",
        "abs" => "+abs",
        other => panic!("unknown map F {other}"),
    };
    let name = format!("{}{map}", group["name"].as_str().unwrap());
    name.parse::<MathematicalGroup>()
        .unwrap()
        .with(Replay::<S> {
            scenario,
            numbers: Numbers {
                element_len: usize::try_from(group["element_len"].as_u64().unwrap()).unwrap(),
                share_len: len(&group["q"]),
            },
            suite: PhantomData,
        });
}

/// The scenarios of suite `S` in a file.
pub(crate) fn names_of_scenarios<S: Suite>(file: &str) -> Vec<String> {
    let file: Value = serde_json::from_str(file).unwrap();
    file["scenarios"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it.get("suite").is_none_or(|suite| suite == S::NAME))
        .map(|it| it["name"].as_str().unwrap().to_owned())
        .collect()
}

/// One named test for each scenario of a suite, and one that none was forgotten.
macro_rules! scenarios {
    ($suite:ty; $(
        $file:literal: $($(#[$attribute:meta])* $test:ident = $name:literal),+;
    )*) => {
        $($(
            #[test]
            $(#[$attribute])*
            fn $test() {
                $crate::harness::replay::<$suite>(include_str!($file), $name);
            }
        )+)*

        #[test]
        fn every_scenario_has_a_test() {
            $(assert_eq!(
                $crate::harness::names_of_scenarios::<$suite>(include_str!($file)),
                [$($name),+]
            );)*
        }
    };
}
pub(crate) use scenarios;
