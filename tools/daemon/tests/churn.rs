//! Clients that join and leave at random while others send: the short form of `examples/churn`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

#[path = "../examples/churn/client.rs"]
mod client;
#[path = "../examples/churn/ledger.rs"]
mod ledger;
#[path = "../examples/churn/world.rs"]
mod world;

use std::{alloc::System, time::Duration};

use gcs_proto::gcs::ViewId;
use ledger::{End, Ledger, Seen};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use world::{Plan, run};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn live_bytes() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_clients_agree_on_all_they_see_and_memory_comes_back() {
    let plan = Plan {
        clients: 60,
        groups: 6,
        joined: 3,
        pause: Duration::from_millis(40),
        time: Duration::from_millis(2_500),
        ..Plan::default()
    };
    let outcome = run(plan, live_bytes).await.unwrap();
    // Far below what comes of it on a machine that has other things to do.
    assert!(outcome.changes > 60, "{outcome}");
    assert!(outcome.checks > 300, "{outcome}");
    assert!(outcome.messages > 100, "{outcome}");
    assert_eq!((outcome.stats.too_slow, outcome.stats.illegal), (0, 0));
}

#[test]
fn the_ledger_notices_every_disagreement() {
    let group = "g".parse().unwrap();
    let seen = |members: &[&str], messages: &[u64]| Seen {
        id: ViewId([1; 12]),
        members: members.iter().map(|name| name.parse().unwrap()).collect(),
        messages: messages.to_vec(),
    };
    let both = ["#a#n1", "#b#n1"];
    for (first, second, fits) in [
        (
            (seen(&both, &[1, 2]), End::Replaced),
            (seen(&both, &[1, 2]), End::Replaced),
            true,
        ),
        (
            (seen(&both, &[1, 2]), End::Replaced),
            (seen(&both, &[1]), End::Left),
            true,
        ),
        (
            (seen(&both, &[1]), End::Left),
            (seen(&both, &[1, 2]), End::Replaced),
            true,
        ),
        (
            (seen(&both, &[1, 2]), End::Replaced),
            (seen(&both, &[1]), End::Replaced),
            false,
        ),
        (
            (seen(&both, &[1]), End::Replaced),
            (seen(&both, &[1, 2]), End::Left),
            false,
        ),
        (
            (seen(&both, &[1, 2]), End::Left),
            (seen(&both, &[2, 1]), End::Left),
            false,
        ),
        (
            (seen(&both, &[]), End::Left),
            (seen(&both[..1], &[]), End::Left),
            false,
        ),
    ] {
        let mut ledger = Ledger::default();
        ledger.enter(group, first.0, first.1).unwrap();
        assert_eq!(ledger.enter(group, second.0, second.1).is_ok(), fits);
    }
}
