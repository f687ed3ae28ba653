//! Replays the published test vectors of GDH: every message, secret, state and cost.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use std::collections::BTreeMap;

use cliques::{
    Change, Group, KeyAgreement, MemberId, NamedGroup, Outgoing, Recipient, Step, TokenKind,
    TokenService, gdh::Gdh, group::GroupVisitor, testing::rng::ReplayRng,
};
use hkdf::Hkdf;
use md5::{Digest, Md5};
use serde_json::Value;

const TOY: &str = include_str!("vectors/gdh.json");
const BIG: &str = include_str!("vectors/gdh-big-1024-160.json");

/// One member: its machine, its recorded draws, and when it would be done with what it has
/// computed so far, counted in exponentiations.
struct Station<G: Group> {
    machine: Gdh<G>,
    rng: ReplayRng,
    time: u64,
    exponentiations: u64,
}

/// A token on its way.
struct Flying {
    from: MemberId,
    token: Outgoing,
    time: u64,
}

struct Replay {
    scenario: Value,
    element_len: usize,
    share_len: usize,
}

fn name(value: &Value) -> MemberId {
    MemberId::try_from(value.as_str().unwrap()).unwrap()
}

fn names(value: &Value) -> Vec<MemberId> {
    value
        .as_array()
        .map_or_else(Vec::new, |list| list.iter().map(name).collect())
}

/// A hexadecimal number as big-endian bytes of fixed length.
fn number(value: &Value, len: usize) -> Vec<u8> {
    hex::decode(format!(
        "{:0>width$}",
        value.as_str().unwrap(),
        width = 2 * len
    ))
    .unwrap()
}

impl GroupVisitor for Replay {
    type Output = ();

    fn visit<G: Group>(self, group: G) {
        assert_eq!(group.element_len(), self.element_len);
        let mut stations: BTreeMap<MemberId, Station<G>> = BTreeMap::new();
        for step in self.scenario["steps"].as_array().unwrap() {
            self.step(&group, &mut stations, step);
        }
    }
}

impl Replay {
    fn step<G: Group>(
        &self,
        group: &G,
        stations: &mut BTreeMap<MemberId, Station<G>>,
        step: &Value,
    ) {
        let label = format!(
            "{} step {} {}",
            self.scenario["name"], step["step"], step["event"]
        );
        let members = names(&step["members_after"]);
        for member in &members {
            let station = stations.entry(member.clone()).or_insert_with(|| Station {
                machine: Gdh::new(group.clone(), member.clone()),
                rng: ReplayRng::new(),
                time: 0,
                exponentiations: 0,
            });
            station.time = 0;
            station.exponentiations = 0;
        }
        for draw in step["draws"].as_array().unwrap() {
            let bytes = number(&draw["value"], self.share_len);
            stations
                .get_mut(&name(&draw["member"]))
                .unwrap()
                .rng
                .push(&bytes);
        }

        let mut secrets = BTreeMap::new();
        let mut flying = Vec::new();
        for member in &members {
            let station = stations.get_mut(member).unwrap();
            let answer = begin(station, step, member);
            absorb(station, member, 0, answer, &mut flying, &mut secrets);
        }

        let mut recorded = step["messages"].as_array().unwrap().iter();
        let (mut rounds, mut unicasts, mut broadcasts) = (0, 0, 0);
        while !flying.is_empty() {
            rounds += 1;
            let round = std::mem::take(&mut flying);
            for sent in &round {
                let expected = recorded
                    .next()
                    .unwrap_or_else(|| panic!("{label}: a message more"));
                assert_eq!(expected["round"].as_u64(), Some(rounds), "{label}");
                self.compare(&label, step, expected, sent);
            }
            for sent in round {
                let receivers = match &sent.token.to {
                    Recipient::Group => {
                        broadcasts += 1;
                        members.clone()
                    }
                    Recipient::Member(member) => {
                        unicasts += 1;
                        vec![member.clone()]
                    }
                };
                for member in receivers {
                    let station = stations.get_mut(&member).unwrap();
                    let Outgoing { kind, body, .. } = &sent.token;
                    let answer = station
                        .machine
                        .process(&sent.from, *kind, body, &mut station.rng)
                        .unwrap_or_else(|error| panic!("{label}: {member}: {error}"));
                    absorb(
                        station,
                        &member,
                        sent.time,
                        answer,
                        &mut flying,
                        &mut secrets,
                    );
                }
            }
        }
        assert!(recorded.next().is_none(), "{label}: a message is missing");

        self.check_secrets(&label, step, &members, &secrets);
        let cost = &step["cost"];
        assert_eq!(cost["rounds"].as_u64(), Some(rounds), "{label}: rounds");
        assert_eq!(
            cost["unicasts"].as_u64(),
            Some(unicasts),
            "{label}: unicasts"
        );
        assert_eq!(
            cost["broadcasts"].as_u64(),
            Some(broadcasts),
            "{label}: broadcasts"
        );
        let by_member = cost["exps_by_member"].as_object().unwrap();
        assert_eq!(by_member.len(), members.len(), "{label}");
        let mut serial = 0;
        for member in &members {
            let station = &stations[member];
            let expected = by_member[&member.to_string()].as_u64().unwrap();
            assert_eq!(
                station.exponentiations, expected,
                "{label}: exponentiations of {member}"
            );
            assert_eq!(station.rng.left(), 0, "{label}: {member} drew too little");
            serial = serial.max(station.time);
            self.check_state(&label, &step["state"], member, &station.machine);
        }
        assert_eq!(
            cost["exps_serial"].as_u64(),
            Some(serial),
            "{label}: serial"
        );
    }

