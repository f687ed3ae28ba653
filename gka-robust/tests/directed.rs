//! The directed cascades of the robust agreement notes, section 9, as scripts: one file of
//! `tests/testdata` for each, named after its number.
//!
//! A file holds scripts of [`Scenario`] commands, divided by `==`. One whose first line is `each`
//! runs once for each state of an agreement: `%` is the member that is held there. Every script runs
//! over every suite, under many seeds, which vary everything that it leaves open; the oracle checks
//! all properties. What members saw under one seed is compared with the `.trace` file beside it;
//! `UPDATE_TRACES=1 cargo test -p gka-robust --test directed` writes those anew.
//!
//! In a trace, each line is one life: `[a b]<a` a secure view of a and b, to which a came along;
//! `+` a refresh; `?` a secure flush request; `!` a secure signal.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::{fmt::Write, fs, path::Path};

use cliques::{MemberName, Protocol};
use gka_robust::{
    Algorithm,
    testing::{
        Fault, Options, Scenario, Simulation,
        trace::{Entry, Trace},
    },
};

/// Seeds of each script; the first is the one whose trace is compared.
const SEEDS: u64 = 6;

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

/// The states of an agreement.
fn states(protocol: Protocol) -> &'static [&'static str] {
    if protocol == Protocol::GDH {
        &["PT", "FT", "FO", "KL"]
    } else {
        &["R"]
    }
}

fn run(script: &str, options: Options) -> Simulation {
    let label = format!(
        "{} {}, seed {}",
        options.algorithm, options.protocol, options.seed
    );
    let (violations, simulation) = Scenario::new(script).run(options);
    assert!(
        violations.is_empty(),
        "{label}: {violations:?}\n{}",
        simulation.trace().story.join("\n")
    );
    simulation
}

/// Runs a script whose first line was `each`, in each state; gives the trace of the first state.
fn run_each(script: &str, options: &Options) -> Option<Simulation> {
    let mut first = None;
    for state in states(options.protocol) {
        // Which member passes through a state depends on the order of the view.
        let who = (0..3)
            .map(|n| ["a", "b", "c"][(options.seed as usize + n) % 3])
            .find(|name| {
                let probe = format!("start a b c\nuntil {name} {state}");
                Scenario::new(&probe).try_run(options.clone()).is_ok()
            });
        let Some(who) = who else { continue };
        let script = format!("start a b c\nuntil {who} {state}\n{script}").replace('%', who);
        let simulation = run(&script, options.clone());
        first.get_or_insert(simulation);
    }
    first
}

fn describe(trace: &Trace, out: &mut String) {
    let list = |members: &[MemberName]| {
        let mut names: Vec<String> = members.iter().map(ToString::to_string).collect();
        names.sort();
        names.join(" ")
    };
    for life in &trace.lives {
        write!(out, "  {}:", life.member).unwrap();
        for entry in &life.entries {
            match entry {
                Entry::Install { view, .. } if view.epoch == 0 => {
                    let (members, came) =
                        (list(&view.view.members), list(&view.view.transitional_set));
                    write!(out, " [{members}]<{came}").unwrap();
                }
                Entry::Install { .. } => out.push('+'),
                Entry::SecureFlushRequest => out.push('?'),
                Entry::SecureSignal => out.push('!'),
                Entry::Membership { .. }
                | Entry::FlushRequest
                | Entry::Signal
                | Entry::FlushOk
                | Entry::SecureFlushOk
                | Entry::Sent(_)
                | Entry::Delivered(_) => {}
            }
        }
        out.push('\n');
    }
}

fn cascade(name: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/testdata")
        .join(name);
    let text = fs::read_to_string(file.with_extension("txt")).unwrap();
    let mut traces = String::new();
    for (protocol, algorithm) in DESIGNS {
        for (number, script) in text.split("\n==\n").enumerate() {
            let lines = script.lines().filter(|line| !line.starts_with('#'));
            let script = lines.collect::<Vec<_>>().join("\n");
            for seed in 0..SEEDS {
                let options = Options::of(protocol, algorithm, seed);
                let simulation = match script.strip_prefix("each\n") {
                    Some(script) => run_each(script, &options),
                    None => Some(run(&script, options)),
                };
                if let (0, Some(simulation)) = (seed, simulation) {
                    writeln!(traces, "{algorithm} {protocol}, script {}", number + 1).unwrap();
                    describe(simulation.trace(), &mut traces);
                }
            }
        }
    }
    let expected = file.with_extension("trace");
    if std::env::var_os("UPDATE_TRACES").is_some() {
        fs::write(expected, traces).unwrap();
    } else {
        let found = fs::read_to_string(expected).unwrap();
        assert_eq!(found, traces, "{name}: other traces than expected");
    }
}

macro_rules! cascades {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            cascade(stringify!($name));
        })*

        #[test]
        fn there_is_a_test_for_every_file() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testdata");
            for file in fs::read_dir(folder).unwrap() {
                let path = file.unwrap().path();
                let name = path.file_stem().unwrap().to_str().unwrap();
                assert!([$(stringify!($name)),*].contains(&name), "{name}");
            }
        }
    };
}

cascades! {
    s01_join_while_another_join_runs
    s02_mass_join
    s03_join_during_a_partition
    s04_leave_in_each_state
    s05_crash_of_those_who_hold_the_token
    s06_partition_among_those_who_wait_for_the_key
    s07_key_and_flush_request_side_by_side
    s08_signal_before_and_after_the_flush_request
    s09_nested_partitions_down_to_singletons
    s10_merges
    s11_merge_and_leave_together
    s12_partition_healed_at_once
    s13_application_takes_its_time
    s14_data_around_flush_and_install
    s15_cascade_before_the_own_first_view
    s16_chosen_member_is_new_or_was_interrupted
    s17_sides_in_mixed_states
    s18_same_membership_again
    s19_all_but_one_leave_at_once
    s20_partition_with_several_sponsors
    s21_levels_leave
    s22_long_random_schedule
    s23_refresh
}

/// A key list behind the signal does not count: a driver that installs it gives its application
/// a view in which messages are missing without a signal.
#[test]
fn key_list_behind_the_signal_does_not_count() {
    // b has the key and sends; a is behind and cut off with d, which hears the rest.
    let script = "start a b c d\nuntil a KL\nhold a\nuntil b S\nsend b agreed\nsend b agreed
                  hold b\nuntil d KL\nhold d\ngather a d\nrelease a\nrelease d\nsteps 60\nsettle";
    let mut caught = 0;
    for seed in 0..400 {
        for fault in [None, Some(Fault::InstallAfterSignal)] {
            let options = Options {
                fault,
                ..Options::new(seed)
            };
            // Some orders of the view make the script impossible.
            let violations = match Scenario::new(script).try_run(options) {
                Ok((violations, _)) => violations,
                Err(problem) => {
                    assert!(problem.is_of_the_script() || fault.is_some(), "{problem:?}");
                    continue;
                }
            };
            match fault {
                None => assert!(violations.is_empty(), "seed {seed}: {violations:?}"),
                Some(_) => caught += u32::from(violations.iter().any(|v| v.invariant == "I12")),
            }
        }
    }
    assert!(caught > 0, "the fault was never seen");
}
