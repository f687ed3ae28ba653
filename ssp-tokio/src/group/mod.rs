//! The handle of a joined group: taking events, and everything but sending.

mod parts;
mod send;

pub use parts::{PartSender, StreamError};
pub(crate) use send::joined;

use core::{
    pin::Pin,
    task::{Context, Poll},
};

use gcs_proto::name::{GroupName, MemberName};
use ssp_core::{Fingerprint, GroupStats, Phase, SecureViewEvent};
use tokio::{sync::watch, time::Duration};
use zeroize::Zeroizing;

use crate::{
    error::Error,
    event::GroupEvent,
    inbox::Inbox,
    receiving::receiving,
    secure::{Command, Export, Key, Progress},
};

/// A joined group: take its events, send to its members.
///
/// The handle knows what its owner knows: [`members`](Self::members), [`epoch`](Self::epoch) and
/// [`fingerprint`](Self::fingerprint) are those of the secure view *taken* last, and a send goes
/// out in that view or not at all. So nobody who joined unseen reads a message, and nobody who
/// left unseen is missed.
///
/// Take events steadily. When the queue is full the connection is no longer read, and with it
/// flush requests stay unanswered: the whole group then waits for this member.
///
/// Dropping the handle leaves the group in the background; [`leave`](Self::leave) also waits for
/// that.
#[derive(Debug)]
pub struct Group {
    inbox: Inbox<GroupEvent>,
    progress: watch::Receiver<Progress>,
    wait_limit: Duration,
    /// The secure view taken last, as of its last key.
    view: Option<SecureViewEvent>,
}

receiving!(Group, GroupEvent);

impl Group {
    pub(crate) const fn new(
        inbox: Inbox<GroupEvent>,
        progress: watch::Receiver<Progress>,
        wait_limit: Duration,
    ) -> Self {
        Self {
            inbox,
            progress,
            wait_limit,
            view: None,
        }
    }

    /// The name of the group.
    pub const fn name(&self) -> &GroupName {
        &self.inbox.group
    }

    /// The secure view taken last, as of its last key.
    pub const fn view(&self) -> Option<&SecureViewEvent> {
        self.view.as_ref()
    }

    /// Members of the secure view taken last; nobody before the first.
    pub fn members(&self) -> &[MemberName] {
        self.view.as_ref().map_or(&[], |view| &view.view.members)
    }

    /// Number of the key taken last inside its view.
    pub fn epoch(&self) -> Option<u32> {
        self.view.as_ref().map(|view| view.epoch)
    }

    /// Fingerprint of the key taken last, for people to compare.
    pub fn fingerprint(&self) -> Option<&Fingerprint> {
        self.view.as_ref().map(|view| &view.fingerprint)
    }

    /// Notes what the owner knows from now on.
    fn note<'a>(&mut self, events: impl IntoIterator<Item = &'a GroupEvent>) {
        for event in events {
            if let GroupEvent::SecureView(view) | GroupEvent::KeyRefreshed(view) = event {
                self.view = Some(view.clone());
            }
        }
    }

    /// Permits the view change that a [`FlushRequest`](GroupEvent::FlushRequest) asked for. Nothing
    /// can be sent from here to the next secure view.
    ///
    /// # Errors
    /// [`Error::Session`] if nothing asked for it or it was permitted already, [`Error::Closed`].
    ///
    /// # Cancel safety
    /// A permission whose future is dropped is given completely or not at all.
    pub async fn flush_ok(&self) -> Result<(), Error> {
        self.inbox
            .link
            .call(|answer| Command::FlushOk(*self.name(), answer))
            .await?
    }

    /// Asks for a new key among the same members;
    /// [`KeyRefreshed`](GroupEvent::KeyRefreshed) tells that it is there.
    ///
    /// # Errors
    /// [`Error::Session`] when the group has no key or is about to get a new one anyway,
    /// [`Error::Closed`].
    ///
    /// # Cancel safety
    /// A request whose future is dropped is made completely or not at all.
    pub async fn refresh(&self) -> Result<(), Error> {
        self.inbox
            .link
            .call(|answer| Command::Refresh(*self.name(), answer))
            .await?
    }

    /// Leaves the group and waits until that is done, or until a join under way is refused. Events
    /// before that are dropped.
    ///
    /// # Errors
    /// [`Error::Session`] when it is being left already, [`Error::Timeout`], [`Error::Closed`].
    ///
    /// # Cancel safety
    /// The group is left all the same, in the background.
    pub async fn leave(self) -> Result<(), Error> {
        self.inbox.leave(self.wait_limit).await
    }

    /// Derives key material for the application from the key taken last; the same at all members
    /// that give the same label, context and length.
    ///
    /// # Errors
    /// [`Error::Outdated`] if there is a newer key, or none taken yet; [`Error::Session`] for a
    /// group without a key and for a length or label out of bounds; [`Error::Closed`].
    ///
    /// # Security
    /// The result is wiped from memory when dropped; copies of it are the caller's concern.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn export(
        &self,
        label: &str,
        context: &[u8],
        length: usize,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let Some(view) = &self.view else {
            return Err(Error::Outdated(*self.name()));
        };
        let export = Export {
            group: *self.name(),
            key: Key {
                view: view.number,
                epoch: view.epoch,
            },
            label: label.to_owned(),
            context: context.to_vec(),
            length,
        };
        self.inbox
            .link
            .call(|answer| Command::Export(export, answer))
            .await?
    }

    /// What the group is doing now; `None` when it is over.
    ///
    /// # Errors
    /// [`Error::Closed`].
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn state(&self) -> Result<Option<Phase>, Error> {
        self.inbox
            .link
            .call(|answer| Command::State(*self.name(), answer))
            .await
    }

    /// What happened in the group so far; `None` when it is over.
    ///
    /// # Errors
    /// [`Error::Closed`].
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn stats(&self) -> Result<Option<GroupStats>, Error> {
        let stats = self
            .inbox
            .link
            .call(|answer| Command::Stats(*self.name(), answer))
            .await?;
        Ok(stats.map(|stats| *stats))
    }
}

impl futures_core::Stream for Group {
    type Item = GroupEvent;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<GroupEvent>> {
        self.get_mut().poll_recv(context)
    }
}
