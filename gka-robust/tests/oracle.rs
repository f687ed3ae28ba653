//! The oracle itself: a trace that it finds nothing in is doctored, and the invariant that was broken
//! is named. (I18 and the tokens of I15 are looked at while a simulation runs, I22 at its end.)
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use gka_robust::testing::{
    Options, Simulation,
    cascade::{Shape, run},
    check,
    oracle::check_quiescent,
    simulation::{Traffic, member},
    trace::{End, Entry, Life, Trace},
};

/// Doctors the traces of cascades until the doctor finds something to do and the oracle names the
/// invariant; `text` is in its message.
fn named(invariant: &str, text: &str, doctor: impl Fn(&mut Trace) -> bool) {
    let mut doctored = 0;
    for seed in 0..60 {
        let (violations, mut simulation) = run(Options::new(seed), Shape::of(seed));
        assert!(violations.is_empty());
        if doctor(simulation.trace_mut()) {
            doctored += 1;
            let found = check(&simulation);
            if found
                .iter()
                .any(|found| found.invariant == invariant && found.message.contains(text))
            {
                return;
            }
        }
    }
    panic!("{invariant} not named in {doctored} doctored traces");
}

/// Places of entries in all lives.
fn places(trace: &Trace, wanted: impl Fn(&Entry) -> bool) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (life, Life { entries, .. }) in trace.lives.iter().enumerate() {
        for (place, entry) in entries.iter().enumerate() {
            if wanted(entry) {
                found.push((life, place));
            }
        }
    }
    found
}

/// Changes the first entry for which `change` gives true.
fn first(trace: &mut Trace, change: impl FnMut(&mut Entry) -> bool) -> bool {
    trace
        .lives
        .iter_mut()
        .flat_map(|life| &mut life.entries)
        .any(change)
}

/// Repeats the first entry that is wanted.
fn repeat(trace: &mut Trace, wanted: impl Fn(&Entry) -> bool) -> bool {
    let Some((life, place)) = places(trace, wanted).first().copied() else {
        return false;
    };
    let copy = trace.lives[life].entries[place].clone();
    trace.lives[life].entries.insert(place, copy);
    true
}

/// Removes the wanted entries from the first life that has some and goes on to another view.
fn remove(trace: &mut Trace, wanted: impl Fn(&Entry) -> bool) -> bool {
    let installs = |life: &Life| {
        let of_view = |e: &&Entry| matches!(e, Entry::Install { view, .. } if view.epoch == 0);
        life.entries.iter().filter(of_view).count()
    };
    trace
        .lives
        .iter_mut()
        .filter(|life| installs(life) > 1)
        .any(|life| {
            let before = life.entries.len();
            life.entries.retain(|entry| !wanted(entry));
            life.entries.len() < before
        })
}

/// Exchanges two deliveries that follow one another, where `wanted` holds for their numbers.
fn exchange(trace: &mut Trace, wanted: impl Fn(&Trace, u64, u64) -> bool) -> bool {
    for (life, place) in places(trace, |entry| matches!(entry, Entry::Delivered(_))) {
        let entries = &trace.lives[life].entries;
        if let (Entry::Delivered(a), Some(Entry::Delivered(b))) =
            (&entries[place], entries.get(place + 1))
            && wanted(trace, *a, *b)
        {
            trace.lives[life].entries.swap(place, place + 1);
            return true;
        }
    }
    false
}

#[test]
fn keys_and_views() {
    let another_key = |trace: &mut Trace| {
        first(trace, |entry| match entry {
            Entry::Install { view, key } if view.view.members.len() > 1 => {
                *key = vec![1; 32];
                true
            }
            _ => false,
        })
    };
    named("I1", "", another_key);
    named("I1", "", |trace| {
        first(trace, |entry| match entry {
            Entry::Install { view, .. } if view.view.members.len() > 2 => {
                view.view.members.reverse();
                true
            }
            _ => false,
        })
    });
    // All members take an old key.
    let old_key = |trace: &mut Trace| {
        let mut old: Option<Vec<u8>> = None;
        let mut next = None;
        for entry in trace.lives.iter_mut().flat_map(|life| &mut life.entries) {
            if let Entry::Install { view, key } = entry {
                match &old {
                    None => old = Some(key.clone()),
                    Some(old) if *old != *key && next.is_none_or(|id| id == view.view.id) => {
                        next = Some(view.view.id);
                        key.clone_from(old);
                    }
                    Some(_) => {}
                }
            }
        }
        next.is_some()
    };
    named("I2", "", old_key);
    named("I19", "nothing fresh", old_key);
    named("I21", "", old_key);
    named("I3", "", |trace| {
        first(trace, |entry| match entry {
            Entry::Install { view, .. } => {
                view.view.transitional_set.clear();
                true
            }
            _ => false,
        })
    });
    let install = |entry: &Entry| matches!(entry, Entry::Install { .. });
    named("I4", "", |trace| repeat(trace, install));
    named("I19", "", |trace| {
        first(trace, |entry| match entry {
            Entry::Membership { shares, .. } => {
                *shares = u32::MAX;
                true
            }
            _ => false,
        })
    });
}

