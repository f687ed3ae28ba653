//! View synchrony under random schedules of joins, leaves, crashes, partitions and merges.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    unreachable_pub
)]

mod flush_network;

use std::collections::{BTreeMap, BTreeSet};

use flush_network::{Network, Seen, group};
use gcs_proto::{
    flush::VsView,
    gcs::{SelfDelivery, ViewId},
    name::MemberName,
    service::Service,
};

/// What one process saw in one view.
#[derive(Debug)]
struct Episode {
    process: usize,
    /// Number of the view at this process.
    number: usize,
    view: VsView,
    /// The view before, if the process had one.
    previous: Option<ViewId>,
    /// Messages, in order, with the number of requests and signals before each.
    messages: Vec<(u64, usize, usize)>,
    requests: usize,
    signals: usize,
    /// The view after, if the process took one.
    next: Option<VsView>,
}

/// Checks what one process saw on its own and cuts it into views.
fn episodes(network: &Network, process: usize) -> Vec<Episode> {
    let me = network.processes[process].name;
    let mut all: Vec<Episode> = Vec::new();
    let mut open = false;
    let mut ever: BTreeSet<u64> = BTreeSet::new();
    let mut last_of: BTreeMap<usize, u64> = BTreeMap::new();
    for seen in &network.processes[process].seen {
        match seen {
            Seen::View(view) => {
                assert_eq!(view.view.members[view.index], me, "VS1");
                assert!(view.view.transitional_set.contains(&me), "VS7a");
                let previous = open.then(|| {
                    let last = all.last_mut().unwrap();
                    assert_eq!(last.requests, 1, "exactly one request between views");
                    assert_ne!(last.view.view.id, view.view.id);
                    let all_stay = last.view.view.members == view.view.transitional_set;
                    assert!(
                        all_stay || last.signals == 1,
                        "VS13: somebody does not go on"
                    );
                    last.next = Some(view.clone());
                    last.view.view.id
                });
                if previous.is_none() {
                    assert_eq!(view.view.transitional_set, [me], "first view");
                }
                all.push(Episode {
                    process,
                    number: all.len(),
                    view: view.clone(),
                    previous,
                    messages: Vec::new(),
                    requests: 0,
                    signals: 0,
                    next: None,
                });
                open = true;
            }
            Seen::Request => {
                assert!(open, "no request before the first view");
                all.last_mut().unwrap().requests += 1;
                assert_eq!(all.last().unwrap().requests, 1);
            }
            Seen::Signal => {
                assert!(open, "no signal before the first view");
                all.last_mut().unwrap().signals += 1;
                assert_eq!(all.last().unwrap().signals, 1, "VS13");
            }
            Seen::Message(number) => {
                assert!(open, "nothing before the first view");
                let episode = all.last_mut().unwrap();
                let sent = &network.sent[*number as usize];
                assert_eq!(sent.view, episode.view.view.id, "VS3: message {number}");
                assert!(ever.insert(*number), "VS5: message {number} twice");
                let sender = network.processes[sent.process].name;
                assert!(episode.view.view.members.contains(&sender), "VS4");
                assert!(sent.is_for(me), "message {number} at {me}");
                if sent.service >= Service::Fifo {
                    let before = last_of.insert(sent.process, *number);
                    assert!(before < Some(*number), "VS9: {before:?} before {number}");
                }
                let place = (*number, episode.requests, episode.signals);
                episode.messages.push(place);
            }
            Seen::Sent(number) => {
                assert!(open);
                assert_eq!(
                    network.sent[*number as usize].view,
                    all.last().unwrap().view.view.id
                );
            }
            Seen::SelfLeave => open = false,
        }
    }
    all
}

/// Strong messages for both members: their order, and their place in it, is common.
fn ordered(
    network: &Network,
    episode: &Episode,
    both: [MemberName; 2],
) -> Vec<(u64, usize, usize)> {
    let strong = |number: u64| {
        let sent = &network.sent[number as usize];
        sent.service >= Service::Causal && both.iter().all(|member| sent.is_for(*member))
    };
    let messages = episode.messages.iter().copied();
    messages.filter(|(number, ..)| strong(*number)).collect()
}

/// FIFO and stronger messages for both members.
fn guaranteed(network: &Network, episode: &Episode, both: [MemberName; 2]) -> BTreeSet<u64> {
    let counts = |number: u64| {
        let sent = &network.sent[number as usize];
        sent.service >= Service::Fifo && both.iter().all(|member| sent.is_for(*member))
    };
    let messages = episode.messages.iter();
    messages
        .map(|place| place.0)
        .filter(|number| counts(*number))
        .collect()
}

