//! A replicated counter: a state machine on agreed order, among members that come and go.
//!
//! ```text
//! cargo run -p ssp-tokio --example counter
//! ```
//!
//! Every operation is an AGREED message, so all members of a view apply the same ones in the same
//! order. Who comes does not have the state. So when members may have met, all that have a state give
//! it, as of the beginning of the view; all take over the one that is delivered first, which is the
//! same everywhere, before they apply what was sent in the view. Where two sides of a partition meet,
//! one of their states is thereby given up; an application for which that will not do merges them.

#![allow(clippy::print_stdout)]

use std::{error::Error, sync::Arc};

use gcs_daemon::Daemon;
use ssp_tokio::{
    Client, ClientConfig, Group, GroupEvent,
    gcs_proto::{gcs::Cause, name::MemberName, service::Service},
    ssp_core::{
        Credentials, GroupOptions, SecureViewEvent,
        identity::{Ed25519Signer, TrustStore},
    },
};

/// Message type of an operation: the number to add.
const ADD: i16 = 1;
/// Message type of a state: the value.
const STATE: i16 = 2;

/// The state machine, and what waits for a state.
#[derive(Debug, Default)]
struct Counter {
    value: i64,
    /// Whether the value is one, and not that of a newcomer.
    has_state: bool,
    /// Operations that wait for a state of the present view.
    waiting: Option<Vec<i64>>,
}

impl Counter {
    fn apply(&mut self, number: i64) {
        match &mut self.waiting {
            Some(later) => later.push(number),
            None => self.value += number,
        }
    }

    /// Only the first state of a view counts.
    fn take_over(&mut self, sender: &MemberName, value: i64) {
        if let Some(later) = self.waiting.take() {
            println!("  state {value} of {sender}");
            self.value = value + later.into_iter().sum::<i64>();
            self.has_state = true;
        }
    }

    /// A new view; tells the state to give, if there is one to be given.
    fn enter(&mut self, view: &SecureViewEvent) -> Option<i64> {
        // Members that moved here together have waited for the same state in vain, and know the same
        // operations.
        let interrupted = self.waiting.take();
        let may_have_met = matches!(view.view.cause, Cause::Join(_) | Cause::Network);
        self.value += interrupted.iter().flatten().sum::<i64>();
        if view.view.members.len() == 1 {
            self.has_state = true;
        } else if may_have_met || interrupted.is_some() {
            self.waiting = Some(Vec::new());
            return self.has_state.then_some(self.value);
        }
        None
    }
}

/// A member with its copy of the counter.
struct Replica {
    /// Ends the connection when it is dropped.
    _client: Client,
    group: Group,
    counter: Counter,
}

impl Replica {
    async fn add(&self, number: i64) -> Result<(), Box<dyn Error>> {
        let bytes = number.to_be_bytes().to_vec();
        Ok(self.group.multicast(Service::Agreed, ADD, bytes).await?)
    }

    /// Carries on with an event. Not to be dropped half way, as taking the event may be.
    async fn handle(&mut self, event: GroupEvent) -> Result<(), Box<dyn Error>> {
        match event {
            GroupEvent::SecureView(view) => {
                if let Some(state) = self.counter.enter(&view) {
                    let bytes = state.to_be_bytes().to_vec();
                    self.group.multicast(Service::Agreed, STATE, bytes).await?;
                }
            }
            GroupEvent::Message(message) => {
                let number = i64::from_be_bytes(message.payload.as_ref().try_into()?);
                match message.message_type {
                    STATE => self.counter.take_over(&message.sender, number),
                    _ => self.counter.apply(number),
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let n1 = "n1".parse()?;
    let daemon = Daemon::builder().daemon(n1).start().await?;
    let names = ["ada", "bob", "cat"];
    let mut trust = TrustStore::new();
    let signers = [1, 2, 3].map(|seed| Ed25519Signer::from_seed(&[seed; 32]));
    for (name, signer) in names.iter().zip(&signers) {
        trust.insert(name, signer.public_key())?;
    }
    let trust = Arc::new(trust);

    let mut replicas: Vec<Replica> = Vec::new();
    let mut expected = 0;
    for (number, (name, signer)) in (1_i64..).zip(names.iter().zip(signers)) {
        let credentials = Credentials {
            signer: Arc::new(signer),
            trust: trust.clone(),
        };
        let config = ClientConfig::new(name.parse()?, credentials);
        let client = Client::over(daemon.connect_in_process(&n1)?, config).await?;
        let group = client
            .join("count".parse()?, GroupOptions::default())
            .await?;
        println!("{name} joins");
        replicas.push(Replica {
            _client: client,
            group,
            counter: Counter::default(),
        });
        // Until all are there and have the state.
        let all = replicas.len();
        settle(&mut replicas, |replica| {
            replica.group.members().len() == all && replica.counter.waiting.is_none()
        })
        .await?;
        for replica in &replicas {
            replica.add(number).await?;
            expected += number;
        }
        settle(&mut replicas, |replica| replica.counter.value == expected).await?;
        println!("  all have {expected}");
    }
    for replica in replicas {
        assert_eq!(replica.counter.value, 1 + 2 * 2 + 3 * 3);
        replica.group.leave().await?;
    }
    daemon.shutdown().await;
    Ok(())
}

/// Lets all take events until they are as they should be.
async fn settle(
    replicas: &mut [Replica],
    done: impl Fn(&Replica) -> bool,
) -> Result<(), Box<dyn Error>> {
    while !replicas.iter().all(&done) {
        let taken = replicas
            .iter_mut()
            .map(|replica| Box::pin(replica.group.recv()));
        let (event, at, _) = futures_util::future::select_all(taken).await;
        let replica = replicas.get_mut(at).ok_or("no such replica")?;
        replica.handle(event.ok_or("the group is over")?).await?;
    }
    Ok(())
}
