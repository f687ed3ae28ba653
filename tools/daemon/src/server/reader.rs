//! What a client sends: cut into requests, let through the gate, and brought to the hub many at a
//! time.

use std::{future::poll_fn, task::Poll, time::Duration};

use bytes::{Bytes, BytesMut};
use gcs_proto::{
    codec::{Direction as Way, FrameDecoder, Request},
    error::DecodeError,
    name::MemberName,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::{Instant, timeout_at},
};
use tracing::debug;

use ssp_identity::JOIN_CHALLENGE;

use super::{
    gate::{Gate, Verdict},
    hub::Hub,
    shared::StreamTap,
    tap::Direction,
};
use crate::router::{CloseCause, SessionId};

/// How long a sender waits for a receiver that does not keep up, before it goes on and lets the
/// receiver's queue overflow (ours).
const TIME_LIMIT: Duration = Duration::from_millis(500);

/// Requests brought to the hub at once.
const BATCH: usize = 64;

/// Where the requests of one client go.
pub(super) struct Requests<'a> {
    pub(super) session: SessionId,
    pub(super) member: MemberName,
    pub(super) hub: &'a Hub,
    pub(super) tap: &'a StreamTap,
}

impl Requests<'_> {
    /// Reads requests until the client ends the session, one way or another.
    pub(super) async fn read<R>(
        &self,
        reader: &mut R,
        remaining: BytesMut,
        mut gate: Gate<'_>,
    ) -> CloseCause
    where
        R: AsyncRead + Unpin,
    {
        let mut decoder = FrameDecoder::with_buffer(Way::ToDaemon, remaining);
        let mut requests = Vec::with_capacity(BATCH);
        loop {
            let decoded = decode_batch(&mut decoder, &self.member, &mut requests);
            if !requests.is_empty() {
                self.pass(&mut gate, &mut requests).await;
                // What came of it may be for this very client: its writer is next.
                give_way().await;
            }
            match decoded {
                Decoded::More => continue,
                Decoded::Goodbye => return CloseCause::Disconnected,
                Decoded::Illegal(error) => {
                    debug!(session = %self.session, %error, "illegal request");
                    return CloseCause::Illegal;
                }
                Decoded::All => {}
            }
            let now = Instant::now();
            while let Some(group) = gate.expire(now) {
                self.hub.refuse_join(self.session, group);
            }
            let buffer = decoder.read_buffer();
            let before = buffer.len();
            let read = reader.read_buf(buffer);
            let read = match gate.due() {
                None => read.await,
                // No byte is lost by a read that is given up.
                Some(due) => match timeout_at(due, read).await {
                    Ok(read) => read,
                    Err(_) => continue,
                },
            };
            match read {
                Ok(0) | Err(_) => return CloseCause::EndOfStream,
                Ok(_) => {
                    let bytes = buffer.get(before..).unwrap_or_default();
                    self.tap
                        .record(Direction::FromClient, || Bytes::copy_from_slice(bytes));
                }
            }
        }
    }

    /// Brings requests through the gate, and to the hub what gets through, in order.
    async fn pass(&self, gate: &mut Gate<'_>, requests: &mut Vec<Request>) {
        if gate.is_open() {
            return self.bring(requests).await;
        }
        let mut passed = Vec::with_capacity(requests.len());
        for request in requests.drain(..) {
            match gate.judge(request, Instant::now()) {
                Verdict::Pass(request) => passed.push(request),
                Verdict::Proved(request, identity) => {
                    self.bring(&mut passed).await;
                    self.hub.identify(self.session, identity);
                    passed.push(request);
                }
                Verdict::Ask(challenge) => {
                    self.bring(&mut passed).await;
                    self.hub.tell(self.session, JOIN_CHALLENGE, challenge);
                }
                Verdict::Refuse(group) => {
                    self.bring(&mut passed).await;
                    self.hub.refuse_join(self.session, group);
                }
                Verdict::Taken => {}
            }
        }
        self.bring(&mut passed).await;
    }

    /// Has requests carried out, all of them; waits where a receiver does not keep up.
    async fn bring(&self, requests: &mut Vec<Request>) {
        let mut requests = requests.drain(..);
        loop {
            let crowded = self.hub.requests(self.session, &mut requests);
            if crowded.is_empty() {
                return;
            }
            let deadline = Instant::now() + TIME_LIMIT;
            for outbox in crowded {
                if timeout_at(deadline, outbox.relief()).await.is_err() {
                    outbox.use_up_grace();
                }
            }
        }
    }
}

/// How far decoding came.
enum Decoded {
    /// A batch is full and more may be there.
    More,
    /// All complete requests are taken.
    All,
    /// The client said goodbye.
    Goodbye,
    /// The next request is illegal.
    Illegal(DecodeError),
}

/// Takes requests off the stream, at most a batch.
fn decode_batch(
    decoder: &mut FrameDecoder,
    member: &MemberName,
    requests: &mut Vec<Request>,
) -> Decoded {
    while requests.len() < BATCH {
        let request = match decoder.next_frame() {
            Ok(Some(frame)) => Request::decode(frame, member),
            // An illegal request is not waited for.
            Ok(None) => {
                let checked = match decoder.header() {
                    Ok(Some(header)) => Request::check_header(&header, member),
                    Ok(None) => Ok(()),
                    Err(error) => Err(error),
                };
                return checked.map_or_else(Decoded::Illegal, |()| Decoded::All);
            }
            Err(error) => Err(error),
        };
        match request {
            Ok(Request::Disconnect) => return Decoded::Goodbye,
            Ok(request) => requests.push(request),
            Err(error) => return Decoded::Illegal(error),
        }
    }
    Decoded::More
}

/// Lets the other half of the task run once.
async fn give_way() {
    let mut given = false;
    poll_fn(|context| {
        if given {
            return Poll::Ready(());
        }
        given = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
