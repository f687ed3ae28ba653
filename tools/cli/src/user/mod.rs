//! `ssp user`: take part in groups, by hand or from a script.
//!
//! One of three layers stands behind the same commands and events: bare messages (`plain`),
//! view-synchronous messages (`flush`), secure groups (`secure`). The end of the input ends the
//! program in good order; an interrupt ends it at once.

mod command;
mod flush;
mod incoming;
mod input;
mod pending;
mod person;
mod plain;
mod room;
mod secure;
mod show;
mod transfer;
mod views;

use gcs_proto::{gcs::CloseReason, name::GroupName};
use ssp_tokio::{ConnectionConfig, Endpoint, files};

use crate::{
    cli,
    error::Failure,
    output::{Event, Printer},
    printable::printable,
    signal::Interrupts,
};

/// Message type of text lines.
const TEXT: i16 = 1;
/// Message type of files: 16-bit big-endian length of the name, name, content.
const FILE: i16 = 2;

pub(crate) async fn run(options: cli::User, printer: Printer) -> Result<(), Failure> {
    let mut interrupts = Interrupts::listen()?;
    let work = async {
        if options.plain {
            plain::run(&options, printer).await
        } else if options.flush {
            flush::run(&options, printer).await
        } else {
            secure::run(&options, printer).await
        }
    };
    tokio::select! {
        result = work => result?,
        // Others see it disconnect. What still waits for a key is not waited for.
        () = interrupts.next() => {}
    }
    printer.print(&show::closed(None));
    Ok(())
}

/// The connection ended without our doing.
fn lost(printer: Printer, reason: &CloseReason) -> Failure {
    ended(
        printer,
        show::close_reason(reason).unwrap_or_else(|| "connection is over".into()),
    )
}

/// There is no connection any more, and will be none.
fn ended(printer: Printer, reason: String) -> Failure {
    printer.print(&show::closed(Some(&reason)));
    Failure::Failed(reason)
}

/// Connects to the first daemon that answers.
async fn connect_any<C>(
    endpoints: &[Endpoint],
    connect: impl AsyncFn(&Endpoint) -> Result<C, ssp_tokio::Error>,
) -> Result<C, Failure> {
    let mut last = ssp_tokio::Error::NoEndpoint;
    for endpoint in endpoints {
        match connect(endpoint).await {
            Ok(client) => return Ok(client),
            Err(error) => last = error,
        }
    }
    Err(Failure::Failed(last.to_string()))
}

fn connection(options: &cli::User) -> ConnectionConfig {
    ConnectionConfig::new().name(options.name)
}

/// A connection that has nothing but the own identity, if there is one, to show to a daemon.
fn keyless(options: &cli::User) -> Result<ConnectionConfig, Failure> {
    let config = connection(options);
    Ok(match &options.identity {
        Some(file) => config.identity(files::identity(file)?),
        None => config,
    })
}

/// Whether the lines go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Continue,
    End,
}

/// A command that was not carried out does not end the program.
fn report(printer: Printer, group: Option<&GroupName>, error: impl std::fmt::Display) {
    let error = error.to_string();
    let place = group.map_or_else(String::new, |group| format!("[{group}] "));
    let text = format!("{place}! {}", printable(&error));
    let mut event = Event::new("error", text).with("error", error);
    if let Some(group) = group {
        event = event.with("group", group.as_str());
    }
    printer.print(&event);
}

/// Reports messages of a group that could not be sent, and tells how many they are.
fn report_unsent(printer: Printer, group: &GroupName, unsent: usize) -> usize {
    if unsent > 0 {
        report(
            printer,
            Some(group),
            format!("messages that were not sent: {unsent}"),
        );
    }
    unsent
}

/// What the program comes to when so many messages could not be sent.
fn all_sent(unsent: usize) -> Result<(), Failure> {
    match unsent {
        0 => Ok(()),
        unsent => Err(Failure::Failed(format!(
            "messages that were not sent: {unsent}"
        ))),
    }
}

fn help(printer: Printer) {
    let commands: Vec<&str> = command::HELP.lines().collect();
    printer.print(&Event::new("help", command::HELP).with("commands", commands));
}

/// A file as one message: its name, then its content.
async fn file_message(path: &std::path::Path, max: usize) -> Result<bytes::Bytes, String> {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let describe = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let metadata = tokio::fs::metadata(path)
        .await
        .map_err(|error| describe(&error))?;
    // What has no length may have no end.
    if !metadata.is_file() {
        return Err(describe(&"not a file"));
    }
    let room = max.saturating_sub(2 + name.len());
    if metadata.len() > room as u64 {
        let error = format!(
            "{} bytes, at most {room} fit into a message",
            metadata.len()
        );
        return Err(describe(&error));
    }
    let content = tokio::fs::read(path)
        .await
        .map_err(|error| describe(&error))?;
    let length = u16::try_from(name.len()).map_err(|error| describe(&error))?;
    let mut message = Vec::with_capacity(2 + name.len() + content.len());
    message.extend_from_slice(&length.to_be_bytes());
    message.extend_from_slice(name.as_bytes());
    message.extend_from_slice(&content);
    Ok(message.into())
}

/// Reads what [`file_message`] made; `None` for anything else.
fn split_file(message: &[u8]) -> Option<(String, &[u8])> {
    let (length, rest) = message.split_first_chunk::<2>()?;
    let (name, content) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((String::from_utf8_lossy(name).into_owned(), content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_are_no_file() {
        assert_eq!(split_file(b""), None);
        assert_eq!(split_file(&[0]), None);
        assert_eq!(split_file(&[0, 2, b'a']), None);
        assert_eq!(split_file(&[0, 1, b'a', 7]), Some(("a".into(), &[7][..])));
    }
}
