//! Lines of standard input.

use std::io::{self, BufRead, IsTerminal};

use gcs_proto::name::GroupName;
use tokio::sync::mpsc;

use super::{
    command::{COMMANDS_MAX, Command, Parsed},
    person::Person,
};
use crate::{
    output::{Format, Printer},
    terminal,
};

/// Longest line that is taken, in bytes; more than fits into a message.
const LINE_MAX: usize = 1 << 20;

/// Commands as they are typed, or read from a script; ends with the input.
#[derive(Debug)]
pub(super) struct Input(mpsc::Receiver<Parsed>);

impl Input {
    /// Starts reading in threads of their own: standard input cannot be waited for otherwise. A person
    /// at a terminal has a line to type in, unless events are for programs, and speaks to the group
    /// joined last, of which `group` is the first.
    pub(super) fn open(group: Option<GroupName>, printer: Printer) -> Self {
        let (sender, receiver) = mpsc::channel(COMMANDS_MAX);
        if printer.0 == Format::Text && terminal::is_editable() {
            let opened = terminal::open(Person::new(group, sender.clone()));
            if let Err(error) = opened {
                let _ = sender.try_send(Err(format!("terminal: {error}")));
            }
        } else {
            std::thread::spawn(move || read(group, &sender));
        }
        Self(receiver)
    }

    /// The next command; the end of the input is `quit`. Lines that are no command are reported.
    pub(super) async fn next(&mut self, printer: Printer) -> Command {
        loop {
            match self.0.recv().await {
                Some(Ok(Command::Nothing)) => {}
                Some(Ok(line)) => return line,
                Some(Err(error)) => super::report(printer, None, error),
                None => return Command::Quit,
            }
        }
    }
}

/// Reads lines of a script, or of a person whose terminal cannot be edited on.
fn read(mut group: Option<GroupName>, sender: &mpsc::Sender<Parsed>) {
    let is_person = io::stdin().is_terminal();
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    loop {
        let parsed = match read_line(&mut input, &mut line) {
            Ok(0) => return,
            Ok(length) if length > LINE_MAX => Err(too_long(length)),
            Ok(_) => match std::str::from_utf8(&line) {
                Ok(text) if is_person => Command::typed(text, group),
                Ok(text) => text.parse(),
                Err(error) => Err(format!("line is not UTF-8: {error}")),
            },
            Err(error) => {
                let _ = sender.blocking_send(Err(format!("standard input: {error}")));
                return;
            }
        };
        if let Ok(line) = &parsed {
            group = line.spoken_to(group);
        }
        if sender.blocking_send(parsed).is_err() {
            return;
        }
    }
}

fn too_long(length: usize) -> String {
    format!("line of {length} bytes, at most {LINE_MAX} are taken")
}

/// Reads a line and tells its length; of one that is longer than [`LINE_MAX`] the rest is skipped,
/// so that no part of it is taken for a command.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    line.clear();
    let mut length = 0;
    loop {
        let chunk = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(chunk.len(), |position| position + 1);
        let kept = taken.min(LINE_MAX - line.len());
        line.extend(chunk.iter().take(kept));
        length += taken;
        input.consume(taken);
        if end.is_some() || taken == 0 {
            return Ok(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_too_long_is_one_line() {
        let mut text = vec![b'x'; LINE_MAX];
        text.extend_from_slice(b"quit\nsend g a\n\nlast");
        let mut input = io::BufReader::with_capacity(1000, &text[..]);
        let mut line = Vec::new();
        assert_eq!(read_line(&mut input, &mut line).unwrap(), LINE_MAX + 5);
        assert_eq!(line.len(), LINE_MAX);
        for expected in [&b"send g a\n"[..], b"\n", b"last", b""] {
            assert_eq!(read_line(&mut input, &mut line).unwrap(), expected.len());
            assert_eq!(line, expected);
        }
    }
}
