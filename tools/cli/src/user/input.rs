//! Lines of standard input.

use std::io::BufRead;

use tokio::sync::mpsc;

use super::command::Line;
use crate::output::Printer;

/// Longest line that is taken, in bytes.
const LINE_MAX: u64 = 1 << 20;

/// Commands as they are typed, or read from a script; ends with the input.
#[derive(Debug)]
pub(super) struct Input(mpsc::Receiver<Result<Line, String>>);

impl Input {
    /// Starts reading in a thread of its own: standard input cannot be waited for otherwise.
    pub(super) fn open() -> Self {
        let (sender, receiver) = mpsc::channel(16);
        std::thread::spawn(move || {
            let mut input = std::io::stdin().lock();
            let mut line = Vec::new();
            loop {
                line.clear();
                let mut limited = std::io::Read::take(&mut input, LINE_MAX);
                match limited.read_until(b'\n', &mut line) {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
                let parsed = match std::str::from_utf8(&line) {
                    Ok(text) => text.parse(),
                    Err(error) => Err(format!("line is not UTF-8: {error}")),
                };
                if sender.blocking_send(parsed).is_err() {
                    return;
                }
            }
        });
        Self(receiver)
    }

    /// The next command; the end of the input is `quit`. Lines that are no command are reported.
    pub(super) async fn next(&mut self, printer: Printer) -> Line {
        loop {
            match self.0.recv().await {
                Some(Ok(Line::Nothing)) => {}
                Some(Ok(line)) => return line,
                Some(Err(error)) => super::report(printer, None, error),
                None => return Line::Quit,
            }
        }
    }
}
