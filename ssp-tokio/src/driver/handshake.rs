//! The handshake over an asynchronous stream.

use bytes::Bytes;
use gcs_proto::connection::Connection;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::{config::ConnectionConfig, error::Error, transport::ByteStream};

/// Bytes asked for by one read.
const READ: usize = 4096;

/// Makes a connection of a fresh stream.
///
/// # Cancel safety
/// Cancel safe in that the stream is dropped, which the daemon takes for a client that went away.
pub(crate) async fn handshake(
    stream: &mut dyn ByteStream,
    config: &ConnectionConfig,
) -> Result<Connection, Error> {
    let limit = config.connect_limit();
    timeout(limit, exchange(stream, config))
        .await
        .map_err(|_| Error::Timeout {
            what: "the handshake",
            after: limit,
        })?
}

async fn exchange(
    stream: &mut dyn ByteStream,
    config: &ConnectionConfig,
) -> Result<Connection, Error> {
    let mut handshake = config.handshake();
    let mut input = [0; READ];
    loop {
        while let Some(record) = handshake.poll_transmit() {
            write(stream, record).await?;
        }
        let count = stream
            .read(&mut input)
            .await
            .map_err(|error| Error::stream(&error))?;
        if count == 0 {
            return Err(Error::Stream {
                kind: std::io::ErrorKind::UnexpectedEof,
                detail: "the daemon closed it during the handshake".into(),
            });
        }
        let bytes = input.get(..count).unwrap_or_default();
        if let Some(connection) = handshake.handle_bytes(bytes).map_err(Error::Handshake)? {
            config.check_daemon(connection.private_group())?;
            return Ok(connection);
        }
        if let Some(request) = handshake.poll_challenge() {
            config.check_daemon(&request.member)?;
            let proof = config.prover().prove(&request).map_err(Error::Challenge)?;
            handshake.prove(&proof).map_err(Error::Handshake)?;
        }
    }
}

async fn write(stream: &mut dyn ByteStream, record: Bytes) -> Result<(), Error> {
    let written = async {
        stream.write_all(&record).await?;
        stream.flush().await
    };
    written.await.map_err(|error| Error::stream(&error))
}
