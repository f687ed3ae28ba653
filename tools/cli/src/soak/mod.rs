//! `ssp soak`: members come, go, crash, part and meet at random while all of them talk, for every
//! suite in turn, checked against what was sent in the clear.
//!
//! ```text
//!   for each suite:
//!     for the suite's share of the time:
//!       some random operations: join, leave, kill, partition, merge, refresh
//!       heal, wait until all are in one view, compare what they saw, look at the memory
//! ```
//!
//! [`ledger`] has what is checked.

mod director;
mod ledger;
mod member;
mod memory;

use std::time::{Duration, Instant};

use serde_json::json;
use ssp_core::Protocol;

use crate::{
    cli,
    error::Failure,
    output::{Event, Printer},
};
use director::{Director, Operations};
use ledger::Counts;
use memory::Memory;

/// What a suite went through.
struct Chapter {
    protocol: Protocol,
    operations: Operations,
    counts: Counts,
    keys: usize,
    violations: usize,
}

pub(crate) async fn run(options: cli::Soak, printer: Printer) -> Result<(), Failure> {
    let suites: Vec<Protocol> = match options.protocol {
        Some(protocol) => vec![protocol],
        None => Protocol::ALL.to_vec(),
    };
    let count = u32::try_from(suites.len()).unwrap_or(u32::MAX).max(1);
    let share = Duration::from_secs_f64(options.minutes * 60.0) / count;
    let seed = match options.seed {
        Some(seed) => seed,
        None => getrandom::u64().map_err(|error| Failure::of("random numbers", error))?,
    };
    printer.print(
        &Event::new(
            "begin",
            format!(
                "{} members on {} daemons, {} suites, seed {seed}",
                options.members,
                options.daemons,
                suites.len()
            ),
        )
        .with("seed", seed),
    );
    let begin = Instant::now();
    let mut director = Director::start(&options, seed).await?;
    let mut memory = Memory::default();
    let mut chapters: Vec<Chapter> = Vec::new();
    for protocol in suites {
        let chapter = chapter(&mut director, protocol, share, &mut memory).await?;
        printer.print(&chapter_event(&chapter));
        chapters.push(chapter);
    }
    let violations = director.finish().await;
    let growth = memory.violation();
    let sum = |field: fn(&Chapter) -> u64| chapters.iter().map(field).sum::<u64>();
    let found = violations.len() + usize::from(growth.is_some());
    let shown: Vec<String> = violations.into_iter().chain(growth).collect();
    let sent = sum(|chapter| chapter.counts.sent);
    let delivered = sum(|chapter| chapter.counts.delivered);
    let mut text = format!(
        "{sent} messages sent, {delivered} delivered, {} keys, {} violations",
        chapters.last().map_or(0, |chapter| chapter.keys),
        found,
    );
    for violation in &shown {
        text.push_str("\n! ");
        text.push_str(violation);
    }
    printer.print(
        &Event::new("soak", text)
            .with("minutes", begin.elapsed().as_secs_f64() / 60.0)
            .with("members", options.members)
            .with("virtual", options.daemons)
            .with("seed", seed)
            .with("sent", sent)
            .with("delivered", delivered)
            .with("compared", sum(|chapter| chapter.counts.compared))
            .with("keys", chapters.last().map_or(0, |chapter| chapter.keys))
            .with("memory_kib", memory.report())
            .with(
                "suites",
                chapters.iter().map(chapter_json).collect::<Vec<_>>(),
            )
            .with("violations", shown),
    );
    match found {
        0 => Ok(()),
        count => Err(Failure::Failed(format!("{count} violations"))),
    }
}

async fn chapter(
    director: &mut Director,
    protocol: Protocol,
    share: Duration,
    memory: &mut Memory,
) -> Result<Chapter, Failure> {
    let (counts_before, violations_before) = director.standing();
    director.fill(protocol).await?;
    let end = Instant::now() + share;
    let mut operations = Operations::default();
    // Once at least, however short the time.
    loop {
        director.disturb(protocol, &mut operations).await?;
        director.settle().await?;
        memory.sample();
        if Instant::now() >= end || director.is_lost() {
            break;
        }
    }
    director.empty().await;
    let (counts, violations) = director.standing();
    Ok(Chapter {
        protocol,
        operations,
        counts: Counts {
            views: counts.views - counts_before.views,
            refreshes: counts.refreshes - counts_before.refreshes,
            sent: counts.sent - counts_before.sent,
            delivered: counts.delivered - counts_before.delivered,
            compared: counts.compared - counts_before.compared,
        },
        keys: director.keys(),
        violations: violations - violations_before,
    })
}

fn chapter_json(chapter: &Chapter) -> serde_json::Value {
    let Operations {
        joins,
        leaves,
        kills,
        partitions,
        merges,
        refreshes,
        settled,
    } = chapter.operations;
    json!({
        "protocol": chapter.protocol.as_str(),
        "joins": joins,
        "leaves": leaves,
        "kills": kills,
        "partitions": partitions,
        "merges": merges,
        "refreshes": refreshes,
        "settled": settled,
        "views_installed": chapter.counts.views,
        "refreshes_installed": chapter.counts.refreshes,
        "sent": chapter.counts.sent,
        "delivered": chapter.counts.delivered,
        "compared": chapter.counts.compared,
        "violations": chapter.violations,
    })
}

fn chapter_event(chapter: &Chapter) -> Event {
    let operations = &chapter.operations;
    let text = format!(
        "{:<8} {} joins, {} leaves, {} kills, {} partitions, {} refreshes: {} views, {} messages \
         delivered, {} violations",
        chapter.protocol,
        operations.joins,
        operations.leaves,
        operations.kills,
        operations.partitions,
        operations.refreshes,
        chapter.counts.views,
        chapter.counts.delivered,
        chapter.violations,
    );
    Event::new("suite", text).with("suite", chapter_json(chapter))
}
