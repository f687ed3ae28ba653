//! What waits for a client: written, small messages together.

use std::{convert::Infallible, io::IoSlice};

use bytes::{Buf, BytesMut};
use gcs_proto::codec::Encoded;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tracing::debug;

use super::{
    outbox::{Load, Outbox},
    shared::StreamTap,
    tap::Direction,
};

/// Parts of messages up to this length are put together before they are written.
const SMALL: usize = 8 << 10;
/// Bytes put together before they are written.
const TOGETHER: usize = 64 << 10;

/// Writes queued messages, small ones together.
///
/// It never ends a session: a client that cannot be written to any more may have sent requests
/// that are still to be read, and they count. The reader comes to their end.
pub(super) async fn write<W>(writer: &mut W, outbox: &Outbox, tap: &StreamTap) -> Infallible
where
    W: AsyncWrite + Unpin,
{
    let mut messages = Vec::new();
    let mut together = BytesMut::new();
    loop {
        outbox.take(&mut messages).await;
        let written = write_all(writer, &mut messages, &mut together, outbox, tap).await;
        if let Err(error) = written {
            debug!(%error, "client takes no more");
            // A closed queue cannot fill up, so the client is not taken for a slow one.
            outbox.close();
            return std::future::pending().await;
        }
    }
}

async fn write_all<W>(
    writer: &mut W,
    messages: &mut Vec<Encoded>,
    together: &mut BytesMut,
    outbox: &Outbox,
    tap: &StreamTap,
) -> std::io::Result<()>
where
    W: AsyncWrite + Unpin,
{
    let mut load = Load::default();
    for message in messages.drain(..) {
        tap.record(Direction::ToClient, || message.slices().concat().into());
        load.messages += 1;
        load.bytes += message.len();
        for part in message.into_parts() {
            if part.len() <= SMALL {
                together.extend_from_slice(&part);
            } else {
                write_both(writer, together, &part).await?;
            }
        }
        if together.len() >= TOGETHER {
            write_both(writer, together, &[]).await?;
        }
        if together.is_empty() {
            outbox.written(std::mem::take(&mut load));
        }
    }
    write_both(writer, together, &[]).await?;
    writer.flush().await?;
    outbox.written(load);
    Ok(())
}

/// Writes what was put together and a part behind it, by one call where the stream takes it.
async fn write_both<W>(
    writer: &mut W,
    together: &mut BytesMut,
    mut part: &[u8],
) -> std::io::Result<()>
where
    W: AsyncWrite + Unpin,
{
    while !together.is_empty() || !part.is_empty() {
        let slices = [IoSlice::new(together), IoSlice::new(part)];
        let slices = if together.is_empty() {
            slices.get(1..).unwrap_or_default()
        } else {
            &slices
        };
        let written = writer.write_vectored(slices).await?;
        if written == 0 {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        let first = written.min(together.len());
        together.advance(first);
        part = part.get(written - first..).unwrap_or_default();
    }
    // Keeps its memory: all that was in it is gone.
    together.clear();
    Ok(())
}
