//! What the machines share: the suite, the tokens' channel, views, outputs and counters.
//!
//! A machine decides; the operations here carry out. They are the macros of the robust agreement
//! notes, section 4: `signal`, `install`, the prologue of a membership, and the ways of driving a
//! suite.

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};

use cliques::{
    Change, Cost, GroupSecret, KeyAgreement, MemberId, Outgoing, PeerFault, Recipient, Step, Token,
    TokenKind, TokenService,
};

use crate::{
    algorithm::{Carry, Design},
    config::Config,
    continuity::{Continuity, Notice, VsSignal},
    envelope::{TokenChannel, sound},
    error::Error,
    event::Env,
    fault::{Deviation, Fault},
    input::Payload,
    key_context::context_hash,
    log::{AgreementEvent, Cut, Happening, Log},
    output::{Failure, FailureReason, Output},
    queue::{EarlyQueue, Kept},
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
        let continuity = Continuity::new(config.me.clone());
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

    pub(crate) const fn me(&self) -> &MemberId {
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

    // Time and log

    /// A call begins at `now`.
    pub(crate) const fn set_time(&mut self, now: u64) {
        self.now = now;
    }

    /// Notes an event of the agreement.
    pub(crate) fn note(&mut self, what: Happening) {
        if self.config.event_log == 0 {
            return;
        }
        let event = AgreementEvent {
            at: self.now,
            view: self.continuity.view().map(|view| view.id),
            run: self.channel.as_ref().map_or(0, TokenChannel::run),
            what,
        };
        if !self.log.push(event) {
            self.stats.events_lost += 1;
        }
    }

    /// Notes a change of state.
    pub(crate) fn note_state(&mut self, from: &'static str, to: &'static str) {
        let lasted = self.log.enter(self.now);
        self.note(Happening::State { from, to, lasted });
    }

    /// Notes the end of the agreement under way, if there is one.
    fn note_cut(&mut self, by: Cut) {
        if let Some(lasted) = self.log.end(self.now) {
            self.note(Happening::Cut { by, lasted });
        }
    }

    pub(crate) fn poll_event(&mut self) -> Option<AgreementEvent> {
        self.log.pop()
    }

    /// When the policy wants a refresh at the latest, if this member is the one to ask for it.
    pub(crate) fn refresh_timeout(&self) -> Option<u64> {
        self.key_use
            .expires(self.config.refresh)
            .filter(|_| self.acts_on_policy())
    }

    /// Whether the policy wants this member to ask for a refresh now.
    pub(crate) fn refresh_is_due(&self) -> bool {
        self.acts_on_policy() && self.key_use.is_due(self.config.refresh, self.now)
    }

    fn acts_on_policy(&self) -> bool {
        self.has_key() && self.agreement.controller() == Some(self.me())
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
                cause: view.cause.clone(),
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

    // Tokens

    /// Checks 1 to 7 of a token that arrived; what fails is counted, and reported if a member is
    /// to blame.
    pub(crate) fn open(
        &mut self,
        sender: &MemberId,
        kind: Option<TokenKind>,
        bytes: &[u8],
        now: u64,
    ) -> Option<Token> {
        let installed = self.continuity.secure().map_or(0, |view| view.epoch);
        let installed = if self.continuity.has_key() {
            installed
        } else {
            0
        };
        let Some(channel) = &mut self.channel else {
            self.stats.impossible += 1;
            return None;
        };
        match channel.open(&self.config, sender, kind, bytes, installed, now) {
            Ok(token) => {
                self.cost.verifications += 1;
                self.stats.tokens_accepted += 1;
                Some(token)
            }
            Err(refused) => {
                tracing::debug!(%sender, ?refused, "token dropped");
                self.stats.count_refused(&refused);
                if let Some(failure) = channel.blame(sender, &refused) {
                    self.report(failure);
                }
                None
            }
        }
    }

    /// Gives an authentic token to the suite: checks 8 to 11.
    ///
    /// # Errors
    /// [`Setback`]; the suite is as it was.
    pub(crate) fn process(&mut self, token: &Token, env: &mut Env<'_>) -> Result<Step, Setback> {
        let result = self
            .agreement
            .process(token.sender(), token.kind(), token.body(), env.rng);
        self.cost += self.agreement.take_cost();
        if result.is_ok() {
            self.note(Happening::TokenTaken {
                kind: token.kind(),
                sender: token.sender().clone(),
            });
        }
        result.map_err(|error| {
            tracing::debug!(sender = %token.sender(), kind = %token.kind(), %error, "token refused");
            let fault = match error {
                cliques::Error::Peer { culprit, fault } => (culprit, fault),
                // Authentic, so it is its author who wrote what cannot be read.
                cliques::Error::Decode(_) => (token.sender().clone(), PeerFault::Malformed),
                // Nobody can tell which of them it was.
                cliques::Error::Contradiction { suspects } => {
                    let culprit = suspects.into_iter().next();
                    return Setback::Peer(Failure {
                        culprit: culprit.unwrap_or_else(|| token.sender().clone()),
                        reason: FailureReason::Contradiction,
                    });
                }
                cliques::Error::DegenerateKey => {
                    return Setback::Peer(Failure {
                        culprit: self.config.me.clone(),
                        reason: FailureReason::DegenerateKey,
                    });
                }
                cliques::Error::Rejected(_) | cliques::Error::Unexpected { .. } => {
                    self.stats.token_drops.unexpected += 1;
                    return Setback::Dropped;
                }
                cliques::Error::ApiMisuse(what) | cliques::Error::Internal(what) => {
                    return Setback::Internal(what);
                }
                _ => return Setback::Internal("suite error of a new kind"),
            };
            let (culprit, fault) = fault;
            Setback::Peer(Failure { culprit, reason: FailureReason::Protocol(fault) })
        })
    }

    /// Starts an agreement. Unless it goes on with what there is, everything is erased first, shares
    /// and partial keys included.
    ///
    /// # Errors
    /// [`Error::Internal`]: a change that a machine makes of a membership always fits.
    pub(crate) fn begin(&mut self, change: Change, env: &mut Env<'_>) -> Result<Step, Error> {
        let how = match &change {
            Change::Found => "found",
            Change::Restart { .. } => "restart",
            Change::Enter { .. } => "enter",
            Change::Update { .. } => "update",
            Change::Resume { .. } => "resume",
        };
        match &change {
            Change::Found | Change::Restart { .. } | Change::Enter { .. } => {
                if !self.deviates(Fault::KeepShares) {
                    self.agreement.reset();
                }
            }
            Change::Update { .. } | Change::Resume { .. } => {}
        }
        self.bind(0);
        self.log.start(self.now);
        self.note(Happening::Started(how));
        let result = self.agreement.begin(change, env.rng);
        self.cost += self.agreement.take_cost();
        result.map_err(internal)
    }

    /// Binds the suite to the context of the key that it is to agree on.
    fn bind(&mut self, epoch: u32) {
        if let Some(view) = self.continuity.view() {
            self.agreement.bind(context_hash(
                self.config.protocol,
                self.agreement.group_name(),
                &self.config.group,
                &view.id,
                epoch,
                &view.members,
            ));
        }
    }

    /// Starts the suite's refresh, as the run after the epoch in use.
    ///
    /// # Errors
    /// [`Error::Internal`].
    pub(crate) fn begin_refresh(&mut self, env: &mut Env<'_>) -> Result<Step, Error> {
        let epoch = self.continuity.secure().map_or(0, |view| view.epoch);
        let next = epoch
            .checked_add(1)
            .ok_or(Error::Internal("epochs exhausted"))?;
        self.bind(next);
        let result = self.agreement.refresh(env.rng);
        self.cost += self.agreement.take_cost();
        let step = result.map_err(internal)?;
        if let Some(channel) = &mut self.channel {
            channel.next_run(next);
        }
        self.log.start(self.now);
        self.note(Happening::Started("refresh"));
        Ok(step)
    }

    /// The agreement under way is cut off. Where everything goes on it stays as it is: what was
    /// delivered of it is the beginning of the next one.
    pub(crate) fn interrupt(&mut self, by: Cut) {
        self.note_cut(by);
        match self.design.carry {
            Carry::Nothing | Carry::Completed => self.agreement.abandon(),
            Carry::Everything => {}
        }
        self.stats.abandoned += 1;
    }

    /// The refresh under way is given up; the old key stays in use.
    pub(crate) fn give_up_refresh(&mut self, by: Cut) {
        self.note_cut(by);
        self.agreement.abandon();
        self.stats.abandoned += 1;
    }

    /// Sends the tokens of a step, in order.
    pub(crate) fn send(&mut self, tokens: Vec<Outgoing>) {
        for token in tokens {
            self.send_one(token, None);
        }
    }

    /// Asks all members for a refresh.
    pub(crate) fn send_refresh_request(&mut self) {
        let epoch = self.continuity.secure().map_or(0, |view| view.epoch);
        let request = Outgoing {
            to: Recipient::Group,
            service: TokenService::Agreed,
            kind: TokenKind::RefreshRequest,
            body: Vec::new(),
        };
        self.cost.broadcasts += 1;
        self.send_one(request, Some(epoch));
    }

    fn send_one(&mut self, mut token: Outgoing, epoch: Option<u32>) {
        let Some(channel) = &self.channel else { return };
        if token.kind != TokenKind::RefreshRequest && self.deviates(Fault::FifoKeyList) {
            token.service = TokenService::Fifo;
        }
        let transmission = match epoch {
            None => channel.seal(&self.config, token, self.now),
            Some(epoch) => channel.seal_epoch(&self.config, token, epoch, self.now),
        };
        self.cost.signatures += 1;
        self.stats.tokens_sent += 1;
        self.note(Happening::TokenSent {
            kind: transmission.kind,
            to: transmission.to.clone(),
            bytes: transmission.bytes.len(),
        });
        self.output(Output::Send(transmission));
    }

    /// Whether a run was started after the one whose key is in use: then tokens of it may still
    /// come although it was given up.
    pub(crate) fn refresh_was_abandoned(&self) -> bool {
        let epoch = self.continuity.secure().map_or(0, |view| view.epoch);
        self.channel
            .as_ref()
            .is_some_and(|channel| channel.run() > epoch)
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
        tracing::debug!(view = %view.id, epoch = view.epoch, members = view.members.len(), "key installed");
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
            channel.first_report(&failure.culprit);
        }
        self.report(failure);
    }

    /// A further failure of a view that has none to lose: reported once a member.
    pub(crate) fn fail_again(&mut self, failure: Failure) {
        let first = self
            .channel
            .as_mut()
            .is_some_and(|channel| channel.first_report(&failure.culprit));
        if first {
            self.report(failure);
        }
    }

    fn report(&mut self, failure: Failure) {
        tracing::warn!(culprit = %failure.culprit, reason = %failure.reason, "no key because of a member");
        self.stats.failures += 1;
        self.output(Output::Failed(failure));
    }

    // User data

    /// Hands data to the application.
    pub(crate) fn deliver(&mut self, data: D) {
        self.stats.data_delivered += 1;
        self.key_use.count(data.size());
        self.output(Output::Deliver(data));
    }

    /// Data behind the answer to a flush request: delivered if the key of the VS view is installed.
    pub(crate) fn deliver_or_drop(&mut self, data: D) {
        if self.has_key() {
            self.deliver(data);
        } else {
            self.drop_data(data);
        }
    }

    /// Early data behind the answer to a flush request.
    pub(crate) fn lose_or_drop(&mut self, data: D) {
        if self.has_key() {
            self.lose_data(data);
        } else {
            self.drop_data(data);
        }
    }

    /// Data that no key of this view belongs to.
    pub(crate) fn drop_data(&mut self, data: D) {
        if self.deviates(Fault::DeliverWithoutKey) {
            return self.deliver(data);
        }
        self.stats.data_drops.no_key += 1;
    }

    /// Data of the present secure view under a key that will not be installed here. Its sender has
    /// a refresh that was given up here, so it does not come along, and the application is told
    /// now: what is delivered from here on has a gap before it.
    pub(crate) fn lose_data(&mut self, data: D) {
        self.drop_data(data);
        let notice = self.continuity.message_lost();
        self.notify(notice);
    }

    /// A queue for data that is ahead of its key.
    pub(crate) const fn queue(&self) -> EarlyQueue<D> {
        EarlyQueue::new(self.config.queue_bytes)
    }

    /// Keeps data until a key is installed.
    pub(crate) fn keep(&mut self, queue: &mut EarlyQueue<D>, data: D) {
        if self.deviates(Fault::DeliverEarly) {
            return self.deliver(data);
        }
        match queue.push(data) {
            Kept::Queued => self.stats.data_queued += 1,
            Kept::Overflow => self.stats.data_drops.overflow += 1,
        }
    }

    /// The key is there: kept data is delivered.
    pub(crate) fn release(&mut self, queue: &mut EarlyQueue<D>) {
        for data in queue.take() {
            self.deliver(data);
        }
    }

    /// The key will not come: kept data is dropped.
    pub(crate) fn discard(&mut self, queue: &mut EarlyQueue<D>) {
        let dropped = u64::try_from(queue.take().len()).unwrap_or(u64::MAX);
        self.stats.data_drops.discarded = self.stats.data_drops.discarded.saturating_add(dropped);
    }

    /// For tests of the oracle: the suite takes a key list as it is sent.
    pub(crate) fn process_own(&mut self, token: &Outgoing, env: &mut Env<'_>) -> Option<Step> {
        let me = self.config.me.clone();
        self.agreement
            .process(&me, token.kind, &token.body, env.rng)
            .ok()
    }
}

/// Errors of calls that a machine makes only where they are right.
fn internal(error: cliques::Error) -> Error {
    match error {
        cliques::Error::ApiMisuse(what) | cliques::Error::Internal(what) => Error::Internal(what),
        _ => Error::Internal("suite refused to start"),
    }
}
