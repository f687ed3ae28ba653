//! One client: `gcs-proto` on a stream.

use std::{collections::BTreeMap, sync::Mutex};

use bytes::Bytes;
use gcs_proto::{
    connection::Connection,
    gcs::{GcsCommand, GcsEvent, Multicast},
    handshake::{ClientHandshake, ConnectOptions},
    name::GroupName,
    service::Service,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::ledger::{End, Ledger, Seen};

/// A connected client and the groups it is in.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    connection: Connection,
    pub(crate) groups: BTreeMap<GroupName, Seen>,
    /// A join or leave that is not done yet.
    pub(crate) waits_for: Option<GroupName>,
    pub(crate) changes: u64,
}

impl Client {
    pub(crate) async fn connect(address: std::net::SocketAddr, name: &str) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("{name}: {error}");
        let name = name.parse().map_err(|error| failed(&error))?;
        let mut stream = TcpStream::connect(address)
            .await
            .map_err(|error| failed(&error))?;
        stream.set_nodelay(true).map_err(|error| failed(&error))?;
        let mut handshake = ClientHandshake::new(ConnectOptions::new().name(name));
        let mut chunk = [0; 512];
        loop {
            while let Some(record) = handshake.poll_transmit() {
                stream
                    .write_all(&record)
                    .await
                    .map_err(|error| failed(&error))?;
            }
            let length = stream
                .read(&mut chunk)
                .await
                .map_err(|error| failed(&error))?;
            let bytes = chunk.get(..length).filter(|bytes| !bytes.is_empty());
            let bytes = bytes.ok_or_else(|| failed(&"closed in the handshake"))?;
            if let Some(connection) = handshake
                .handle_bytes(bytes)
                .map_err(|error| failed(&error))?
            {
                return Ok(Self {
                    stream,
                    connection,
                    groups: BTreeMap::new(),
                    waits_for: None,
                    changes: 0,
                });
            }
        }
    }

    pub(crate) async fn send(&mut self, group: GroupName, number: u64) -> Result<(), String> {
        let body = Bytes::copy_from_slice(&number.to_le_bytes());
        let message = Multicast::to_group(group, Service::Agreed, 1, body);
        self.command(GcsCommand::Multicast(message)).await
    }

    pub(crate) async fn join(&mut self, group: GroupName) -> Result<(), String> {
        self.waits_for = Some(group);
        self.command(GcsCommand::Join(group)).await
    }

    pub(crate) async fn leave(&mut self, group: GroupName) -> Result<(), String> {
        self.waits_for = Some(group);
        self.command(GcsCommand::Leave(group)).await
    }

    /// Says goodbye and gives back what it saw of its last views.
    pub(crate) async fn end(mut self, ledger: &Mutex<Ledger>) -> Result<u64, String> {
        self.command(GcsCommand::Disconnect).await?;
        for (group, seen) in std::mem::take(&mut self.groups) {
            enter(ledger, group, seen, End::Left)?;
        }
        Ok(self.changes)
    }

    async fn command(&mut self, command: GcsCommand) -> Result<(), String> {
        let name = *self.connection.private_group();
        self.connection
            .command(command)
            .map_err(|error| format!("{name}: {error}"))?;
        while let Some(bytes) = self.connection.poll_transmit() {
            self.stream
                .write_all(&bytes)
                .await
                .map_err(|error| format!("{name}: {error}"))?;
        }
        Ok(())
    }

    /// Waits for bytes and takes all events in them. Cancel safe.
    pub(crate) async fn receive(&mut self, ledger: &Mutex<Ledger>) -> Result<(), String> {
        let name = *self.connection.private_group();
        match self.stream.read_buf(self.connection.read_buffer()).await {
            Ok(1..) => {}
            Ok(_) => return Err(format!("{name}: closed by the daemon")),
            Err(error) => return Err(format!("{name}: {error}")),
        }
        while let Some(event) = self.connection.poll_event() {
            self.take(event, ledger)?;
        }
        Ok(())
    }

    fn take(&mut self, event: GcsEvent, ledger: &Mutex<Ledger>) -> Result<(), String> {
        let name = *self.connection.private_group();
        match event {
            GcsEvent::Membership(membership) => {
                let group = membership.group;
                if membership.view.cause.member() == Some(&name) {
                    self.done(group)?;
                }
                let seen = Seen {
                    id: membership.view.id,
                    members: membership.view.members,
                    messages: Vec::new(),
                };
                if let Some(before) = self.groups.insert(group, seen) {
                    enter(ledger, group, before, End::Replaced)?;
                }
            }
            GcsEvent::Message(message) => {
                let group = message
                    .destinations
                    .first()
                    .and_then(|group| GroupName::try_from(*group).ok())
                    .ok_or_else(|| format!("{name}: message to nobody"))?;
                let number = message.body.first_chunk().copied();
                let number = number.map(u64::from_le_bytes);
                let number = number.ok_or_else(|| format!("{name}: message without a number"))?;
                self.groups
                    .get_mut(&group)
                    .ok_or_else(|| format!("{name}: message to {group}, which it is not in"))?
                    .messages
                    .push(number);
            }
            GcsEvent::SelfLeave { group } => {
                self.done(group)?;
                if let Some(last) = self.groups.remove(&group) {
                    enter(ledger, group, last, End::Left)?;
                }
            }
            other => return Err(format!("{name}: unexpected {other:?}")),
        }
        Ok(())
    }

    fn done(&mut self, group: GroupName) -> Result<(), String> {
        if self.waits_for.take() != Some(group) {
            let name = self.connection.private_group();
            return Err(format!("{name}: told of a change of {group} unasked"));
        }
        self.changes += 1;
        Ok(())
    }
}

fn enter(ledger: &Mutex<Ledger>, group: GroupName, seen: Seen, end: End) -> Result<(), String> {
    let mut ledger = ledger.lock().map_err(|_| "a client panicked".to_owned())?;
    ledger.enter(group, seen, end)
}
