//! A log of agreements, complete enough to draw a timeline.
//!
//! Each member writes its own. Lines of several members, sorted by time, show who sent which token
//! when, which event interrupted which run, and how long each state lasted.

use alloc::{collections::VecDeque, vec::Vec};
use core::fmt::{self, Write};

use cliques::{MemberName, Recipient, TokenKind};

use crate::view::{Cause, ViewId};

/// One event of an agreement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgreementEvent {
    /// The `now` of the call in which it happened.
    pub at: u64,
    /// VS view, none before the first.
    pub view: Option<ViewId>,
    /// Run in that view: 0 for the membership's, then one more each refresh.
    pub run: u32,
    /// What happened.
    pub what: Happening,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happening {
    /// A VS view was installed.
    Membership {
        /// Its members.
        members: Vec<MemberName>,
        /// How many of them came along.
        together: usize,
        /// Its cause.
        cause: Cause,
    },
    /// An agreement was started, in this way: `found`, `restart`, `enter`, `join`, `update`,
    /// `resume`, `refresh`.
    Started(&'static str),
    /// A token was sent.
    TokenSent {
        /// What it is.
        kind: TokenKind,
        /// Receiver.
        to: Recipient,
        /// Length with envelope.
        bytes: usize,
    },
    /// The suite accepted a token of this sender.
    TokenTaken {
        /// What it is.
        kind: TokenKind,
        /// Sender.
        sender: MemberName,
    },
    /// The state changed, after so many milliseconds.
    State {
        /// The state before.
        from: &'static str,
        /// The state after.
        to: &'static str,
        /// Milliseconds spent in the state before.
        lasted: u64,
    },
    /// The flush service wants to close the view.
    FlushRequest,
    /// Members of the view are gone.
    TransitionalSignal,
    /// The agreement under way ends without a key.
    Cut {
        /// By what.
        by: Cut,
        /// Milliseconds since it was started.
        lasted: u64,
    },
    /// A key was installed.
    Installed {
        /// Number of the key in its view.
        epoch: u32,
        /// Milliseconds since the agreement was started.
        lasted: u64,
    },
}

/// What ends an agreement without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cut {
    /// A flush request.
    FlushRequest,
    /// A transitional signal: the key list is too late if it comes.
    TransitionalSignal,
    /// A member broke the protocol.
    Failure,
}

impl Cut {
    const fn as_str(self) -> &'static str {
        match self {
            Self::FlushRequest => "flush-request",
            Self::TransitionalSignal => "transitional-signal",
            Self::Failure => "failure",
        }
    }
}

impl AgreementEvent {
    /// Writes the event of `member` as one line of JSON, without line end.
    ///
    /// Every line has `at`, `member`, `view` (hexadecimal, or null), `run` and `event`; what else
    /// there is depends on the event.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_json(&self, member: &MemberName, out: &mut dyn Write) -> fmt::Result {
        write!(out, "{{\"at\":{},\"member\":", self.at)?;
        string(out, member)?;
        match &self.view {
            Some(view) => write!(out, ",\"view\":\"{view}\"")?,
            None => out.write_str(",\"view\":null")?,
        }
        write!(
            out,
            ",\"run\":{},\"event\":\"{}\"",
            self.run,
            self.what.name()
        )?;
        self.what.write_fields(out)?;
        out.write_char('}')
    }
}

impl Happening {
    /// Name of the event in the log.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Membership { .. } => "membership",
            Self::Started(_) => "started",
            Self::TokenSent { .. } => "token-sent",
            Self::TokenTaken { .. } => "token-taken",
            Self::State { .. } => "state",
            Self::FlushRequest => "flush-request",
            Self::TransitionalSignal => "transitional-signal",
            Self::Cut { .. } => "cut",
            Self::Installed { .. } => "installed",
        }
    }

    fn write_fields(&self, out: &mut dyn Write) -> fmt::Result {
        match self {
            Self::Membership {
                members,
                together,
                cause,
            } => {
                out.write_str(",\"members\":[")?;
                for (place, member) in members.iter().enumerate() {
                    if place > 0 {
                        out.write_char(',')?;
                    }
                    string(out, member)?;
                }
                let cause = match cause {
                    Cause::Join(_) => "join",
                    Cause::Leave(_) => "leave",
                    Cause::Disconnect(_) => "disconnect",
                    Cause::Network => "network",
                };
                write!(out, "],\"together\":{together},\"cause\":\"{cause}\"")
            }
            Self::Started(how) => write!(out, ",\"how\":\"{how}\""),
            Self::TokenSent { kind, to, bytes } => {
                write!(out, ",\"kind\":\"{kind}\",\"to\":")?;
                match to {
                    Recipient::Group => out.write_str("null")?,
                    Recipient::Member(member) => string(out, member)?,
                }
                write!(out, ",\"bytes\":{bytes}")
            }
            Self::TokenTaken { kind, sender } => {
                write!(out, ",\"kind\":\"{kind}\",\"sender\":")?;
                string(out, sender)
            }
            Self::State { from, to, lasted } => {
                write!(
                    out,
                    ",\"from\":\"{from}\",\"to\":\"{to}\",\"lasted\":{lasted}"
                )
            }
            Self::FlushRequest | Self::TransitionalSignal => Ok(()),
            Self::Cut { by, lasted } => {
                write!(out, ",\"by\":\"{}\",\"lasted\":{lasted}", by.as_str())
            }
            Self::Installed { epoch, lasted } => {
                write!(out, ",\"epoch\":{epoch},\"lasted\":{lasted}")
            }
        }
    }
}

