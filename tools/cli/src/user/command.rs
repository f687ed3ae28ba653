//! The lines of a `ssp user` script.

use std::{path::PathBuf, str::FromStr};

use gcs_proto::name::GroupName;

/// The commands.
pub(super) const VERBS: [&str; 10] = [
    "join", "leave", "send", "sendfile", "members", "refresh", "key", "flush", "help", "quit",
];

/// Commands that may wait to be carried out.
pub(super) const COMMANDS_MAX: usize = 16;

/// A command, or what is wrong with it.
pub(super) type Parsed = Result<Command, String>;

/// One line of input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// `join GROUP`
    Join(GroupName),
    /// `leave GROUP`
    Leave(GroupName),
    /// `send GROUP TEXT`
    Send(GroupName, String),
    /// `sendfile GROUP PATH`
    SendFile(GroupName, PathBuf),
    /// `refresh GROUP`
    Refresh(GroupName),
    /// `flush GROUP`
    Flush(GroupName),
    /// `key GROUP LABEL`
    Key(GroupName, String),
    /// `members GROUP`
    Members(GroupName),
    /// `help`
    Help,
    /// `quit`
    Quit,
    /// Blank, or a comment.
    Nothing,
}

impl FromStr for Command {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let line = line.trim();
        // As people type it elsewhere.
        let (verb, rest) = split(line.strip_prefix('/').unwrap_or(line));
        let (group, argument) = split(rest);
        let group = || -> Result<GroupName, String> {
            group.parse().map_err(|error| format!("{verb}: {error}"))
        };
        let argument = |what: &str| -> Result<String, String> {
            match argument {
                "" => Err(format!("{verb}: {what} is missing")),
                text => Ok(text.to_owned()),
            }
        };
        let alone = |line: Self| match rest {
            "" => Ok(line),
            extra => Err(format!("{verb}: \"{extra}\" is too much")),
        };
        match verb {
            "" => Ok(Self::Nothing),
            comment if comment.starts_with('#') => Ok(Self::Nothing),
            "join" => Ok(Self::Join(group()?)),
            "leave" => Ok(Self::Leave(group()?)),
            "send" => Ok(Self::Send(group()?, argument("text")?)),
            "sendfile" => Ok(Self::SendFile(group()?, argument("path")?.into())),
            "refresh" => Ok(Self::Refresh(group()?)),
            "flush" => Ok(Self::Flush(group()?)),
            "key" => Ok(Self::Key(group()?, argument("label")?)),
            "members" => Ok(Self::Members(group()?)),
            "help" => alone(Self::Help),
            "quit" => alone(Self::Quit),
            other => Err(format!(
                "unknown command \"{}\", one of {}",
                other.chars().take(40).collect::<String>(),
                VERBS.join(", ")
            )),
        }
    }
}

/// What `help` shows.
pub(super) const HELP: &str = "\
join GROUP           become a member
leave GROUP          stop being one
send GROUP TEXT      to all members, in agreed order
sendfile GROUP PATH  the same with a file, however long
members GROUP        who is there
refresh GROUP        a new key among the same members
key GROUP LABEL      32 bytes derived from the group's key
flush GROUP          permit a view change, with --manual-flush
quit                 leave all groups and end
A / in front of a command does no harm. At a terminal, what is no command is said to the group joined
last, and members, leave, refresh, flush, sendfile and key without GROUP are about that one.";

impl Command {
    /// A line that a person typed who speaks to `group`: what is no command is said, and a command
    /// may leave out which group it is about.
    pub(super) fn typed(line: &str, group: Option<GroupName>) -> Result<Self, String> {
        let line = line.trim();
        let (verb, rest) = split(line.strip_prefix('/').unwrap_or(line));
        if is_said(line) {
            return group
                .map(|group| Self::Send(group, line.to_owned()))
                .ok_or_else(|| "no group to speak to, join one".to_owned());
        }
        let left_out = match verb {
            "members" | "leave" | "refresh" | "flush" => rest.is_empty(),
            "sendfile" | "key" => !rest.is_empty() && split(rest).1.is_empty(),
            _ => false,
        };
        match group {
            Some(group) if left_out => format!("{verb} {group} {rest}").parse(),
            Some(_) | None => line.parse(),
        }
    }

