//! A client of the protocol for tests: `gcs-proto` on any stream.
#![allow(dead_code)]

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use gcs_daemon::Daemon;
use gcs_proto::{
    connection::Connection,
    gcs::{Cause, CloseReason, GcsCommand, GcsEvent, Membership, Message, Multicast},
    handshake::{ClientHandshake, ConnectOptions, ProofRequest},
    name::{DaemonName, GroupName, MemberName},
    service::Service,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How long anything may take before a test fails.
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) struct Client<S> {
    pub(crate) stream: S,
    connection: Connection,
    events: VecDeque<GcsEvent>,
}

/// Connects over TCP.
pub(crate) async fn tcp(daemon: &Daemon, at: &str, name: &str) -> Client<TcpStream> {
    let address = daemon.local_addr(&daemon_name(at)).unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    connect(stream, options(name)).await.unwrap()
}

pub(crate) fn daemon_name(name: &str) -> DaemonName {
    name.parse().unwrap()
}

pub(crate) fn group(name: &str) -> GroupName {
    name.parse().unwrap()
}

pub(crate) fn options(name: &str) -> ConnectOptions {
    ConnectOptions::new().name(name.parse().unwrap())
}

/// Leads a handshake to its end.
pub(crate) async fn connect<S>(
    stream: S,
    options: ConnectOptions,
) -> Result<Client<S>, gcs_proto::Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let handshake = ClientHandshake::new(options);
    shake(stream, handshake, |_| panic!("no proof was offered")).await
}

/// Leads a handshake to its end, answering a challenge as `prove` does.
pub(crate) async fn shake<S>(
    mut stream: S,
    mut handshake: ClientHandshake,
    mut prove: impl FnMut(&ProofRequest) -> Vec<u8>,
) -> Result<Client<S>, gcs_proto::Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut chunk = [0; 256];
    loop {
        while let Some(record) = handshake.poll_transmit() {
            stream.write_all(&record).await.unwrap();
        }
        let length = timeout(LIMIT, stream.read(&mut chunk))
            .await
            .expect("handshake goes on")
            .unwrap();
        assert!(length > 0, "daemon closed the stream in the handshake");
        if let Some(connection) = handshake.handle_bytes(&chunk[..length])? {
            return Ok(Client {
                stream,
                connection,
                events: VecDeque::new(),
            });
        }
        if let Some(request) = handshake.poll_challenge() {
            handshake.prove(&prove(&request)).unwrap();
        }
    }
}

impl<S> Client<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    pub(crate) fn name(&self) -> MemberName {
        *self.connection.private_group()
    }

    pub(crate) async fn command(&mut self, command: GcsCommand) {
        self.connection.command(command).unwrap();
        while let Some(bytes) = self.connection.poll_transmit() {
            self.stream.write_all(&bytes).await.unwrap();
        }
    }

    /// Joins and takes the membership that says so.
    pub(crate) async fn join(&mut self, name: &str) -> Membership {
        self.command(GcsCommand::Join(group(name))).await;
        let own = self.name();
        let membership = self.membership().await;
        assert_eq!(membership.view.cause, Cause::Join(own));
        assert_eq!(membership.group, group(name));
        membership
    }

    pub(crate) async fn send(&mut self, to: &str, text: &str) {
        let body = Bytes::copy_from_slice(text.as_bytes());
        let multicast = Multicast::to_group(group(to), Service::Agreed, 1, body);
        self.command(GcsCommand::Multicast(multicast)).await;
    }

    pub(crate) async fn event(&mut self) -> GcsEvent {
        let mut chunk = vec![0; 16 << 10];
        loop {
            while let Some(event) = self.connection.poll_event() {
                self.events.push_back(event);
            }
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            match timeout(LIMIT, self.stream.read(&mut chunk))
                .await
                .expect("an event comes")
            {
                Ok(0) | Err(_) => self.connection.handle_end_of_stream(),
                Ok(length) => self.connection.handle_bytes(&chunk[..length]),
            }
        }
    }

    pub(crate) async fn membership(&mut self) -> Membership {
        match self.event().await {
            GcsEvent::Membership(membership) => membership,
            other => panic!("{other:?}"),
        }
    }

    /// The next membership, whatever comes before it.
    pub(crate) async fn next_membership(&mut self) -> Membership {
        loop {
            if let GcsEvent::Membership(membership) = self.event().await {
                return membership;
            }
        }
    }

    pub(crate) async fn message(&mut self) -> Message {
        match self.event().await {
            GcsEvent::Message(message) => message,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn text(&mut self) -> String {
        String::from_utf8(self.message().await.body.to_vec()).unwrap()
    }

    pub(crate) async fn signal(&mut self) {
        match self.event().await {
            GcsEvent::TransitionalSignal { .. } => {}
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn closed(&mut self) {
        assert_eq!(
            self.event().await,
            GcsEvent::Closed(CloseReason::EndOfStream)
        );
    }
}
