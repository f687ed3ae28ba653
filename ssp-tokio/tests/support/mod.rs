//! What the tests share: an in-process daemon, a daemon played by hand, and a guard against
//! waiting for ever.

#![allow(dead_code, unreachable_pub)]

pub mod people;
pub mod played;

use std::{future::Future, task::Poll, time::Duration};

use gcs_daemon::{Daemon, VirtualDaemon};
use ssp_tokio::{ConnectionConfig, Endpoint, gcs_proto::name::DaemonName};

/// Waits for `future`; a test that gets stuck fails with the words instead of hanging.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(60), future).await {
        Ok(value) => value,
        Err(_) => panic!("waited too long for {what}"),
    }
}

/// Polls `future` so many times, with everything else having its turn in between, and then drops it.
pub async fn polled<T>(polls: u32, future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        context.waker().wake_by_ref();
        future.as_mut().poll(context).map(Some)
    })
    .await
}

pub fn daemon_name(name: &str) -> DaemonName {
    name.parse().unwrap()
}

/// A daemon with these virtual daemons, each with a TCP port of its own.
pub async fn start_daemon(names: &[&str]) -> Daemon {
    let mut builder = Daemon::builder();
    for name in names {
        let address = "127.0.0.1:0".parse().unwrap();
        builder = builder.daemon(VirtualDaemon::new(daemon_name(name)).listen(address));
    }
    builder.start().await.unwrap()
}

pub fn endpoint(daemon: &Daemon, name: &str) -> Endpoint {
    daemon.local_addr(&daemon_name(name)).unwrap().into()
}

pub fn named(name: &str) -> ConnectionConfig {
    ConnectionConfig::new().name(name.parse().unwrap())
}