    fn compare(&self, label: &str, step: &Value, expected: &Value, sent: &Flying) {
        let label = format!("{label}: {} of {}", sent.token.kind, sent.from);
        let kind = match expected["kind"].as_str().unwrap() {
            "partial_token" => TokenKind::GdhPartial,
            "final_token" => TokenKind::GdhFinal,
            "fact_out" => TokenKind::GdhFactorOut,
            "key_list" => TokenKind::GdhKeyList,
            "join_token" => TokenKind::GdhJoin,
            other => panic!("unknown kind {other}"),
        };
        assert_eq!(sent.token.kind, kind, "{label}");
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

        let body = &expected["body"];
        let order = names(&body["order"]);
        let mut bytes = Vec::new();
        let enc16 = |bytes: &mut Vec<u8>, member: &MemberId| {
            bytes.extend(
                u16::try_from(member.as_bytes().len())
                    .unwrap()
                    .to_be_bytes(),
            );
            bytes.extend(member.as_bytes());
        };
        let count = u16::try_from(order.len()).unwrap().to_be_bytes();
        match kind {
            TokenKind::GdhPartial | TokenKind::GdhFinal => {
                let joined = names(&step["joined"]).len();
                bytes.extend(u16::try_from(order.len() - joined).unwrap().to_be_bytes());
                bytes.extend(count);
                order.iter().for_each(|member| enc16(&mut bytes, member));
                bytes.extend(number(&body["token"], self.element_len));
            }
            TokenKind::GdhFactorOut => bytes.extend(number(&body["value"], self.element_len)),
            _ => {
                bytes.extend(count);
                for member in &order {
                    enc16(&mut bytes, member);
                    let value = &body["values"][&member.to_string()];
                    bytes.extend(number(value, self.element_len));
                }
            }
        }
        assert_eq!(hex::encode(&sent.token.body), hex::encode(bytes), "{label}");
    }

    fn check_secrets(
        &self,
        label: &str,
        step: &Value,
        members: &[MemberId],
        secrets: &BTreeMap<MemberId, Vec<u8>>,
    ) {
        let expected = number(&step["secret"], self.element_len);
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
        assert_eq!(
            hex::encode(okm),
            step["hkdf32"].as_str().unwrap(),
            "{label}: hkdf32"
        );
        let text = hex::encode_upper(&expected);
        let mut digits = text.as_str();
        while let Some(rest) = digits.strip_prefix("00") {
            digits = rest;
        }
        let digest = hex::encode(Md5::digest(digits));
        assert_eq!(
            digest,
            step["legacy_md5"].as_str().unwrap(),
            "{label}: legacy_md5"
        );
    }

