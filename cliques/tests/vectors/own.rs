//! Vectors of this crate's own: every suite over groups of every family, every event.
//!
//! The files in `own/` are played again from the recorded draws, and everything must be as it was.
//! With `UPDATE_VECTORS` in the environment they are made anew, from seeds that are the names of suite,
//! group and member. `README.md` in the folder above explains the format.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    env, fs,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use cliques::{
    Change, MemberName, Protocol, Recipient, TokenService,
    group::MathematicalGroup,
    testing::{
        bus::{Bus, Schedule},
        rng::ReplayRng,
        world::{World, members},
    },
};
use hkdf::Hkdf;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng, TryCryptoRng, TryRng};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const FORMAT: &str = "cliques-vectors-1";

/// Where a member's random bytes come from.
enum Source {
    /// A generator; what it emits is recorded.
    Fresh(Box<ChaCha20Rng>),
    /// The recording.
    Recorded(ReplayRng),
}

/// A member's random bytes, and those that it took since the last step.
#[derive(Clone)]
struct Tape(Arc<Mutex<(Source, Vec<u8>)>>);

impl Tape {
    fn fresh(label: &str) -> Self {
        let rng = ChaCha20Rng::from_seed(Sha256::digest(label).into());
        Self(Arc::new(Mutex::new((
            Source::Fresh(Box::new(rng)),
            Vec::new(),
        ))))
    }

    fn recorded() -> Self {
        let source = Source::Recorded(ReplayRng::new());
        Self(Arc::new(Mutex::new((source, Vec::new()))))
    }

    fn push(&self, bytes: &[u8]) {
        if let Source::Recorded(rng) = &mut self.0.lock().unwrap().0 {
            rng.push(bytes);
        }
    }

    /// What was taken since the last call. Nothing recorded may be left.
    fn taken(&self) -> Vec<u8> {
        let (source, taken) = &mut *self.0.lock().unwrap();
        if let Source::Recorded(rng) = source {
            assert_eq!(rng.left(), 0, "less was drawn than recorded");
        }
        std::mem::take(taken)
    }
}

impl TryRng for Tape {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        let (source, taken) = &mut *self.0.lock().unwrap();
        match source {
            Source::Fresh(rng) => rng.fill_bytes(out),
            Source::Recorded(rng) => rng.fill_bytes(out),
        }
        taken.extend_from_slice(out);
        Ok(())
    }
}

impl TryCryptoRng for Tape {}

/// The events: name, members on the side that goes on, those who leave, those who come.
fn events() -> Vec<(&'static str, Vec<(MemberName, Change)>)> {
    let of = |numbers: &[usize]| members(numbers.iter().copied());
    let update = |present: &[usize], left: &[usize], joined: &[usize]| {
        World::changes(&of(present), &of(left), &of(joined))
    };
    let [first, others @ ..] = &of(&[4, 1, 5, 2])[..] else {
        unreachable!("four members")
    };
    let restart = Change::Restart {
        joined: others.to_vec(),
    };
    let enter = Change::Enter {
        members: of(&[4, 1, 5, 2]),
    };
    let mut restarts = vec![(*first, restart)];
    restarts.extend(others.iter().map(|name| (*name, enter.clone())));
    vec![
        ("found", vec![(of(&[1]).remove(0), Change::Found)]),
        ("first join", update(&[1], &[], &[2])),
        ("join", update(&[1, 2], &[], &[3])),
        ("mass join", update(&[1, 2, 3], &[], &[4, 5])),
        ("refresh", update(&[1, 2, 3, 4, 5], &[], &[])),
        ("leave of one between", update(&[1, 2, 3, 4, 5], &[3], &[])),
        ("partition, one side", update(&[1, 2, 4, 5], &[2, 4], &[])),
        ("partition, other side", update(&[1, 2, 4, 5], &[1, 5], &[])),
        ("merge of two groups", update(&[1, 5], &[], &[2, 4])),
        ("leave of the oldest", update(&[1, 5, 2, 4], &[1], &[])),
        ("leave of the newest", update(&[5, 2, 4], &[4], &[])),
        ("leave with joins", update(&[5, 2], &[5], &[1, 4])),
        ("loss of all but one", update(&[2, 1, 4], &[1, 4], &[])),
        ("restart", restarts),
    ]
}

fn describe(change: &Change) -> Value {
    let list = |members: &[MemberName]| members.iter().map(ToString::to_string).collect::<Vec<_>>();
    match change {
        Change::Found => json!("found"),
        Change::Restart { joined } => json!({ "restart": { "joined": list(joined) } }),
        Change::Enter { members } => json!({ "enter": { "members": list(members) } }),
        Change::Update { left, joined } => {
            json!({ "update": { "left": list(left), "joined": list(joined) } })
        }
        Change::Resume { .. } => unreachable!("no event of the vectors"),
    }
}

