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
    /// `quit`
    Quit,
    /// Blank, or a comment.
    Nothing,
}

impl FromStr for Line {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let line = line.trim();
        let (verb, rest) = split(line);
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
            "quit" => alone(Self::Quit),
            other => Err(format!(
                "unknown command \"{}\", one of join, leave, send, sendfile, refresh, flush, \
                 key, members, quit",
                other.chars().take(40).collect::<String>()
            )),
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
            ("  ", Line::Nothing),
            ("# comment", Line::Nothing),
        ] {
            assert_eq!(text.parse(), Ok(line), "{text}");
        }
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
