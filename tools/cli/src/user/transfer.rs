//! Files on their way out of a secure group: one after the other, in parts, in constant memory.
//!
//! A file is one message, however long: 16-bit big-endian length of the name, name, content. It is
//! bound to the key under which it began; a new view or key ends it, and it begins anew with that.

use std::{
    collections::VecDeque,
    io::{Cursor, IsTerminal, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use gcs_proto::service::Service;
use ssp_tokio::{Group, PartSender, SendFailure, StreamError};
use tokio::{fs::File, io::AsyncReadExt, task::JoinHandle};

use super::{FILE, pending::waits_for_key};
use crate::{
    output::{Format, Printer},
    printable::printable,
    terminal,
};

/// Files that may wait.
const FILES_MAX: usize = 64;
/// Times that a file is begun.
const ATTEMPTS: u32 = 16;
/// Time between two lines of progress.
const TICK: Duration = Duration::from_millis(200);

/// A file to be sent.
#[derive(Debug)]
struct Job {
    path: PathBuf,
    attempts: u32,
}

/// What became of a file.
#[derive(Debug)]
pub(super) enum Outcome {
    /// So many bytes are sent, and how long that took.
    Sent(PathBuf, u64, Duration),
    /// It begins anew with the next key.
    Again(String),
    /// The group does not take it.
    Refused(SendFailure),
    Failed(String),
}

/// Why no file begins now.
#[derive(Debug)]
pub(super) enum Idle {
    /// There is none, or one is under way.
    Nothing,
    /// The group has no key, or is about to have another.
    NoKey(String),
    /// The group does not take it.
    Refused(SendFailure),
    Failed(String),
}

/// The task that sends a file.
type Sending = JoinHandle<Result<u64, StreamError>>;

/// Files that wait, and the one under way.
#[derive(Debug)]
pub(super) struct Transfers {
    printer: Printer,
    waiting: VecDeque<Job>,
    under_way: Option<(Job, Instant, Sending)>,
}

impl Transfers {
    pub(super) const fn new(printer: Printer) -> Self {
        Self {
            printer,
            waiting: VecDeque::new(),
            under_way: None,
        }
    }

    pub(super) fn push(&mut self, path: PathBuf) -> Result<(), String> {
        if self.waiting.len() >= FILES_MAX {
            return Err(format!(
                "{FILES_MAX} files wait already, {} is dropped",
                path.display()
            ));
        }
        self.waiting.push_back(Job { path, attempts: 0 });
        Ok(())
    }

    /// Files that are not sent.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + usize::from(self.under_way.is_some())
    }

    /// Begins the next file, if none is under way.
    pub(super) async fn begin(&mut self, group: &Group) -> Result<(), Idle> {
        if self.under_way.is_some() {
            return Err(Idle::Nothing);
        }
        let Some(mut job) = self.waiting.pop_front() else {
            return Err(Idle::Nothing);
        };
        let sender = match group.begin_parts(Service::Agreed, FILE).await {
            Ok(sender) => sender,
            Err(failure) if waits_for_key(&failure) => {
                self.waiting.push_front(job);
                return Err(Idle::NoKey(failure.to_string()));
            }
            Err(failure) => return Err(Idle::Refused(failure)),
        };
        let (header, file, size) = match open(&job.path).await {
            Ok(opened) => opened,
            Err(error) => return Err(failed(&job.path, &error)),
        };
        job.attempts += 1;
        let progress = Progress::new(self.printer, &job.path, size);
        let task = tokio::spawn(send(sender, header, file, progress));
        self.under_way = Some((job, Instant::now(), task));
        Ok(())
    }

    /// Waits until the file under way is sent or not; for ever if there is none.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn ended(&mut self) -> Outcome {
        let Some((_, _, task)) = &mut self.under_way else {
            return std::future::pending().await;
        };
        let ended = task.await;
        let Some((job, began, _)) = self.under_way.take() else {
            return Outcome::Failed("no file is under way".into());
        };
        let path = job.path.display().to_string();
        match ended {
            Ok(Ok(size)) => Outcome::Sent(job.path, size, began.elapsed()),
            Ok(Err(StreamError::Send(failure)))
                if job.attempts < ATTEMPTS && !is_final(&failure) =>
            {
                self.waiting.push_front(job);
                Outcome::Again(format!("{path}: {failure}"))
            }
            Ok(Err(StreamError::Send(failure))) => Outcome::Refused(failure),
            Ok(Err(error)) => Outcome::Failed(format!("{path}: {error}")),
            Err(error) => Outcome::Failed(format!("{path}: {error}")),
        }
    }
}

