//! Driving the suite: tokens in and out, agreements begun and given up.

use alloc::vec::Vec;

use cliques::{
    Change, MemberName, Outgoing, PeerFault, Recipient, Step, Survival, Token, TokenKind,
    TokenService,
};

use rand_core::CryptoRng;

use super::Environment;
use crate::{
    envelope::Origin,
    input::Payload,
    key_context::context_hash,
    log::{Cut, Happening},
    output::{Failure, FailureReason, Output},
};

/// How an agreement is begun.
#[derive(Debug)]
pub(crate) enum Start {
    /// One member joins those of a completed agreement.
    Join(MemberName),
    /// Anything else.
    Change(Change),
}

/// Why the suite made no step.
#[derive(Debug)]
pub(crate) enum StepError {
    /// The token was dropped and counted.
    Dropped,
    /// A member broke the protocol: no key can come of this run.
    Peer(Failure),
    /// A bug.
    Internal(&'static str),
}

impl<D: Payload> Environment<D> {
    /// Checks 1 to 7 of a token that arrived; what fails is counted, and reported if a member is
    /// to blame.
    pub(crate) fn open(
        &mut self,
        sender: &MemberName,
        kind: Option<TokenKind>,
        bytes: &[u8],
        now: u64,
    ) -> Option<Token> {
        let installed = if self.has_key() { self.epoch() } else { 0 };
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
    /// [`StepError`]; the suite is as it was.
    pub(crate) fn process(
        &mut self,
        token: &Token,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, StepError> {
        let result = self
            .agreement
            .process(token.sender(), token.kind(), token.body(), rng);
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
                cliques::Error::Contradiction { suspects } => StepError::Peer(Failure {
                    suspects,
                    reason: FailureReason::Contradiction,
                }),
                cliques::Error::DegenerateKey => {
                    StepError::Peer(Failure::of(self.config.me, FailureReason::DegenerateKey))
                }
                cliques::Error::Rejected(_) | cliques::Error::Unexpected { .. } => {
                    self.stats.token_drops.unexpected += 1;
                    StepError::Dropped
                }
                cliques::Error::ApiMisuse(what) | cliques::Error::Internal(what) => {
                    StepError::Internal(what)
                }
            }
        })
    }

    /// Starts an agreement. Unless it continues an earlier one, everything is erased first, shares and
    /// partial keys included.
    ///
    /// # Errors
    /// [`StepError::Peer`] if the agreement continues with what another member sent earlier, nobody needed
    /// until now, and is bad. [`StepError::Internal`] else: the change made of a membership always fits.
    pub(crate) fn begin(
        &mut self,
        start: Start,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, StepError> {
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
                self.agreement.reset();
            }
            Start::Join(_) | Start::Change(Change::Update { .. } | Change::Resume { .. }) => {}
        }
        self.bind(0);
        self.log.start(self.now);
        self.note(Happening::Started(how));
        let result = match start {
            Start::Join(joined) => self.agreement.begin_join(joined, rng),
            Start::Change(change) => self.agreement.begin(change, rng),
        };
        self.cost += self.agreement.take_cost();
        result.map_err(refused_to_begin)
    }

    /// Binds the suite to the key context of the key that it is to agree on.
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
    pub(crate) fn begin_refresh(&mut self, rng: &mut dyn CryptoRng) -> Result<Step, StepError> {
        let epoch = self.epoch();
        let next = epoch
            .checked_add(1)
            .ok_or(StepError::Internal("epochs exhausted"))?;
        self.bind(next);
        let result = self.agreement.refresh(rng);
        self.cost += self.agreement.take_cost();
        let step = result.map_err(refused_to_begin)?;
        if let Some(channel) = &mut self.channel {
            channel.next_run(next);
        }
        self.log.start(self.now);
        self.note(Happening::Started("refresh"));
        Ok(step)
    }

    /// The agreement under way is interrupted; early data is dropped. Where everything survives, the
    /// suite stays as it is: what was delivered is the beginning of the next agreement.
    pub(crate) fn interrupt(&mut self, by: Cut) {
        self.note_cut(by);
        self.discard();
        match self.design.survival {
            Survival::Nothing | Survival::Completed => self.agreement.abandon(),
            Survival::Everything => {}
        }
        self.stats.abandoned += 1;
    }

    /// The refresh under way is given up, early data is dropped; the old key stays in use.
    pub(crate) fn give_up_refresh(&mut self, by: Cut) {
        self.note_cut(by);
        self.discard();
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
        let epoch = self.epoch();
        let request = Outgoing {
            to: Recipient::Group,
            service: TokenService::Agreed,
            kind: TokenKind::REFRESH_REQUEST,
            body: Vec::new(),
        };
        self.cost.broadcasts += 1;
        self.send_one(request, Some(epoch));
    }

    fn send_one(&mut self, token: Outgoing, epoch: Option<u32>) {
        let Some(channel) = &mut self.channel else {
            return;
        };
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

    /// Whether a run was started after the one whose key is in use, and given up: its tokens may still
    /// come.
    pub(crate) fn refresh_was_abandoned(&self) -> bool {
        let epoch = self.epoch();
        self.channel
            .as_ref()
            .is_some_and(|channel| channel.run() > epoch)
    }
}

/// A member broke the protocol.
fn protocol(culprit: MemberName, fault: PeerFault) -> StepError {
    StepError::Peer(Failure::of(culprit, FailureReason::Protocol(fault)))
}

/// Why an agreement was not begun. The calls always fit, but what others sent earlier may turn out to
/// be bad.
fn refused_to_begin(error: cliques::Error) -> StepError {
    match error {
        cliques::Error::Peer { culprit, fault } => protocol(culprit, fault),
        cliques::Error::ApiMisuse(what) | cliques::Error::Internal(what) => {
            StepError::Internal(what)
        }
        // Errors of tokens only.
        cliques::Error::Decode(_)
        | cliques::Error::Rejected(_)
        | cliques::Error::Unexpected { .. }
        | cliques::Error::Contradiction { .. }
        | cliques::Error::DegenerateKey => StepError::Internal("suite refused to start"),
    }
}
