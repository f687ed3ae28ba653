//! What the machines share: the suite, the tokens' channel, views, outputs and counters.
//!
//! A machine decides; the operations here carry out. They are the macros of the robust agreement
//! notes, section 4: `signal`, `install`, the prologue of a membership, and the ways of driving a
//! suite.

mod data;
mod record;
mod tokens;

use alloc::{boxed::Box, collections::VecDeque};

use cliques::{Cost, GroupSecret, KeyAgreement, MemberName};

use crate::{
    algorithm::{Carry, Design},
    config::Config,
    continuity::{Continuity, Notice, VsSignal},
    envelope::{TokenChannel, sound},
    error::Error,
    fault::{Deviation, Fault},
    input::Payload,
    log::{Cut, Happening, Log},
    output::{Failure, Output},
    refresh::KeyUse,
    stats::Stats,
    view::{SecureView, View},
};

/// Why a token brought nothing.
#[derive(Debug)]
pub(crate) enum Setback {
    /// It was dropped and counted.
    Dropped,
    /// Its author broke the protocol: no key can come of this run.
    Peer(Failure),
    /// A bug.
    Internal(&'static str),
}

/// The state of a driver apart from its machine's.
#[derive(Debug)]
pub(crate) struct Context<D> {
    config: Config,
    design: Design,
    agreement: Box<dyn KeyAgreement>,
    channel: Option<TokenChannel>,
    continuity: Continuity,
    outputs: VecDeque<Output<D>>,
    stats: Stats,
    cost: Cost,
    log: Log,
    key_use: KeyUse,
    /// Time of the call under way.
    now: u64,
    deviation: Deviation,
}

impl<D: Payload> Context<D> {
    pub(crate) fn new(config: Config, design: Design, agreement: Box<dyn KeyAgreement>) -> Self {
        let continuity = Continuity::new(config.me);
        let log = Log::new(config.event_log);
        Self {
            config,
            design,
            agreement,
            channel: None,
            continuity,
            outputs: VecDeque::new(),
            stats: Stats::default(),
            cost: Cost::default(),
            log,
            key_use: KeyUse::default(),
            now: 0,
            deviation: Deviation::default(),
        }
    }

    /// What the configured algorithm comes to.
    pub(crate) const fn design(&self) -> Design {
        self.design
    }

    pub(crate) const fn me(&self) -> &MemberName {
        &self.config.me
    }

    pub(crate) const fn stats(&self) -> &Stats {
        &self.stats
    }

    pub(crate) const fn stats_mut(&mut self) -> &mut Stats {
        &mut self.stats
    }

    pub(crate) const fn cost(&self) -> &Cost {
        &self.cost
    }

    pub(crate) const fn continuity(&self) -> &Continuity {
        &self.continuity
    }

    pub(crate) fn agreement(&self) -> &dyn KeyAgreement {
        &*self.agreement
    }

    pub(crate) fn deviates(&self, fault: Fault) -> bool {
        self.deviation.is(fault)
    }

    #[cfg(feature = "test-util")]
    pub(crate) const fn deviate(&mut self, deviation: Deviation) {
        self.deviation = deviation;
    }

