//! One group as the engine shows it: memberships in, views out.
//!
//! The record runs ahead of the application, which takes events when it likes; what the
//! application may call is judged by [`progress`](super::progress).
//!
//! Source: flush layer, sections 4, 5.1, 5.2, 5.3 and rules 1 to 4 of 7.1 of the protocol notes.

use alloc::{
    collections::{BTreeSet, VecDeque},
    vec::Vec,
};
use core::mem;

use super::{
    FlushEvent, VsView,
    change::{Change, Mark, Outcome},
    codec,
    early::Early,
    outbox::Outbox,
    state::{Agreement, Installed, Intent, Overflow, Signal, ViewState},
    stats,
};
use crate::{
    gcs::{Membership, View, ViewId},
    limits,
    name::{GroupName, MemberName},
    service::Service,
};

/// Names kept in all pending changes of one group.
const PENDING_NAMES: usize = 16 * limits::MEMBERS;

/// A group of which the receiver is a member at the engine.
#[derive(Debug)]
pub(super) struct FlushGroup {
    pub(super) group: GroupName,
    pub(super) me: MemberName,
    pub(super) intent: Intent,
    pub(super) state: ViewState,
    /// `None` until the first view, while the receiver is joining.
    pub(super) installed: Option<Installed>,
    /// Changes to be agreed one after the other; empty in `Steady` and `Verify`.
    pub(super) pending: VecDeque<Change>,
    pub(super) early: Early,
}

impl FlushGroup {
    /// A record before its first membership: whoever joins gives permission by itself.
    pub(super) fn new(group: GroupName, me: MemberName, intent: Intent) -> Self {
        Self {
            group,
            me,
            intent,
            state: ViewState::agree(),
            installed: None,
            pending: VecDeque::new(),
            early: Early::default(),
        }
    }

    /// The engine announces a membership.
    pub(super) fn membership(
        &mut self,
        membership: Membership,
        out: &mut Outbox,
    ) -> Result<(), Overflow> {
        let id = membership.view.id;
        let repeated = self.pending.iter().any(|change| change.id == id)
            || self.installed.as_ref().is_some_and(|view| view.id == id);
        let leavers = self.leavers(&membership.view.transitional_set);
        let change = Change::new(membership, &self.me, leavers.clone()).filter(|_| !repeated);
        let Some(mut change) = change else {
            stats::count(&mut out.stats.illegal_memberships);
            return Ok(());
        };
        for name in self.early.take(id) {
            change.missing.remove(&name);
        }
        stats::add(&mut out.stats.expired, self.early.grow_old());

        let shrunk = self.installed.as_mut().is_some_and(|view| {
            let before = view.surviving.len();
            view.surviving.retain(|name| !leavers.contains(name));
            view.surviving.len() < before
        });
        let head = self.head();
        self.collapse(&leavers, &mut change, out);
        self.pending.push_back(change);
        self.check_bounds()?;
        if self.head() != head {
            self.head_replaced(out);
        }
        if shrunk {
            self.signal(out);
        }
        Ok(())
    }

    /// Members of the engine's last membership that did not move on with the receiver.
    ///
    /// The receiver always moves with itself, whatever an engine says.
    fn leavers(&self, transitional_set: &[MemberName]) -> BTreeSet<MemberName> {
        let stayed: BTreeSet<_> = transitional_set.iter().collect();
        self.last_membership()
            .iter()
            .filter(|name| **name != self.me && !stayed.contains(name))
            .copied()
            .collect()
    }

    fn last_membership(&self) -> &[MemberName] {
        match (self.pending.back(), &self.installed) {
            (Some(change), _) => &change.members,
            (None, Some(view)) => &view.members,
            (None, None) => core::slice::from_ref(&self.me),
        }
    }

    /// Drops pending changes that can no longer be agreed into the next one behind them.
    fn collapse(&mut self, leavers: &BTreeSet<MemberName>, new: &mut Change, out: &mut Outbox) {
        if leavers.is_empty() {
            return;
        }
        let mut dropped: Option<BTreeSet<MemberName>> = None;
        self.pending
            .retain_mut(|change| match change.lose(leavers) {
                Outcome::Stays => {
                    if let Some(gone) = dropped.take() {
                        change.absorb(gone);
                    }
                    true
                }
                Outcome::Dropped => {
                    stats::count(&mut out.stats.collapsed);
                tracing::debug!(group = %self.group, view = %change.id, "change cannot be agreed");
                    dropped
                        .get_or_insert_default()
                        .append(&mut mem::take(&mut change.gone));
                    false
                }
            });
        if let Some(gone) = dropped {
            new.absorb(gone);
        }
    }

    fn check_bounds(&self) -> Result<(), Overflow> {
        let names = self
            .pending
            .iter()
            .fold(0, |sum: usize, change| sum + change.members.len());
        if self.pending.len() > limits::PENDING_CHANGES {
            Err(Overflow("pending changes of a group"))
        } else if names > PENDING_NAMES {
            Err(Overflow("members in pending changes of a group"))
        } else {
            Ok(())
        }
    }

    /// The change under agreement, if there is one.
    pub(super) fn head(&self) -> Option<ViewId> {
        self.pending.front().map(|change| change.id)
    }

