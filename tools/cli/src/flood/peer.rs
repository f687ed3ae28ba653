//! A client of the layer that is measured.

use bytes::Bytes;
use gcs_proto::{
    flush::FlushEvent,
    gcs::{GcsCommand, GcsEvent, Multicast, Scope, SelfDelivery},
    name::{GroupName, PrivateName},
    service::Service,
};
use ssp_core::{Confirmation, GroupOptions};
use ssp_tokio::{
    Client, ConnectionConfig, Endpoint, Group, GroupEvent,
    flush::{FlushClient, FlushCommand},
    plain::PlainClient,
};

use super::layer::Layer;
use crate::error::Failure;

/// Events taken at once.
pub(super) const BATCH: usize = 256;

/// What concerns a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// A message, with its type and length.
    Message(i16, usize),
    /// A view or membership of so many members.
    Members(usize),
}

/// A client of one layer.
pub(super) enum Peer {
    Plain(PlainClient, Vec<GcsEvent>),
    Flush(FlushClient, Vec<FlushEvent>),
    Secure(Box<Member>),
}

/// A client of the secure layer.
pub(super) struct Member {
    client: Client,
    options: GroupOptions,
    group: Option<Group>,
    /// Members of a view whose key they have not all confirmed.
    unconfirmed: usize,
    events: Vec<GroupEvent>,
}

/// Messages to one group that differ in their types only.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub(super) group: GroupName,
    pub(super) service: Service,
    pub(super) self_delivery: SelfDelivery,
    pub(super) body: Bytes,
}

impl Peer {
    pub(super) async fn connect(
        layer: &Layer,
        endpoint: &Endpoint,
        name: &str,
    ) -> Result<Self, Failure> {
        let name: PrivateName = name.parse().map_err(|error| Failure::of(name, error))?;
        let config = ConnectionConfig::new()
            .name(name)
            .command_queue(1_024)
            .event_queue(4_096);
        let failed = |error| Failure::of(endpoint, error);
        Ok(match layer {
            Layer::Plain => Self::Plain(
                PlainClient::connect(endpoint, config)
                    .await
                    .map_err(failed)?,
                Vec::with_capacity(BATCH),
            ),
            Layer::Flush => Self::Flush(
                FlushClient::connect(endpoint, config)
                    .await
                    .map_err(failed)?,
                Vec::with_capacity(BATCH),
            ),
            Layer::Secure(security) => Self::Secure(Box::new(Member {
                client: Client::connect(endpoint, security.config(name, config))
                    .await
                    .map_err(failed)?,
                options: security.options.clone(),
                group: None,
                unconfirmed: 0,
                events: Vec::with_capacity(BATCH),
            })),
        })
    }

    /// Asks to join; a view tells success.
    pub(super) async fn join(&mut self, group: GroupName) -> Result<(), Failure> {
        let joined = match self {
            Self::Plain(client, _) => client.command(GcsCommand::Join(group)).await,
            Self::Flush(client, _) => client.command(FlushCommand::Join(group)).await,
            Self::Secure(member) => {
                let joined = member.client.join(group, member.options.clone()).await;
                joined.map(|handle| member.group = Some(handle))
            }
        };
        joined.map_err(|error| Failure::of("join", error))
    }

    /// Joins and waits for a view of so many members.
    pub(super) async fn join_as(&mut self, group: GroupName, count: usize) -> Result<(), Failure> {
        self.join(group).await?;
        let mut seen = Vec::new();
        while !seen.contains(&Seen::Members(count)) {
            seen.clear();
            self.receive(&mut seen).await?;
        }
        Ok(())
    }

    /// Sends messages with these types.
    pub(super) async fn send(
        &self,
        stream: &Stream,
        types: impl Iterator<Item = i16>,
    ) -> Result<(), Failure> {
        let sent = match self {
            Self::Secure(member) => {
                let group = member.group()?;
                let messages = types.map(|kind| (kind, stream.body.clone())).collect();
                let sent = group
                    .multicast_all(stream.service, stream.self_delivery, messages)
                    .await;
                return sent.map_err(|(_, error)| Failure::of("send", error));
            }
            Self::Plain(client, _) => {
                let commands = types
                    .map(|message_type| stream.plain(message_type))
                    .collect();
                client.command_all(commands).await
            }
            Self::Flush(client, _) => {
                let calls = types
                    .map(|message_type| stream.flush(message_type))
                    .collect();
                client.command_all(calls).await.map_err(|(_, error)| error)
            }
        };
        sent.map_err(|error| Failure::of("send", error))
    }