    /// The group that is spoken to behind this line, whether or not it can be joined.
    pub(super) fn spoken_to(&self, before: Option<GroupName>) -> Option<GroupName> {
        match self {
            Self::Join(group) => Some(*group),
            Self::Leave(group) if before == Some(*group) => None,
            Self::Leave(_)
            | Self::Send(..)
            | Self::SendFile(..)
            | Self::Refresh(_)
            | Self::Flush(_)
            | Self::Key(..)
            | Self::Members(_)
            | Self::Help
            | Self::Quit
            | Self::Nothing => before,
        }
    }
}

/// Whether a line that a person typed is no command, but for the group.
pub(super) fn is_said(line: &str) -> bool {
    let line = line.trim();
    let (verb, _) = split(line);
    !line.is_empty() && !line.starts_with(['/', '#']) && !VERBS.contains(&verb)
}

fn split(text: &str) -> (&str, &str) {
    match text.split_once(char::is_whitespace) {
        Some((first, rest)) => (first, rest.trim_start()),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_line() {
        let g: GroupName = "g".parse().unwrap();
        for (text, line) in [
            ("join g", Command::Join(g)),
            ("leave g", Command::Leave(g)),
            ("send g  two  words ", Command::Send(g, "two  words".into())),
            ("sendfile g a b.txt", Command::SendFile(g, "a b.txt".into())),
            ("refresh g", Command::Refresh(g)),
            ("flush g", Command::Flush(g)),
            ("key g label", Command::Key(g, "label".into())),
            ("members g", Command::Members(g)),
            ("quit", Command::Quit),
            ("/help", Command::Help),
            ("/send g /a", Command::Send(g, "/a".into())),
            ("  ", Command::Nothing),
            ("# comment", Command::Nothing),
        ] {
            assert_eq!(text.parse(), Ok(line), "{text}");
        }
    }

    #[test]
    fn what_a_person_types_is_said_unless_it_is_a_command() {
        let g: GroupName = "g".parse().unwrap();
        let h: GroupName = "h".parse().unwrap();
        for (text, line) in [
            ("hello all", Ok(Command::Send(h, "hello all".into()))),
            ("A word", Ok(Command::Send(h, "A word".into()))),
            ("send g x", Ok(Command::Send(g, "x".into()))),
            ("/members g", Ok(Command::Members(g))),
            ("/members", Ok(Command::Members(h))),
            ("leave", Ok(Command::Leave(h))),
            ("/sendfile a.txt", Ok(Command::SendFile(h, "a.txt".into()))),
            (
                "/sendfile g a.txt",
                Ok(Command::SendFile(g, "a.txt".into())),
            ),
            ("/key label", Ok(Command::Key(h, "label".into()))),
            ("help", Ok(Command::Help)),
            ("# comment", Ok(Command::Nothing)),
            ("", Ok(Command::Nothing)),
        ] {
            assert_eq!(Command::typed(text, Some(h)), line, "{text}");
        }
        assert!(Command::typed("/hello", Some(h)).is_err());
        assert!(Command::typed("/sendfile", Some(h)).is_err());
        assert!(Command::typed("/members", None).is_err());
        assert!(Command::typed("hello all", None).is_err());
        assert_eq!(Command::Join(g).spoken_to(Some(h)), Some(g));
        assert_eq!(Command::Leave(g).spoken_to(Some(h)), Some(h));
        assert_eq!(Command::Leave(h).spoken_to(Some(h)), None);
    }

    #[test]
    fn wrong_lines_name_what_is_wrong() {
        for (text, part) in [
            ("jion g", "\"jion\""),
            ("send g", "text is missing"),
            ("join", "group name of 0 bytes"),
            ("join #x", "illegal byte 0x23"),
            ("quit now", "\"now\""),
        ] {
            let error = text.parse::<Command>().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
