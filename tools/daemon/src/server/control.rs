//! The controls: what a test, a demonstration or an operator does to the network.

use std::{fmt, sync::Arc};

use gcs_proto::name::{DaemonName, MemberName};
use tokio::sync::{mpsc, oneshot};

use super::{
    controller::{Change, Order},
    hub::Hub,
};
use crate::{
    error::Error,
    router::{Cut, Partition},
};

/// Handle to the controls of a running [`Daemon`](super::Daemon); clones act on the same one.
///
/// A call that returns `Ok` has taken effect: its messages are queued towards all clients, before
/// those of any later event.
#[derive(Clone, Debug)]
pub struct Control {
    orders: mpsc::Sender<Order>,
    hub: Arc<Hub>,
}

/// Counters of a running daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Sessions now, those in their handshake included.
    pub sessions: usize,
    /// Groups now, counted once in each component that has members of them.
    pub groups: usize,
    /// Daemons that run, divided as they reach each other.
    pub topology: Partition,
    /// Operations held back by [`Control::hold`].
    pub held: usize,
    /// Requests of clients carried out.
    pub requests: u64,
    /// Messages queued towards clients, all in all.
    pub deliveries: u64,
    /// Messages that wait to be written to clients now.
    pub queued_messages: usize,
    /// Bytes of those.
    pub queued_bytes: usize,
    /// Requests that the policy refused and that went back to their senders.
    pub refused: u64,
    /// Sessions closed because they did not read.
    pub too_slow: u64,
    /// Sessions closed because they sent what no client may send.
    pub illegal: u64,
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "sessions={} groups={} held={} requests={} deliveries={} queued-messages={} \
             queued-bytes={} refused={} too-slow={} illegal={} topology={}",
            self.sessions,
            self.groups,
            self.held,
            self.requests,
            self.deliveries,
            self.queued_messages,
            self.queued_bytes,
            self.refused,
            self.too_slow,
            self.illegal,
            self.topology
        )
    }
}

impl Stats {
    /// The counters as one JSON object in one line; the topology is a list of sides, each a list
    /// of names.
    #[must_use]
    pub fn to_json(&self) -> String {
        let sides: Vec<Vec<&str>> = self
            .topology
            .sides
            .iter()
            .map(|side| side.iter().map(|name| name.as_str()).collect())
            .collect();
        serde_json::json!({
            "sessions": self.sessions,
            "groups": self.groups,
            "topology": sides,
            "held": self.held,
            "requests": self.requests,
            "deliveries": self.deliveries,
            "queued_messages": self.queued_messages,
            "queued_bytes": self.queued_bytes,
            "refused": self.refused,
            "too_slow": self.too_slow,
            "illegal": self.illegal,
        })
        .to_string()
    }
}

impl Control {
    pub(crate) const fn new(orders: mpsc::Sender<Order>, hub: Arc<Hub>) -> Self {
        Self { orders, hub }
    }

    /// Divides the running daemons; `"n1 n2 | n3".parse()?` makes a [`Partition`] from text.
    ///
    /// # Errors
    /// [`Error::UnknownDaemon`], [`Error::DaemonStopped`], [`Error::NamedTwice`] or
    /// [`Error::LeftOut`]; nothing has changed then. [`Error::ShutDown`].
    ///
    /// # Cancel safety
    /// A call that is dropped may take effect all the same.
    pub async fn partition(&self, partition: Partition) -> Result<(), Error> {
        self.partition_at(partition, Cut::default()).await
    }

    /// Divides the running daemons at a chosen place among the operations that are
    /// [held](Self::hold).
    ///
    /// # Errors
    /// As [`partition`](Self::partition).
    ///
    /// # Cancel safety
    /// A call that is dropped may take effect all the same.
    pub async fn partition_at(&self, partition: Partition, cut: Cut) -> Result<(), Error> {
        self.ask(Change::Partition(partition, cut)).await
    }

    /// From now on orders what clients ask and delivers nothing of it, until the network changes
    /// or [`release`](Self::release) is called: the only way to have operations fall between a
    /// transitional signal and the next membership.
    ///
    /// # Errors
    /// [`Error::ShutDown`].
    ///
    /// # Cancel safety
    /// A call that is dropped may take effect all the same.
    pub async fn hold(&self) -> Result<(), Error> {
        self.ask(Change::Hold).await
    }

    /// Delivers what is held, in order, and holds no longer.
    ///
    /// # Errors
    /// [`Error::ShutDown`].
    ///
    /// # Cancel safety
    /// A call that is dropped may take effect all the same.
    pub async fn release(&self) -> Result<(), Error> {
        self.ask(Change::Release).await
    }

    /// Lets all running daemons reach each other.
    ///
    /// # Errors
    /// [`Error::ShutDown`].
    ///
    /// # Cancel safety
    /// A call that is dropped may take effect all the same.
    pub async fn heal(&self) -> Result<(), Error> {
        self.ask(Change::Heal).await
    }

    /// Stops a virtual daemon: its sessions end without goodbye, its sockets close, and the others
    /// lose it.
    ///
    /// # Errors
    /// [`Error::UnknownDaemon`], [`Error::DaemonStopped`] or [`Error::ShutDown`].
    ///
    /// # Cancel safety
    /// A call that is dropped may take effect all the same.
    pub async fn stop_daemon(&self, name: DaemonName) -> Result<(), Error> {
        self.ask(Change::Stop(name)).await
    }

    /// Starts a stopped virtual daemon on the addresses it had, alone; [`heal`](Self::heal) joins
    /// it with the others.
    ///
    /// # Errors
    /// [`Error::UnknownDaemon`], [`Error::DaemonRunning`], [`Error::Io`] or [`Error::ShutDown`].
    ///
    /// # Cancel safety
    /// A call that is dropped may take effect all the same.
    pub async fn start_daemon(&self, name: DaemonName) -> Result<(), Error> {
        self.ask(Change::Start(name)).await
    }

    /// Closes the stream of a session without goodbye; its groups see a disconnect.
    ///
    /// # Errors
    /// [`Error::UnknownMember`] or [`Error::ShutDown`].
    ///
    /// # Cancel safety
    /// A call that is dropped may take effect all the same.
    pub async fn drop_session(&self, member: MemberName) -> Result<(), Error> {
        self.running()?;
        self.hub.drop_session(&member)
    }

    /// Counters as they are now.
    ///
    /// # Errors
    /// [`Error::ShutDown`].
    ///
    /// # Cancel safety
    /// Changes nothing, may be dropped.
    pub async fn stats(&self) -> Result<Stats, Error> {
        self.running()?;
        Ok(self.hub.stats())
    }

    fn running(&self) -> Result<(), Error> {
        if self.orders.is_closed() {
            return Err(Error::ShutDown);
        }
        Ok(())
    }

    async fn ask(&self, change: Change) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        let order = Order { change, reply };
        self.orders.send(order).await.map_err(|_| Error::ShutDown)?;
        answer.await.map_err(|_| Error::ShutDown)?
    }
}
