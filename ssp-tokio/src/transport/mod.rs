//! Byte streams to a daemon: TCP, Unix sockets, and anything else that reads and writes.
//!
//! ```text
//!   Endpoint::Tcp  -- connect, TCP_NODELAY --+
//!   Endpoint::Unix -- connect ---------------+--> Box<dyn ByteStream> --> driver task
//!   Client::over(stream) --------------------+
//! ```

mod transmit;

pub(crate) use transmit::{Io, Reading, TransmitQueue, io};

use std::io;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Duration, timeout},
};

use crate::{endpoint::Endpoint, error::Error};

/// What a driver task needs of a transport.
pub(crate) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> ByteStream for T {}

/// Opens a stream to `endpoint`, waiting at most `limit`.
///
/// # Cancel safety
/// Cancel safe: a stream half opened is closed.
pub(crate) async fn open(
    endpoint: &Endpoint,
    limit: Duration,
) -> Result<Box<dyn ByteStream>, Error> {
    let opened = timeout(limit, connect(endpoint)).await;
    match opened {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(Error::Connect {
            endpoint: endpoint.clone(),
            kind: error.kind(),
            detail: error.to_string(),
        }),
        Err(_) => Err(Error::Timeout {
            what: "connecting",
            after: limit,
        }),
    }
}

async fn connect(endpoint: &Endpoint) -> io::Result<Box<dyn ByteStream>> {
    match endpoint {
        Endpoint::Tcp { host, port } => {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            // Tokens are small and waited for; writes are already collected into few calls.
            stream.set_nodelay(true)?;
            Ok(Box::new(stream))
        }
        #[cfg(unix)]
        Endpoint::Unix(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await?)),
        #[cfg(not(unix))]
        Endpoint::Unix(_) => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "no Unix sockets on this platform",
        )),
    }
}
