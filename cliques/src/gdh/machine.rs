//! The GDH machine: state, dispatch, self-delivery.

use alloc::vec::Vec;
use core::fmt;

use gcs_view::MemberName;
use rand_core::CryptoRng;

use super::context::{Context, Partial, Share, Stage, Staged, Tested};
use crate::{
    agreement::{Change, KeyAgreement, Step},
    arithmetic::Arithmetic,
    cost::Cost,
    error::{Error, PeerFault, Rejected},
    group::Group,
    rules::{peer, unexpected},
    secret::GroupSecret,
    staged::{NOTHING_STAGED, admit, staged_agreement},
    token::TokenKind,
};

/// A member's side of GDH over the mathematical group `G`.
///
/// The [module documentation](crate::gdh) explains the protocol.
pub struct Gdh<G: Group> {
    pub(super) me: MemberName,
    pub(super) arithmetic: Arithmetic<G>,
    pub(super) completed: Option<Context<G>>,
    pub(super) staged: Option<Staged<G>>,
}

impl<G: Group> Gdh<G> {
    /// A member without a group.
    pub fn new(group: G, me: MemberName) -> Self {
        Self {
            me,
            arithmetic: Arithmetic::new(group),
            completed: None,
            staged: None,
        }
    }

    /// Partial keys of the last completed agreement, encoded, in order. They are public: key lists
    /// contain them.
    pub fn partial_keys(&self) -> Vec<(MemberName, Vec<u8>)> {
        self.completed.as_ref().map_or_else(Vec::new, |context| {
            context
                .order
                .iter()
                .cloned()
                .zip(
                    context
                        .partials
                        .iter()
                        .map(|partial| partial.encoding(&self.arithmetic)),
                )
                .collect()
        })
    }

    /// A new group of this member alone: P_me = g, K = g^r.
    pub(super) fn found(&mut self, rng: &mut dyn CryptoRng) -> Result<Step, Error> {
        let generator = Partial::known(
            self.arithmetic.generator().clone(),
            &self.me,
            Tested::Exactly,
        );
        self.alone(generator, rng)
    }

    /// Completes a group of this member alone, with this partial key and a fresh share; nothing is sent.
    pub(super) fn alone(
        &mut self,
        partial: Partial<G>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        let share = self.arithmetic.draw(rng);
        let secret = self
            .arithmetic
            .agree(partial.element()?, &share)
            .ok_or(Error::Internal("the key of a lone member is the identity"))?;
        self.staged = None;
        self.completed = Some(Context {
            order: [self.me].into(),
            partials: [partial].into(),
            share,
        });
        Ok(Step::complete(secret))
    }

    /// Installs the agreement under way with these partial keys.
    ///
    /// All that can fail comes before the first change.
    pub(super) fn install(
        &mut self,
        partials: Vec<Partial<G>>,
        author: &MemberName,
    ) -> Result<GroupSecret, Error> {
        let staged = self.staged.as_ref().ok_or(NOTHING_STAGED)?;
        let mine = staged
            .order
            .iter()
            .zip(&partials)
            .find_map(|(name, partial)| (*name == self.me).then_some(partial))
            .ok_or(Error::Internal("no partial key of this member"))?;
        let share = staged.share.value(self.completed.as_ref())?;
        let secret = self
            .arithmetic
            .agree(mine.element()?, share)
            .ok_or_else(|| peer(author, PeerFault::OneElement))?;

        let Some(staged) = self.staged.take() else {
            return Err(NOTHING_STAGED);
        };
        let share = match (staged.share, self.completed.take()) {
            (Share::Fresh(share), _) => share,
            (Share::Kept, Some(context)) => context.share,
            // Ruled out by `value` above.
            (Share::Kept, None) | (Share::Undrawn, _) => {
                return Err(Error::Internal("share lost while installing"));
            }
        };
        self.completed = Some(Context {
            order: staged.order,
            partials,
            share,
        });
        Ok(secret)
    }

    /// An own broadcast that was delivered. It must equal the pending one byte for byte: anything else is
    /// a replay.
    fn process_own(&mut self, kind: TokenKind, body: &[u8]) -> Result<Step, Error> {
        let replay = || Err(Rejected::Repeated(self.me).into());
        let Some(staged) = self.staged.as_mut() else {
            return replay();
        };
        match (&mut staged.stage, kind) {
            (
                Stage::FactorOuts { echo, .. } | Stage::OwnKeyList { echo, .. },
                super::FINAL_TOKEN,
            ) if echo.as_deref() == Some(body) => {
                *echo = None;
                Ok(Step::wait())
            }
            (
                Stage::OwnKeyList {
                    partials,
                    body: pending,
                    ..
                },
                super::KEY_LIST,
            ) if pending == body => {
                let partials = partials.clone();
                let me = self.me;
                self.install(partials, &me).map(Step::complete)
            }
            (
                Stage::Partial
                | Stage::Join
                | Stage::Final { .. }
                | Stage::FactorOuts { .. }
                | Stage::KeyList { .. }
                | Stage::OwnKeyList { .. },
                _,
            ) => replay(),
        }
    }
}

impl<G: Group> KeyAgreement for Gdh<G> {
    staged_agreement!();

    fn begin(&mut self, change: Change, rng: &mut dyn CryptoRng) -> Result<Step, Error> {
        match change {
            Change::Found => self.found(rng),
            Change::Restart { joined } => self.restart(&joined, rng),
            Change::Enter { members } => self.enter(members, Stage::Partial),
            Change::Update { left, joined } => self.update(&left, &joined, rng),
            Change::Resume { .. } => Err(Error::ApiMisuse("GDH cannot resume an agreement")),
        }
    }

    /// The direct join.
    fn begin_join(&mut self, joined: MemberName, rng: &mut dyn CryptoRng) -> Result<Step, Error> {
        self.begin_direct_join(joined, rng)
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
            super::PARTIAL_TOKEN => self.process_partial(sender, body, rng),
            super::FINAL_TOKEN => self.process_final(sender, body),
            super::FACTOR_OUT => self.process_factor_out(sender, body, rng),
            super::KEY_LIST => self.process_key_list(sender, body),
            super::JOIN_TOKEN => self.process_join(sender, body, rng),
            // Kinds of other suites.
            _ => Err(unexpected(sender, kind)),
        }
    }

    fn is_awaited(&self) -> bool {
        match self.staged.as_ref().map(|staged| &staged.stage) {
            Some(Stage::KeyList { .. }) => false,
            Some(
                Stage::Partial
                | Stage::Join
                | Stage::Final { .. }
                | Stage::FactorOuts { .. }
                | Stage::OwnKeyList { .. },
            ) => true,
            None => self.order().last().is_none_or(|last| *last == self.me),
        }
    }

    fn controller(&self) -> Option<&MemberName> {
        match &self.staged {
            // A new member knows the real order only from the first token.
            Some(Staged {
                stage: Stage::Partial | Stage::Join,
                ..
            }) => None,
            Some(_) | None => self.order().last(),
        }
    }
}

impl<G: Group> fmt::Debug for Gdh<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gdh")
            .field("group", &self.group_name())
            .field("me", &self.me)
            .field("order", &self.order())
            .field("completed", &self.completed.is_some())
            .field(
                "stage",
                &self.staged.as_ref().map(|staged| staged.stage.name()),
            )
            .finish()
    }
}
