//! The lines of a `ssp user` script.

use std::{path::PathBuf, str::FromStr};

use gcs_proto::name::GroupName;

/// One line of input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
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
    /// What a person typed at a terminal that is no command.
    Say(String),
    /// `quit`
    Quit,
    /// Blank, or a comment.
    Nothing,
}

impl FromStr for Line {
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
                "unknown command \"{}\", one of join, leave, send, sendfile, refresh, flush, \
                 key, members, help, quit",
                other.chars().take(40).collect::<String>()
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
A / in front of a command does no harm; at a terminal, what is no command is said to the group
joined last.";

impl Line {
    /// A line that a person typed: what is no command is said.
    pub(super) fn typed(line: &str) -> Result<Self, String> {
        let known = |verb: &str| HELP.lines().any(|line| split(line).0 == verb) || verb == "help";
        let (verb, _) = split(line.trim());
        match verb.chars().next() {
            None | Some('#' | '/') => line.parse(),
            Some(_) if known(verb) && verb != "A" => line.parse(),
            Some(_) => Ok(Self::Say(line.trim().to_owned())),
        }
    }
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
            ("join g", Line::Join(g)),
            ("leave g", Line::Leave(g)),
            ("send g  two  words ", Line::Send(g, "two  words".into())),
            ("sendfile g a b.txt", Line::SendFile(g, "a b.txt".into())),
            ("refresh g", Line::Refresh(g)),
            ("flush g", Line::Flush(g)),
            ("key g label", Line::Key(g, "label".into())),
            ("members g", Line::Members(g)),
            ("quit", Line::Quit),
            ("/help", Line::Help),
            ("/send g /a", Line::Send(g, "/a".into())),
            ("  ", Line::Nothing),
            ("# comment", Line::Nothing),
        ] {
            assert_eq!(text.parse(), Ok(line), "{text}");
        }
    }

    #[test]
    fn what_a_person_types_is_said_unless_it_is_a_command() {
        let g: GroupName = "g".parse().unwrap();
        for (text, line) in [
            ("hello all", Ok(Line::Say("hello all".into()))),
            ("A word", Ok(Line::Say("A word".into()))),
            ("send g x", Ok(Line::Send(g, "x".into()))),
            ("/members g", Ok(Line::Members(g))),
            ("help", Ok(Line::Help)),
            ("", Ok(Line::Nothing)),
        ] {
            assert_eq!(Line::typed(text), line, "{text}");
        }
        assert!(Line::typed("/hello").is_err());
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
            let error = text.parse::<Line>().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
