//! Secure views as `ssp user` prints them: who came, who went and why, and the key they share.

use gcs_proto::{gcs::Cause, name::MemberName};
use ssp_core::SecureViewEvent;

use super::show::{self, names};
use crate::output::Event;

/// Who came and went from one secure view to the next, and why.
#[derive(Debug)]
pub(super) struct Change<'a> {
    cause: &'a Cause,
    joined: Vec<MemberName>,
    left: Vec<MemberName>,
}

impl<'a> Change<'a> {
    /// From a view of `before` to `view`. A member that left and came back in between did both.
    pub(super) fn between(before: &[MemberName], view: &'a SecureViewEvent) -> Self {
        let together = &view.view.transitional_set;
        let apart = |names: &[MemberName]| -> Vec<MemberName> {
            let others = names.iter().filter(|name| !together.contains(name));
            others.copied().collect()
        };
        Self {
            cause: &view.view.cause,
            joined: apart(&view.view.members),
            left: apart(before),
        }
    }

    pub(super) fn add_to(&self, event: Event) -> Event {
        event
            .with("joined", names(&self.joined))
            .with("left", names(&self.left))
    }
}

impl std::fmt::Display for Change<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let known = self.cause.member();
        // What the cause says already is not said again.
        let besides = |list: &[MemberName]| -> Vec<MemberName> {
            let others = list.iter().filter(|name| Some(*name) != known);
            others.copied().collect()
        };
        write!(f, "{}", show::change(self.cause))?;
        for (what, list) in [("with", &self.joined), ("without", &self.left)] {
            let others = besides(list);
            if !others.is_empty() && !matches!((what, self.cause), ("with", Cause::Join(_))) {
                write!(f, ", {what} {}", show::list(&others))?;
            }
        }
        Ok(())
    }
}

/// A view, or another key for it, with the fingerprint that people compare.
pub(super) fn event(name: &str, what: String, view: &SecureViewEvent) -> Event {
    let text = format!(
        "[{}] * {what}: {}\n[{}] * key {} ({}, epoch {}, {} ms)",
        view.group,
        show::list(&view.view.members),
        view.group,
        view.fingerprint,
        view.protocol,
        view.epoch,
        view.duration,
    );
    show::view(
        name,
        text,
        &view.group,
        &view.view.id,
        &view.view.members,
        &view.view.cause,
    )
    .with("epoch", view.epoch)
    .with("fingerprint", view.fingerprint.to_string())
    .with("protocol", view.protocol.as_str())
    .with("record", view.record.as_str())
    .with("group_params", view.mathematical_group.to_string())
    .with("transitional_set", names(&view.view.transitional_set))
    .with("ms", view.duration)
}