impl Drop for Transfers {
    fn drop(&mut self) {
        if let Some((_, _, task)) = &self.under_way {
            task.abort();
        }
    }
}

/// Whether a file fails under the next key as well.
const fn is_final(failure: &SendFailure) -> bool {
    matches!(
        failure,
        SendFailure::Session(ssp_core::SendError::Denied { .. })
    )
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> Idle {
    Idle::Failed(format!("{}: {error}", path.display()))
}

/// Opens a file; tells what comes before its content, and its length.
async fn open(path: &Path) -> std::io::Result<(Vec<u8>, File, u64)> {
    // A pipe that is opened waits for its other end.
    if !tokio::fs::metadata(path).await?.is_file() {
        return Err(std::io::Error::other("not a file"));
    }
    let file = File::open(path).await?;
    let metadata = file.metadata().await?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let length = u16::try_from(name.len()).map_err(std::io::Error::other)?;
    let header = [&length.to_be_bytes()[..], name.as_bytes()].concat();
    Ok((header, file, metadata.len()))
}

async fn send(
    sender: PartSender,
    header: Vec<u8>,
    file: File,
    mut progress: Progress,
) -> Result<u64, StreamError> {
    let before = header.len() as u64;
    // What is appended while it is sent is not part of it.
    let content = file.take(progress.size);
    let sent = sender
        .send_all(Cursor::new(header).chain(content), |sent| {
            progress.show(sent.saturating_sub(before));
        })
        .await;
    progress.clear();
    sent.map(|sent| sent.saturating_sub(before))
}

/// A line that tells how far a file is, for people at a terminal.
struct Progress {
    shown: bool,
    name: String,
    size: u64,
    began: Instant,
    next: Instant,
}

impl Progress {
    fn new(printer: Printer, path: &Path, size: u64) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let now = Instant::now();
        Self {
            shown: printer.0 == Format::Text && std::io::stderr().is_terminal(),
            name: printable(&name).into_owned(),
            size,
            began: now,
            next: now + TICK,
        }
    }

    fn show(&mut self, sent: u64) {
        let now = Instant::now();
        if !self.shown || now < self.next {
            return;
        }
        self.next = now + TICK;
        let line = bar(&self.name, sent, self.size, now - self.began);
        if let Err(Some(line)) = terminal::status(Some(line)) {
            // A terminal that is gone is noticed elsewhere.
            let _ = write!(std::io::stderr(), "\r\x1b[K{line}");
        }
    }

    fn clear(&self) {
        if self.shown && terminal::status(None).is_err() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

/// How far a file is: a bar, a part of hundred, the speed, the time that it takes at that.
fn bar(name: &str, sent: u64, size: u64, time: Duration) -> String {
    const WIDTH: u64 = 30;
    let part = |of: u64| {
        let whole = u128::from(size.max(1));
        let part = u128::from(sent.min(size)) * u128::from(of) / whole;
        u64::try_from(part).unwrap_or(of)
    };
    let done = usize::try_from(part(WIDTH)).unwrap_or_default();
    let rest = usize::try_from(WIDTH).unwrap_or_default() - done;
    let speed = sent as f64 / 1e6 / time.as_secs_f64().max(1e-3);
    let left = size.saturating_sub(sent) as f64 / 1e6 / speed.max(1e-6);
    format!(
        "{name} [{}{}] {:>3} % {speed:.1} MB/s, {left:.0} s left",
        "#".repeat(done),
        "-".repeat(rest),
        part(100)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_shows_how_far_it_is() {
        let second = Duration::from_secs(1);
        assert_eq!(
            bar("f", 50_000_000, 100_000_000, second),
            format!(
                "f [{}{}]  50 % 50.0 MB/s, 1 s left",
                "#".repeat(15),
                "-".repeat(15)
            )
        );
        assert!(bar("f", 0, 0, second).contains("  0 %"));
        assert!(bar("f", u64::MAX, 7, second).contains("100 %"));
        assert!(bar("f", 0, u64::MAX, Duration::ZERO).contains("  0 %"));
    }
}
