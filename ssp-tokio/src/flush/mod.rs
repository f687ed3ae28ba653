//! View-synchronous group communication without keys.
//!
//! Speaks the flush layer as clients of the flush library do, in the clear: [`FlushClient`] on a
//! connection of its own, for all groups one queue; [`FlushGroup`] on the connection of a
//! [`Client`](crate::Client), beside secure groups. Every flush request must be answered, else the
//! whole group waits: with [`FlushClient::flush_ok`], or as
//! [`join_flush`](crate::Client::join_flush) says.

mod command;
mod engine;
mod group;

use std::{collections::BTreeMap, sync::Arc};

use gcs_proto::{
    flush::FlushEvent,
    gcs::{CloseReason, ViewId},
    name::{GroupName, MemberName},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
};

pub use command::FlushCommand;
pub use group::FlushGroup;

use crate::{
    config::ConnectionConfig,
    driver::{self, Link, Owner, Shared},
    endpoint::Endpoint,
    error::Error,
    transport::{self, ByteStream},
};
use engine::{Call, Command, FlushEngine};

/// A client of the flush layer.
///
/// Dropping it ends the connection in good order, in the background;
/// [`disconnect`](Self::disconnect) also waits for that.
#[derive(Debug)]
pub struct FlushClient {
    me: MemberName,
    link: Link<Command>,
    events: mpsc::Receiver<FlushEvent>,
    /// Views as last taken by the application, by which its sends are judged.
    views: BTreeMap<GroupName, ViewId>,
    owner: Owner,
}

impl FlushClient {
    /// Connects to a daemon.
    ///
    /// # Errors
    /// [`Error::Connect`], [`Error::Timeout`], [`Error::Stream`], or [`Error::Handshake`] with
    /// the reason the daemon gave.
    ///
    /// # Cancel safety
    /// Cancel safe: a connection half made is dropped.
    pub async fn connect(endpoint: &Endpoint, config: ConnectionConfig) -> Result<Self, Error> {
        let stream = transport::open(endpoint, config.connect_limit()).await?;
        Self::start(stream, &config).await
    }

    /// Connects over a stream to a daemon that is open already.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), less those of opening a stream.
    ///
    /// # Cancel safety
    /// Cancel safe: the stream is dropped.
    pub async fn over(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        config: ConnectionConfig,
    ) -> Result<Self, Error> {
        Self::start(Box::new(stream), &config).await
    }

    async fn start(
        mut stream: Box<dyn ByteStream>,
        config: &ConnectionConfig,
    ) -> Result<Self, Error> {
        let connection = driver::handshake(&mut *stream, config).await?;
        let me = *connection.private_group();
        let bounds = config.bounds();
        let (sender, events) = mpsc::channel(bounds.events);
        let shared = Arc::new(Shared::default());
        let engine = FlushEngine::new(
            connection,
            config.prover().clone(),
            sender,
            Arc::clone(&shared),
        );
        let (link, owner) = driver::spawn(engine, stream, bounds, shared);
        Ok(Self {
            me,
            link,
            events,
            views: BTreeMap::new(),
            owner,
        })
    }

    /// The name of this member.
    pub const fn private_group(&self) -> &MemberName {
        &self.me
    }

    /// Carries out a call of the flush layer. Messages go out in the view that this client took
    /// last from [`recv`](Self::recv), or not at all.
    ///
    /// # Errors
    /// [`Error::Outdated`] if the group has a newer view, [`Error::Protocol`] if the call does not
    /// fit the state of the group or a bound is exceeded, [`Error::Closed`]. Nothing was sent then.
    ///
    /// # Cancel safety
    /// A command of a future that is dropped is carried out completely or not at all.
    pub async fn command(&self, command: FlushCommand) -> Result<(), Error> {
        let call = self.call(command);
        self.link
            .call(|answer| Command::Call { call, answer })
            .await?
    }

