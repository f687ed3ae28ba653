//! A folder into which members of a group drop files, of any length, in constant memory.
//!
//! ```text
//! cargo run -p ssp-tokio --example file_drop -- 4803@localhost bob   drop bob.key   trust inbox
//! cargo run -p ssp-tokio --example file_drop -- 4803@localhost alice drop alice.key trust inbox2 big.iso
//! ```
//!
//! The key and the trust file are those of `ssp identity`. Without files it receives for ever; with
//! files it waits for somebody to be there, sends them and ends. A lost connection is replaced.

#![allow(clippy::print_stdout)]

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use ssp_tokio::{
    ClientConfig, Endpoint, GroupEvent, StreamError,
    gcs_proto::{name::MemberName, service::Service},
    persistent::{Backoff, PersistentClient, PersistentEvent, PersistentGroup},
    ssp_core::{
        Credentials, GroupOptions, PartDelivery, PartEnd, RecordSuite, SecureMessage,
        identity::{Ed25519Signer, TrustStore},
    },
};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinHandle,
};

/// Message type of a file: one byte for the length of its name, the name, the content.
const FILE: i16 = 1;

/// Files of which parts are missing, by sender and number of the message.
type Open = BTreeMap<(MemberName, u32), (PathBuf, PathBuf, File)>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [daemon, name, group, identity, trust, folder, files @ ..] = arguments.as_slice() else {
        return Err(
            "usage: file_drop <daemon> <name> <group> <key> <trust> <folder> [file..]".into(),
        );
    };
    let credentials = Credentials {
        signer: Arc::new(Ed25519Signer::from_pem(&fs::read_to_string(identity)?)?),
        trust: Arc::new(fs::read_to_string(trust)?.parse::<TrustStore>()?),
    };
    let config = ClientConfig::new(name.parse()?, credentials);
    let endpoints: [Endpoint; 1] = [daemon.parse()?];
    let client = PersistentClient::connect(endpoints, config, Backoff::default()).await?;
    let options = GroupOptions {
        record: RecordSuite::AES_256_GCM,
        parts: PartDelivery::Streamed,
        ..GroupOptions::default()
    };
    let mut group = client.join(group.parse()?, options);
    let folder = Path::new(folder);
    fs::create_dir_all(folder)?;

    let mut open = Open::new();
    let mut rest: Vec<&String> = files.iter().rev().collect();
    let mut sending: Option<JoinHandle<Result<u64, StreamError>>> = None;
    loop {
        tokio::select! {
            event = group.recv() => match event.ok_or("the group is over")? {
                PersistentEvent::Group(GroupEvent::SecureView(view)) => {
                    println!("members: {:?}", view.view.members);
                    // What another key cut off is sent anew.
                    drop_all(&mut open)?;
                }
                PersistentEvent::Group(GroupEvent::KeyRefreshed(_)) => drop_all(&mut open)?,
                PersistentEvent::Group(GroupEvent::Message(message)) => {
                    let own = Some(message.sender) == client.private_group();
                    if message.message_type == FILE && !own {
                        take(folder, &mut open, &message).await?;
                    }
                }
                PersistentEvent::GivenUp(error) => return Err(error.into()),
                other => println!("{other:?}"),
            },
            sent = ended(&mut sending) => {
                sending = None;
                match sent? {
                    Ok(bytes) => {
                        if let Some(path) = rest.pop() {
                            println!("sent {path}, {bytes} bytes with its name");
                        }
                    }
                    Err(error) => println!("begins anew: {error}"),
                }
            }
        }
        let company = group
            .joined()
            .is_some_and(|group| group.members().len() > 1);
        match rest.last() {
            Some(path) if sending.is_none() && company => {
                sending = send(&group, Path::new(path)).await?;
            }
            None if !files.is_empty() && sending.is_none() => break,
            Some(_) | None => {}
        }
    }
    group.leave().await?;
    client.disconnect().await;
    Ok(())
}

/// Begins to send a file in a task of its own; none while there is no key.
async fn send(
    group: &PersistentGroup,
    path: &Path,
) -> Result<Option<JoinHandle<Result<u64, StreamError>>>, Box<dyn Error>> {
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.filter(|name| is_plain(name));
    let name = name.ok_or_else(|| format!("nobody would take the name of {}", path.display()))?;
    let header = [&[u8::try_from(name.len())?], name.as_bytes()].concat();
    let opened = File::open(path).await;
    let file = opened.map_err(|error| format!("{}: {error}", path.display()))?;
    let Some(joined) = group.joined() else {
        return Ok(None);
    };
    // A view that has changed comes as an event, after which this is called again.
    let Ok(sender) = joined.begin_parts(Service::Fifo, FILE).await else {
        return Ok(None);
    };
    let content = std::io::Cursor::new(header).chain(file);
    Ok(Some(tokio::spawn(sender.send_all(content, |_| {}))))
}

async fn ended(
    sending: &mut Option<JoinHandle<Result<u64, StreamError>>>,
) -> Result<Result<u64, StreamError>, tokio::task::JoinError> {
    match sending {
        Some(task) => task.await,
        None => std::future::pending().await,
    }
}

/// Writes a part; a file has its name once it is complete.
async fn take(
    folder: &Path,
    open: &mut Open,
    message: &SecureMessage,
) -> Result<(), Box<dyn Error>> {
    let (number, index, end) = match message.part {
        Some(part) => (part.message, part.index, part.end),
        None => return Ok(()),
    };
    let key = (message.sender, number);
    let mut content = &message.payload[..];
    if index == 0 {
        let Some((name, rest)) = split(content) else {
            println!("a file of {} has no name to be taken by", message.sender);
            return Ok(());
        };
        content = rest;
        let whole = folder.join(name);
        let part = folder.join(format!(".{}-{number}.part", message.sender));
        let file = File::create(&part).await?;
        open.insert(key, (part, whole, file));
    }
    let Some((_, _, file)) = open.get_mut(&key) else {
        return Ok(());
    };
    file.write_all(content).await?;
    if end == PartEnd::Last
        && let Some((part, whole, mut file)) = open.remove(&key)
    {
        file.flush().await?;
        fs::rename(part, &whole)?;
        println!("{} dropped {}", message.sender, whole.display());
    }
    Ok(())
}

/// The name in front of a content. Whoever sent it chose it, so only a plain name is taken.
fn split(payload: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = payload.split_first()?;
    let (name, content) = rest.split_at_checked(usize::from(*length))?;
    let name = std::str::from_utf8(name).ok()?;
    is_plain(name).then_some((name, content))
}

/// Whether a name stays in the folder, is not hidden, and shows as what it is.
fn is_plain(name: &str) -> bool {
    let plain = |letter: char| letter.is_alphanumeric() || " .,-_()+".contains(letter);
    !name.is_empty() && name.len() <= 255 && !name.starts_with('.') && name.chars().all(plain)
}

fn drop_all(open: &mut Open) -> std::io::Result<()> {
    std::mem::take(open)
        .into_values()
        .try_for_each(|(part, _, _)| fs::remove_file(part))
}