/// Plays all events; before each, `draws` may give the members what they are to draw.
fn play(
    protocol: Protocol,
    group: &MathematicalGroup,
    tapes: &BTreeMap<MemberName, Tape>,
    draws: impl Fn(usize, &MemberName, &Tape),
) -> Vec<Value> {
    let mut bus = Bus::new(Schedule::Rounds);
    for (member, tape) in tapes {
        let machine = protocol.member(group.clone(), *member);
        bus.add(machine, Box::new(tape.clone()));
    }
    let steps = events().into_iter().enumerate();
    steps
        .map(|(number, (event, changes))| {
            tapes
                .iter()
                .for_each(|(member, tape)| draws(number, member, tape));
            let run = bus.change(&changes).unwrap();
            let (_, secret) = run.secrets.first_key_value().unwrap();
            assert_eq!(run.secrets.len(), changes.len(), "{event}");
            for other in run.secrets.values() {
                assert_eq!(other.expose(), secret.expose(), "{event}");
            }
            let mut okm = [0; 32];
            Hkdf::<Sha256>::new(Some(&[0; 32]), secret.expose())
                .expand(b"ka-vector", &mut okm)
                .unwrap();
            let changes: serde_json::Map<_, _> = changes
                .iter()
                .map(|(member, change)| (member.to_string(), describe(change)))
                .collect();
            let taken: serde_json::Map<_, _> = tapes
                .iter()
                .map(|(member, tape)| (member.to_string(), hex::encode(tape.taken())))
                .filter(|(_, taken)| !taken.is_empty())
                .map(|(member, taken)| (member, taken.into()))
                .collect();
            let tokens: Vec<_> = run
                .sent
                .iter()
                .map(|sent| {
                    json!({
                        "round": sent.round,
                        "from": sent.from.to_string(),
                        "to": match &sent.token.to {
                            Recipient::Group => "*".to_owned(),
                            Recipient::Member(member) => member.to_string(),
                        },
                        "service": match sent.token.service {
                            TokenService::Fifo => "fifo",
                            TokenService::Agreed => "agreed",
                        },
                        "kind": sent.token.kind.number(),
                        "body": hex::encode(&sent.token.body),
                    })
                })
                .collect();
            let exponentiations: serde_json::Map<_, _> = run
                .costs
                .iter()
                .map(|(member, cost)| (member.to_string(), cost.exponentiations().into()))
                .collect();
            json!({
                "event": event,
                "changes": changes,
                "draws": taken,
                "tokens": tokens,
                "order": bus
                    .machine(run.secrets.first_key_value().unwrap().0)
                    .order()
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>(),
                "secret": hex::encode(secret.expose()),
                "hkdf32": hex::encode(okm),
                "exponentiations": exponentiations,
                "exponentiations_in_series": run.serial().exponentiations(),
            })
        })
        .collect()
}

fn tapes(tape: impl Fn(&MemberName) -> Tape) -> BTreeMap<MemberName, Tape> {
    let all = members(1..=5).into_iter();
    all.map(|member| (member, tape(&member))).collect()
}

fn write(path: &PathBuf, protocol: Protocol, group: &MathematicalGroup) {
    let label = |member: &MemberName| format!("{FORMAT}/{protocol}/{}/{member}", group.name());
    let tapes = tapes(|member| Tape::fresh(&label(member)));
    let steps = play(protocol, group, &tapes, |_, _, _| {});
    let steps: Vec<_> = steps.iter().map(Value::to_string).collect();
    let text = format!(
        "{{\"format\":\"{FORMAT}\",\"suite\":\"{protocol}\",\"group\":\"{}\",\"steps\":[\n{}\n]}}\n",
        group.name(),
        steps.join(",\n")
    );
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn check(protocol: Protocol, group: &str) {
    let path: PathBuf = [
        env!("CARGO_MANIFEST_DIR"),
        "tests/vectors/own",
        &format!("{protocol}-{group}.json"),
    ]
    .iter()
    .collect();
    let group: MathematicalGroup = group.parse().unwrap();
    if env::var_os("UPDATE_VECTORS").is_some() {
        write(&path, protocol, &group);
    }
    let file: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(file["format"], FORMAT);
    assert_eq!(file["suite"], protocol.as_str());
    assert_eq!(file["group"], group.name());
    let steps = file["steps"].as_array().unwrap();
    let played = play(
        protocol,
        &group,
        &tapes(|_| Tape::recorded()),
        |number, member, tape| {
            if let Some(bytes) = steps[number]["draws"].get(member.to_string()) {
                tape.push(&hex::decode(bytes.as_str().unwrap()).unwrap());
            }
        },
    );
    assert_eq!(played.len(), steps.len());
    for (played, recorded) in played.iter().zip(steps) {
        for (field, value) in recorded.as_object().unwrap() {
            assert_eq!(&played[field], value, "{} {field}", recorded["event"]);
        }
        assert_eq!(played, recorded);
    }
}

/// One test for each group.
macro_rules! groups {
    ($($(#[$feature:meta])? $test:ident = $group:literal;)*) => {$(
        $(#[$feature])?
        #[test]
        fn $test() {
            for protocol in Protocol::ALL {
                println!("{protocol}");
                check(*protocol, $group);
            }
        }
    )*};
}

groups! {
    ristretto255 = "ristretto255";
    #[cfg(feature = "p256")]
    p256 = "p256";
    ffdhe2048 = "ffdhe2048";
    schnorr2048_256 = "schnorr2048-256";
}

#[test]
fn every_suite_has_files() {
    let folder = [env!("CARGO_MANIFEST_DIR"), "tests/vectors/own"];
    let folder: PathBuf = folder.iter().collect();
    let mut files = BTreeMap::<_, usize>::new();
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let suite = Protocol::ALL
            .iter()
            .filter(|suite| name.starts_with(&format!("{suite}-")))
            .max_by_key(|suite| suite.as_str().len())
            .unwrap_or_else(|| panic!("{name} is of no suite"));
        *files.entry(*suite).or_default() += 1;
    }
    for suite in Protocol::ALL {
        assert_eq!(files.get(suite), Some(&4), "{suite}");
    }
}
