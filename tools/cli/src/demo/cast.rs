//! The members: identities, connections, handles.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use gcs_proto::name::{GroupName, MemberName, PrivateName};
use getrandom::{SysRng, rand_core::UnwrapErr};
use sha2::{Digest, Sha256};
use ssp_core::{
    Confirmation, Credentials, GroupOptions, SecureViewEvent,
    identity::{Ed25519Signer, TrustStore},
};
use ssp_tokio::{Client, ClientConfig, Group, GroupEvent};
use tokio::{net::TcpStream, time::timeout};

use crate::error::Failure;

/// How long a member may take for anything.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// The identities of all members, and the list by which they know each other.
#[derive(Debug)]
pub(super) struct Identities {
    signers: Vec<Arc<Ed25519Signer>>,
    trust: Arc<TrustStore>,
}

impl Identities {
    /// Makes keys for members 1 to `count`.
    pub(super) fn new(count: usize) -> Result<Self, Failure> {
        let mut trust = TrustStore::new();
        let mut signers = Vec::new();
        for number in 1..=count {
            let signer = Ed25519Signer::generate(&mut UnwrapErr(SysRng));
            let name = format!("m{number}");
            trust
                .insert(&name, signer.public_key())
                .map_err(|error| Failure::of(&name, error))?;
            signers.push(Arc::new(signer));
        }
        Ok(Self {
            signers,
            trust: Arc::new(trust),
        })
    }

    fn credentials(&self, number: usize) -> Result<Credentials, Failure> {
        let signer = number
            .checked_sub(1)
            .and_then(|index| self.signers.get(index))
            .ok_or_else(|| Failure::Failed(format!("m{number} has no identity")))?;
        Ok(Credentials {
            signer: Arc::clone(signer) as _,
            trust: Arc::clone(&self.trust) as _,
        })
    }
}

/// A member that takes part.
#[derive(Debug)]
pub(super) struct Member {
    /// Which one.
    pub(super) number: usize,
    client: Client,
    pub(super) group: Group,
    confirmation: Confirmation,
    /// A second handle to its socket, to cut it without goodbye.
    socket: std::net::TcpStream,
}

impl Member {
    /// Connects and asks to join.
    pub(super) async fn enter(
        number: usize,
        address: SocketAddr,
        identities: &Identities,
        group: GroupName,
        options: GroupOptions,
    ) -> Result<Self, Failure> {
        let text = format!("m{number}");
        let failed = |error: &dyn std::fmt::Display| Failure::of(&text, error);
        let name: PrivateName = text.parse().map_err(|error| failed(&error))?;
        let stream = TcpStream::connect(address)
            .await
            .map_err(|error| failed(&error))?;
        stream.set_nodelay(true).map_err(|error| failed(&error))?;
        let stream = stream.into_std().map_err(|error| failed(&error))?;
        let socket = stream.try_clone().map_err(|error| failed(&error))?;
        let stream = TcpStream::from_std(stream).map_err(|error| failed(&error))?;
        let config = ClientConfig::new(name, identities.credentials(number)?);
        let client = Client::over(stream, config)
            .await
            .map_err(|error| failed(&error))?;
        let confirmation = options.confirmation;
        let group = client
            .join(group, options)
            .await
            .map_err(|error| failed(&error))?;
        Ok(Self {
            number,
            client,
            group,
            confirmation,
            socket,
        })
    }

    /// Name in the group.
    pub(super) const fn name(&self) -> &MemberName {
        self.client.private_group()
    }

    /// Waits for the secure view of exactly these members.
    pub(super) async fn view_of(
        &mut self,
        members: &[MemberName],
    ) -> Result<SecureViewEvent, Failure> {
        loop {
            if let GroupEvent::SecureView(view) = self.next("a secure view").await? {
                let mut listed = view.view.members.clone();
                listed.sort();
                if listed == members {
                    self.confirmed(view.epoch).await?;
                    return Ok(view);
                }
            }
        }
    }

    /// Waits for a new key among the same members.
    pub(super) async fn refreshed(&mut self) -> Result<SecureViewEvent, Failure> {
        loop {
            if let GroupEvent::KeyRefreshed(view) = self.next("a new key").await? {
                self.confirmed(view.epoch).await?;
                return Ok(view);
            }
        }
    }

    /// Waits until all members have confirmed the key, if they do.
    async fn confirmed(&mut self, key: u32) -> Result<(), Failure> {
        match self.confirmation {
            Confirmation::Implicit => Ok(()),
            Confirmation::Explicit => loop {
                if let GroupEvent::KeyConfirmed { epoch } =
                    self.next("the confirmation of a key").await?
                    && epoch == key
                {
                    return Ok(());
                }
            },
        }
    }

    /// Receives `length` bytes of messages and tells their digest.
    pub(super) async fn digest(&mut self, length: usize) -> Result<(String, [u8; 32]), Failure> {
        let mut hasher = Sha256::new();
        let mut received = 0;
        while received < length {
            if let GroupEvent::Message(message) = self.next("a message").await? {
                hasher.update(&message.payload);
                received += message.payload.len();
            }
        }
        Ok((self.name().to_string(), hasher.finalize().into()))
    }

    async fn next(&mut self, what: &str) -> Result<GroupEvent, Failure> {
        let failed = |error: String| Err(Failure::of(format!("m{}", self.number), error));
        match timeout(TIME_LIMIT, self.group.recv()).await {
            Ok(Some(GroupEvent::Failed { suspects, reason })) => {
                failed(format!("no key with {suspects:?}: {reason}"))
            }
            Ok(Some(GroupEvent::MessageRejected { sender })) => {
                failed(format!("message of {sender} could not be opened"))
            }
            Ok(Some(GroupEvent::Closed(reason))) => failed(format!("connection over: {reason:?}")),
            Ok(Some(event)) => Ok(event),
            Ok(None) => failed("group is over".into()),
            Err(_) => failed(format!("waited {TIME_LIMIT:?} for {what}")),
        }
    }

    /// Leaves in good order.
    pub(super) async fn leave(self) -> Result<(), Failure> {
        let name = self.name().to_string();
        self.group
            .leave()
            .await
            .map_err(|error| Failure::of(name, error))?;
        self.client.disconnect().await;
        Ok(())
    }

    /// Cuts the socket, as the end of a process or machine does.
    pub(super) fn crash(self) -> Result<(), Failure> {
        self.socket
            .shutdown(std::net::Shutdown::Both)
            .map_err(|error| Failure::of(self.name(), error))
    }

    /// Disconnects.
    pub(super) async fn close(self) {
        self.client.disconnect().await;
    }
}