/// Whether the engine kept both together from the membership behind a view to the next view.
fn stayed_together(network: &Network, p: &Episode, q: &Episode) -> bool {
    let next =
        |episode: &Episode| network.processes[episode.process].installed_at[episode.number + 1];
    let daemon = |episode: &Episode| network.processes[episode.process].daemon;
    let from = network.announced_at[&p.view.view.id];
    network.stayed_together(daemon(p), daemon(q), from, next(p).max(next(q)))
}

/// Compares what different processes saw. Returns how many pairs went together from view to view,
/// and how many messages to some of the members both of a pair received.
fn compare(network: &Network, episodes: &[Episode]) -> (usize, usize) {
    let mut by_view: BTreeMap<ViewId, Vec<&Episode>> = BTreeMap::new();
    for episode in episodes {
        by_view
            .entry(episode.view.view.id)
            .or_default()
            .push(episode);
    }
    let (mut together, mut subsets) = (0, 0);
    for (id, group) in &by_view {
        let first = &group[0].view;
        for p in group {
            assert_eq!(
                p.view.view.members, first.view.members,
                "G-ID: members of {id}"
            );
            assert_eq!(p.view.view.cause, first.view.cause, "G-ID: cause of {id}");
            for q in group {
                let q_name = network.processes[q.process].name;
                if p.process == q.process || !p.view.view.transitional_set.contains(&q_name) {
                    continue;
                }
                assert_eq!(p.previous, q.previous, "VS7b: {id}");
                let (ours, theirs) = (&p.view.view.transitional_set, &q.view.view.transitional_set);
                assert_eq!(ours, theirs, "VS7c: {id}");
            }
        }
        for (p, q) in group.iter().flat_map(|p| group.iter().map(move |q| (p, q))) {
            let (Some(p_next), Some(q_next)) = (&p.next, &q.next) else {
                continue;
            };
            let p_name: MemberName = network.processes[p.process].name;
            let q_name = network.processes[q.process].name;
            let mutual = p_next.view.transitional_set.contains(&q_name)
                && q_next.view.transitional_set.contains(&p_name);
            if p.process >= q.process || p_next.view.id != q_next.view.id || !mutual {
                continue;
            }
            together += 1;
            let both = [p_name, q_name];
            let (ours, theirs) = (guaranteed(network, p, both), guaranteed(network, q, both));
            assert_eq!(ours, theirs, "VS8: {id} at {p_name} and {q_name}");
            let (mut ours, mut theirs) = (ordered(network, p, both), ordered(network, q, both));
            let some = |place: &&(u64, usize, usize)| {
                network.sent[place.0 as usize]
                    .receivers
                    .as_ref()
                    .is_some_and(|list| list.len() > 1)
            };
            subsets += ours.iter().filter(some).count();
            if !stayed_together(network, p, q) {
                // They agreed on the next view before they were cut off from each other, and one
                // has installed it before it heard of that: behind the request the place of the
                // signal differs.
                let ahead = ours.iter_mut().chain(&mut theirs);
                ahead
                    .filter(|place| place.1 == 1)
                    .for_each(|place| place.2 = 0);
            }
            assert_eq!(
                ours, theirs,
                "VS11, G-FR, G-TS: {id} at {p_name} and {q_name}"
            );
        }
    }
    (together, subsets)
}

/// At rest every member has the engine's membership as its view, and can send without a tag.
fn check_rest(network: &mut Network) {
    for daemon in 0..network.place.len() {
        let process = network.living(daemon);
        let in_group = network.engine_group(process).members.contains(&process);
        let (id, members) = network.members_of(process);
        let layer = &mut network.processes[process].layer;
        let view = layer.view(&group());
        assert_eq!(view.is_some(), in_group, "daemon {daemon}");
        if in_group {
            assert_eq!(view.unwrap().view.id, id);
            assert_eq!(view.unwrap().view.members, members);
            assert_eq!(layer.missing_flush(&group()), []);
            let tagged = layer.stats().tagged_sent;
            let body = bytes::Bytes::from_static(b"x");
            layer
                .multicast(group(), Service::Fifo, SelfDelivery::Deliver, 0, body)
                .unwrap();
            assert_eq!(layer.stats().tagged_sent, tagged, "steady at rest");
        }
    }
}

/// A sender that is still in the same view has received its own message.
fn check_self_delivery(network: &Network) {
    for (process, state) in network.processes.iter().enumerate() {
        let mut waiting: BTreeSet<u64> = BTreeSet::new();
        for seen in &state.seen {
            match seen {
                Seen::Sent(number) => {
                    let sent = &network.sent[*number as usize];
                    if sent.is_for(state.name) {
                        waiting.insert(*number);
                    }
                }
                Seen::Message(number) => {
                    waiting.remove(number);
                }
                Seen::View(_) => assert_eq!(waiting, BTreeSet::new(), "VS6 at {process}"),
                Seen::SelfLeave | Seen::Request | Seen::Signal => {}
            }
            if matches!(seen, Seen::SelfLeave) {
                assert_eq!(waiting, BTreeSet::new(), "VS6 at {process}");
            }
        }
        assert!(!state.alive || waiting.is_empty(), "VS6 at {process}");
    }
}

