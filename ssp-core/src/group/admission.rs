//! Admission: whose identities are accepted in the present view.
//!
//! ```text
//! view --> trust and policy are asked about every member
//!            accepted         in the roster, which verifies tokens and signed messages
//!            refused          the view has no key, and nothing is sent
//!            not shown yet    the agreement begins; the member's evidence comes before its first token
//!      --> own evidence is sent if a member has not seen it, if the last view had no key, or if a
//!          member's evidence is missing here: a member that did not need it sends its own once more
//! evidence --> trust and policy are asked again
//! ```
//!
//! Evidence and the tokens of its sender are FIFO or stronger, so a member receives the evidence before
//! the first token.

use alloc::{string::String, sync::Arc, vec, vec::Vec};

use bytes::Bytes;
use gcs_proto::{flush::ViewMessage, gcs::SelfDelivery, name::MemberName, service::Service};
use gka_robust::{Failure, FailureReason, Input};

use super::{
    Environment, SecureGroup, evidence::Evidence, outputs::Sending, roster::Roster, timers::Timer,
    view::Deferred, wire,
};
use crate::{
    access::{AccessPolicy, Action, Decision, Request},
    event::{GroupFailure, SessionEvent},
    identity::{Distrust, Identity, OwnIdentity, Trust},
};

/// Identities, and who judges them.
#[derive(Debug)]
pub(super) struct Admission {
    pub(super) own: Arc<dyn OwnIdentity>,
    pub(super) trust: Arc<dyn Trust>,
    pub(super) policy: Arc<dyn AccessPolicy>,
    /// Accepted identities; the driver verifies tokens with it.
    pub(super) roster: Arc<Roster>,
    pub(super) evidence: Evidence,
}

/// What trust and policy say about a member.
enum Verdict {
    Accepted(Identity),
    Awaited,
    Refused,
}

impl SecureGroup {
    /// Identifies all members of a new view, of which `along` moved together with this one. Returns the
    /// members that are refused.
    pub(super) fn identify_all(
        &mut self,
        members: &[MemberName],
        along: &[MemberName],
        environment: &mut Environment<'_>,
    ) -> Vec<MemberName> {
        self.admission.evidence.retain(members, along);
        let mut accepted = Vec::with_capacity(members.len());
        let mut refused = Vec::new();
        for member in members {
            match self.identify(member, None, environment) {
                Verdict::Accepted(identity) => accepted.push((*member, identity)),
                Verdict::Awaited => {
                    self.present.evidence.awaited.insert(*member);
                }
                Verdict::Refused => refused.push(*member),
            }
        }
        self.admission.roster.replace(accepted);
        if !self.present.evidence.awaited.is_empty() {
            self.start(Timer::Evidence, environment.now);
        }
        refused
    }

    fn identify(
        &mut self,
        member: &MemberName,
        shown: Option<&[u8]>,
        environment: &mut Environment<'_>,
    ) -> Verdict {
        let own = self.admission.own.clone();
        let evidence = match shown {
            Some(evidence) => Some(evidence),
            None if *member == self.me => own.evidence(),
            None => self.admission.evidence.of(member),
        };
        let trust = &self.admission.trust;
        let identity = match trust.identify(member, evidence, environment.now) {
            Ok(identity) => identity,
            Err(Distrust::NotShown) if *member != self.me => return Verdict::Awaited,
            Err(reason) => {
                self.refuse(*member, reason, environment);
                return Verdict::Refused;
            }
        };
        let request = Request {
            action: Action::Admit,
            group: &self.name,
            member,
            identity: Some(&identity),
        };
        // This member was asked about when it joined.
        if *member != self.me
            && let Decision::Deny(reason) = self.admission.policy.decide(&request)
        {
            self.deny(*member, Action::Admit, reason, environment);
            return Verdict::Refused;
        }
        Verdict::Accepted(identity)
    }

    fn refuse(&self, member: MemberName, reason: Distrust, environment: &mut Environment<'_>) {
        tracing::warn!(group = %self.name, %member, %reason, "identity refused");
        if reason == Distrust::Unknown {
            // The failure that follows says the same.
            return;
        }
        environment.events.push_back(SessionEvent::IdentityRefused {
            group: self.name,
            member,
            reason,
        });
    }

