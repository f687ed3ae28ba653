//! Members with identities, and waiting for what they agree on.

use std::sync::Arc;

use gcs_daemon::Daemon;
use ssp_tokio::{
    Client, ClientConfig, Group, GroupEvent,
    gcs_proto::name::{GroupName, MemberName},
    ssp_core::{
        Credentials, Fingerprint, GroupOptions, SecureMessage, SecureViewEvent,
        identity::{Ed25519Signer, TrustStore},
    },
};

use super::{endpoint, soon};

/// Everybody who may be a member in these tests.
pub const TRUSTED: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

pub fn group() -> GroupName {
    "g".parse().unwrap()
}

fn signer(name: &str) -> Ed25519Signer {
    let mut seed = [0; 32];
    seed[..name.len()].copy_from_slice(name.as_bytes());
    Ed25519Signer::from_seed(&seed)
}

/// The key of `name`; knows the trusted ones and, so that it may join at all, itself.
pub fn credentials(name: &str) -> Credentials {
    let mut trust = TrustStore::new();
    for known in TRUSTED {
        trust.insert(known, signer(known).public_key()).unwrap();
    }
    if !TRUSTED.contains(&name) {
        trust.insert(name, signer(name).public_key()).unwrap();
    }
    Credentials {
        signer: Arc::new(signer(name)),
        trust: Arc::new(trust),
    }
}

pub fn config(name: &str) -> ClientConfig {
    ClientConfig::new(name.parse().unwrap(), credentials(name))
}

/// A client and its one group.
pub struct Person {
    pub client: Client,
    pub group: Group,
}

impl Person {
    /// Connects over TCP and joins with the usual options.
    pub async fn join(daemon: &Daemon, at: &str, name: &str) -> Self {
        Self::join_with(daemon, at, config(name), GroupOptions::default()).await
    }

    pub async fn join_with(
        daemon: &Daemon,
        at: &str,
        config: ClientConfig,
        options: GroupOptions,
    ) -> Self {
        let client = Client::connect(&endpoint(daemon, at), config)
            .await
            .unwrap();
        let group = client.join(group(), options).await.unwrap();
        Self { client, group }
    }

    pub fn me(&self) -> MemberName {
        *self.client.private_group()
    }

    pub async fn next(&mut self) -> GroupEvent {
        soon("an event", self.group.recv()).await.unwrap()
    }

    /// Skips what may come between until a secure view has exactly these members.
    pub async fn view_of(&mut self, members: &[MemberName]) -> SecureViewEvent {
        loop {
            match self.next().await {
                GroupEvent::SecureView(view) if view.view.members == members => return view,
                GroupEvent::SecureView(_)
                | GroupEvent::TransitionalSignal
                // Somebody may be slow on a busy machine.
                | GroupEvent::FlushBlocked { .. } => {}
                other => panic!("{other:?} at {} before {members:?}", self.me()),
            }
        }
    }

    pub async fn message(&mut self) -> SecureMessage {
        match self.next().await {
            GroupEvent::Message(message) => message,
            other => panic!("{other:?} at {}", self.me()),
        }
    }

    pub async fn refreshed(&mut self) -> SecureViewEvent {
        match self.next().await {
            GroupEvent::KeyRefreshed(view) => view,
            other => panic!("{other:?} at {}", self.me()),
        }
    }
}

/// Waits until all of them, and only they, share a key; tells its fingerprint.
pub async fn agree(people: &mut [Person]) -> Fingerprint {
    let mut members: Vec<_> = people.iter().map(Person::me).collect();
    // The daemon orders by daemon, then by name; so do these names.
    members.sort_by_key(|name| {
        let (session, daemon) = name.as_str()[1..].split_once('#').unwrap();
        (daemon.to_owned(), session.to_owned())
    });
    let mut prints = Vec::new();
    for person in people {
        let view = person.view_of(&members).await;
        assert_eq!(person.group.members(), members);
        prints.push(view.fingerprint);
    }
    assert!(prints.iter().all(|print| *print == prints[0]), "{prints:?}");
    prints[0]
}