/// A JSON string (RFC 8259, section 7).
fn string(out: &mut dyn Write, text: &dyn fmt::Display) -> fmt::Result {
    out.write_char('"')?;
    write!(Escaped(out), "{text}")?;
    out.write_char('"')
}

struct Escaped<'a>(&'a mut dyn Write);

impl Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| match c {
            '"' => self.0.write_str("\\\""),
            '\\' => self.0.write_str("\\\\"),
            c if c < ' ' => write!(self.0, "\\u{:04x}", u32::from(c)),
            c => self.0.write_char(c),
        })
    }
}

/// The log of one driver: bounded, the oldest events are dropped first.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    events: VecDeque<AgreementEvent>,
    capacity: usize,
    /// When the agreement under way was started, none if there is none.
    started: Option<u64>,
    /// When the present state was entered.
    entered: u64,
}

impl Log {
    pub(crate) const fn new(capacity: usize) -> Self {
        Self {
            events: VecDeque::new(),
            capacity,
            started: None,
            entered: 0,
        }
    }

    /// Adds an event; false if an older one is lost for it.
    pub(crate) fn push(&mut self, event: AgreementEvent) -> bool {
        if self.capacity == 0 {
            return true;
        }
        let room = self.events.len() < self.capacity;
        if !room {
            self.events.pop_front();
        }
        self.events.push_back(event);
        room
    }

    pub(crate) fn pop(&mut self) -> Option<AgreementEvent> {
        self.events.pop_front()
    }

    /// An agreement starts.
    pub(crate) const fn start(&mut self, now: u64) {
        self.started = Some(now);
    }

    /// The agreement under way ends: how long it took, none if there is none.
    pub(crate) fn end(&mut self, now: u64) -> Option<u64> {
        self.started.take().map(|then| now.saturating_sub(then))
    }

    /// Another state is entered: how long the last one lasted.
    pub(crate) fn enter(&mut self, now: u64) -> u64 {
        now.saturating_sub(core::mem::replace(&mut self.entered, now))
    }
}

#[cfg(test)]
mod tests {
    use alloc::{string::String, vec};

    use super::*;

    fn line(what: Happening) -> String {
        let mut out = String::new();
        let event = AgreementEvent {
            at: 7,
            view: Some(ViewId([0xab; 12])),
            run: 1,
            what,
        };
        let member = MemberName::try_from("a\"b\\").unwrap();
        event.write_json(&member, &mut out).unwrap();
        out
    }

    #[test]
    fn lines_are_json() {
        let member = MemberName::try_from("b").unwrap();
        assert_eq!(
            line(Happening::TokenSent {
                kind: cliques::gdh::PARTIAL_TOKEN,
                to: Recipient::Member(member),
                bytes: 9
            }),
            r#"{"at":7,"member":"a\"b\\","view":"abababababababababababab","run":1,"event":"token-sent","kind":"partial-token","to":"b","bytes":9}"#
        );
        assert_eq!(
            line(Happening::Membership {
                members: vec![member, member],
                together: 1,
                cause: Cause::Network
            }),
            r#"{"at":7,"member":"a\"b\\","view":"abababababababababababab","run":1,"event":"membership","members":["b","b"],"together":1,"cause":"network"}"#
        );
        assert!(
            line(Happening::Cut {
                by: Cut::FlushRequest,
                lasted: 3
            })
            .ends_with(r#""event":"cut","by":"flush-request","lasted":3}"#)
        );
    }

    #[test]
    fn oldest_events_go_first() {
        let mut log = Log::new(1);
        let event = |at| AgreementEvent {
            at,
            view: None,
            run: 0,
            what: Happening::FlushRequest,
        };
        assert!(log.push(event(1)));
        assert!(!log.push(event(2)));
        assert_eq!(log.pop().map(|event| event.at), Some(2));
        assert!(log.pop().is_none());
    }
}
