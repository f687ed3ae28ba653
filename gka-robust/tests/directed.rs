//! Directed cascades: the scenarios of the robust agreement notes, section 9, that the basic
//! algorithm over GDH can meet. Each runs under many seeds, which vary everything that the script
//! leaves open; the oracle checks all properties at the end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use gka_robust::{
    Fault,
    testing::{Options, Scenario},
};

const SEEDS: u64 = 25;

fn scenario(script: &str) {
    for seed in 0..SEEDS {
        let (violations, simulation) = Scenario::new(script).run(Options::new(seed));
        assert!(
            violations.is_empty(),
            "seed {seed}: {violations:?}\n{}",
            simulation.trace().story.join("\n")
        );
    }
}

/// The states of a run, and the member that is in them for certain while the view of all forms.
const STATES: [&str; 4] = ["PT", "FT", "FO", "KL"];

/// Runs `script` with STATE replaced by each state; `%` is replaced by the member that is held
/// there. Which member passes through a state depends on the order of the view; all are tried.
fn in_each_state(script: &str) {
    let mut ran = [0; 4];
    for (index, state) in STATES.iter().enumerate() {
        for seed in 0..SEEDS {
            let who = (0..3)
                .map(|n| ["a", "b", "c"][(seed as usize + n) % 3])
                .find(|name| {
                    let probe = format!("start a b c\nuntil {name} {state}");
                    Scenario::new(&probe).try_run(Options::new(seed)).is_ok()
                });
            let Some(who) = who else { continue };
            ran[index] += 1;
            let script = format!("start a b c\nuntil {who} {state}\n{script}").replace('%', who);
            let (violations, simulation) = Scenario::new(&script).run(Options::new(seed));
            assert!(
                violations.is_empty(),
                "{state} of {who}, seed {seed}: {violations:?}\n{}",
                simulation.trace().story.join("\n")
            );
        }
    }
    assert!(ran.iter().all(|count| *count > 0), "{ran:?}");
}

#[test]
fn s01_join_while_another_join_runs() {
    in_each_state("start d\nsteps 3\nstart e\nsettle\nmembers a = a b c d e");
}

#[test]
fn s02_mass_join() {
    scenario("found a\nsettle\nstart b c d\nsettle\nmembers a = a b c d\ncame a = a\ncame d = d");
    scenario(
        "start a b\nsettle\nstart c d e f\nsteps 5\nsettle\ncame b = a b\nmembers f = a b c d e f",
    );
}

#[test]
fn s03_join_during_a_partition() {
    scenario(
        "start a b c d\nsettle\ngather a b\nsteps 4\nstart e\nsettle
         members a = a b e\nmembers c = c d\nheal\nsettle\nmembers e = a b c d e\ncame e = a b e\ncame c = c d",
    );
}

#[test]
fn s04_leave_in_each_state() {
    for gone in ["a", "b", "c"] {
        in_each_state(&format!("leave {gone}\nsettle"));
        in_each_state(&format!("crash {gone}\nsettle"));
    }
}

#[test]
fn s05_crash_of_those_who_hold_the_token() {
    in_each_state("crash %\nsettle");
    in_each_state("hold %\nsteps 10\ncrash %\nsettle");
    // The key list is sent, nobody has it.
    in_each_state("steps 4\ncrash %\nsteps 2\nstart %\nsettle\nmembers a = a b c");
}

#[test]
fn s06_partition_among_those_who_wait_for_the_key_list() {
    // Whoever is waiting when the view splits, one side may have the key list before the signal.
    scenario(
        "start a b c d\nuntil a KL\nhold a\nsteps 12\ngather a b\nrelease a\nsettle\nheal\nsettle",
    );
    scenario(
        "start a b c d\nuntil b KL\nhold b\nsteps 30\ngather b\nrelease b\nsettle\nheal\nsettle\nmembers b = a b c d",
    );
}

#[test]
fn s07_key_list_and_flush_request_side_by_side() {
    for log in 0..3 {
        let script = format!(
            "start a b c\nsettle\ngather a b c\nuntil a KL\nhold a\nsteps 25\nstart d
             log a {log}\nrelease a\nsettle\nmembers a = a b c d"
        );
        // Fewer entries than asked for is no failure of the driver.
        let mut ran = 0;
        for seed in 0..SEEDS {
            match Scenario::new(&script).try_run(Options::new(seed)) {
                Ok((violations, _)) => {
                    assert!(violations.is_empty(), "seed {seed}: {violations:?}");
                    ran += 1;
                }
                Err(problem) => assert!(problem.is_of_the_script(), "seed {seed}: {problem:?}"),
            }
        }
        assert!(ran > 0, "log {log}");
    }
}

#[test]
fn s08_signal_before_and_after_the_flush_request() {
    // Which comes first is up to the seed.
    in_each_state("gather %\nsettle\nheal\nsettle\nmembers a = a b c");
    scenario("start a b c\nsettle\ngather a\nlog b 1\nsettle\nmembers b = b c");
}

