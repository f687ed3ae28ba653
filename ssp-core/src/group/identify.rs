//! Whose identities are accepted in the present view.
//!
//! ```text
//! view --> trust and policy are asked about every member
//!            accepted         in the roster, which verifies tokens and signed messages
//!            refused          the view has no key, and nothing is said to anybody
//!            not shown yet    the agreement begins; the member's evidence comes before its first token
//!      --> own evidence, where somebody has not seen it, or the last view brought no key, or
//!          somebody's is missing here: who is shown evidence without need shows its own once more
//! evidence --> trust and policy are asked again
//! ```
//!
//! Evidence is FIFO, and so are the tokens of its sender or stronger, so whoever gets a token has had
//! the evidence before.

use alloc::{vec, vec::Vec};

use bytes::Bytes;
use gcs_proto::{flush::ViewMessage, gcs::SelfDelivery, name::MemberName, service::Service};
use gka_robust::{Failure, FailureReason, Input};

use super::{
    Around, Prospect, SecureGroup, Timer,
    carry::{Sending, Withheld},
    wire,
};
use crate::{
    access::{Action, Decision, Request},
    event::{GroupFailure, SessionEvent},
    identity::{Distrust, Identity},
};

/// What trust and policy say of a member.
enum Verdict {
    Accepted(Identity),
    Awaited,
    Refused,
}

impl SecureGroup {
    /// Asks about all members of a new view, `along` being those that moved with this one. Gives
    /// those that are refused.
    pub(super) fn identify_all(
        &mut self,
        members: &[MemberName],
        along: &[MemberName],
        around: &mut Around<'_>,
    ) -> Vec<MemberName> {
        self.evidence.view(members, along);
        let mut accepted = Vec::with_capacity(members.len());
        let mut refused = Vec::new();
        for member in members {
            match self.identify(member, None, around) {
                Verdict::Accepted(identity) => accepted.push((*member, identity)),
                Verdict::Awaited => {
                    self.evidence.awaited.insert(*member);
                }
                Verdict::Refused => refused.push(*member),
            }
        }
        self.roster.replace(accepted);
        let patience = self.config.flush_patience;
        if !self.evidence.awaited.is_empty() && patience > 0 {
            self.timers.set(Timer::Evidence, around.now.after(patience));
        }
        refused
    }

    fn identify(
        &mut self,
        member: &MemberName,
        shown: Option<&[u8]>,
        around: &mut Around<'_>,
    ) -> Verdict {
        let own = self.identity.clone();
        let evidence = match shown {
            Some(evidence) => Some(evidence),
            None if *member == self.me => own.evidence(),
            None => self.evidence.of(member),
        };
        let identity = match self.trust.identify(member, evidence, around.now) {
            Ok(identity) => identity,
            Err(Distrust::NotShown) if *member != self.me => return Verdict::Awaited,
            Err(reason) => {
                self.refuse(*member, reason, around);
                return Verdict::Refused;
            }
        };
        let request = Request {
            action: Action::Admit,
            group: &self.name,
            member,
            identity: Some(&identity),
        };
        // Whether this member may be here was asked when it joined.
        if *member != self.me
            && let Decision::Deny(reason) = self.policy.decide(&request)
        {
            self.deny(*member, Action::Admit, reason, around);
            return Verdict::Refused;
        }
        Verdict::Accepted(identity)
    }

    fn refuse(&self, member: MemberName, reason: Distrust, around: &mut Around<'_>) {
        tracing::warn!(group = %self.name, %member, %reason, "identity refused");
        if reason == Distrust::Unknown {
            // The failure that follows says as much.
            return;
        }
        around.events.push_back(SessionEvent::IdentityRefused {
            group: self.name,
            member,
            reason,
        });
    }

    pub(super) fn deny(
        &mut self,
        member: MemberName,
        action: Action,
        reason: alloc::string::String,
        around: &mut Around<'_>,
    ) {
        tracing::info!(group = %self.name, %member, %action, %reason, "denied by policy");
        self.stats.denied += 1;
        around.events.push_back(SessionEvent::Denied {
            group: self.name,
            member,
            action,
            reason,
        });
    }

