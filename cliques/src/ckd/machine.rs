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
    error::{Error, Rejected},
    group::Group,
    rules::unexpected,
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
    /// A member without a group, in mode 0: the group secret is a group element, enciphered by
    /// exponentiation.
    pub fn new(group: G, me: MemberName) -> Self {
        Self::with_mode(group, me, Mode::Exponentiation)
    }

    /// A member without a group, in mode 1: the group secret is a random string, enciphered with
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

    /// Makes all pairs anew in every event, which then takes three rounds: a share of the
    /// controller's that leaks tells the keys of one event instead of those of its whole reign. All
    /// members must be set up alike.
    #[must_use]
    pub fn with_fresh_pairs(mut self) -> Self {
        self.fresh_pairs = true;
        self
    }

    /// The public share of the controller, encoded, with which the pairs of the last completed
    /// agreement were made.
    pub fn controller_public(&self) -> Option<alloc::vec::Vec<u8>> {
        let completed = self.completed.as_ref()?;
        Some(self.arithmetic.encode(&completed.public))
    }
}

/// A handler ran without an agreement under way.
pub(super) const NOTHING_STAGED: Error = Error::Internal("no agreement under way");

impl<G: Group> KeyAgreement for Ckd<G> {
    fn group_name(&self) -> &str {
        self.arithmetic.group().name()
    }

    fn me(&self) -> &MemberName {
        &self.me
    }

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
        match &self.staged {
            None => return Err(unexpected(sender, kind)),
            Some(staged) if !staged.order.contains(sender) => {
                return Err(Rejected::NotInView(*sender).into());
            }
            Some(_) => {}
        }
        match kind {
            super::NEW_CONTROLLER | super::OLD_CONTROLLER => {
                self.process_announcement(sender, kind, body, rng)
            }
            super::RESPONSE => self.process_response(sender, body, rng),
            super::KEY => self.process_key(sender, body),
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

    fn abandon(&mut self) {
        self.staged = None;
    }

    fn reset(&mut self) {
        self.staged = None;
        self.completed = None;
    }

    fn order(&self) -> &[MemberName] {
        match (&self.staged, &self.completed) {
            (Some(staged), _) => &staged.order,
            (None, Some(context)) => &context.order,
            (None, None) => &[],
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

    fn take_cost(&mut self) -> Cost {
        self.arithmetic.take_cost()
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
