//! A member that talks all the time and notes what it sees.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use gcs_proto::{name::MemberName, service::Service};
use ssp_core::{GroupOptions, Mismatch};
use ssp_tokio::{Client, ClientConfig, ConnectionConfig, Endpoint, Group, GroupEvent};
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::ledger::{self, Ledger};
use crate::error::Failure;

/// What all write into.
pub(super) type Shared = Arc<Mutex<Ledger>>;

/// Services that keep order.
const SERVICES: [Service; 4] = [
    Service::Fifo,
    Service::Causal,
    Service::Agreed,
    Service::Safe,
];

/// How long a send may wait for the end of a refresh: shorter than a queue takes to fill.
const TIME_LIMIT: Duration = Duration::from_millis(200);

pub(super) fn lock(ledger: &Shared) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the director asks of a member.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    Refresh,
    Leave,
    /// It is about to be killed: the end of the connection is no violation.
    Doomed,
}

/// A member that takes part.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: MemberName,
    orders: mpsc::Sender<Order>,
    task: JoinHandle<()>,
}

impl Member {
    /// Connects and asks to join; sends a message every `pause`.
    pub(super) async fn enter(
        endpoint: &Endpoint,
        config: ClientConfig,
        options: GroupOptions,
        pause: Duration,
        ledger: &Shared,
    ) -> Result<Self, Failure> {
        let connection =
            |config: ConnectionConfig| config.event_queue(4_096).wait_limit(TIME_LIMIT);
        let client = Client::connect(endpoint, config.connection(connection))
            .await
            .map_err(|error| Failure::of(endpoint, error))?;
        let name = *client.private_group();
        lock(ledger).enter(name);
        let group = "soak".parse().map_err(|error| Failure::of("soak", error))?;
        let group = client
            .join(group, options)
            .await
            .map_err(|error| Failure::of(name, error))?;
        let (orders, taken) = mpsc::channel(16);
        let actor = Actor {
            me: name,
            client,
            group,
            ledger: Arc::clone(ledger),
            pause,
            doomed: false,
        };
        Ok(Self {
            name,
            orders,
            task: tokio::spawn(actor.run(taken)),
        })
    }

    pub(super) async fn order(&self, order: Order) {
        // A member that is over already is noticed elsewhere.
        let _ = self.orders.send(order).await;
    }

    /// Waits for its end.
    pub(super) async fn ended(self) {
        drop(self.orders);
        let _ = self.task.await;
    }
}

struct Actor {
    me: MemberName,
    client: Client,
    group: Group,
    ledger: Shared,
    pause: Duration,
    doomed: bool,
}

impl Actor {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut next = Instant::now() + self.pause;
        loop {
            tokio::select! {
                event = self.group.recv() => match event {
                    Some(GroupEvent::Closed(_)) | None => break,
                    Some(event) => self.note(&event),
                },
                order = orders.recv() => match order {
                    Some(Order::Doomed) => self.doomed = true,
                    // Being about to get a new key anyway is no failure.
                    Some(Order::Refresh) => drop(self.group.refresh().await),
                    Some(Order::Leave) | None => {
                        lock(&self.ledger).end(&self.me);
                        // Left in the background if it takes longer than sends may.
                        let _ = self.group.leave().await;
                        self.client.disconnect().await;
                        return;
                    }
                },
                () = sleep_until(next) => {
                    next = Instant::now() + self.pause;
                    self.talk().await;
                }
            }
        }
        // The word may have come later than the deed.
        while let Ok(order) = orders.try_recv() {
            self.doomed |= matches!(order, Order::Doomed);
        }
        let mut ledger = lock(&self.ledger);
        if !self.doomed {
            ledger.violation(format!("{}: connection lost", self.me));
        }
        ledger.end(&self.me);
    }

    async fn talk(&self) {
        let Some(view) = self.group.view() else {
            return;
        };
        let number = lock(&self.ledger).next_number(&self.me);
        let kind = usize::try_from(number).unwrap_or_default() % SERVICES.len();
        let service = SERVICES.get(kind).copied().unwrap_or(Service::Agreed);
        let payload = ledger::write(number, &view.view.id);
        // What is not sent takes no number.
        if self.group.multicast(service, 1, payload).await.is_ok() {
            lock(&self.ledger).sent(&self.me, number);
        }
    }

    fn note(&self, event: &GroupEvent) {
        let mut ledger = lock(&self.ledger);
        match event {
            GroupEvent::SecureView(view) | GroupEvent::KeyRefreshed(view) => {
                ledger.key(&self.me, &view.into());
            }
            GroupEvent::Message(message) => {
                ledger.message(&self.me, message.sender, &message.payload);
            }
            // Of a key that a cascade of view changes kept from being installed here.
            GroupEvent::Mismatch {
                what: Mismatch::Key,
                ..
            }
            | GroupEvent::TransitionalSignal
            | GroupEvent::KeyConfirmed { .. }
            | GroupEvent::FlushBlocked { .. } => {}
            other => ledger.violation(format!("{}: {other:?}", self.me)),
        }
    }
}
