//! What a client does in the clear: groups without keys, and messages from member to member.

use core::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use gcs_proto::{
    gcs::{Message, Multicast, Scope, SelfDelivery},
    name::{GroupName, MemberName},
    service::Service,
};
use ssp_core::FlushMode;
use tokio::sync::mpsc;

use super::Client;
use crate::{
    driver::Link,
    error::Error,
    flush::FlushGroup,
    inbox::Inbox,
    plain::BareGroup,
    secure::{Clear, Command, JoinAs},
};

impl Client {
    /// Joins a group with view synchrony and without a key, among members that use
    /// [`FlushClient`](crate::flush::FlushClient) or the flush library of the Spread toolkit. Its
    /// first [`View`](gcs_proto::flush::FlushEvent::View) tells success; leaving before that is
    /// possible.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use ssp_tokio::{Client, ClientConfig, ssp_core::{Credentials, FlushMode, GroupOptions}};
    /// # use ssp_tokio::gcs_proto::{flush::FlushEvent, gcs::GcsEvent, service::Service};
    /// # use ssp_tokio::ssp_core::identity::{Ed25519Signer, TrustStore};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let n1 = "n1".parse()?;
    /// # let daemon = gcs_daemon::Daemon::builder().daemon(n1).start().await?;
    /// # let signer = Ed25519Signer::from_seed(&[1; 32]);
    /// # let mut trust = TrustStore::new();
    /// # trust.insert("alice", signer.public_key())?;
    /// # let credentials = Credentials { signer: Arc::new(signer), trust: Arc::new(trust) };
    /// # let config = ClientConfig::new("alice".parse()?, credentials);
    /// # let client = Client::over(daemon.connect_in_process(&n1)?, config).await?;
    /// let _secret = client.join("secret".parse()?, GroupOptions::default()).await?;
    /// let mut orders = client.join_flush("orders".parse()?, FlushMode::Automatic).await?;
    /// let mut board = client.join_bare("board".parse()?).await?;
    /// while orders.members().is_empty() {
    ///     orders.recv().await.ok_or("over")?;
    /// }
    /// orders.multicast(Service::Agreed, 1, "seen by the members of this view").await?;
    /// board.multicast(Service::Agreed, 1, "seen by whoever is there").await?;
    /// loop {
    ///     match orders.recv().await.ok_or("over")? {
    ///         FlushEvent::Message(message) => break assert_eq!(message.body[..8], *b"seen by "),
    ///         other => println!("{other:?}"),
    ///     }
    /// }
    /// # while !matches!(board.recv().await.ok_or("over")?, GcsEvent::Message(_)) {}
    /// # client.disconnect().await;
    /// # daemon.shutdown().await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Session`] for a group joined already, of whatever kind, or still being left, and by
    /// the access policy; [`Error::Closed`].
    ///
    /// # Security
    /// What is sent in it is in the clear.
    ///
    /// # Cancel safety
    /// Cancel safe: a group joined for nobody is left at once.
    pub async fn join_flush(&self, group: GroupName, mode: FlushMode) -> Result<FlushGroup, Error> {
        let (sender, events) = mpsc::channel(self.bounds.events);
        // Made before the call: dropping the future drops it, which leaves the group.
        let inbox = Inbox::new(group, self.link.clone(), events);
        let handle = FlushGroup::new(inbox, self.bounds.wait_limit);
        let events = sender;
        self.join_as(group, JoinAs::Flush { mode, events }).await?;
        Ok(handle)
    }

