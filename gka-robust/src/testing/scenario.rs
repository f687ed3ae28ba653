//! Directed scenarios, written as scripts.
//!
//! | command | meaning |
//! |---|---|
//! | `start a b` | processes start and join the component of the first live one |
//! | `found a` | a process starts in a component of its own |
//! | `crash a`, `leave a` | a process ends |
//! | `restart a` | it ends and a new one of its name joins at once |
//! | `gather a b` | these become one component, the rest of theirs another |
//! | `heal` | all live ones become one component |
//! | `settle` | until nothing is left to do |
//! | `steps 20` | so many random steps |
//! | `until a KL` | random steps until `a` is in that state (abbreviated as in the table) |
//! | `log a 2` | the next two entries of the common order are delivered to `a` |
//! | `hold a`, `release a` | `a` does nothing; goes on |
//! | `withhold a`, `permit a` | the application of `a` does not answer; answers |
//! | `send a fifo`, `send a agreed` | the application sends |
//! | `refresh a` | the application asks for a new key |
//! | `try until a KL`, `try log a 1` | the same, but it may fail |
//! | `expect a KL` | `a` is in that state |
//! | `ready a` | `a` has permitted, or been interrupted: it waits for a membership (CM or M) |
//! | `members a = b c` | the secure view of `a` has these members |
//! | `came a = b c` | these came along to it |
//! | `epoch a 1` | it has this epoch |

use alloc::{collections::BTreeSet, format, string::String, vec::Vec};

use cliques::{MemberName, TokenService};

use super::{
    Violation, check,
    oracle::check_quiescent,
    simulation::{Change, Options, Simulation, Traffic, member},
};

/// A script.
#[derive(Clone, Copy, Debug)]
pub struct Scenario<'a> {
    script: &'a str,
}

impl<'a> Scenario<'a> {
    /// A script, one command a line; `#` starts a comment.
    pub const fn new(script: &'a str) -> Self {
        Self { script }
    }

    /// Runs it, and then to quiescence; gives what the oracle found. Panics where a command cannot
    /// be carried out or an expectation does not hold.
    pub fn run(&self, options: Options) -> (Vec<Violation>, Simulation) {
        let seed = options.seed;
        match self.try_run(options) {
            Ok(result) => result,
            Err(Problem { command, what }) => panic!("seed {seed}, \"{command}\": {what}"),
        }
    }

    /// Like [`run`](Self::run), without a panic.
    ///
    /// # Errors
    /// The first command that could not be carried out, or expectation that did not hold.
    pub fn try_run(&self, options: Options) -> Result<(Vec<Violation>, Simulation), Problem> {
        let mut simulation = Simulation::new(options);
        for line in self.script.lines() {
            let command = line.split('#').next().unwrap_or_default().trim();
            if !command.is_empty() {
                simulation.tell(command.into());
                perform(&mut simulation, command).map_err(|what| Problem {
                    command: command.into(),
                    what,
                })?;
            }
        }
        for name in simulation.live() {
            simulation.hold(&name, false);
            simulation.withhold(&name, false);
        }
        let rests = simulation.settle();
        let mut found = check(&simulation);
        found.extend(check_quiescent(&simulation));
        if !rests {
            found.push(Violation {
                invariant: "I22",
                message: "never comes to rest".into(),
            });
        }
        Ok((found, simulation))
    }
}

/// A command that could not be carried out, or an expectation that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The command.
    pub command: String,
    /// What is the matter.
    pub what: String,
}

impl Problem {
    /// Whether the script asked for something that the seed did not bring about, rather than the
    /// driver did something unexpected.
    pub fn is_of_the_script(&self) -> bool {
        is_of_the_script(&self.command)
    }
}

fn is_of_the_script(command: &str) -> bool {
    ["until", "log", "ready"]
        .iter()
        .any(|word| command.starts_with(word))
}

/// The state that an abbreviation of the table stands for.
fn state(short: &str) -> Result<&'static str, String> {
    Ok(match short {
        "S" => "SECURE",
        "PT" => "WAIT_FOR_PARTIAL_TOKEN",
        "FT" => "WAIT_FOR_FINAL_TOKEN",
        "FO" => "COLLECT_FACT_OUTS",
        "KL" => "WAIT_FOR_KEY_LIST",
        "CM" => "WAIT_FOR_CASCADING_MEMBERSHIP",
        "M" => "WAIT_FOR_MEMBERSHIP",
        "SJ" => "WAIT_FOR_SELF_JOIN",
        "R" => "RUNNING",
        "REFRESHING" => "REFRESHING",
        "FAILED" => "FAILED",
        other => return Err(format!("no state {other}")),
    })
}

