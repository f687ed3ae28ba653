//! The controls: what a test, a demonstration or an operator does to the network.

use std::sync::Arc;

use gcs_proto::name::{DaemonName, MemberName};
use tokio::sync::{mpsc, oneshot};

use super::{
    controller::{Change, Order},
    hub::Hub,
    stats::Stats,
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
