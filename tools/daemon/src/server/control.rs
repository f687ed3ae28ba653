//! The controls: what a test, a demonstration or an operator does to the network.

use std::fmt;

use gcs_proto::name::{DaemonName, MemberName};
use tokio::sync::{mpsc, oneshot};

use super::hub::Order;
use crate::{error::Error, router::Partition};

/// Handle to the controls of a running [`Daemon`](super::Daemon); clones act on the same one.
///
/// A call that returns `Ok` has taken effect: its messages are queued towards all clients, before
/// those of any later event.
#[derive(Clone, Debug)]
pub struct Control {
    orders: mpsc::Sender<Order>,
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
    /// Requests of clients carried out.
    pub requests: u64,
    /// Messages queued towards clients.
    pub deliveries: u64,
    /// Sessions closed because they did not read.
    pub too_slow: u64,
    /// Sessions closed because they sent what no client may send.
    pub illegal: u64,
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "sessions={} groups={} requests={} deliveries={} too-slow={} illegal={} topology={}",
            self.sessions,
            self.groups,
            self.requests,
            self.deliveries,
            self.too_slow,
            self.illegal,
            self.topology
        )
    }
}

/// What may be asked of the hub through the controls.
#[derive(Debug)]
pub(crate) enum ControlOrder {
    Partition(Partition, Reply<()>),
    Heal(Reply<()>),
    Stop(DaemonName, Reply<()>),
    Start(DaemonName, Reply<()>),
    Drop(MemberName, Reply<()>),
    Stats(Reply<Stats>),
}

pub(crate) type Reply<T> = oneshot::Sender<Result<T, Error>>;

impl Control {
    pub(crate) fn new(orders: mpsc::Sender<Order>) -> Self {
        Self { orders }
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
        self.ask(|reply| ControlOrder::Partition(partition, reply))
            .await
    }

    /// Lets all running daemons reach each other.
    ///
    /// # Errors
    /// [`Error::ShutDown`].
    ///
    /// # Cancel safety
    /// A call that is dropped may take effect all the same.
    pub async fn heal(&self) -> Result<(), Error> {
        self.ask(ControlOrder::Heal).await
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
        self.ask(|reply| ControlOrder::Stop(name, reply)).await
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
        self.ask(|reply| ControlOrder::Start(name, reply)).await
    }

    /// Closes the stream of a session without goodbye; its groups see a disconnect.
    ///
    /// # Errors
    /// [`Error::UnknownMember`] or [`Error::ShutDown`].
    ///
    /// # Cancel safety
    /// A call that is dropped may take effect all the same.
    pub async fn drop_session(&self, member: MemberName) -> Result<(), Error> {
        self.ask(|reply| ControlOrder::Drop(member, reply)).await
    }

    /// Counters as they are now.
    ///
    /// # Errors
    /// [`Error::ShutDown`].
    ///
    /// # Cancel safety
    /// Changes nothing, may be dropped.
    pub async fn stats(&self) -> Result<Stats, Error> {
        self.ask(ControlOrder::Stats).await
    }

    async fn ask<T>(&self, order: impl FnOnce(Reply<T>) -> ControlOrder) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.orders
            .send(Order::Control(order(reply)))
            .await
            .map_err(|_| Error::ShutDown)?;
        answer.await.map_err(|_| Error::ShutDown)?
    }
}