#[test]
fn s09_nested_partitions_down_to_singletons() {
    scenario(
        "start a b c d e f\nsettle\ngather a b c\nsteps 3\ngather a b\nsteps 3\ngather d e\nsteps 2
         gather a\ngather d\ngather e\nsettle\nmembers a = a\nmembers f = f\nheal\nsettle
         members c = a b c d e f\ncame c = c",
    );
}

#[test]
fn s10_merges() {
    scenario(
        "start a b\nsettle\ngather a\nsettle\nfound c\nsettle\ngather a b c\nsettle\nmembers a = a b c",
    );
    scenario(
        "start a b c d e f\nsettle\ngather a b\ngather c d\nsettle\ngather a b c d\nsteps 8
         heal\nsettle\nmembers f = a b c d e f\ncame e = e f\ncame a = a b",
    );
    scenario(
        "found a\nfound b\nfound c\nfound d\nfound e\nsettle\nheal\nsettle\nmembers c = a b c d e\ncame c = c",
    );
}

#[test]
fn s11_merge_and_leave_together() {
    scenario(
        "start a b c d\nsettle\ngather a b\nsettle\nheal\ncrash a\nsettle
         members b = b c d\ncame b = b\ncame c = c d",
    );
    scenario(
        "start a b c d\nsettle\ngather a b\nsettle\nleave d\ngather a b c\nleave a\nsettle\nmembers c = b c",
    );
}

#[test]
fn s12_partition_healed_at_once() {
    scenario(
        "start a b c\nsettle\ngather a\nheal\nsettle\nmembers a = a b c\ncame a = a\ncame b = b c",
    );
    scenario("start a b c\nsettle\nrestart b\nsettle\nmembers c = a b c\ncame c = a c\ncame b = b");
    in_each_state("gather %\nheal\nsettle\nmembers a = a b c");
    in_each_state("restart c\nsettle\nmembers c = a b c\ncame c = c");
}

#[test]
fn s13_application_takes_its_time() {
    scenario(
        "start a b c\nsettle\nwithhold a\nstart d\nsteps 20\nexpect a S\ncrash c\nsteps 20\nstart e
         steps 20\nexpect a S\nmembers a = a b c\nsend a agreed\npermit a\nsettle
         members a = a b d e\ncame a = a b",
    );
}

#[test]
fn s14_data_around_flush_and_install() {
    scenario(
        "start a b c\nsettle\nwithhold a\nstart d\nuntil b CM\nsend a fifo\nsend a agreed\nsend a fifo
         permit a\nsettle\nsend d agreed\nsend a fifo\nsettle",
    );
    // FIFO data of fast members overtakes the key list at a slow one.
    scenario("start a b c\nuntil c KL\nhold c\nsteps 60\nrelease c\nsteps 60\nsettle");
}

#[test]
fn s15_cascade_before_the_own_first_view() {
    scenario(
        "start a b c\nsettle\nstart j\ncrash a\nsteps 2\nstart k\nsettle\ncame j = j\nmembers j = b c j k",
    );
    scenario("start a b\nsettle\nstart j\ncrash a\ncrash b\nsettle\nmembers j = j\ncame j = j");
    in_each_state("start j\nsteps 4\ncrash a\ncrash b\ncrash c\nsettle\nmembers j = j");
}

#[test]
fn s18_same_membership_again() {
    scenario("start a b c\nsettle\nheal\nsettle\nmembers a = a b c\ncame a = a b c");
    in_each_state("heal\nsettle\nmembers a = a b c");
}

#[test]
fn s19_all_but_one_leave_at_once() {
    scenario(
        "start a b c d\nsettle\ngather d\nsettle\nmembers d = d\ncame d = d\nsend d agreed
         steps 9\nsettle\nheal\nsettle\nmembers d = a b c d",
    );
    in_each_state("gather %\nsettle\nheal\nsettle");
}

#[test]
fn refresh_in_peace() {
    scenario(
        "start a b c\nsettle\nrefresh b\nsend a fifo\nsettle\nepoch a 1\nepoch c 1\nrefresh a\nsettle\nepoch b 2",
    );
    scenario("start a\nsettle\nrefresh a\nsettle\nepoch a 1");
    // Two ask at once: one refresh.
    scenario("start a b c\nsettle\nrefresh a\nrefresh c\nsettle\nepoch a 1\nepoch b 1");
}

#[test]
fn refresh_interrupted_by_a_change() {
    scenario(
        "start a b c\nsettle\nrefresh a\nuntil b REFRESHING\nstart d\nsettle\nmembers a = a b c d",
    );
    scenario(
        "start a b c\nsettle\nrefresh a\nuntil b REFRESHING\ncrash a\nsettle\nmembers b = b c",
    );
    scenario(
        "start a b c\nsettle\nrefresh a\nuntil b REFRESHING\nhold b\nsteps 30\ngather b\nrelease b\nsettle\nheal\nsettle",
    );
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
