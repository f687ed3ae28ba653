//! What connects one secure view with the next: the bookkeeping of memberships.
//!
//! Between two secure views there may be any number of VS views whose agreements did not complete.
//! The secure transitional set holds those who came along through all of them, and the application
//! gets one signal for all losses in between.
//!
//! The transitional set alone says who left, never the difference of two member lists: a member that
//! was cut off and came back between two views is in both lists, but has seen different things in
//! between.
//!
//! Source: robust agreement notes, sections 4 and 5.2; [TPDS'04], where the variables are called
//! New_memb, VS_set, First_transitional, VS_transitional and First_cascaded_membership.

use alloc::vec::Vec;

use cliques::{Listed, MemberName};

use crate::view::{Cause, SecureView, View, VsSignal};

/// Whether the application was told, in its present secure view, that members are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum SecureSignal {
    Due,
    Given,
}

/// Number of VS views since the secure view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Since {
    /// None: the secure view is the VS view.
    Zero,
    /// One: the agreement is the first attempt.
    One,
    /// More: an agreement was interrupted.
    Several,
}

/// Whether the application is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub(crate) enum Notice {
    Signal,
    Nothing,
}

/// Views of one member.
#[derive(Clone, Debug)]
pub(crate) struct Continuity {
    me: MemberName,
    /// Memberships so far; identifiers of views may repeat.
    number: u64,
    view: Option<View>,
    secure: Option<SecureView>,
    /// Number of the VS view whose key is installed.
    installed: Option<u64>,
    vs_set: Vec<MemberName>,
    secure_signal: SecureSignal,
    vs_signal: VsSignal,
    since: Since,
}

impl Continuity {
    pub(crate) const fn new(me: MemberName) -> Self {
        Self {
            me,
            number: 0,
            view: None,
            secure: None,
            installed: None,
            vs_set: Vec::new(),
            secure_signal: SecureSignal::Due,
            vs_signal: VsSignal::NotGiven,
            since: Since::Zero,
        }
    }

    /// The VS view.
    pub(crate) const fn view(&self) -> Option<&View> {
        self.view.as_ref()
    }

    /// The secure view installed last.
    pub(crate) const fn secure(&self) -> Option<&SecureView> {
        self.secure.as_ref()
    }

    pub(crate) const fn vs_signal(&self) -> VsSignal {
        self.vs_signal
    }

    /// Whether the key installed last belongs to the present VS view.
    pub(crate) fn has_key(&self) -> bool {
        self.installed == Some(self.number)
    }

    /// The key of the present VS view is no longer to be used.
    pub(crate) const fn give_up_key(&mut self) {
        self.installed = None;
    }

    /// A VS view was installed: the prologue of section 5.2.
    pub(crate) fn membership(&mut self, view: View) -> Notice {
        let before = match &self.view {
            Some(previous) => previous.members.as_slice(),
            None => core::slice::from_ref(&self.me),
        };
        let members = Listed::new(&view.members);
        let together = Listed::new(&view.transitional_set);
        let stays = |member: &MemberName| {
            *member == self.me || members.contains(member) && together.contains(member)
        };
        let anybody_left = !before.iter().all(stays);
        let mut vs_set = match self.since {
            Since::Zero => before.to_vec(),
            Since::One | Since::Several => core::mem::take(&mut self.vs_set),
        };
        vs_set.retain(stays);
        self.vs_set = vs_set;
        self.since = match self.since {
            Since::Zero => Since::One,
            Since::One | Since::Several => Since::Several,
        };
        self.number += 1;
        self.view = Some(view);
        self.vs_signal = VsSignal::NotGiven;
        if anybody_left {
            self.signal()
        } else {
            Notice::Nothing
        }
    }

    /// The flush service gave its signal.
    pub(crate) fn transitional_signal(&mut self) -> Notice {
        self.vs_signal = VsSignal::Given;
        self.signal()
    }

    /// A message of the secure view will never be delivered here.
    pub(crate) fn message_lost(&mut self) -> Notice {
        self.signal()
    }

    /// `signal` of section 4: once in a secure view, and never without one.
    fn signal(&mut self) -> Notice {
        let first = self.secure_signal == SecureSignal::Due;
        self.secure_signal = SecureSignal::Given;
        if first && self.secure.is_some() {
            Notice::Signal
        } else {
            Notice::Nothing
        }
    }

    /// A key was agreed in the present VS view: the secure view to be installed, none before the
    /// first membership.
    pub(crate) fn install(&mut self) -> Option<SecureView> {
        let view = self.view.as_ref()?;
        let secure = SecureView {
            epoch: 0,
            view: View {
                id: view.id,
                members: view.members.clone(),
                transitional_set: core::mem::take(&mut self.vs_set),
                cause: match self.since {
                    Since::Zero | Since::One => view.cause,
                    Since::Several => Cause::Network,
                },
            },
        };
        self.secure = Some(secure.clone());
        self.installed = Some(self.number);
        self.secure_signal = SecureSignal::Due;
        self.since = Since::Zero;
        Some(secure)
    }

    /// A refresh is complete: the same view with the next epoch, none without a secure view. All
    /// members came along.
    pub(crate) fn refresh(&mut self) -> Option<SecureView> {
        let secure = self.secure.as_mut()?;
        secure.epoch = secure.epoch.checked_add(1)?;
        secure
            .view
            .transitional_set
            .clone_from(&secure.view.members);
        Some(secure.clone())
    }

    /// Hashes everything that future behaviour depends on.
    #[cfg(feature = "test-util")]
    pub(crate) fn fingerprint(&self, hasher: &mut impl core::hash::Hasher) {
        use core::hash::Hash;
        let Self {
            me: _,
            // Compared with the other one only.
            number: _,
            installed: _,
            view,
            secure,
            vs_set,
            secure_signal,
            vs_signal,
            since,
        } = self;
        (view, secure, vs_set, secure_signal, vs_signal, since).hash(hasher);
        self.has_key().hash(hasher);
    }

    /// Back to the beginning.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.me);
    }
}
