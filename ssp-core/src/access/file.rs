//! Access policies in a text file.

use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt, str::FromStr};

use super::{AccessPolicy, Action, Decision, Request};
use crate::identity::session_name;

/// Most rules of a file.
const RULES_MAX: usize = 4_096;
/// Most characters of an invalid line that an error shows.
const SHOWN: usize = 80;

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyErrorKind {
    /// Not exactly four fields.
    #[error("expected four fields: verdict, actions, groups, members")]
    Fields,
    /// Neither `allow` nor `deny`.
    #[error("verdict is neither allow nor deny")]
    Verdict,
    /// An unknown action.
    #[error("unknown action, expected join, admit, send, receive or *")]
    Action,
    /// A `*` that is not at the end.
    #[error("* is allowed only at the end of a pattern")]
    Pattern,
    /// A field without a name.
    #[error("field without a name")]
    Field,
    /// Too many lines.
    #[error("more than {RULES_MAX} rules")]
    TooMany,
}

/// A policy file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// Number of the line, from 1.
    pub line: usize,
    /// The line, truncated if it is long.
    pub text: String,
    /// What is wrong with it.
    pub kind: PolicyErrorKind,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text.escape_debug();
        write!(f, "line {} \"{text}\": {}", self.line, self.kind)
    }
}

impl core::error::Error for PolicyError {}

/// A name or a prefix of names.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Whole(String),
    Beginning(String),
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, PolicyErrorKind> {
        let (beginning, pattern) = match text.strip_suffix('*') {
            Some(beginning) => (beginning, Self::Beginning(beginning.to_owned())),
            None => (text, Self::Whole(text.to_owned())),
        };
        if beginning.contains('*') {
            return Err(PolicyErrorKind::Pattern);
        }
        Ok(pattern)
    }

    fn fits(&self, name: &[u8]) -> bool {
        match self {
            Self::Whole(whole) => name == whole.as_bytes(),
            Self::Beginning(beginning) => name.starts_with(beginning.as_bytes()),
        }
    }
}

/// The members that a rule applies to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Who {
    Everybody,
    Member(String),
    Session(String),
    Field { name: String, value: Pattern },
}

impl Who {
    fn parse(text: &str) -> Result<Self, PolicyErrorKind> {
        if text == "*" {
            Ok(Self::Everybody)
        } else if let Some((name, value)) = text.split_once('=') {
            if name.is_empty() || name.contains(char::is_whitespace) {
                return Err(PolicyErrorKind::Field);
            }
            Ok(Self::Field {
                name: name.to_owned(),
                value: Pattern::parse(value)?,
            })
        } else if text.contains(char::is_whitespace) {
            Err(PolicyErrorKind::Fields)
        } else if text.contains('*') {
            Err(PolicyErrorKind::Pattern)
        } else if text.starts_with('#') {
            Ok(Self::Member(text.to_owned()))
        } else {
            Ok(Self::Session(text.to_owned()))
        }
    }

    fn fits(&self, request: &Request<'_>) -> bool {
        let member = request.member.as_bytes();
        match self {
            Self::Everybody => true,
            Self::Member(name) => name.as_bytes() == member,
            Self::Session(name) => session_name(member) == Some(name.as_bytes()),
            Self::Field { name, value } => request
                .identity
                .is_some_and(|identity| identity.field(name).any(|v| value.fits(v.as_bytes()))),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Allow,
    Deny,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    line: usize,
    verdict: Verdict,
    /// Empty for all.
    actions: Vec<Action>,
    group: Pattern,
    who: Who,
}

/// A policy in a text: one rule per line, of which the first that matches decides.
///
/// ```text
/// # verdict  actions       groups   who
/// deny       *             *        #mallory#n3
/// allow      join,admit    chat*    alice
/// allow      *             board    O=Example
/// allow      receive       news     *
/// deny       *             *        *
/// ```
///
/// * Verdict: `allow` or `deny`.
/// * Actions: a list of `join`, `admit`, `send`, `receive`, or `*` for all.
/// * Groups: a name, or a prefix followed by `*`.
/// * Who: `*` for everybody; a whole member name, `#alice#n1`; a session name at any daemon, `alice`;
///   or a field of the identity and its value, `O=Example Ltd` to the end of the line, or a prefix
///   followed by `*`. Fields of certificates are CN, O, OU, L, ST, C, issuer and serial. A member
///   without the field does not match.
///
/// What no rule matches is denied. Lines that are `#` alone, or begin with `#` and a blank, are comments.
///
/// ```
/// use ssp_core::access::FilePolicy;
///
/// let policy: FilePolicy = "allow * chat* alice\nallow receive * *\n".parse()?;
/// assert_eq!(policy.len(), 2);
/// # Ok::<(), ssp_core::access::PolicyError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilePolicy {
    rules: Vec<Rule>,
}

impl FilePolicy {
    /// Number of rules.
    pub const fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are no rules, so that everything is denied.
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

impl AccessPolicy for FilePolicy {
    fn decide(&self, request: &Request<'_>) -> Decision {
        let fits = |rule: &&Rule| {
            (rule.actions.is_empty() || rule.actions.contains(&request.action))
                && rule.group.fits(request.group.as_bytes())
                && rule.who.fits(request)
        };
        match self.rules.iter().find(fits) {
            Some(rule) if rule.verdict == Verdict::Allow => Decision::Allow,
            Some(rule) => Decision::Deny(format!("line {} of the policy", rule.line)),
            None => Decision::Deny("no line of the policy allows it".to_string()),
        }
    }
}

impl FromStr for FilePolicy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let mut rules = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let trimmed = line.trim();
            let comment = trimmed == "#" || line.starts_with("# ") || line.starts_with("#\t");
            if trimmed.is_empty() || comment {
                continue;
            }
            let number = index + 1;
            let rule = if rules.len() >= RULES_MAX {
                Err(PolicyErrorKind::TooMany)
            } else {
                parse_rule(trimmed, number)
            };
            rules.push(rule.map_err(|kind| PolicyError {
                line: number,
                text: line.chars().take(SHOWN).collect(),
                kind,
            })?);
        }
        Ok(Self { rules })
    }
}

