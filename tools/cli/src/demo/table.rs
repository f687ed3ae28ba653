//! The table of events.

use gcs_proto::name::MemberName;
use ssp_core::SecureViewEvent;

use crate::output::{Event, Printer};

/// What an event came to at all members of a view.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) event: &'a str,
    pub(super) views: &'a [SecureViewEvent],
    pub(super) rounds: u32,
    pub(super) milliseconds: u128,
}

pub(super) fn print_head(printer: Printer) {
    printer.line(&format!(
        "{:<10} {:>7}  {:<10} {:>6} {:>4} {:>6} {:>7}  {}",
        "event", "members", "controller", "rounds", "exps", "bytes", "ms", "fingerprint"
    ));
}

impl Row<'_> {
    pub(super) fn print(&self, printer: Printer) {
        let Some(view) = self.views.first() else {
            return;
        };
        let exponentiations: u64 = self
            .views
            .iter()
            .map(|view| view.cost.exponentiations())
            .sum();
        let bytes: u64 = self.views.iter().map(|view| view.cost.bytes).sum();
        let controller = view
            .controller
            .map(|name| name.to_string())
            .unwrap_or_default();
        let text = format!(
            "{:<10} {:>7}  {controller:<10} {:>6} {exponentiations:>4} {bytes:>6} {:>7}  {}",
            self.event,
            view.view.members.len(),
            self.rounds,
            self.milliseconds,
            view.fingerprint,
        );
        let members: Vec<_> = view.view.members.iter().map(MemberName::as_str).collect();
        let milliseconds = u64::try_from(self.milliseconds).unwrap_or(u64::MAX);
        printer.print(
            &Event::new(self.event, text)
                .with("group", view.group.as_str())
                .with("view", view.view.id.to_string())
                .with("members", members)
                .with("epoch", view.epoch)
                .with("fingerprint", view.fingerprint.to_string())
                .with("protocol", view.protocol.as_str())
                .with("cause", view.view.cause.as_str())
                .with("controller", controller)
                .with("rounds", self.rounds)
                .with("exponentiations", exponentiations)
                .with("bytes", bytes)
                .with("ms", milliseconds),
        );
    }
}