    fn check_state<G: Group>(
        &self,
        label: &str,
        state: &Value,
        member: &MemberId,
        machine: &Gdh<G>,
    ) {
        let order = names(&state["order"]);
        assert_eq!(machine.order(), order, "{label}: order at {member}");
        let controller = name(&state["controller"]);
        assert_eq!(
            machine.controller(),
            Some(&controller),
            "{label}: controller at {member}"
        );
        let partials: Vec<_> = order
            .into_iter()
            .map(|of| {
                let value = number(&state["partials"][&of.to_string()], self.element_len);
                (of, value)
            })
            .collect();
        assert_eq!(
            machine.partial_keys(),
            partials,
            "{label}: partial keys at {member}"
        );
    }
}

/// Tells a member of the step's event.
fn begin<G: Group>(station: &mut Station<G>, step: &Value, member: &MemberId) -> Step {
    let members = names(&step["members_after"]);
    let joined = names(&step["joined"]);
    let left = names(&step["left"]);
    let Station { machine, rng, .. } = station;
    let is_new = joined.contains(member);
    let change = match (step["event"].as_str().unwrap(), step["mode"].as_str()) {
        ("init", _) => Change::Found,
        ("restart", _) if !is_new => Change::Restart { joined },
        (_, Some("direct")) if is_new => return machine.enter_directly(members).unwrap(),
        (_, Some("direct")) => {
            return machine.begin_direct_join(joined[0].clone(), rng).unwrap();
        }
        _ if is_new => Change::Enter { members },
        _ => Change::Update { left, joined },
    };
    machine.begin(change, rng).unwrap()
}

/// Takes what a member answers to something that reached it at `time`.
fn absorb<G: Group>(
    station: &mut Station<G>,
    member: &MemberId,
    time: u64,
    answer: Step,
    flying: &mut Vec<Flying>,
    secrets: &mut BTreeMap<MemberId, Vec<u8>>,
) {
    let work = station.machine.take_cost().exponentiations();
    station.exponentiations += work;
    station.time = station.time.max(time) + work;
    for token in answer.send {
        flying.push(Flying {
            from: member.clone(),
            token,
            time: station.time,
        });
    }
    if let Some(secret) = answer.secret {
        assert!(
            secrets
                .insert(member.clone(), secret.expose().to_vec())
                .is_none()
        );
    }
}

fn replay(file: &str, scenario: &str) {
    let file: Value = serde_json::from_str(file).unwrap();
    let group = &file["group"];
    let q_len = group["q"].as_str().unwrap().len().div_ceil(2);
    let replay = Replay {
        scenario: file["scenarios"]
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["name"].as_str() == Some(scenario))
            .unwrap_or_else(|| panic!("no scenario {scenario}"))
            .clone(),
        element_len: usize::try_from(group["element_len"].as_u64().unwrap()).unwrap(),
        share_len: q_len,
    };
    assert!(replay.scenario["steps"].as_array().unwrap().len() > 3);
    group["name"]
        .as_str()
        .unwrap()
        .parse::<NamedGroup>()
        .unwrap()
        .with(replay);
}

macro_rules! scenarios {
    ($($test:ident: $file:expr, $name:literal;)*) => {$(
        #[test]
        fn $test() {
            replay($file, $name);
        }
    )*};
}

scenarios! {
    n2: TOY, "n2";
    n3: TOY, "n3";
    n4: TOY, "n4";
    n5: TOY, "n5";
    n6: TOY, "n6";
    n7: TOY, "n7";
    n8: TOY, "n8";
    direct2: TOY, "direct2";
    direct3: TOY, "direct3";
    direct5: TOY, "direct5";
    direct8: TOY, "direct8";
    big_1024_160: BIG, "big4";
}

#[test]
fn all_scenarios_of_the_files_have_a_test() {
    let count = |file: &str| {
        let file: Value = serde_json::from_str(file).unwrap();
        file["scenarios"].as_array().unwrap().len()
    };
    assert_eq!((count(TOY), count(BIG)), (11, 1));
}
