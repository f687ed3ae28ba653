//! The ways of driving a suite: tokens in and out, agreements begun and given up.

use alloc::vec::Vec;

use cliques::{
    Change, MemberName, Outgoing, PeerFault, Recipient, Step, Token, TokenKind, TokenService,
};

use super::{Context, Setback};
use crate::{
    algorithm::Carry,
    envelope::Origin,
    event::Env,
    fault::Fault,
    input::Payload,
    key_context::context_hash,
    log::{Cut, Happening},
    machine::Start,
    output::{Failure, FailureReason, Output},
};

impl<D: Payload> Context<D> {
    /// Checks 1 to 7 of a token that arrived; what fails is counted, and reported if a member is
    /// to blame.
    pub(crate) fn open(
        &mut self,
        sender: &MemberName,
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
            Ok((token, origin)) => {
                match origin {
                    Origin::Sent => {}
                    Origin::Signed => self.cost.verifications += 1,
                }
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
                sender: *token.sender(),
            });
        }
        result.map_err(|error| {
            tracing::debug!(sender = %token.sender(), kind = %token.kind(), %error, "token refused");
            match error {
                cliques::Error::Peer { culprit, fault } => protocol(culprit, fault),
                // The token is authentic, so its author wrote what cannot be read.
                cliques::Error::Decode(_) => protocol(*token.sender(), PeerFault::Malformed),
                // Nobody can tell which of them it was.
                cliques::Error::Contradiction { suspects } => Setback::Peer(Failure {
                    suspects,
                    reason: FailureReason::Contradiction,
                }),
                cliques::Error::DegenerateKey => {
                    Setback::Peer(Failure::of(self.config.me, FailureReason::DegenerateKey))
                }
                cliques::Error::Rejected(_) | cliques::Error::Unexpected { .. } => {
                    self.stats.token_drops.unexpected += 1;
                    Setback::Dropped
                }
                cliques::Error::ApiMisuse(what) | cliques::Error::Internal(what) => {
                    Setback::Internal(what)
                }
            }
        })
    }

    /// Starts an agreement. Unless it goes on with what there is, everything is erased first, shares
    /// and partial keys included.
    ///
    /// # Errors
    /// [`Setback::Peer`] when this member is to go on from what another one has sent earlier and nobody
    /// needed until now, and that is bad. [`Setback::Internal`] else: a change that a machine makes
    /// of a membership always fits.
    pub(crate) fn begin(&mut self, start: Start, env: &mut Env<'_>) -> Result<Step, Setback> {
        let how = match &start {
            Start::Join(_) => "join",
            Start::Change(Change::Found) => "found",
            Start::Change(Change::Restart { .. }) => "restart",
            Start::Change(Change::Enter { .. }) => "enter",
            Start::Change(Change::Update { .. }) => "update",
            Start::Change(Change::Resume { .. }) => "resume",
        };
        match &start {
            Start::Change(Change::Found | Change::Restart { .. } | Change::Enter { .. }) => {
                if !self.deviates(Fault::KeepShares) {
                    self.agreement.reset();
                }
            }
            Start::Join(_) | Start::Change(Change::Update { .. } | Change::Resume { .. }) => {}
        }
        self.bind(0);
        self.log.start(self.now);
        self.note(Happening::Started(how));
        let result = match start {
            Start::Join(joined) => self.agreement.begin_join(joined, env.rng),
            Start::Change(change) => self.agreement.begin(change, env.rng),
        };
        self.cost += self.agreement.take_cost();
        result.map_err(refused_to_begin)
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
    /// As [`begin`](Self::begin).
    pub(crate) fn begin_refresh(&mut self, env: &mut Env<'_>) -> Result<Step, Setback> {
        let epoch = self.continuity.secure().map_or(0, |view| view.epoch);
        let next = epoch
            .checked_add(1)
            .ok_or(Setback::Internal("epochs exhausted"))?;
        self.bind(next);
        let result = self.agreement.refresh(env.rng);
        self.cost += self.agreement.take_cost();
        let step = result.map_err(refused_to_begin)?;
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
            kind: TokenKind::REFRESH_REQUEST,
            body: Vec::new(),
        };
        self.cost.broadcasts += 1;
        self.send_one(request, Some(epoch));
    }

    fn send_one(&mut self, mut token: Outgoing, epoch: Option<u32>) {
        let Some(channel) = &mut self.channel else {
            return;
        };
        if token.kind != TokenKind::REFRESH_REQUEST && self.deviation.is(Fault::FifoKeyList) {
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

    /// For tests of the oracle: the suite takes a key list as it is sent.
    pub(crate) fn process_own(&mut self, token: &Outgoing, env: &mut Env<'_>) -> Option<Step> {
        let me = self.config.me;
        self.agreement
            .process(&me, token.kind, &token.body, env.rng)
            .ok()
    }
}

/// A member broke the protocol.
fn protocol(culprit: MemberName, fault: PeerFault) -> Setback {
    Setback::Peer(Failure::of(culprit, FailureReason::Protocol(fault)))
}

/// Why an agreement was not begun. A machine makes only calls that fit, but what others have sent
/// earlier may turn out to be bad.
fn refused_to_begin(error: cliques::Error) -> Setback {
    match error {
        cliques::Error::Peer { culprit, fault } => protocol(culprit, fault),
        cliques::Error::ApiMisuse(what) | cliques::Error::Internal(what) => Setback::Internal(what),
        // Said of tokens only.
        cliques::Error::Decode(_)
        | cliques::Error::Rejected(_)
        | cliques::Error::Unexpected { .. }
        | cliques::Error::Contradiction { .. }
        | cliques::Error::DegenerateKey => Setback::Internal("suite refused to start"),
    }
}
