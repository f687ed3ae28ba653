//! The application's end of a driver task.

use core::fmt;
use std::sync::{Arc, OnceLock};

use gcs_proto::gcs::CloseReason;
use tokio::{
    sync::{Notify, mpsc, oneshot},
    task::JoinHandle,
};

use crate::error::Error;

/// What the handles and the task know in common, without a lock.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    dropped: Notify,
    reason: OnceLock<CloseReason>,
}

impl Shared {
    /// Tells the task that a receiving end was given back.
    pub(crate) fn notify_dropped_receiver(&self) {
        self.dropped.notify_one();
    }

    pub(super) async fn receiver_dropped(&self) {
        self.dropped.notified().await;
    }

    /// Notes why the connection ended; the first reason stands.
    pub(crate) fn close(&self, reason: CloseReason) {
        let _ = self.reason.set(reason);
    }

    /// Why the connection ended. A task that ended without saying so was dropped with its runtime.
    pub(crate) fn reason(&self) -> CloseReason {
        self.reason
            .get()
            .cloned()
            .unwrap_or(CloseReason::EndOfStream)
    }
}

/// A way to give commands to a driver task; any number of handles may hold one.
pub(crate) struct Link<C> {
    commands: mpsc::Sender<C>,
    shared: Arc<Shared>,
}

impl<C> fmt::Debug for Link<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Commands hold payloads, which are nobody's business.
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

impl<C> Clone for Link<C> {
    fn clone(&self) -> Self {
        Self {
            commands: self.commands.clone(),
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<C> Link<C> {
    pub(super) const fn new(commands: mpsc::Sender<C>, shared: Arc<Shared>) -> Self {
        Self { commands, shared }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Gives a command and waits for its answer.
    ///
    /// # Cancel safety
    /// Before there is room for the command nothing has happened; afterwards the command is
    /// carried out whether or not anybody waits for the answer.
    pub(crate) async fn call<T>(
        &self,
        make: impl FnOnce(oneshot::Sender<T>) -> C,
    ) -> Result<T, Error> {
        let permit = self.commands.reserve().await.map_err(|_| Error::Closed)?;
        let (answer, answered) = oneshot::channel();
        permit.send(make(answer));
        answered.await.map_err(|_| Error::Closed)
    }

    /// Gives a command that has no answer.
    ///
    /// # Cancel safety
    /// Before there is room for the command nothing has happened; afterwards it is carried out.
    pub(crate) async fn give(&self, command: C) -> Result<(), Error> {
        self.commands.send(command).await.map_err(|_| Error::Closed)
    }

    /// Waits until the task takes no more commands.
    pub(crate) async fn closed(&self) -> CloseReason {
        self.commands.closed().await;
        self.shared.reason()
    }
}

/// The one handle whose end is the end of the connection.
#[derive(Debug)]
pub(crate) struct Owner {
    farewell: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Owner {
    pub(super) const fn new(farewell: oneshot::Sender<()>, task: JoinHandle<()>) -> Self {
        Self { farewell, task }
    }

    /// Ends the connection in good order and waits until it is over.
    ///
    /// # Cancel safety
    /// The end has been asked for with the first poll and goes on without the caller.
    pub(crate) async fn disconnect(self) {
        let Self { farewell, task } = self;
        drop(farewell);
        // A task that panicked is as over as one that ended.
        let _ = task.await;
    }
}
