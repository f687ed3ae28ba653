//! Standard output: lines for people, or one JSON object a line.

use std::{
    io::{self, Write},
    sync::OnceLock,
};

use serde_json::{Map, Value};
use tokio::sync::Notify;

use crate::{error::Failure, printable::printable, terminal};

/// Why standard output takes no more, once it does not.
static LOST: OnceLock<io::Error> = OnceLock::new();
static LOSS: Notify = Notify::const_new();

/// Colours a line by its mark: `!` is trouble, `*` is what the group does, the rest is said.
fn coloured(line: &str) -> String {
    let mark = match line.split_once("] ") {
        Some((place, rest)) if place.starts_with('[') => rest,
        Some(_) | None => line,
    };
    let colour = match mark.split_once(' ') {
        Some(("!", _)) => "31",
        Some(("*", _)) => "36",
        Some(_) | None => return line.to_owned(),
    };
    format!("\x1b[{colour}m{line}\x1b[0m")
}

/// Text as it goes to people, line by line: whatever came into it from others, nothing that a
/// terminal obeys but our colours.
fn lines(text: &str) -> String {
    let mut lines = String::with_capacity(text.len() + 16);
    for line in text.lines() {
        let line = printable(line);
        if terminal::is_coloured() {
            lines.push_str(&coloured(&line));
        } else {
            lines.push_str(&line);
        }
        lines.push('\n');
    }
    lines
}

/// An event for people. Above a prompt that waits for nothing: the thread that draws may hold the
/// lock of standard output for as long as the terminal takes nothing.
fn write_text(text: &str) -> io::Result<()> {
    match terminal::print(lines(text)) {
        Ok(()) => Ok(()),
        Err(lines) => write_out(&lines),
    }
}

/// Writes and flushes, so that whoever reads the pipe sees it at once.
fn write_out(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// How events are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One object a line.
    Json,
}

/// An event on its way to standard output.
#[derive(Debug)]
pub(crate) struct Event {
    fields: Map<String, Value>,
    text: String,
}

impl Event {
    /// An event with its name and what people read.
    pub(crate) fn new(name: &str, text: impl Into<String>) -> Self {
        let mut fields = Map::new();
        fields.insert("event".into(), name.into());
        Self {
            fields,
            text: text.into(),
        }
    }

    /// Adds a field of the JSON form.
    #[must_use]
    pub(crate) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(field.into(), value.into());
        self
    }

    /// Adds `data`, or `data_base64` where the bytes are no text.
    #[must_use]
    pub(crate) fn with_data(self, bytes: &[u8]) -> Self {
        use base64::Engine as _;
        match std::str::from_utf8(bytes) {
            Ok(text) => self.with("data", text),
            Err(_) => self.with(
                "data_base64",
                base64::engine::general_purpose::STANDARD.encode(bytes),
            ),
        }
    }
}

/// Standard output in the chosen format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer(pub(crate) Format);

impl Printer {
    /// Prints an event.
    pub(crate) fn print(self, event: &Event) {
        let printed = match self.0 {
            Format::Text if event.text.is_empty() => return,
            Format::Text => write_text(&event.text),
            Format::Json => write_out(&format!("{}\n", Value::Object(event.fields.clone()))),
        };
        if let Err(error) = printed {
            // The first reason stands.
            let _ = LOST.set(error);
            LOSS.notify_one();
        }
    }

    /// Prints a line for people only.
    pub(crate) fn line(self, text: &str) {
        if self.0 == Format::Text {
            self.print(&Event::new("line", text));
        }
    }
}

/// Why something that was printed did not reach standard output.
pub(crate) fn error() -> Option<Failure> {
    LOST.get().map(|error| match error.kind() {
        // Whoever read it has seen enough, as `head` has.
        io::ErrorKind::BrokenPipe => Failure::NoReader,
        _ => Failure::of("standard output", error),
    })
}

/// Waits until something that was printed did not reach standard output.
pub(crate) async fn lost() -> Failure {
    loop {
        LOSS.notified().await;
        if let Some(failure) = error() {
            return failure;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_have_colours() {
        for (line, shown) in [
            ("[g] ! no key", "\x1b[31m[g] ! no key\x1b[0m"),
            ("* connected", "\x1b[36m* connected\x1b[0m"),
            ("[g] #bob#n1: ! x", "[g] #bob#n1: ! x"),
            ("plain", "plain"),
        ] {
            assert_eq!(coloured(line), shown);
        }
    }

    #[test]
    fn whatever_is_in_an_event_moves_no_cursor() {
        let text = lines("[g] ! certificate \"CN=\u{9b}2J\u{1b}]0;x\u{7}\"\nsecond\r\u{8}");
        let seen: Vec<&str> = text.lines().collect();
        assert_eq!(seen.len(), 2, "{text:?}");
        assert!(
            seen[0].contains("CN=\\u{9b}2J\\u{1b}]0;x\\u{7}"),
            "{text:?}"
        );
        assert!(seen[1].contains("second\\r\\u{8}"), "{text:?}");
    }
}
