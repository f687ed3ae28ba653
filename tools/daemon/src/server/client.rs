//! One client: its handshake, then its reader and its writer side by side.

use std::{pin::pin, sync::Arc};

use gcs_proto::name::DaemonName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, watch},
    time::timeout,
};
use tracing::debug;

use super::{
    gate::Gate,
    handshake::{self, Accepted},
    hub::Reservation,
    reader::Requests,
    shared::{ClientStream, FAREWELL, Shared},
    writer::write,
};
use crate::access::Origin;

/// Accepts the clients of one virtual daemon.
#[derive(Clone, Debug)]
pub(crate) struct Acceptor {
    daemon: DaemonName,
    shared: Arc<Shared>,
}

impl Acceptor {
    pub(crate) const fn new(daemon: DaemonName, shared: Arc<Shared>) -> Self {
        Self { daemon, shared }
    }

    pub(crate) fn daemon(&self) -> &DaemonName {
        &self.daemon
    }

    /// Accepts a stream and spawns its task.
    pub(crate) fn admit<R, W>(&self, reader: R, writer: W, origin: Origin)
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let Ok(permit) = Arc::clone(&self.shared.handshakes).try_acquire_owned() else {
            debug!(daemon = %self.daemon, "too many handshakes, connection closed");
            return;
        };
        let tap = self.shared.stream_tap();
        let daemon = self.daemon;
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            let _guard = shared.guard.clone();
            let stream = ClientStream {
                reader,
                writer,
                tap,
            };
            run(stream, daemon, &shared, origin, permit).await;
        });
    }
}

async fn run<R, W>(
    mut stream: ClientStream<R, W>,
    daemon: DaemonName,
    shared: &Shared,
    origin: Origin,
    permit: OwnedSemaphorePermit,
) where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut stopping = shared.stopping.clone();
    let accepted = tokio::select! {
        _ = stopping.changed() => return,
        accepted = handshake::shake(&mut stream, &daemon, shared, origin) => accepted,
    };
    drop(permit);
    if let Some(accepted) = accepted {
        serve(stream, accepted, daemon, shared, stopping).await;
    }
}

/// Serves a client until it, the hub, or the end of the daemon ends the session.
async fn serve<R, W>(
    stream: ClientStream<R, W>,
    accepted: Accepted,
    daemon: DaemonName,
    shared: &Shared,
    mut stopping: watch::Receiver<()>,
) where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let ClientStream {
        mut reader,
        mut writer,
        tap,
    } = stream;
    let Accepted {
        reservation:
            Reservation {
                session,
                member,
                outbox,
                mut stop,
            },
        proved,
        remaining,
    } = accepted;
    let hub = &*shared.hub;
    let gate = Gate::new(shared.authentication.proof(), daemon, member, proved);
    let requests = Requests {
        session,
        member,
        hub,
        tap: &tap,
    };
    let mut writing = pin!(write(&mut writer, &outbox, &tap));
    let cause = tokio::select! {
        biased;
        _ = &mut stop => return,
        cause = requests.read(&mut reader, remaining, gate) => cause,
        never = &mut writing => match never {},
        _ = stopping.changed() => {
            let farewell = async {
                tokio::select! {
                    () = outbox.emptied() => {}
                    never = &mut writing => match never {},
                }
            };
            // A client that does not read misses the rest.
            let _ = timeout(FAREWELL, farewell).await;
            return;
        }
    };
    debug!(%session, ?cause, "client ended session");
    // The stream stays open until the name is free again.
    hub.end(session, cause);
}