#[test]
fn data() {
    let delivered = |entry: &Entry| matches!(entry, Entry::Delivered(_));
    named("I5", "", |trace| {
        let view = places(trace, |e| matches!(e, Entry::Membership { .. }))
            .into_iter()
            .find_map(|(life, place)| match &trace.lives[life].entries[place] {
                Entry::Membership { view, .. } => Some(view.id),
                _ => None,
            });
        let foreign = trace.data.values_mut().find(|data| Some(data.view) != view);
        foreign
            .zip(view)
            .map(|(data, view)| data.view = view)
            .is_some()
    });
    named("I6", "", |trace| {
        let stranger = trace.lives.len();
        let stats = trace.lives[0].stats.clone();
        trace.lives.push(Life {
            member: member("stranger"),
            entries: Vec::new(),
            end: End::Gone,
            stats,
        });
        trace
            .data
            .values_mut()
            .next()
            .map(|data| data.life = stranger)
            .is_some()
    });
    named("I7", "", |trace| repeat(trace, delivered));
    named("I8", "", |trace| remove(trace, delivered));
    named("I10", "", |trace| remove(trace, delivered));
    let order = |trace: &Trace, id: u64| trace.data[&id].order;
    named("I10", "", |trace| {
        exchange(trace, |trace, a, b| {
            order(trace, a).is_some() && order(trace, b).is_some()
        })
    });
    named("I12", "common order", |trace| {
        exchange(trace, |trace, a, b| {
            order(trace, a).is_some() && order(trace, b).is_some()
        })
    });
    named("I12", "sender's order", |trace| {
        exchange(trace, |trace, a, b| {
            trace.data[&a].life == trace.data[&b].life && order(trace, a).is_none()
        })
    });
    named("I12", "before its cause", |trace| {
        exchange(trace, |trace, a, b| {
            let (a, b) = (&trace.data[&a], &trace.data[&b]);
            a.life != b.life
                && a.order.is_none()
                && b.order.is_some()
                && b.behind.get(&a.life).is_some_and(|count| *count > a.index)
        })
    });
    let very_first = |entry: &Entry| matches!(entry, Entry::Delivered(0));
    named("I12", "no signal", |trace| remove(trace, very_first));
    named("I12", "gap in what", |trace| {
        // Everybody's first message is missing everywhere.
        let first: Vec<u64> = trace
            .data
            .iter()
            .filter(|(_, data)| data.index == 0)
            .map(|(id, _)| *id)
            .collect();
        remove(
            trace,
            |entry| matches!(entry, Entry::Delivered(id) if first.contains(id)),
        )
    });
}

#[test]
fn sets_and_signals() {
    // One came along less, at one member.
    let fewer = |trace: &mut Trace| {
        first(trace, |entry| match entry {
            Entry::Install { view, .. }
                if view.epoch == 0 && view.view.transitional_set.len() > 1 =>
            {
                view.view.transitional_set.truncate(1);
                true
            }
            _ => false,
        })
    };
    named("I9", "", fewer);
    named("I11", "", fewer);
    // All say that they come from the same nowhere.
    named("I9", "", |trace| {
        let mut any = false;
        for life in &mut trace.lives {
            let first = life.entries.iter_mut().find_map(|entry| match entry {
                Entry::Install { view, .. } => Some(view),
                _ => None,
            });
            if let Some(view) = first
                && view.view.members.len() == 2
            {
                any = true;
                view.view.transitional_set.clone_from(&view.view.members);
            }
        }
        any
    });
    let signal = |entry: &Entry| matches!(entry, Entry::SecureSignal);
    named("I13", "signals in", |trace| repeat(trace, signal));
    named("I13", "no signal", |trace| remove(trace, signal));
    named("I13", "without a view", |trace| {
        trace.lives[0].entries.insert(0, Entry::SecureSignal);
        true
    });
    named("I23", "", |trace| {
        first(trace, |entry| match entry {
            Entry::Membership { view, state, .. } if view.transitional_set.len() > 1 => {
                *state = "SECURE";
                true
            }
            _ => false,
        })
    });
}

#[test]
fn grammar_and_roles() {
    let asked = |entry: &Entry| matches!(entry, Entry::SecureFlushRequest);
    let answered = |entry: &Entry| matches!(entry, Entry::SecureFlushOk);
    named("I14", "2 flush requests", |trace| repeat(trace, asked));
    named("I14", "0 answers", |trace| remove(trace, answered));
    named("I14", "0 flush requests, 0", |trace| {
        remove(trace, |entry| asked(entry) || answered(entry))
    });
    named("I14", "without a view", |trace| {
        trace.lives[0].entries.insert(0, Entry::SecureFlushRequest);
        true
    });
    named("I15", "", |trace| {
        let ok = places(trace, |entry| matches!(entry, Entry::FlushOk));
        let sent = trace.data.keys().next().copied();
        ok.first()
            .zip(sent)
            .map(|((life, place), id)| {
                trace.lives[*life]
                    .entries
                    .insert(place + 1, Entry::Sent(id));
            })
            .is_some()
    });
    let flush_ok = |entry: &Entry| matches!(entry, Entry::FlushOk);
    named("I16", "", |trace| repeat(trace, flush_ok));
    named("I17", "", |trace| {
        trace.lives[0].stats.impossible = 1;
        true
    });
    for kind in [
        cliques::gdh::PARTIAL_TOKEN,
        cliques::gdh::FINAL_TOKEN,
        cliques::gdh::KEY_LIST,
    ] {
        for refresh in [false, true] {
            if refresh && kind != cliques::gdh::KEY_LIST {
                continue;
            }
            named("I24", "", |trace| {
                let token = trace
                    .tokens
                    .iter()
                    .find(|token| token.kind == kind && (token.run > 0) == refresh)
                    .cloned();
                token.map(|token| trace.tokens.push(token)).is_some()
            });
        }
    }
}

#[test]
fn unrest_is_no_progress() {
    let mut simulation = Simulation::new(Options::new(1));
    simulation.start(&member("a"), None);
    simulation.start(&member("b"), Some(&member("a")));
    assert!(
        check_quiescent(&simulation)
            .iter()
            .any(|v| v.invariant == "I22")
    );
    while simulation.step(Traffic::Quiet) {}
    assert!(check_quiescent(&simulation).is_empty());
}