    pub(super) fn deny(
        &mut self,
        member: MemberName,
        action: Action,
        reason: String,
        environment: &mut Environment<'_>,
    ) {
        tracing::info!(group = %self.name, %member, %action, %reason, "denied by policy");
        self.stats.denied += 1;
        environment.events.push_back(SessionEvent::Denied {
            group: self.name,
            member,
            action,
            reason,
        });
    }

    /// Sends the own evidence, if there is any, to a view in which a member has not seen it or has yet to
    /// send its own: receiving it reminds that member.
    pub(super) fn show_evidence(
        &mut self,
        members: &[MemberName],
        environment: &mut Environment<'_>,
    ) {
        let unseen = self.admission.evidence.is_unseen(&self.me, members);
        let needed = unseen || !self.present.evidence.awaited.is_empty();
        if self.admission.own.evidence().is_some() && needed {
            self.admission.evidence.shown_to(members);
            self.present.evidence.own_shown = true;
            self.send_evidence(environment);
        }
    }

    /// A member sends evidence although this one saw no need to. It lacks some evidence, perhaps this
    /// member's, which is therefore sent again: once per view.
    fn answer_evidence(&mut self, environment: &mut Environment<'_>) {
        let asked = !self.present.evidence.own_shown && !self.present.has_failed();
        let Some(view) = self.driver.view().filter(|_| asked) else {
            return;
        };
        if self.admission.own.evidence().is_some() {
            self.admission.evidence.shown_to(&view.members);
            self.present.evidence.own_shown = true;
            self.send_evidence(environment);
        }
    }

    pub(super) fn send_evidence(&mut self, environment: &mut Environment<'_>) {
        if self.is_leaving() {
            return self.present.deferred.push(Deferred::Evidence);
        }
        let Some(evidence) = self.admission.own.evidence() else {
            return;
        };
        let sent = environment.flush.multicast(
            self.name,
            Service::Fifo,
            SelfDelivery::Discard,
            wire::EVIDENCE,
            Bytes::copy_from_slice(evidence),
        );
        if let Err(error) = sent {
            self.admission.evidence.forget_audience();
            self.present.evidence.own_shown = false;
            self.stats.unsent += 1;
            tracing::warn!(group = %self.name, %error, "evidence not sent");
        }
    }

    /// A member sends evidence of its identity.
    pub(super) fn evidence(&mut self, message: &ViewMessage, environment: &mut Environment<'_>) {
        let sender = message.sender;
        let view = self.driver.view();
        let in_view = view.is_some_and(|view| view.members.contains(&sender));
        if sender == self.me || !in_view || !self.present.evidence.allows_attempt(sender) {
            self.stats.unconfirmed += 1;
            return;
        }
        self.answer_evidence(environment);
        if self.admission.evidence.of(&sender) == Some(&*message.body) {
            // Sent for another member; this one has examined it already.
            return;
        }
        let known = self.admission.roster.contains(&sender);
        match self.identify(&sender, Some(&message.body), environment) {
            Verdict::Accepted(identity) => {
                self.admission.roster.insert(sender, identity);
                self.admission.evidence.keep(sender, &message.body);
                self.present.evidence.awaited.remove(&sender);
                if self.present.evidence.awaited.is_empty() {
                    self.present.timers.stop(Timer::Evidence);
                }
            }
            // An identity that was accepted in this view stays accepted.
            Verdict::Awaited | Verdict::Refused if known => {}
            Verdict::Awaited | Verdict::Refused => {
                self.present.evidence.awaited.remove(&sender);
                self.admission.roster.remove(&sender);
                self.fail_agreement(sender, environment);
            }
        }
    }

    /// Tells the driver that the present view has no key, because the member is not accepted.
    pub(super) fn fail_agreement(&mut self, member: MemberName, environment: &mut Environment<'_>) {
        let failure = Failure::of(member, FailureReason::UnknownIdentity);
        self.drive(Input::Fail(failure), Sending::Suppressed, environment);
    }

    /// Reports the members that have not sent evidence in time. They still may.
    pub(super) fn evidence_is_late(&self, environment: &mut Environment<'_>) {
        for member in self.present.evidence.awaited.iter().copied() {
            self.refuse(member, Distrust::NotShown, environment);
            self.report_failure(vec![member], GroupFailure::UnknownIdentity, environment);
        }
    }

    /// A member without an accepted identity, with which no key may be shared.
    pub(super) fn unidentified(&self, members: &[MemberName]) -> Option<MemberName> {
        let roster = &self.admission.roster;
        members
            .iter()
            .copied()
            .find(|member| !roster.contains(member))
    }
}
