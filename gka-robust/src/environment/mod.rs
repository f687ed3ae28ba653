//! What surrounds the state machine: the suite, the token channel, views, early data, outputs and
//! counters.
//!
//! The machine decides, the operations here act. They are the macros of the robust agreement notes,
//! section 4: `signal`, `install`, the prologue of a membership, and the calls of the suite.

mod clock;
mod data;
mod tokens;

use alloc::{boxed::Box, collections::VecDeque};

use cliques::{Cost, GroupSecret, KeyAgreement, MemberName, Survival};

pub(crate) use self::tokens::{Start, StepError};

use crate::{
    algorithm::Design,
    config::Config,
    continuity::{Continuity, Notice},
    envelope::{TokenChannel, sound},
    error::Error,
    input::Payload,
    log::{Cut, Happening, Log},
    output::{Failure, Output},
    queue::EarlyQueue,
    refresh::KeyUse,
    rules::{DriverRules, Rules},
    stats::Stats,
    view::{SecureView, View, VsSignal},
};

/// Everything of a driver besides the state of its machine.
#[derive(Debug)]
pub(crate) struct Environment<D> {
    config: Config,
    design: Design,
    agreement: Box<dyn KeyAgreement>,
    channel: Option<TokenChannel>,
    continuity: Continuity,
    /// Data that is ahead of its key.
    early: EarlyQueue<D>,
    outputs: VecDeque<Output<D>>,
    stats: Stats,
    cost: Cost,
    log: Log,
    key_use: KeyUse,
    /// Time of the call under way.
    now: u64,
    rules: DriverRules,
}

impl<D: Payload> Environment<D> {
    pub(crate) fn new(config: Config, design: Design, agreement: Box<dyn KeyAgreement>) -> Self {
        let continuity = Continuity::new(config.me);
        let log = Log::new(config.event_log);
        let early = EarlyQueue::new(config.queue_bytes);
        Self {
            config,
            design,
            agreement,
            channel: None,
            continuity,
            early,
            outputs: VecDeque::new(),
            stats: Stats::default(),
            cost: Cost::default(),
            log,
            key_use: KeyUse::default(),
            now: 0,
            rules: DriverRules::robust(),
        }
    }

    /// States of the configured algorithm, and what survives a change.
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

    /// The decisions of the protocol.
    pub(crate) fn rules(&self) -> &dyn Rules {
        self.rules.get()
    }

    #[cfg(feature = "test-util")]
    pub(crate) fn set_rules(&mut self, rules: DriverRules) {
        self.rules = rules;
    }

    pub(crate) fn output(&mut self, output: Output<D>) {
        self.outputs.push_back(output);
    }

    pub(crate) fn poll_output(&mut self) -> Option<Output<D>> {
        self.outputs.pop_front()
    }

    /// A copy around a copy of the suite; there must be no outputs left.
    #[cfg(feature = "test-util")]
    pub(crate) fn fork(&self, agreement: Box<dyn KeyAgreement>) -> Self
    where
        D: Clone,
    {
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
            early: self.early.clone(),
            outputs: VecDeque::new(),
            stats: self.stats.clone(),
            cost: self.cost,
            log: self.log.clone(),
            key_use: self.key_use,
            now: self.now,
            rules: self.rules.clone(),
        }
    }

    /// Hashes everything besides suite, counters and time that future behaviour depends on.
    #[cfg(feature = "test-util")]
    pub(crate) fn fingerprint(&self, hasher: &mut impl core::hash::Hasher)
    where
        D: core::hash::Hash,
    {
        core::hash::Hash::hash(&self.early, hasher);
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
        self.early.take();
        self.outputs.clear();
    }

    // Memberships and signals

    /// The prologue of a membership; none if the view is impossible.
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
        let notice = self.continuity.membership(view);
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

    /// The flush service's signal: early data is dropped, the application is told.
    pub(crate) fn transitional_signal(&mut self) {
        self.discard();
        let notice = self.continuity.transitional_signal();
        self.note(Happening::TransitionalSignal);
        // Behind the signal no first agreement completes; a refresh is given up by its state.
        if !self.has_key() {
            self.note_cut(Cut::TransitionalSignal);
        }
        self.notify(notice);
    }

    fn notify(&mut self, notice: Notice) {
        match notice {
            Notice::Signal => self.output(Output::SecureTransitionalSignal),
            Notice::Nothing => {}
        }
    }

    /// Whether the flush service's signal was given in this VS view.
    pub(crate) const fn vs_signal(&self) -> VsSignal {
        self.continuity.vs_signal()
    }

    // Keys

    /// Whether a message that completes the agreement now installs its key.
    pub(crate) fn key_counts(&self) -> bool {
        self.rules().key_counts(self.vs_signal())
    }

    /// Epoch of the key installed last, 0 if there is none.
    fn epoch(&self) -> u32 {
        self.continuity.secure().map_or(0, |view| view.epoch)
    }

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

    /// Early data is delivered behind the key.
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
        self.release();
        Ok(())
    }

    /// Whether the key installed last belongs to the present VS view.
    pub(crate) fn has_key(&self) -> bool {
        self.continuity.has_key()
    }

    // Failures

    /// A failure that ends the run: the run is given up, early data is dropped, the failure reported.
    pub(crate) fn fail(&mut self, failure: Failure) {
        self.note_cut(Cut::Failure);
        self.discard();
        self.agreement.abandon();
        // The next agreement must not continue from what a culprit contributed to.
        match self.design.survival {
            Survival::Nothing | Survival::Completed => {}
            Survival::Everything => self.agreement.reset(),
        }
        self.stats.abandoned += 1;
        self.continuity.give_up_key();
        if let Some(channel) = &mut self.channel {
            channel.first_report(&failure.suspects);
        }
        self.report(failure);
    }

    /// A further failure in a view that has failed: reported once for each member.
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