fn perform(simulation: &mut Simulation, command: &str) -> Result<(), String> {
    if let Some(attempt) = command.strip_prefix("try ") {
        return match perform(simulation, attempt) {
            Err(_) if is_of_the_script(attempt) => Ok(()),
            result => result,
        };
    }
    let words: Vec<&str> = command.split_whitespace().collect();
    let first = words.get(1).map(|name| member(name));
    let one = || first.ok_or_else(|| String::from("a name is missing"));
    let word = |index: usize| {
        words
            .get(index)
            .copied()
            .ok_or_else(|| String::from("a word is missing"))
    };
    let number = |index: usize| -> Result<usize, String> {
        word(index)?
            .parse()
            .map_err(|_| String::from("not a number"))
    };
    let all = |from: usize| {
        words
            .iter()
            .skip(from)
            .map(|name| member(name))
            .collect::<Vec<_>>()
    };
    let set = |from: usize| all(from).into_iter().collect::<BTreeSet<MemberName>>();
    let driver_state = |simulation: &Simulation, name: &MemberName| {
        simulation
            .driver(name)
            .map_or("gone", |driver| driver.state_name())
    };
    let fail_unless = |holds: bool, found: String| if holds { Ok(()) } else { Err(found) };
    match word(0)? {
        "start" => all(1).iter().for_each(|name| {
            let with = simulation.live().first().cloned();
            simulation.start(name, with.as_ref());
        }),
        "found" => simulation.start(&one()?, None),
        "crash" => simulation.end(&one()?, Change::Disconnect(one()?)),
        "leave" => simulation.end(&one()?, Change::Leave(one()?)),
        "restart" => {
            simulation.end(&one()?, Change::Disconnect(one()?));
            let with = simulation.live().first().cloned();
            simulation.start(&one()?, with.as_ref());
        }
        "gather" => simulation.gather(set(1)),
        "heal" => simulation.gather(simulation.live().into_iter().collect()),
        "settle" => return fail_unless(simulation.settle(), "never comes to rest".into()),
        "steps" => (0..number(1)?).for_each(|_| {
            simulation.step(Traffic::Busy);
        }),
        "until" => {
            let (name, wanted) = (one()?, state(word(2)?)?);
            for _ in 0..20_000 {
                if driver_state(simulation, &name) == wanted {
                    return Ok(());
                }
                if !simulation.step(Traffic::Quiet) {
                    break;
                }
            }
            return Err(format!("stays in {}", driver_state(simulation, &name)));
        }
        "ready" => {
            let name = one()?;
            for _ in 0..20_000 {
                let found = driver_state(simulation, &name);
                if matches!(
                    found,
                    "WAIT_FOR_CASCADING_MEMBERSHIP" | "WAIT_FOR_MEMBERSHIP"
                ) {
                    return Ok(());
                }
                if !simulation.step(Traffic::Quiet) {
                    break;
                }
            }
            return Err("is not".into());
        }
        "log" => {
            for _ in 0..number(2)? {
                if !simulation.deliver_log(&one()?) {
                    return Err("the log has no more".into());
                }
            }
        }
        "hold" => simulation.hold(&one()?, true),
        "release" => simulation.hold(&one()?, false),
        "withhold" => simulation.withhold(&one()?, true),
        "permit" => {
            simulation.withhold(&one()?, false);
            simulation.permit(&one()?);
        }
        "send" => {
            let service = match word(2)? {
                "agreed" => TokenService::Agreed,
                _ => TokenService::Fifo,
            };
            return fail_unless(
                simulation.send_data(&one()?, Some(service)),
                "may not".into(),
            );
        }
        "refresh" => return fail_unless(simulation.request_refresh(&one()?), "may not".into()),
        "expect" => {
            let found = driver_state(simulation, &one()?);
            return fail_unless(found == state(word(2)?)?, format!("is in {found}"));
        }
        "members" | "came" => {
            let secure = simulation
                .driver(&one()?)
                .and_then(|driver| driver.secure_view());
            let found: BTreeSet<MemberName> = match (secure, word(0)?) {
                (Some(view), "members") => view.view.members.iter().cloned().collect(),
                (Some(view), _) => view.view.transitional_set.iter().cloned().collect(),
                (None, _) => BTreeSet::new(),
            };
            return fail_unless(found == set(3), format!("{found:?}"));
        }
        "epoch" => {
            let secure = simulation
                .driver(&one()?)
                .and_then(|driver| driver.secure_view());
            let found = secure.map(|view| view.epoch as usize);
            return fail_unless(found == Some(number(2)?), format!("{found:?}"));
        }
        other => return Err(format!("no command {other}")),
    }
    Ok(())
}
