//! The terminal of a person who types: a line to type in at the bottom, and what happens above it.
//!
//! ```text
//!   [g] #bob#n1: hello          printed: whole lines, which scroll up
//!   file [####----] 50 %        status: one line that the next one replaces
//!   g> what is being typed      the line, moved sideways where it is too long
//! ```
//!
//! One thread draws all of it, another waits for keys. Nobody who prints waits for the terminal: the
//! queue has a bound, and what finds it full is counted instead of shown.

mod editor;
mod screen;

use std::{
    io::{self, IsTerminal},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    time::{Duration, Instant},
};

use crossterm::{event, terminal};

use screen::Screen;

/// What may wait to be drawn.
const WAITING_MAX: usize = 1024;
/// Columns of a terminal that does not tell.
const COLUMNS: u16 = 80;
/// How long the last of it may take when the program ends.
const TIME_LIMIT: Duration = Duration::from_millis(500);
/// How long a full queue is left alone then.
const PAUSE: Duration = Duration::from_millis(5);

static QUEUE: OnceLock<Queue> = OnceLock::new();

struct Queue {
    items: SyncSender<Item>,
    /// Texts that found no room since the last one that did.
    unseen: AtomicUsize,
}

/// What the drawing thread takes.
enum Item {
    /// Whole lines.
    Text(String),
    /// The line above the prompt, or none.
    Status(Option<String>),
    Event(event::Event),
    /// No keys come any more: the terminal is gone.
    Gone,
    /// Everything is to be erased but what was printed; answered when it is done.
    Close(SyncSender<()>),
}

/// What a person did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// A line.
    Line(String),
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-D in an empty line, or the terminal is gone.
    End,
}

/// What becomes of a line that was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Echo {
    /// It stays above the next one.
    Shown,
    /// What comes of it is shown instead.
    Erased,
}

/// Takes what is typed, in the drawing thread, so it must not wait for anything.
pub(crate) trait Typist: Send {
    /// What stands in front of the line.
    fn prompt(&self) -> String;

    /// Takes a line, or the end.
    fn typed(&mut self, typed: Typed) -> Echo;

    /// Where the last word of `line` begins, and what it may become.
    fn complete(&self, line: &str) -> (usize, Vec<String>);
}

/// Whether people want colours: at a terminal, unless `NO_COLOR` says otherwise (no-color.org).
pub(crate) fn is_coloured() -> bool {
    static COLOURED: OnceLock<bool> = OnceLock::new();
    *COLOURED.get_or_init(|| {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        wanted && io::stdout().is_terminal()
    })
}

/// Whether a person can be given a line to type in: standard input and output are a terminal that
/// moves its cursor.
pub(crate) fn is_editable() -> bool {
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !dumb && io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Takes the terminal, once, for a person whose lines `typist` gets.
///
/// # Errors
/// The terminal's.
pub(crate) fn open(typist: impl Typist + 'static) -> io::Result<()> {
    let (items, waiting) = sync_channel(WAITING_MAX);
    let keys = items.clone();
    let queue = Queue {
        items,
        unseen: AtomicUsize::new(0),
    };
    // First, because behind a queue everything is printed there.
    terminal::enable_raw_mode()?;
    if QUEUE.set(queue).is_err() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    let columns = || terminal::size().map_or(COLUMNS, |(columns, _)| columns);
    std::thread::spawn(move || Screen::new(typist, io::stdout(), columns).run(&waiting));
    std::thread::spawn(move || {
        // Ends with the terminal or the program.
        while let Ok(event) = event::read() {
            if keys.send(Item::Event(event)).is_err() {
                return;
            }
        }
        let _ = keys.send(Item::Gone);
    });
    Ok(())
}

/// Prints whole lines above the prompt; gives them back where there is none.
pub(crate) fn print(text: String) -> Result<(), String> {
    match QUEUE.get() {
        Some(queue) => {
            queue.put(Item::Text(text));
            Ok(())
        }
        None => Err(text),
    }
}

/// Shows a line that the next one replaces, just above the prompt; gives it back where there is none.
pub(crate) fn status(line: Option<String>) -> Result<(), Option<String>> {
    match QUEUE.get() {
        Some(queue) => {
            queue.put(Item::Status(line));
            Ok(())
        }
        None => Err(line),
    }
}

/// Leaves the terminal as it was found when it is dropped, with all that was printed on it.
pub(crate) struct Restore;

impl Drop for Restore {
    fn drop(&mut self) {
        if let Some(queue) = QUEUE.get() {
            queue.close();
            let _ = terminal::disable_raw_mode();
        }
    }
}

impl Queue {
    /// Waits until all that was printed is drawn, but not for a terminal that takes nothing.
    fn close(&self) {
        let deadline = Instant::now() + TIME_LIMIT;
        let (done, closed) = sync_channel(1);
        let mut close = Item::Close(done);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.items.try_send(close) {
                Ok(()) => {
                    let _ = closed.recv_timeout(left);
                    return;
                }
                Err(TrySendError::Full(item)) if !left.is_zero() => {
                    close = item;
                    std::thread::sleep(PAUSE);
                }
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => return,
            }
        }
    }

    fn put(&self, item: Item) {
        let unseen = self.unseen.swap(0, Ordering::Relaxed);
        if unseen > 0 {
            let text = format!("! {unseen} texts were not shown, the terminal was too slow\n");
            if self.items.try_send(Item::Text(text)).is_err() {
                self.unseen.fetch_add(unseen, Ordering::Relaxed);
            }
        }
        match self.items.try_send(item) {
            Err(TrySendError::Full(Item::Text(_))) => {
                self.unseen.fetch_add(1, Ordering::Relaxed);
            }
            // The next status stands for it as well.
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) | Ok(()) => {}
        }
    }
}