    /// Shows the own evidence to the view, if it has any and somebody has not seen it.
    pub(super) fn show_evidence(&mut self, members: &[MemberName], around: &mut Around<'_>) {
        if self.identity.evidence().is_none() || !self.evidence.must_show(&self.me, members) {
            return;
        }
        self.evidence.showed(members);
        self.send_evidence(around);
    }

    /// A member shows its evidence where this one did not have to. It lacks somebody's, perhaps this
    /// one's, which is shown again: once in a view.
    fn answer_evidence(&mut self, around: &mut Around<'_>) {
        let asked = !self.evidence.shown_here() && self.prospect == Prospect::Open;
        let Some(view) = self.driver.view().filter(|_| asked) else {
            return;
        };
        if self.identity.evidence().is_some() {
            self.evidence.showed(&view.members);
            self.send_evidence(around);
        }
    }

    pub(super) fn send_evidence(&mut self, around: &mut Around<'_>) {
        if self.is_leaving() {
            return self.withheld.push(Withheld::Evidence);
        }
        let own = self.identity.clone();
        let Some(evidence) = own.evidence() else {
            return;
        };
        let sent = around.flush.multicast(
            self.name,
            Service::Fifo,
            SelfDelivery::Discard,
            wire::EVIDENCE,
            Bytes::copy_from_slice(evidence),
        );
        if let Err(error) = sent {
            self.evidence.showed(&[]);
            self.stats.unsent += 1;
            tracing::warn!(group = %self.name, %error, "evidence not shown");
        }
    }

    /// A member shows evidence of its identity.
    pub(super) fn evidence(&mut self, message: &ViewMessage, around: &mut Around<'_>) {
        let sender = message.sender;
        let view = self.driver.view();
        let in_view = view.is_some_and(|view| view.members.contains(&sender));
        if sender == self.me || !in_view || !self.evidence.listen(sender) {
            self.stats.unconfirmed += 1;
            return;
        }
        self.answer_evidence(around);
        if self.evidence.of(&sender) == Some(&*message.body) {
            // For somebody else; this member has judged it.
            return;
        }
        let known = self.roster.contains(&sender);
        match self.identify(&sender, Some(&message.body), around) {
            Verdict::Accepted(identity) => {
                self.roster.insert(sender, identity);
                self.evidence.keep(sender, &message.body);
                if self.evidence.awaited.is_empty() {
                    self.timers.stop(Timer::Evidence);
                }
            }
            // What was accepted before stays so: a worse certificate does not undo it.
            Verdict::Awaited | Verdict::Refused if known => {}
            Verdict::Awaited | Verdict::Refused => {
                self.evidence.awaited.remove(&sender);
                self.roster.remove(&sender);
                self.fail_for(sender, around);
            }
        }
    }

    /// The present view has no key as long as this member is in it.
    pub(super) fn fail_for(&mut self, member: MemberName, around: &mut Around<'_>) {
        let failure = Failure::of(member, FailureReason::UnknownIdentity);
        self.feed(Input::Fail(failure), Sending::Suppress, around);
    }

    /// Members have not shown evidence for a while: they are named. They still may.
    pub(super) fn evidence_is_late(&self, around: &mut Around<'_>) {
        for member in self.evidence.awaited() {
            self.refuse(member, Distrust::NotShown, around);
            around.events.push_back(SessionEvent::GroupFailed {
                group: self.name,
                suspects: vec![member],
                reason: GroupFailure::UnknownIdentity,
            });
        }
    }

    /// A member of a view about to get a key whose identity is not known. Nobody shares a key with it.
    pub(super) fn stranger(&self, members: &[MemberName]) -> Option<MemberName> {
        let stranger = members.iter().find(|member| !self.roster.contains(member));
        stranger.copied()
    }
}
