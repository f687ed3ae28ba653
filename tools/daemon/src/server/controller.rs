//! The task that changes the network between virtual daemons, one change after the other.
//!
//! It owns the sockets, which are opened and closed with waiting; the router it changes through
//! the hub like everybody else.

use std::sync::Arc;

use gcs_proto::name::DaemonName;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::info;

use super::{
    hub::{Hub, now},
    ports::Ports,
};
use crate::{
    error::Error,
    router::{Cut, Partition},
};

/// Orders that may wait.
pub(crate) const ORDERS: usize = 64;

/// What may be asked for, with the way back for the answer.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) change: Change,
    pub(crate) reply: oneshot::Sender<Result<(), Error>>,
}

/// A change of the network.
#[derive(Debug)]
pub(crate) enum Change {
    Partition(Partition, Cut),
    Heal,
    Hold,
    Release,
    Stop(DaemonName),
    Start(DaemonName),
}

pub(crate) async fn run(
    hub: Arc<Hub>,
    mut ports: Ports,
    mut orders: mpsc::Receiver<Order>,
    mut shutdown: watch::Receiver<()>,
) {
    loop {
        let order = tokio::select! {
            biased;
            _ = shutdown.changed() => break,
            order = orders.recv() => order,
        };
        let Some(Order { change, reply }) = order else {
            break;
        };
        let done = carry_out(&hub, &mut ports, change).await;
        // Who asked may have stopped waiting.
        let _ = reply.send(done);
    }
    ports.close_all().await;
}

async fn carry_out(hub: &Hub, ports: &mut Ports, change: Change) -> Result<(), Error> {
    match change {
        Change::Partition(partition, cut) => {
            hub.change(|router| router.partition_at(&partition, cut, now()))?;
            info!(%partition, "partitioned");
        }
        Change::Heal => {
            hub.change(|router| router.heal(now()));
            info!("healed");
        }
        Change::Hold => hub.change(crate::router::Router::hold),
        Change::Release => hub.change(crate::router::Router::release),
        Change::Stop(name) => {
            hub.change(|router| router.stop(&name, now()))?;
            info!(daemon = %name, "stopped");
            ports.close(&name).await;
        }
        Change::Start(name) => {
            hub.change(|router| router.start(&name, now()))?;
            if let Err(error) = ports.open(&name).await {
                // Without its sockets it is as good as stopped; it runs, so it can stop.
                let _ = hub.change(|router| router.stop(&name, now()));
                return Err(error);
            }
        }
    }
    Ok(())
}