    /// Joins a group with nothing above the daemon, as a [`PlainClient`](crate::plain::PlainClient)
    /// does. Its first [`Membership`](gcs_proto::gcs::GcsEvent::Membership) tells success.
    ///
    /// A bare member of a group whose other members use the flush layer or keys holds up their views.
    ///
    /// # Errors
    /// As [`join_flush`](Self::join_flush).
    ///
    /// # Security
    /// What is sent in it is in the clear, and messages come from anybody.
    ///
    /// # Cancel safety
    /// Cancel safe: a group joined for nobody is left at once.
    pub async fn join_bare(&self, group: GroupName) -> Result<BareGroup, Error> {
        let (sender, events) = mpsc::channel(self.bounds.events);
        // Made before the call: dropping the future drops it, which leaves the group.
        let inbox = Inbox::new(group, self.link.clone(), events);
        let handle = BareGroup::new(inbox, self.bounds.wait_limit);
        let events = sender;
        self.join_as(group, JoinAs::Bare { events }).await?;
        Ok(handle)
    }

    /// Sends in the clear and outside of all views: to bare groups, to groups that this client is not
    /// in, to private groups, to several of them at once.
    ///
    /// # Errors
    /// [`Error::Session`] with [`WrongKind`](ssp_core::Error::WrongKind) if one of the destinations is
    /// a secure or flush-only group of this client; [`Error::Protocol`] for reserved message types and
    /// when a bound is exceeded; [`Error::Closed`]. Nothing was sent then.
    ///
    /// # Cancel safety
    /// The message of a future that is dropped is sent completely or not at all.
    pub async fn multicast_bare(&self, message: Multicast) -> Result<(), Error> {
        let message = Clear::Bare(message);
        self.link
            .call(|answer| Command::Clear(message, answer))
            .await?
    }

    /// Sends to the private group of anybody, in the clear and outside of all views.
    ///
    /// # Errors
    /// As [`multicast_bare`](Self::multicast_bare).
    ///
    /// # Cancel safety
    /// The message of a future that is dropped is sent completely or not at all.
    pub async fn send_private(
        &self,
        to: MemberName,
        service: Service,
        message_type: i16,
        body: impl Into<Bytes>,
    ) -> Result<(), Error> {
        self.multicast_bare(Multicast {
            destinations: vec![to.into()],
            service,
            self_delivery: SelfDelivery::Deliver,
            scope: Scope::Named,
            message_type,
            body: body.into(),
        })
        .await
    }

    /// Messages to the own private group, from now on: in the clear and from anybody. Those that came
    /// before are lost, and so are all that come when the handle is dropped. A further call takes
    /// over, and the handle before it ends.
    ///
    /// # Errors
    /// [`Error::Closed`].
    ///
    /// # Cancel safety
    /// Cancel safe, but a handle before it may have ended.
    pub async fn private_messages(&self) -> Result<PrivateMessages, Error> {
        let (sender, messages) = mpsc::channel(self.bounds.events);
        let handle = PrivateMessages {
            messages,
            link: self.link.clone(),
        };
        self.link
            .call(|answer| Command::Listen(sender, answer))
            .await?;
        Ok(handle)
    }
}

/// Messages to the private group of a [`Client`], in the clear and from anybody. Like a group's events
/// they must be taken steadily: when the queue is full the connection is no longer read.
#[derive(Debug)]
pub struct PrivateMessages {
    messages: mpsc::Receiver<Message>,
    link: Link<Command>,
}

impl PrivateMessages {
    /// The next message; `None` when the connection is over or another handle has taken over.
    ///
    /// # Cancel safety
    /// Cancel safe: no message is lost.
    pub async fn recv(&mut self) -> Option<Message> {
        self.messages.recv().await
    }

    /// The next message, if one is there.
    pub fn try_recv(&mut self) -> Option<Message> {
        self.messages.try_recv().ok()
    }

    /// Number of messages that wait to be taken.
    pub fn pending(&self) -> usize {
        self.messages.len()
    }
}

impl Drop for PrivateMessages {
    fn drop(&mut self) {
        self.messages.close();
        self.link.shared().notify_dropped_receiver();
    }
}

impl futures_core::Stream for PrivateMessages {
    type Item = Message;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Message>> {
        self.get_mut().messages.poll_recv(context)
    }
}
