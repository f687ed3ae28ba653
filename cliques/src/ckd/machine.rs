//! The CKD machine: state, dispatch.

use core::fmt;

use gcs_view::MemberName;
use rand_core::CryptoRng;

use super::{
    context::{Context, Stage, Staged},
    message::Mode,
};
use crate::{
    agreement::{Change, KeyAgreement, Step},
    arithmetic::Arithmetic,
    cost::Cost,
    error::Error,
    group::Group,
    rules::unexpected,
    staged::{admit, staged_agreement},
    token::TokenKind,
};

/// A member's side of CKD over the mathematical group `G`.
///
/// The [module documentation](crate::ckd) explains the protocol.
pub struct Ckd<G: Group> {
    pub(super) me: MemberName,
    pub(super) arithmetic: Arithmetic<G>,
    pub(super) mode: Mode,
    pub(super) context: [u8; 32],
    pub(super) fresh_pairs: bool,
    pub(super) completed: Option<Context<G>>,
    pub(super) staged: Option<Staged<G>>,
}

impl<G: Group> Ckd<G> {
    /// A member without a group, in mode 0: the group secret is a group element, encrypted by
    /// exponentiation.
    pub fn new(group: G, me: MemberName) -> Self {
        Self::with_mode(group, me, Mode::Exponentiation)
    }

    /// A member without a group, in mode 1: the group secret is a random string, encrypted with
    /// AES-256 and authenticated with HMAC-SHA-256.
    pub fn aead(group: G, me: MemberName) -> Self {
        Self::with_mode(group, me, Mode::Wrapping)
    }

    fn with_mode(group: G, me: MemberName, mode: Mode) -> Self {
        Self {
            me,
            arithmetic: Arithmetic::new(group),
            mode,
            context: [0; 32],
            fresh_pairs: false,
            completed: None,
            staged: None,
        }
    }

    /// Replaces all pairwise keys in every event, which then takes three rounds: a leaked share of the
    /// controller discloses the group secret of one event, not of all events while it is controller. All
    /// members must have the same setting.
    #[must_use]
    pub fn with_fresh_pairs(mut self) -> Self {
        self.fresh_pairs = true;
        self
    }

    /// The encoded public share of the controller, with which the pairwise keys of the last completed
    /// agreement were computed.
    pub fn controller_public(&self) -> Option<alloc::vec::Vec<u8>> {
        let completed = self.completed.as_ref()?;
        Some(self.arithmetic.encode(&completed.public))
    }
}

impl<G: Group> KeyAgreement for Ckd<G> {
    staged_agreement!();

    fn bind(&mut self, context: [u8; 32]) {
        self.context = context;
    }

    fn begin(&mut self, change: Change, rng: &mut dyn CryptoRng) -> Result<Step, Error> {
        match change {
            Change::Found => self.found(rng),
            Change::Restart { joined } => self.restart(&joined, rng),
            Change::Enter { members } => self.enter(members),
            Change::Update { left, joined } => self.update(&left, &joined, rng),
            Change::Resume { .. } => Err(Error::ApiMisuse("CKD cannot resume an agreement")),
        }
    }

    fn process(
        &mut self,
        sender: &MemberName,
        kind: TokenKind,
        body: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        if *sender == self.me {
            return self.process_own(kind, body);
        }
        admit(self.staged.as_mut(), sender, kind)?;
        match kind {
            super::NEW_CONTROLLER | super::OLD_CONTROLLER => {
                self.process_announcement(sender, kind, body, rng)
            }
            super::RESPONSE => self.process_response(sender, body, rng),
            super::KEY => self.process_key(sender, body),
            // Kinds of other suites.
            _ => Err(unexpected(sender, kind)),
        }
    }

    fn is_awaited(&self) -> bool {
        match self.staged.as_ref().map(|staged| &staged.stage) {
            Some(Stage::Key { .. }) => false,
            Some(Stage::Announcement { .. } | Stage::Responses { .. } | Stage::OwnKey { .. }) => {
                true
            }
            None => self.order().first().is_none_or(|first| *first == self.me),
        }
    }

    fn controller(&self) -> Option<&MemberName> {
        match &self.staged {
            // A new member does not know the order before the announcement.
            Some(Staged {
                stage: Stage::Announcement { kept: None },
                ..
            }) => None,
            Some(_) | None => self.order().first(),
        }
    }
}

impl<G: Group> fmt::Debug for Ckd<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = self.staged.as_ref().map(|staged| &staged.stage);
        f.debug_struct("Ckd")
            .field("mode", &self.mode)
            .field("group", &self.group_name())
            .field("me", &self.me)
            .field("order", &self.order())
            .field("completed", &self.completed.is_some())
            .field("stage", &stage.map(Stage::name))
            .field("responses", &stage.map(Stage::progress))
            .finish_non_exhaustive()
    }
}