    /// Carries out many calls, in order; what a flood of small messages should use, because the
    /// connection's task answers many of them at once.
    ///
    /// # Errors
    /// As [`command`](Self::command), with the position of the call that failed; those before it
    /// have been carried out, those behind it not.
    ///
    /// # Cancel safety
    /// Not cancel safe: of a future that is dropped a first part of the calls may be carried out,
    /// each of them completely.
    pub async fn command_all(&self, commands: Vec<FlushCommand>) -> Result<(), (usize, Error)> {
        let mut rest: Vec<Call> = commands
            .into_iter()
            .map(|command| self.call(command))
            .collect();
        let mut done = 0;
        while !rest.is_empty() {
            let calls = driver::first_batch(&mut rest, |call| call.command.bytes());
            let count = calls.len();
            let answer = self.link.call(|answer| Command::Calls { calls, answer });
            match answer.await {
                Ok(Ok(())) => done += count,
                Ok(Err((position, error))) => return Err((done + position, error)),
                Err(error) => return Err((done, error)),
            }
        }
        Ok(())
    }

    fn call(&self, command: FlushCommand) -> Call {
        let taken = command
            .group()
            .and_then(|group| self.views.get(group))
            .copied();
        Call { command, taken }
    }

    /// Permits the view change that a [`FlushEvent::FlushRequest`] asked for.
    ///
    /// # Errors
    /// [`Error::Protocol`] if nothing asked for it, [`Error::Closed`].
    ///
    /// # Cancel safety
    /// As [`command`](Self::command).
    pub async fn flush_ok(&self, group: GroupName) -> Result<(), Error> {
        self.command(FlushCommand::FlushOk(group)).await
    }

    /// Members whose answer to the flush request the group is waiting for.
    ///
    /// # Errors
    /// [`Error::Closed`].
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn missing_flush(&self, group: GroupName) -> Result<Vec<MemberName>, Error> {
        self.link
            .call(|answer| Command::MissingFlush { group, answer })
            .await
    }

    /// The next event; `None` after [`FlushEvent::Closed`].
    ///
    /// # Cancel safety
    /// Cancel safe: no event is lost.
    pub async fn recv(&mut self) -> Option<FlushEvent> {
        let event = self.events.recv().await?;
        note(&mut self.views, &event);
        Some(event)
    }

    /// The next events, at most `limit`, appended to `events`; waits for one. 0 says that nothing
    /// follows.
    ///
    /// # Cancel safety
    /// Cancel safe: no event is lost.
    pub async fn recv_many(&mut self, events: &mut Vec<FlushEvent>, limit: usize) -> usize {
        let before = events.len();
        let count = self.events.recv_many(events, limit).await;
        for event in events.get(before..).unwrap_or_default() {
            note(&mut self.views, event);
        }
        count
    }

    /// The next event, if one is there.
    pub fn try_recv(&mut self) -> Option<FlushEvent> {
        let event = self.events.try_recv().ok()?;
        note(&mut self.views, &event);
        Some(event)
    }

    /// Number of events that wait to be taken.
    pub fn pending(&self) -> usize {
        self.events.len()
    }

    /// Waits until the connection is over.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn closed(&self) -> CloseReason {
        self.link.closed().await
    }

    /// Ends the connection in good order. What was commanded before is still sent; events not
    /// taken are dropped.
    ///
    /// # Cancel safety
    /// The end goes on in the background without the caller.
    pub async fn disconnect(self) {
        self.owner.disconnect().await;
    }
}

/// Keeps the views as the application has taken them.
fn note(views: &mut BTreeMap<GroupName, ViewId>, event: &FlushEvent) {
    match event {
        FlushEvent::View(view) => {
            views.insert(view.group, view.view.id);
        }
        FlushEvent::SelfLeave { group } => {
            views.remove(group);
        }
        FlushEvent::FlushRequest { .. }
        | FlushEvent::TransitionalSignal { .. }
        | FlushEvent::Message(_)
        | FlushEvent::Private(_)
        | FlushEvent::Refused(_)
        | FlushEvent::Closed(_) => {}
    }
}
