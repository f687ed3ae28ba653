//! Standard output: lines for people, or one JSON object a line.

use std::io::Write;

use serde_json::{Map, Value};

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
    /// Prints an event and flushes, so that whoever reads the pipe sees it at once.
    pub(crate) fn print(self, event: &Event) {
        let mut out = std::io::stdout().lock();
        // A closed pipe ends the program at the next read of input; there is nobody to tell.
        let _ = match self.0 {
            Format::Text if event.text.is_empty() => Ok(()),
            Format::Text => writeln!(out, "{}", event.text),
            Format::Json => writeln!(out, "{}", Value::Object(event.fields.clone())),
        };
        let _ = out.flush();
    }

    /// Prints a line for people only.
    pub(crate) fn line(self, text: &str) {
        if self.0 == Format::Text {
            self.print(&Event::new("line", text));
        }
    }
}