#[derive(Debug, Default)]
struct Coverage {
    together: usize,
    subsets: usize,
    partitions: usize,
    cascades: usize,
    views: u64,
    collapsed: u64,
    postponed: u64,
    tagged: u64,
    expired_or_dropped: u64,
    signals: usize,
}

fn run(seed: u64, coverage: &mut Coverage) {
    let daemons = 2 + (seed % 4) as usize;
    let mut network = Network::new(seed, daemons);
    // Sluggish applications in some runs, so that changes pile up.
    let eagerness = [15, 40, 70][(seed / 4 % 3) as usize];
    // Out of 1000 steps: deliver, take, flush, send, join, leave, crash; the rest are changes of the
    // network. Calm runs have views that live long enough for many messages.
    let shares = if (seed / 12).is_multiple_of(2) {
        [450, 280, 120, 120, 15, 5, 3]
    } else {
        [470, 280, 110, 125, 11, 2, 1]
    };
    for _ in 0..1000 {
        let daemon = network.random.below(daemons);
        let process = network.living(daemon);
        let mut rest = network.random.below(1000);
        let step = shares
            .iter()
            .position(|share| match rest.checked_sub(*share) {
                Some(left) => {
                    rest = left;
                    false
                }
                None => true,
            });
        match step {
            Some(0) => {
                network.deliver(process);
            }
            Some(1) => {
                network.take(process);
            }
            Some(2) => {
                if network.random.chance(eagerness) {
                    network.flush(process);
                }
            }
            Some(3) => network.send(process),
            Some(4) => network.join(process),
            Some(5) => network.leave(process),
            Some(6) => network.crash(process),
            _ => network.reconfigure_at_random(),
        }
    }
    network.settle();
    if seed.is_multiple_of(2) {
        network.reconfigure(&vec![0; daemons]);
        network.settle();
    }
    check_rest(&mut network);
    check_self_delivery(&network);
    let all: Vec<Episode> = (0..network.processes.len())
        .flat_map(|process| episodes(&network, process))
        .collect();
    let (together, subsets) = compare(&network, &all);
    coverage.together += together;
    coverage.subsets += subsets;
    coverage.partitions += network.path[0].len();
    // Views that somebody was asked to close before the application had taken the view.
    let asked_at_once = |episode: &&Episode| episode.requests == 1 && episode.messages.is_empty();
    coverage.cascades += all.iter().filter(asked_at_once).count();
    coverage.signals += all.iter().map(|episode| episode.signals).sum::<usize>();
    for process in &network.processes {
        let stats = process.layer.stats();
        coverage.views += stats.views;
        coverage.collapsed += stats.collapsed;
        coverage.postponed += stats.postponed;
        coverage.tagged += stats.tagged_sent;
        coverage.expired_or_dropped += stats.outsiders + stats.stale_tags;
        assert_eq!(stats.illegal_memberships, 0);
        assert_eq!(stats.malformed, 0);
    }
}

/// Runs a range of seeds; the name of a failing one is in the panic's output.
fn run_all(seeds: std::ops::Range<u64>) {
    struct Naming(u64);
    impl Drop for Naming {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("failing seed: {}", self.0);
            }
        }
    }
    let mut coverage = Coverage::default();
    for seed in seeds {
        let naming = Naming(seed);
        run(seed, &mut coverage);
        drop(naming);
    }
    // A schedule that reaches nothing proves nothing.
    assert!(coverage.together > 2000, "{coverage:?}");
    assert!(coverage.subsets > 150, "{coverage:?}");
    assert!(coverage.partitions > 1000, "{coverage:?}");
    assert!(coverage.cascades > 500, "{coverage:?}");
    assert!(coverage.collapsed > 100, "{coverage:?}");
    assert!(coverage.postponed > 10, "{coverage:?}");
    assert!(coverage.tagged > 100, "{coverage:?}");
    assert!(coverage.signals > 100, "{coverage:?}");
    assert!(coverage.views > 1000, "{coverage:?}");
    assert!(coverage.expired_or_dropped > 10, "{coverage:?}");
}

/// Runs 2000 seeds, or more of them if `FLUSH_SEEDS` says so: `FLUSH_SEEDS=60000` takes minutes and
/// is meant for changes of the layer.
#[test]
fn view_synchrony_holds_under_random_schedules() {
    const NORMALLY: u64 = 2_000;
    let seeds = match std::env::var("FLUSH_SEEDS") {
        Ok(text) => text.parse().expect("FLUSH_SEEDS is a number"),
        Err(_) => NORMALLY,
    };
    run_all(0..seeds.max(NORMALLY));
}
