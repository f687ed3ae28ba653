//! Reading and writing one stream at the same time.
//!
//! A client that writes without reading can deadlock with its daemon once the buffers of both
//! directions are full (protocol notes, section 6.4). So [`io`] always tries both directions,
//! and only the caller's lack of room pauses reading, never a write in progress.

use std::{
    collections::VecDeque,
    future::poll_fn,
    io::{self, IoSlice},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncReadExt;

use super::ByteStream;

/// Most parts that one vectored write takes.
const PARTS: usize = 64;

/// Whether a stream may still hold back bytes that it has taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Flush {
    #[default]
    Done,
    Due,
}

/// Bytes on their way out, in order; many frames leave by one system call.
#[derive(Debug, Default)]
pub(crate) struct TransmitQueue {
    parts: VecDeque<Bytes>,
    length: usize,
    flush: Flush,
}

impl TransmitQueue {
    /// Appends a frame.
    pub(crate) fn push(&mut self, part: Bytes) {
        if !part.is_empty() {
            self.length = self.length.saturating_add(part.len());
            self.parts.push_back(part);
        }
    }

    /// Bytes waiting.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Whether everything has left.
    pub(crate) fn is_done(&self) -> bool {
        self.parts.is_empty() && self.flush == Flush::Done
    }

    /// Forgets what waits, because nobody will read it.
    pub(crate) fn clear(&mut self) {
        self.parts.clear();
        self.length = 0;
        self.flush = Flush::Done;
    }

    fn advance(&mut self, mut written: usize) {
        self.length = self.length.saturating_sub(written);
        self.flush = Flush::Due;
        while let Some(first) = self.parts.front_mut() {
            if written < first.len() {
                first.advance(written);
                return;
            }
            written -= first.len();
            self.parts.pop_front();
        }
    }

    /// Writes what the stream takes; ready when some bytes have left or the stream failed.
    fn poll_write(
        &mut self,
        stream: &mut dyn ByteStream,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut written = 0;
        if !self.parts.is_empty() {
            let slices: Vec<_> = self
                .parts
                .iter()
                .take(PARTS)
                .map(|part| IoSlice::new(part))
                .collect();
            match Pin::new(&mut *stream).poll_write_vectored(context, &slices) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => {
                    self.advance(count);
                    written = count;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        if self.parts.is_empty() && self.flush == Flush::Due {
            match Pin::new(stream).poll_flush(context) {
                Poll::Ready(Ok(())) => self.flush = Flush::Done,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending if written == 0 => return Poll::Pending,
                Poll::Pending => {}
            }
        }
        Poll::Ready(Ok(written))
    }
}

/// What [`io`] got done; a direction that did not move is `None`.
#[derive(Debug)]
pub(crate) struct Io {
    /// Bytes appended to the buffer; 0 is the end of the stream.
    pub(crate) read: Option<io::Result<usize>>,
    /// Bytes written and taken off the queue.
    pub(crate) written: Option<io::Result<usize>>,
}

/// Whether there is room for what a read would bring.
#[derive(Debug)]
pub(crate) enum Reading<'a> {
    /// Read, behind what is in this buffer.
    Into(&'a mut BytesMut),
    /// Leave the bytes to the kernel, which tells the daemon by closing its window.
    Paused,
}

/// Waits until the stream has taken or given bytes, ended, or failed; for ever if `output` is
/// done and reading is paused.
///
/// # Cancel safety
/// Cancel safe: bytes move only in the poll that returns.
pub(crate) async fn io(
    stream: &mut dyn ByteStream,
    mut reading: Reading<'_>,
    output: &mut TransmitQueue,
) -> Io {
    poll_fn(|context| {
        let written = if output.is_done() {
            None
        } else {
            ready(output.poll_write(stream, context))
        };
        let read = match &mut reading {
            Reading::Paused => None,
            // A read that is not ready has done nothing, so it can be made anew each time.
            Reading::Into(buffer) => ready(pin!(stream.read_buf(*buffer)).poll(context)),
        };
        if read.is_none() && written.is_none() {
            Poll::Pending
        } else {
            Poll::Ready(Io { read, written })
        }
    })
    .await
}

fn ready<T>(poll: Poll<T>) -> Option<T> {
    match poll {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn many_parts_leave_in_order_through_a_narrow_pipe() {
        let (near, mut far) = duplex(7);
        let mut near: Box<dyn ByteStream> = Box::new(near);
        let mut queue = TransmitQueue::default();
        let mut expected = Vec::new();
        for number in 0..200u8 {
            let part = vec![number; usize::from(number % 11)];
            expected.extend_from_slice(&part);
            queue.push(part.into());
        }
        assert_eq!(queue.len(), expected.len());
        let reader = tokio::spawn(async move {
            let mut all = Vec::new();
            far.read_to_end(&mut all).await.unwrap();
            all
        });
        while !queue.is_done() {
            let mut input = BytesMut::with_capacity(8);
            let io = io(&mut *near, Reading::Into(&mut input), &mut queue).await;
            assert!(io.read.is_none(), "nothing was sent to us");
            io.written.unwrap().unwrap();
        }
        assert_eq!(queue.len(), 0);
        drop(near);
        assert_eq!(reader.await.unwrap(), expected);
    }

    #[tokio::test]
    async fn a_full_outgoing_pipe_does_not_stop_reading() {
        let (near, mut far) = duplex(4);
        let mut near: Box<dyn ByteStream> = Box::new(near);
        let mut queue = TransmitQueue::default();
        queue.push(Bytes::from_static(b"more than fits"));
        far.write_all(b"ab").await.unwrap();
        let mut input = BytesMut::with_capacity(8);
        let first = io(&mut *near, Reading::Into(&mut input), &mut queue).await;
        assert_eq!(first.written.unwrap().unwrap(), 4);
        assert_eq!(first.read.unwrap().unwrap(), 2);
        far.write_all(b"c").await.unwrap();
        let second = io(&mut *near, Reading::Into(&mut input), &mut queue).await;
        assert!(second.written.is_none(), "the pipe is full");
        assert_eq!(second.read.unwrap().unwrap(), 1);
        assert_eq!(&input[..], b"abc");
    }

    #[tokio::test]
    async fn a_paused_reader_leaves_bytes_in_the_pipe() {
        let (near, mut far) = duplex(16);
        let mut near: Box<dyn ByteStream> = Box::new(near);
        far.write_all(b"later").await.unwrap();
        let mut queue = TransmitQueue::default();
        queue.push(Bytes::from_static(b"x"));
        let mut input = BytesMut::with_capacity(8);
        let step = io(&mut *near, Reading::Paused, &mut queue).await;
        assert!(step.read.is_none());
        let step = io(&mut *near, Reading::Into(&mut input), &mut queue).await;
        assert_eq!(step.read.unwrap().unwrap(), 5);
    }
}
