//! A person at a terminal: which group is spoken to, and what the Tab key completes.

use std::{collections::BTreeSet, fs, path::MAIN_SEPARATOR};

use gcs_proto::name::GroupName;
use tokio::sync::mpsc::{Sender, error::TrySendError};

use super::command::{COMMANDS_MAX, Command, Parsed, VERBS, is_said};
use crate::{
    signal,
    terminal::{self, Echo, Typed, Typist},
};

/// Paths that are offered at a time.
const PATHS_MAX: usize = 64;

/// Takes what a person types.
pub(super) struct Person {
    /// The group joined last.
    group: Option<GroupName>,
    /// All that were joined.
    groups: BTreeSet<GroupName>,
    /// None when the person has ended it.
    lines: Option<Sender<Parsed>>,
}

impl Person {
    pub(super) fn new(group: Option<GroupName>, lines: Sender<Parsed>) -> Self {
        Self {
            group,
            groups: group.into_iter().collect(),
            lines: Some(lines),
        }
    }
}

impl Typist for Person {
    fn prompt(&self) -> String {
        self.group
            .map_or_else(|| "> ".to_owned(), |group| format!("{group}> "))
    }

    fn typed(&mut self, typed: Typed) -> Echo {
        let line = match typed {
            Typed::Line(line) => line,
            Typed::Interrupt => {
                signal::interrupt();
                return Echo::Erased;
            }
            Typed::End => {
                self.lines = None;
                return Echo::Erased;
            }
        };
        let parsed = Command::typed(&line, self.group);
        let echo = match &parsed {
            // It comes back as a message, in its place among the others.
            Ok(Command::Send(..)) if is_said(&line) => Echo::Erased,
            Ok(Command::Nothing) => Echo::Erased,
            Ok(_) | Err(_) => Echo::Shown,
        };
        if let Ok(line) = &parsed {
            self.group = line.spoken_to(self.group);
            self.groups.extend(self.group);
        }
        // Whoever takes the lines may be waiting for this thread to show something.
        match self.lines.as_ref().map(|lines| lines.try_send(parsed)) {
            Some(Err(TrySendError::Full(_))) => {
                let text = format!("! {COMMANDS_MAX} lines wait already, this one is dropped\n");
                let _ = terminal::print(text);
                Echo::Shown
            }
            Some(Ok(()) | Err(TrySendError::Closed(_))) | None => echo,
        }
    }

    fn complete(&self, line: &str) -> (usize, Vec<String>) {
        let blank = line
            .char_indices()
            .rfind(|(_, letter)| letter.is_whitespace());
        let word = blank.map_or(0, |(at, letter)| at + letter.len_utf8());
        let (before, begun) = line.split_at(word);
        let mut before = before.split_whitespace();
        let verb = before
            .next()
            .map(|verb| verb.strip_prefix('/').unwrap_or(verb));
        let with_blank = |words: Vec<&str>| words.iter().map(|word| format!("{word} ")).collect();
        match (verb, before.next(), before.next()) {
            (None, ..) => {
                let slash = usize::from(begun.starts_with('/'));
                let begun = begun.get(slash..).unwrap_or_default();
                let fits = VERBS.into_iter().filter(|verb| verb.starts_with(begun));
                (word + slash, with_blank(fits.collect()))
            }
            (Some("help" | "quit"), ..) => (word, Vec::new()),
            (Some(verb), None, None) if VERBS.contains(&verb) => {
                let names = self.groups.iter().map(GroupName::as_str);
                let fits = names.filter(|name| name.starts_with(begun));
                let mut words: Vec<String> = with_blank(fits.collect());
                if verb == "sendfile" && !begun.is_empty() {
                    words.extend(paths(begun));
                }
                (word, words)
            }
            (Some("sendfile"), Some(_), None) => (word, paths(begun)),
            _ => (word, Vec::new()),
        }
    }
}

/// Paths that begin like this, those of folders with a separator behind.
fn paths(begun: &str) -> Vec<String> {
    let name = begun.rfind(MAIN_SEPARATOR).map_or(0, |at| at + 1);
    let (folder, begun) = begun.split_at(name);
    let read = fs::read_dir(if folder.is_empty() { "." } else { folder });
    let entries = read.into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        if !name.starts_with(begun) || (begun.is_empty() && name.starts_with('.')) {
            return None;
        }
        let is_folder = entry.path().is_dir();
        let end = if is_folder { MAIN_SEPARATOR } else { ' ' };
        Some(format!("{folder}{name}{end}"))
    });
    let mut found: Vec<String> = entries.take(PATHS_MAX).collect();
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    fn person() -> (Person, mpsc::Receiver<Parsed>) {
        let (sender, lines) = mpsc::channel(2);
        (Person::new(Some("chat".parse().unwrap()), sender), lines)
    }

    fn line(person: &mut Person, text: &str) -> Echo {
        person.typed(Typed::Line(text.into()))
    }

    #[test]
    fn the_prompt_tells_who_is_spoken_to() {
        let (mut person, mut lines) = person();
        assert_eq!(person.prompt(), "chat> ");
        assert_eq!(line(&mut person, "/join board"), Echo::Shown);
        assert_eq!(person.prompt(), "board> ");
        assert_eq!(line(&mut person, "hello"), Echo::Erased);
        assert!(matches!(lines.try_recv(), Ok(Ok(Command::Join(_)))));
        assert!(matches!(lines.try_recv(), Ok(Ok(Command::Send(..)))));
        line(&mut person, "leave board");
        assert_eq!(person.prompt(), "> ");
        person.typed(Typed::End);
        assert!(matches!(lines.try_recv(), Ok(Ok(Command::Leave(_)))));
        assert!(lines.try_recv().is_err() && lines.is_closed());
    }

    #[test]
    fn lines_that_nobody_takes_are_dropped() {
        let (mut person, _lines) = person();
        for echo in [Echo::Erased, Echo::Erased, Echo::Shown] {
            assert_eq!(line(&mut person, "hello"), echo);
        }
    }

    #[test]
    fn commands_groups_and_files_are_completed() {
        let (mut person, _lines) = person();
        line(&mut person, "/join board");
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file.txt"), "").unwrap();
        fs::create_dir(folder.path().join("folder")).unwrap();
        let inside = |name: &str| folder.path().join(name).display().to_string();
        for (text, start, words) in [
            ("me".to_owned(), 0, vec!["members ".to_owned()]),
            ("/me".into(), 1, vec!["members ".into()]),
            ("send".into(), 0, vec!["send ".into(), "sendfile ".into()]),
            ("send ".into(), 5, vec!["board ".into(), "chat ".into()]),
            ("/leave c".into(), 7, vec!["chat ".into()]),
            // A blank of two bytes, which some keyboards make.
            (
                "send\u{a0}".into(),
                6,
                vec!["board ".into(), "chat ".into()],
            ),
            ("help ".into(), 5, vec![]),
            ("hello ".into(), 6, vec![]),
            ("send chat wh".into(), 10, vec![]),
            (
                format!("sendfile chat {}", inside("fi")),
                14,
                vec![format!("{} ", inside("file.txt"))],
            ),
            (
                format!("sendfile chat {}", inside("fo")),
                14,
                vec![format!("{}{MAIN_SEPARATOR}", inside("folder"))],
            ),
        ] {
            assert_eq!(person.complete(&text), (start, words), "{text}");
        }
    }
}
