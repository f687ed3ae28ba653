//! Two members and a daemon in one process: nothing to install, no file, no socket.
//!
//! ```text
//! cargo run -p ssp-tokio --example in_process
//! ```

#![allow(clippy::print_stdout)]

use std::sync::Arc;

use gcs_daemon::Daemon;
use ssp_tokio::gcs_proto::service::Service;
use ssp_tokio::ssp_core::identity::{Ed25519Signer, TrustStore};
use ssp_tokio::ssp_core::{Credentials, GroupOptions};
use ssp_tokio::{Client, ClientConfig, GroupEvent};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Who may be a member, by public key. Keys come from files in real life.
    let signers = [("alice", [1; 32]), ("bob", [2; 32])]
        .map(|(name, seed)| (name, Ed25519Signer::from_seed(&seed)));
    let mut trust = TrustStore::new();
    for (name, signer) in &signers {
        trust.insert(name, signer.public_key())?;
    }
    let trust = Arc::new(trust);
    let [alice, bob] = signers.map(|(name, signer)| {
        let credentials = Credentials {
            signer: Arc::new(signer),
            trust: trust.clone(),
        };
        name.parse()
            .map(|name| ClientConfig::new(name, credentials))
    });

    let n1 = "n1".parse()?;
    let daemon = Daemon::builder().daemon(n1).start().await?;
    let alice = Client::over(daemon.connect_in_process(&n1)?, alice?).await?;
    let bob = Client::over(daemon.connect_in_process(&n1)?, bob?).await?;

    let mut at_alice = alice.join("chat".parse()?, GroupOptions::default()).await?;
    let mut at_bob = bob.join("chat".parse()?, GroupOptions::default()).await?;
    while at_alice.members().len() < 2 || at_bob.members().len() < 2 {
        tokio::select! {
            _ = at_alice.recv() => {}
            _ = at_bob.recv() => {}
        }
    }
    for group in [&at_alice, &at_bob] {
        if let Some(view) = group.view() {
            println!("{:?} share key {}", view.view.members, view.fingerprint);
        }
    }

    at_alice.multicast(Service::Agreed, 0, "hello, bob").await?;
    loop {
        match at_bob.recv().await {
            Some(GroupEvent::Message(message)) => {
                println!("{}: {:?}", message.sender, message.payload);
                break;
            }
            Some(other) => println!("{other:?}"),
            None => return Err("the group is over".into()),
        }
    }

    at_bob.leave().await?;
    alice.disconnect().await;
    daemon.shutdown().await;
    Ok(())
}