    /// Waits for what comes next, answers flush requests.
    pub(super) async fn receive(&mut self, seen: &mut Vec<Seen>) -> Result<(), Failure> {
        match self {
            Self::Secure(member) => {
                let Member {
                    options,
                    group,
                    unconfirmed,
                    events,
                    ..
                } = &mut **member;
                let Some(group) = group else {
                    return over(true);
                };
                group.recv_many(events, BATCH).await;
                over(events.is_empty())?;
                for event in events.drain(..) {
                    match event {
                        GroupEvent::Message(message) => {
                            seen.push(Seen::Message(message.message_type, message.payload.len()));
                        }
                        GroupEvent::SecureView(view) => match options.confirmation {
                            Confirmation::Implicit => {
                                seen.push(Seen::Members(view.view.members.len()));
                            }
                            // Nothing can be sent before all have confirmed the key.
                            Confirmation::Explicit => *unconfirmed = view.view.members.len(),
                        },
                        GroupEvent::KeyConfirmed { .. } => seen.push(Seen::Members(*unconfirmed)),
                        GroupEvent::TransitionalSignal | GroupEvent::FlushBlocked { .. } => {}
                        other => return Err(Failure::Failed(format!("{other:?}"))),
                    }
                }
            }
            Self::Plain(client, events) => {
                client.recv_many(events, BATCH).await;
                over(events.is_empty())?;
                for event in events.drain(..) {
                    match event {
                        GcsEvent::Message(message) => {
                            seen.push(Seen::Message(message.message_type, message.body.len()));
                        }
                        GcsEvent::Membership(membership) => {
                            seen.push(Seen::Members(membership.view.members.len()));
                        }
                        GcsEvent::TransitionalSignal { .. } | GcsEvent::SelfLeave { .. } => {}
                        GcsEvent::Refused(_) => return Err(Failure::Failed("refused".into())),
                        GcsEvent::Closed(_) => return over(true),
                    }
                }
            }
            Self::Flush(client, events) => {
                client.recv_many(events, BATCH).await;
                over(events.is_empty())?;
                for event in events.drain(..) {
                    match event {
                        FlushEvent::Message(message) => {
                            seen.push(Seen::Message(message.message_type, message.body.len()));
                        }
                        FlushEvent::View(view) => seen.push(Seen::Members(view.view.members.len())),
                        FlushEvent::FlushRequest { group } => client
                            .flush_ok(group)
                            .await
                            .map_err(|error| Failure::of("flush", error))?,
                        FlushEvent::TransitionalSignal { .. }
                        | FlushEvent::Private(_)
                        | FlushEvent::SelfLeave { .. } => {}
                        FlushEvent::Refused(_) => return Err(Failure::Failed("refused".into())),
                        FlushEvent::Closed(_) => return over(true),
                    }
                }
            }
        }
        Ok(())
    }
}

impl Member {
    fn group(&self) -> Result<&Group, Failure> {
        let group = self.group.as_ref();
        group.ok_or_else(|| Failure::Failed("not a member".into()))
    }
}

fn over(over: bool) -> Result<(), Failure> {
    if over {
        Err(Failure::Failed("daemon closed the connection".into()))
    } else {
        Ok(())
    }
}

impl Stream {
    fn plain(&self, message_type: i16) -> GcsCommand {
        GcsCommand::Multicast(Multicast {
            destinations: vec![self.group.into()],
            service: self.service,
            self_delivery: self.self_delivery,
            scope: Scope::Named,
            message_type,
            body: self.body.clone(),
        })
    }

    fn flush(&self, message_type: i16) -> FlushCommand {
        FlushCommand::Multicast {
            group: self.group,
            service: self.service,
            self_delivery: self.self_delivery,
            message_type,
            body: self.body.clone(),
        }
    }
}