    pub(crate) fn output(&mut self, output: Output<D>) {
        self.outputs.push_back(output);
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output<D>> {
        self.outputs.pop_front()
    }

    /// A copy around a copy of the suite; there must be no outputs left.
    #[cfg(feature = "test-util")]
    pub(crate) fn fork(&self, agreement: Box<dyn KeyAgreement>) -> Self {
        debug_assert!(
            self.outputs.is_empty(),
            "outputs are drained after each event"
        );
        Self {
            config: self.config.clone(),
            design: self.design,
            agreement,
            channel: self.channel.clone(),
            continuity: self.continuity.clone(),
            outputs: VecDeque::new(),
            stats: self.stats.clone(),
            cost: self.cost,
            log: self.log.clone(),
            key_use: self.key_use,
            now: self.now,
            deviation: self.deviation,
        }
    }

    /// Everything besides suite, counters and time that what comes next depends on.
    #[cfg(feature = "test-util")]
    pub(crate) fn fingerprint(&self, hasher: &mut impl core::hash::Hasher) {
        self.continuity.fingerprint(hasher);
        if let Some(channel) = &self.channel {
            channel.fingerprint(hasher);
        }
    }

    /// Forgets the group; outputs not taken yet are gone too.
    pub(crate) fn reset(&mut self) {
        self.agreement.reset();
        self.channel = None;
        self.continuity.reset();
        self.outputs.clear();
    }

    // Memberships and signals

    /// The prologue of a membership; false if the view is impossible.
    pub(crate) fn membership(&mut self, view: View) -> Option<&View> {
        if !sound(&view, &self.config.me) {
            return None;
        }
        self.stats.memberships += 1;
        self.channel = Some(TokenChannel::new(
            &self.config,
            self.agreement.group_name(),
            &view,
        ));
        let notice = self.continuity.membership(view, self.deviation);
        self.notify(notice);
        if let Some(view) = self.continuity.view() {
            let what = Happening::Membership {
                members: view.members.clone(),
                together: view.transitional_set.len(),
                cause: view.cause,
            };
            self.note(what);
        }
        self.continuity.view()
    }

    /// The flush service's signal.
    pub(crate) fn transitional_signal(&mut self) {
        let mut notice = self.continuity.transitional_signal();
        if self.deviates(Fault::SignalAgain) && self.continuity.secure().is_some() {
            notice = Notice::Signal;
        }
        self.note(Happening::TransitionalSignal);
        // Behind the signal nothing of a first agreement counts; a refresh is given up by its state.
        if !self.has_key() {
            self.note_cut(Cut::TransitionalSignal);
        }
        self.notify(notice);
    }

    fn notify(&mut self, notice: Notice) {
        match notice {
            Notice::Signal if self.deviates(Fault::SwallowSignal) => {}
            Notice::Signal => self.output(Output::SecureTransitionalSignal),
            Notice::Nothing => {}
        }
    }

    /// Whether the flush service's signal was given in this VS view.
    pub(crate) const fn vs_signal(&self) -> VsSignal {
        self.continuity.vs_signal()
    }

    // Keys

    /// `install`: the agreement of the present VS view is complete.
    pub(crate) fn install(&mut self, secret: GroupSecret) -> Result<(), Error> {
        let view = self.continuity.install();
        self.output_install(view, secret)
    }

    /// The refresh is complete.
    pub(crate) fn install_refreshed(&mut self, secret: GroupSecret) -> Result<(), Error> {
        let view = self.continuity.refresh();
        self.stats.refreshes += 1;
        self.output_install(view, secret)
    }

    fn output_install(
        &mut self,
        view: Option<SecureView>,
        secret: GroupSecret,
    ) -> Result<(), Error> {
        let view = view.ok_or(Error::Internal("key without a view"))?;
        tracing::debug!(view = %view.view.id, epoch = view.epoch, members = view.view.members.len(), "key installed");
        self.stats.installs += 1;
        self.key_use = KeyUse::new(self.now);
        let lasted = self.log.end(self.now).unwrap_or(0);
        self.note(Happening::Installed {
            epoch: view.epoch,
            lasted,
        });
        self.output(Output::Install { view, secret });
        Ok(())
    }

    /// Whether the key installed last belongs to the present VS view.
    pub(crate) fn has_key(&self) -> bool {
        self.continuity.has_key()
    }

    // Failures

    /// A failure that ends the run: it is given up and reported.
    pub(crate) fn fail(&mut self, failure: Failure) {
        self.note_cut(Cut::Failure);
        self.agreement.abandon();
        // What a culprit has had a hand in is nothing to go on with.
        if self.design.carry == Carry::Everything {
            self.agreement.reset();
        }
        self.stats.abandoned += 1;
        self.continuity.give_up_key();
        if let Some(channel) = &mut self.channel {
            channel.first_report(&failure.suspects);
        }
        self.report(failure);
    }

    /// A further failure of a view that has none to lose: reported once a member.
    pub(crate) fn fail_again(&mut self, failure: Failure) {
        let first = self
            .channel
            .as_mut()
            .is_some_and(|channel| channel.first_report(&failure.suspects));
        if first {
            self.report(failure);
        }
    }

    fn report(&mut self, failure: Failure) {
        tracing::warn!(suspects = ?failure.suspects, reason = %failure.reason, "no key because of a member");
        self.stats.failures += 1;
        self.output(Output::Failed(failure));
    }
}