fn parse_rule(line: &str, number: usize) -> Result<Rule, PolicyErrorKind> {
    let mut rest = line;
    let mut field = || {
        let (field, behind) = rest
            .split_once(char::is_whitespace)
            .ok_or(PolicyErrorKind::Fields)?;
        rest = behind.trim_start();
        Ok(field)
    };
    let (verdict, actions, group) = (field()?, field()?, field()?);
    let verdict = match verdict {
        "allow" => Verdict::Allow,
        "deny" => Verdict::Deny,
        _ => return Err(PolicyErrorKind::Verdict),
    };
    let actions = match actions {
        "*" => Vec::new(),
        list => list
            .split(',')
            .map(|name| {
                Action::ALL
                    .into_iter()
                    .find(|action| action.as_str() == name)
            })
            .collect::<Option<Vec<_>>>()
            .ok_or(PolicyErrorKind::Action)?,
    };
    Ok(Rule {
        line: number,
        verdict,
        actions,
        group: Pattern::parse(group)?,
        who: Who::parse(rest)?,
    })
}

#[cfg(test)]
mod tests {
    use alloc::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::identity::{Ed25519Signer, Identity};

    fn identity() -> Identity {
        let key = Ed25519Signer::from_seed(&[1; 32]).public_key();
        Identity::of_key(Arc::new(key)).with_field("O", "Example Ltd".into())
    }

    fn ask(policy: &FilePolicy, action: Action, group: &str, member: &str) -> Decision {
        let identity = identity();
        policy.decide(&Request {
            action,
            group: &group.parse().unwrap(),
            member: &member.parse().unwrap(),
            identity: (member != "#nobody#n1").then_some(&identity),
        })
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let text = "# rules\n#\ndeny * * #mallory#n3\nallow join,admit chat* alice\n\
                    allow * board O=Example Ltd\nallow receive * *\ndeny send news *\n";
        let policy: FilePolicy = text.parse().unwrap();
        assert_eq!(policy.len(), 5);
        let denied = |line: usize| Decision::Deny(format!("line {line} of the policy"));
        let none = Decision::Deny("no line of the policy allows it".into());
        for (action, group, member, decision) in [
            (Action::Receive, "board", "#mallory#n3", denied(3)),
            (Action::Receive, "board", "#mallory#n2", Decision::Allow),
            (Action::Join, "chat", "#alice#n1", Decision::Allow),
            (Action::Admit, "chatter", "#alice#n2", Decision::Allow),
            (Action::Join, "cha", "#alice#n1", none.clone()),
            (Action::Send, "chat", "#alice#n1", none.clone()),
            (Action::Join, "chat", "#alicia#n1", none.clone()),
            (Action::Send, "board", "#bob#n1", Decision::Allow),
            (Action::Send, "board", "#nobody#n1", none),
            (Action::Send, "news", "#bob#n1", denied(7)),
        ] {
            assert_eq!(
                ask(&policy, action, group, member),
                decision,
                "{action} {group} {member}"
            );
        }
        assert!(FilePolicy::default().is_empty());
        assert_ne!(
            ask(&FilePolicy::default(), Action::Join, "g", "#a#n1"),
            Decision::Allow
        );
    }

    #[test]
    fn errors_name_line_and_fault() {
        for (text, kind) in [
            ("allow * *", PolicyErrorKind::Fields),
            ("allow * * two words", PolicyErrorKind::Fields),
            ("permit * * *", PolicyErrorKind::Verdict),
            ("allow read * *", PolicyErrorKind::Action),
            ("allow join,,send * *", PolicyErrorKind::Action),
            ("allow * a*b *", PolicyErrorKind::Pattern),
            ("allow * * al*", PolicyErrorKind::Pattern),
            ("allow * * O=*x", PolicyErrorKind::Pattern),
            ("allow * * =x", PolicyErrorKind::Field),
        ] {
            let error = format!("# first\n{text}\n")
                .parse::<FilePolicy>()
                .unwrap_err();
            assert_eq!((error.line, error.kind), (2, kind), "{text}");
            assert!(error.to_string().starts_with("line 2 \""));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_policy_or_an_error(text in "[a-z#*=, \\n]{0,200}") {
            if let Ok(policy) = text.parse::<FilePolicy>() {
                let _ = ask(&policy, Action::Send, "chat", "#alice#n1");
            }
        }
    }
}
