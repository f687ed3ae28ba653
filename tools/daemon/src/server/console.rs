//! Control protocol: lines of text on a Unix socket.
//!
//! | command | does |
//! |---|---|
//! | `partition n1 n2 \| n3` | divides the running daemons |
//! | `heal` | lets all running daemons reach each other |
//! | `stop n2` | stops a virtual daemon |
//! | `start n2` | starts it again, alone |
//! | `hold` | orders what clients ask from now on and delivers nothing of it |
//! | `release` | delivers what is held; a change of the network does so as well |
//! | `drop #alice#n1` | closes a session without goodbye |
//! | `status` | counters and topology, `name=value` |
//! | `stats` | the same as a JSON object |
//!
//! Each line is answered by one line, `ok` with what there is to say, or `error` with the reason.

use std::{path::PathBuf, str::FromStr};

use gcs_proto::name::{DaemonName, MemberName};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::watch,
};
use tracing::warn;

use super::{Control, shared::TaskGuard};
use crate::{error::Error, router::Partition};

/// Longest line taken; a longer one ends the conversation.
const LINE: u64 = 4_096;

/// One command of the control protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `partition n1 n2 | n3`
    Partition(Partition),
    /// `heal`
    Heal,
    /// `stop n2`
    Stop(DaemonName),
    /// `start n2`
    Start(DaemonName),
    /// `hold`
    Hold,
    /// `release`
    Release,
    /// `drop #alice#n1`
    Drop(MemberName),
    /// `status`
    Status,
    /// `stats`
    Stats,
}

impl FromStr for Command {
    type Err = Error;

    fn from_str(line: &str) -> Result<Self, Error> {
        let line = line.trim();
        let (verb, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        match (verb, rest) {
            ("partition", sides) => Ok(Self::Partition(sides.parse()?)),
            ("heal", "") => Ok(Self::Heal),
            ("stop", name) => Ok(Self::Stop(name.parse()?)),
            ("start", name) => Ok(Self::Start(name.parse()?)),
            ("drop", member) => Ok(Self::Drop(member.parse()?)),
            ("hold", "") => Ok(Self::Hold),
            ("release", "") => Ok(Self::Release),
            ("status", "") => Ok(Self::Status),
            ("stats", "") => Ok(Self::Stats),
            _ => Err(Error::Command(line.to_owned())),
        }
    }
}

impl Command {
    /// Carries the command out and says what there is to say.
    ///
    /// # Errors
    /// Those of the calls of [`Control`].
    ///
    /// # Cancel safety
    /// A call that is dropped may take effect all the same.
    pub async fn run(self, control: &Control) -> Result<String, Error> {
        match self {
            Self::Partition(partition) => control.partition(partition).await?,
            Self::Heal => control.heal().await?,
            Self::Stop(name) => control.stop_daemon(name).await?,
            Self::Start(name) => control.start_daemon(name).await?,
            Self::Drop(member) => control.drop_session(member).await?,
            Self::Hold => control.hold().await?,
            Self::Release => control.release().await?,
            Self::Stats => return Ok(control.stats().await?.to_json()),
            Self::Status => return Ok(control.stats().await?.to_string()),
        }
        Ok(format!("topology={}", control.stats().await?.topology))
    }
}

/// Takes conversations until the daemon is shut down, then removes the socket.
pub(crate) async fn serve(
    listener: UnixListener,
    path: PathBuf,
    control: Control,
    mut shutdown: watch::Receiver<()>,
    guard: TaskGuard,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            _ = shutdown.changed() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let control = control.clone();
                let mut shutdown = shutdown.clone();
                let guard = guard.clone();
                tokio::spawn(async move {
                    let _guard = guard;
                    tokio::select! {
                        _ = shutdown.changed() => {}
                        () = converse(stream, &control) => {}
                    }
                });
            }
            Err(error) => {
                warn!(%error, "accept on control socket");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
    // Somebody may have removed it before us.
    let _ = std::fs::remove_file(&path);
}

async fn converse(stream: UnixStream, control: &Control) {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    loop {
        line.clear();
        let mut bounded = (&mut reader).take(LINE);
        match bounded.read_until(b'\n', &mut line).await {
            Ok(1..) if line.ends_with(b"\n") => {}
            // End of stream, an unfinished or over-long line, or a failure.
            Ok(_) | Err(_) => return,
        }
        let answer = answer(&line, control).await;
        if writer.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn answer(line: &[u8], control: &Control) -> String {
    let text = String::from_utf8_lossy(line);
    let done = match text.parse::<Command>() {
        Ok(command) => command.run(control).await,
        Err(error) => Err(error),
    };
    match done {
        Ok(said) => format!("ok {said}\n"),
        Err(error) => format!("error {error}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_read() {
        assert_eq!("heal\n".parse(), Ok(Command::Heal));
        assert_eq!("hold".parse(), Ok(Command::Hold));
        assert_eq!("release".parse(), Ok(Command::Release));
        assert_eq!("stats".parse(), Ok(Command::Stats));
        assert_eq!(
            "stop  n2 ".parse(),
            Ok(Command::Stop("n2".parse().unwrap()))
        );
        assert_eq!(
            "partition n1|n2".parse(),
            Ok(Command::Partition("n1 | n2".parse().unwrap()))
        );
        assert_eq!(
            "drop #a#n1".parse(),
            Ok(Command::Drop("#a#n1".parse().unwrap()))
        );
        for wrong in ["", "healing", "heal n1", "status now"] {
            assert_eq!(
                wrong.parse::<Command>(),
                Err(Error::Command(wrong.to_owned()))
            );
        }
        assert!(matches!("stop".parse::<Command>(), Err(Error::Name(_))));
    }
}
