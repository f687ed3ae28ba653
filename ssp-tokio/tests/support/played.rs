//! A daemon played by hand at the other end of a pipe.

use bytes::Bytes;
use ssp_tokio::gcs_proto::{
    codec::{DataMessage, Delivery, Direction, FrameDecoder, Hint, Request, ServiceWord},
    gcs::{ByteOrder, Scope, SelfDelivery},
    handshake::{DaemonHandshake, DaemonStep, Method, Version},
    name::{GroupName, MemberName},
    service::Service,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

/// The daemon's end of a connection whose handshake is done.
pub struct Played {
    pub stream: DuplexStream,
    pub member: MemberName,
    decoder: FrameDecoder,
}

impl Played {
    /// Sends a delivery, waiting for room in the pipe.
    pub async fn deliver(&mut self, delivery: &Delivery) {
        self.stream.write_all(&delivery.encode()).await.unwrap();
    }

    /// The next request of the client; `None` when it has closed its end.
    pub async fn request(&mut self) -> Option<Request> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(frame) = self.decoder.next_frame().unwrap() {
                return Some(Request::decode(frame, &self.member).unwrap());
            }
            match self.stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.decoder.push(&buffer[..count]),
            }
        }
    }
}

/// A message of `sender` to the group `g`.
pub fn data(sender: &str, body: impl Into<Bytes>) -> Delivery {
    Delivery::Data {
        sender: sender.parse().unwrap(),
        message: DataMessage {
            word: ServiceWord::new(Service::Agreed, SelfDelivery::Deliver, Scope::Named),
            hint: Hint::written_in(ByteOrder::Little, 7),
            destinations: vec!["g".parse::<GroupName>().unwrap().into()],
            body: body.into(),
        },
    }
}

/// A pipe with `room` bytes in each direction; the daemon's end does the handshake.
pub fn pipe(room: usize) -> (DuplexStream, impl Future<Output = Played>) {
    let (ours, theirs) = duplex(room);
    (ours, admit(theirs))
}

async fn admit(mut stream: DuplexStream) -> Played {
    let mut handshake = DaemonHandshake::new();
    let mut name = None;
    let mut accepted = None;
    let mut buffer = [0; 4096];
    while accepted.is_none() {
        let count = stream.read(&mut buffer).await.unwrap();
        assert_ne!(count, 0, "client went away in the handshake");
        handshake.handle_bytes(&buffer[..count]).unwrap();
        while let Some(step) = handshake.poll_step() {
            match step {
                DaemonStep::Connect(request) => {
                    name = request.name;
                    handshake.offer_methods(&[Method::Null]);
                }
                DaemonStep::Authenticate { .. } => {
                    let daemon = "played".parse().unwrap();
                    let member = MemberName::of_session(&name.unwrap(), &daemon);
                    handshake.accept(Version::CURRENT, &member);
                    accepted = Some(member);
                }
                DaemonStep::Challenge => panic!("no proof was offered"),
                DaemonStep::Refused(refusal) => panic!("{refusal}"),
            }
            while let Some(bytes) = handshake.poll_transmit() {
                stream.write_all(&bytes).await.unwrap();
            }
        }
    }
    Played {
        stream,
        member: accepted.unwrap(),
        decoder: FrameDecoder::with_buffer(Direction::ToDaemon, handshake.into_remaining()),
    }
}