    /// Another change is to be agreed now.
    fn head_replaced(&mut self, out: &mut Outbox) {
        match self.state {
            ViewState::Steady | ViewState::Verify { .. } => {
                self.state = ViewState::Authorize;
                out.event(FlushEvent::FlushRequest { group: self.group });
            }
            // The application has been asked and has not answered.
            ViewState::Authorize => {}
            // Permission was given for whatever comes: no second request. What was postponed for
            // the dropped change cannot have been sent, for nobody has installed it.
            ViewState::Agree(_) => {
                self.state = ViewState::agree();
                self.acknowledge(out);
            }
        }
    }

    /// Agrees to the first pending change.
    fn acknowledge(&self, out: &mut Outbox) {
        if let (Intent::Stay, Some(id)) = (self.intent, self.head()) {
            stats::count(&mut out.stats.acknowledgements_sent);
            out.send(codec::acknowledgement(self.group, id));
        }
    }

    /// The application gives permission to close the view.
    pub(super) fn flush_ok(&mut self, out: &mut Outbox) {
        match self.state {
            ViewState::Authorize => {
                self.state = ViewState::agree();
                self.acknowledge(out);
            }
            ViewState::Steady | ViewState::Agree(_) | ViewState::Verify { .. } => {}
        }
    }

    /// The engine refused to let the receiver leave: it takes part again.
    pub(super) fn stay(&mut self, out: &mut Outbox) {
        if self.intent == Intent::Stay {
            return;
        }
        self.intent = Intent::Stay;
        match &self.state {
            // Repeating an acknowledgement is harmless, a missing one blocks the group.
            ViewState::Agree(_) => self.acknowledge(out),
            ViewState::Verify { .. } => self.confirm(out),
            ViewState::Steady | ViewState::Authorize => {}
        }
    }

    fn confirm(&self, out: &mut Outbox) {
        if let (Intent::Stay, Some(view)) = (self.intent, &self.installed) {
            out.send(codec::confirmation(self.group, view.id));
        }
    }

    /// The engine gives its transitional signal.
    pub(super) fn transitional_signal(&mut self, out: &mut Outbox) {
        for change in &mut self.pending {
            change.mark = Mark::Signalled;
        }
        self.signal(out);
    }

    /// Signals, once in a view.
    fn signal(&mut self, out: &mut Outbox) {
        if let Some(view) = &mut self.installed {
            match mem::replace(&mut view.signal, Signal::Given) {
                Signal::Due => out.event(FlushEvent::TransitionalSignal { group: self.group }),
                Signal::Given => {}
            }
        }
    }

    /// Installs the first pending change, of which all acknowledgements are there.
    pub(super) fn install(&mut self, out: &mut Outbox) {
        let Some(change) = self.pending.pop_front() else {
            return;
        };
        let agreement = match mem::replace(&mut self.state, ViewState::Steady) {
            ViewState::Agree(agreement) => agreement,
            ViewState::Steady | ViewState::Authorize | ViewState::Verify { .. } => {
                Agreement::default()
            }
        };
        stats::count(&mut out.stats.views);
        tracing::debug!(group = %self.group, view = %change.id, "view installed");
        out.event(FlushEvent::View(self.view_of(&change)));

        let lost = change.surviving.len() < change.members.len();
        let unconfirmed = change
            .members
            .iter()
            .filter(|name| !agreement.confirmed.contains(*name))
            .copied()
            .collect();
        self.installed = Some(Installed {
            id: change.id,
            members: change.members,
            surviving: change.surviving,
            signal: Signal::Due,
        });
        if self.pending.is_empty() {
            self.state = ViewState::Verify { unconfirmed };
            self.confirm(out);
        } else {
            self.state = ViewState::Authorize;
            out.event(FlushEvent::FlushRequest { group: self.group });
        }
        if lost || change.mark == Mark::Signalled {
            self.signal(out);
        }
        for message in agreement.postponed {
            out.event(FlushEvent::Message(message));
        }
    }

    fn view_of(&self, change: &Change) -> VsView {
        let transitional_set: Vec<_> = match &self.installed {
            Some(view) => view
                .members
                .iter()
                .filter(|name| !change.gone.contains(*name))
                .copied()
                .collect(),
            None => Vec::from([self.me]),
        };
        VsView {
            group: self.group,
            view: View {
                id: change.id,
                members: change.members.clone(),
                cause: change.cause,
                transitional_set,
            },
            index: change.index,
        }
    }

    /// The view to name in a message sent now, if its service could let it overtake the
    /// acknowledgements that led to the view.
    pub(super) fn tag(&self, service: Service) -> Option<ViewId> {
        let may_overtake = match service {
            Service::Unreliable | Service::Reliable | Service::Fifo => true,
            Service::Causal | Service::Agreed | Service::Safe => false,
        };
        let unsettled = match self.state {
            ViewState::Authorize | ViewState::Verify { .. } => true,
            ViewState::Steady | ViewState::Agree(_) => false,
        };
        let view = self.installed.as_ref()?;
        (may_overtake && unsettled).then_some(view.id)
    }

    /// Members of the change under agreement whose acknowledgement has not come, in its order.
    pub(super) fn missing(&self) -> Vec<MemberName> {
        self.pending.front().map_or_else(Vec::new, |change| {
            change
                .members
                .iter()
                .filter(|name| change.missing.contains(*name))
                .copied()
                .collect()
        })
    }
}
