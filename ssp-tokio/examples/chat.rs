//! A chat among members that know each other's public keys.
//!
//! ```text
//! cargo run -p ssp-tokio --example chat -- 4803@localhost alice chat alice.pem trust.txt
//! ```
//!
//! `alice.pem` is an Ed25519 key in PKCS#8; the trust file has a line `<name> ed25519 <base64>` for
//! every member. Lines typed go to the group; `/refresh` asks for a new key, `/quit` leaves.

#![allow(clippy::print_stdout)]

use std::{env, error::Error};

use ssp_tokio::{Client, ClientConfig, Endpoint, Group, GroupEvent, GroupOptions, Service};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [daemon, name, group, identity, trust] = arguments.as_slice() else {
        return Err("usage: chat <daemon> <name> <group> <identity file> <trust file>".into());
    };
    let config = ClientConfig::from_files(name.parse()?, identity, [trust])?;
    let client = Client::connect(&daemon.parse::<Endpoint>()?, config).await?;
    println!("connected as {}", client.private_group());

    let mut group = client.join(group.parse()?, GroupOptions::default()).await?;
    let mut lines = BufReader::new(stdin()).lines();
    loop {
        tokio::select! {
            event = group.recv() => match event {
                Some(event) => show(&event),
                None => return Ok(()),
            },
            line = lines.next_line() => match line?.as_deref() {
                None | Some("/quit") => break,
                Some("/refresh") => refresh(&group).await,
                Some(text) => say(&group, text).await,
            },
        }
    }
    group.leave().await?;
    client.disconnect().await;
    Ok(())
}

async fn refresh(group: &Group) {
    if let Err(error) = group.refresh().await {
        // For instance, because there is a new key under way already.
        println!("no new key asked for, {error}");
    }
}

async fn say(group: &Group, text: &str) {
    let sent = group.multicast(Service::Agreed, 0, text.to_owned()).await;
    if let Err(error) = sent {
        // The text is in the error; whoever typed it sees the new members first.
        println!("not sent, {error}");
    }
}

fn show(event: &GroupEvent) {
    match event {
        GroupEvent::SecureView(view) | GroupEvent::KeyRefreshed(view) => {
            println!("key {} shared by {:?}", view.fingerprint, view.view.members);
        }
        GroupEvent::Message(message) => {
            let text = String::from_utf8_lossy(&message.payload);
            println!("{}: {}", message.sender, text.escape_debug());
        }
        other => println!("{other:?}"),
    }
}
