//! The two records of the handshake, and the answers that are one signed byte.
//!
//! | record | offset | size | content |
//! |---|---|---|---|
//! | connect | 0 | 2 | major and minor version of the library |
//! | | 2 | 0 or 1 | patch version |
//! | | 3 | 1 | flags: bit 0 wants membership messages, upper four bits priority |
//! | | 4 | 1 | length n of the private name, at most 10; 0: the daemon chooses one |
//! | | 5 | n | private name |
//! | accept | 0 | 1 | 1 |
//! | | 1 | 2 | major and minor version of the daemon |
//! | | 3 | 0 or 1 | patch version |
//! | | 4 | 1 | length p of the private group, at most 31 |
//! | | 5 | p | private group |
//! | code | 0 | 1 | a negative number in place of the list of methods, or of the 1 of the accept record |
//!
//! The patch byte is there if the *client's* version says so, in both records; without it all that
//! follows stands one byte earlier.
//!
//! Source: Spread client protocol, sections 3.1, 3.4 and 10 of the protocol notes in `docs/`.

use bytes::Bytes;

use crate::{
    codec::{Reader, Writer},
    error::{ConnectRefusal, DecodeError},
    gcs::ByteOrder,
    handshake::{Method, Version},
    limits,
    name::{MemberName, PrivateName},
};

/// Code of an accepted connection.
pub(super) const ACCEPTED: i8 = 1;
const WANTS_MEMBERSHIP: u8 = 0x01;
/// Makes the flag byte negative; the reference daemon then takes no flag for set.
const SIGN: u8 = 0x80;

/// Whether a session gets membership messages, transitional signals and self-leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum MembershipMessages {
    /// It does.
    #[default]
    Wanted,
    /// It gets data only, though it may be a member.
    Unwanted,
}

/// Priority of a session; daemons store it and do nothing with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Priority {
    /// 0.
    #[default]
    Normal,
    /// 1 and above.
    High,
}

/// What a client says of itself.
///
/// ```
/// use gcs_proto::handshake::{ConnectOptions, MembershipMessages};
///
/// let options = ConnectOptions::new()
///     .name("alice".parse()?)
///     .membership(MembershipMessages::Unwanted);
/// # let _ = options;
/// # Ok::<(), gcs_proto::name::NameError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectOptions {
    pub(super) request: ConnectRequest,
    /// Slots of the choice, of which the proof method takes the one of [`Method::Null`] where the
    /// daemon offers it; so each method has room.
    pub(super) methods: [Option<Method>; limits::AUTHENTICATION_METHODS],
}

impl ConnectOptions {
    /// A name chosen by the daemon, membership messages wanted, normal priority, our version, no
    /// authentication.
    pub const fn new() -> Self {
        Self {
            request: ConnectRequest {
                version: Version::CURRENT,
                name: None,
                membership: MembershipMessages::Wanted,
                priority: Priority::Normal,
            },
            methods: [Some(Method::Null), None, None],
        }
    }

    /// The name to have at the daemon.
    #[must_use]
    pub const fn name(mut self, name: PrivateName) -> Self {
        self.request.name = Some(name);
        self
    }

    /// Whether to get membership messages.
    #[must_use]
    pub const fn membership(mut self, membership: MembershipMessages) -> Self {
        self.request.membership = membership;
        self
    }

    /// Priority.
    #[must_use]
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.request.priority = priority;
        self
    }

    /// Library version to announce.
    #[must_use]
    pub const fn version(mut self, version: Version) -> Self {
        self.request.version = version;
        self
    }

    /// The one authentication method to ask for; [`Method::Password`] needs
    /// [`ClientHandshake::with_credentials`](super::ClientHandshake::with_credentials) and
    /// [`Method::Proof`] needs [`ClientHandshake::prove_if_asked`](super::ClientHandshake::prove_if_asked).
    #[must_use]
    pub const fn method(mut self, method: Method) -> Self {
        self.methods = [Some(method), None, None];
        self
    }

    /// One more authentication method to ask for: a client must pass all of them.
    #[must_use]
    pub fn and_method(mut self, method: Method) -> Self {
        if !self.methods.contains(&Some(method))
            && let Some(slot) = self.methods.iter_mut().find(|slot| slot.is_none())
        {
            *slot = Some(method);
        }
        self
    }
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// A connect record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectRequest {
    /// Version of the client library.
    pub version: Version,
    /// Name wanted; none leaves it to the daemon.
    pub name: Option<PrivateName>,
    /// Whether membership messages are wanted.
    pub membership: MembershipMessages,
    /// Priority.
    pub priority: Priority,
}

impl ConnectRequest {
    /// The record as bytes.
    pub fn encode(&self) -> Bytes {
        let mut writer = Writer::new(ByteOrder::Little, limits::CONNECT_RECORD);
        write_version(&mut writer, self.version, self.version);
        let membership = match self.membership {
            MembershipMessages::Wanted => WANTS_MEMBERSHIP,
            MembershipMessages::Unwanted => 0,
        };
        let priority = match self.priority {
            Priority::Normal => 0,
            Priority::High => 1 << 4,
        };
        writer.byte(membership | priority);
        write_text(
            &mut writer,
            self.name.as_ref().map_or(&[], PrivateName::as_bytes),
        );
        writer.finish()
    }

    /// Reads a record from the front of `bytes`: how many bytes it takes and what it says, or
    /// why the daemon must refuse it, or nothing while it is incomplete.
    pub(super) fn decode(bytes: &[u8]) -> Option<Result<(usize, Self), ConnectRefusal>> {
        let mut reader = Reader::new("connect record", bytes);
        let mut version = Version::new(reader.byte().ok()?, reader.byte().ok()?, 0);
        if version.has_patch() {
            version.patch = reader.byte().ok()?;
        }
        if !version.is_supported() {
            return Some(Err(ConnectRefusal::Version));
        }
        let flags = reader.byte().ok()?;
        let length = usize::from(reader.byte().ok()?);
        if length > limits::PRIVATE_NAME {
            return Some(Err(ConnectRefusal::IllegalName));
        }
        let name = match reader.slice(length).ok()? {
            [] => None,
            text => match PrivateName::new(text) {
                Ok(name) => Some(name),
                Err(_) => return Some(Err(ConnectRefusal::IllegalName)),
            },
        };
        let membership = if flags & (WANTS_MEMBERSHIP | SIGN) == WANTS_MEMBERSHIP {
            MembershipMessages::Wanted
        } else {
            MembershipMessages::Unwanted
        };
        let priority = if flags >> 4 == 0 {
            Priority::Normal
        } else {
            Priority::High
        };
        Some(Ok((
            reader.position(),
            Self {
                version,
                name,
                membership,
                priority,
            },
        )))
    }
}

/// An accept record: what the daemon says of itself and of the new session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AcceptRecord {
    /// Version of the daemon.
    pub(super) version: Version,
    /// Private group of the session.
    pub(super) private_group: MemberName,
}

/// How far an accept record is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It takes this many bytes.
    Accepted(usize, AcceptRecord),
    /// A code came instead.
    Refused(ConnectRefusal),
    /// More bytes are needed.
    Incomplete,
}

impl AcceptRecord {
    /// The record as bytes, for a client library of the version `client`.
    pub(super) fn encode(&self, client: Version) -> Bytes {
        let mut writer = Writer::new(ByteOrder::Little, 5 + limits::MEMBER_NAME);
        writer.byte(ACCEPTED.cast_unsigned());
        write_version(&mut writer, self.version, client);
        write_text(&mut writer, self.private_group.as_bytes());
        writer.finish()
    }

    /// Reads the answer to a client library of the version `client`.
    pub(super) fn decode(bytes: &[u8], client: Version) -> Result<Answer, DecodeError> {
        let mut reader = Reader::new("accept record", bytes);
        let Ok(code) = reader.byte() else {
            return Ok(Answer::Incomplete);
        };
        if code.cast_signed() != ACCEPTED {
            return Ok(Answer::Refused(ConnectRefusal::from_code(
                code.cast_signed(),
            )));
        }
        let parts = |reader: &mut Reader<'_>| {
            let mut version = Version::new(reader.byte()?, reader.byte()?, 0);
            if client.has_patch() {
                version.patch = reader.byte()?;
            }
            let length = reader.byte()?;
            Ok::<_, DecodeError>((version, length))
        };
        let Ok((version, length)) = parts(&mut reader) else {
            return Ok(Answer::Incomplete);
        };
        // Longer than any name: refused before its bytes are waited for.
        if usize::from(length) > limits::MEMBER_NAME {
            return Err(DecodeError::TooLarge {
                what: "length of private group",
                value: length.into(),
                max: limits::MEMBER_NAME,
            });
        }
        let Ok(text) = reader.slice(length.into()) else {
            return Ok(Answer::Incomplete);
        };
        let private_group = MemberName::new(text)?;
        Ok(Answer::Accepted(
            reader.position(),
            Self {
                version,
                private_group,
            },
        ))
    }
}

/// A refusal as its one byte.
pub(super) fn encode_refusal(refusal: ConnectRefusal) -> Bytes {
    Bytes::copy_from_slice(&[refusal.code().cast_unsigned()])
}

fn write_version(writer: &mut Writer, version: Version, client: Version) {
    writer.byte(version.major);
    writer.byte(version.minor);
    if client.has_patch() {
        writer.byte(version.patch);
    }
}

/// All texts here are names of at most 31 bytes.
fn write_text(writer: &mut Writer, text: &[u8]) {
    writer.byte(u8::try_from(text.len()).unwrap_or(0));
    writer.slice(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_the_protocol_notes() {
        let record = b"\x04\x04\x00\x01\x05alice";
        let request = ConnectOptions::new().name("alice".parse().unwrap()).request;
        assert_eq!(request.encode(), &record[..]);
        assert_eq!(ConnectRequest::decode(record), Some(Ok((10, request))));
        let accept = AcceptRecord {
            version: Version::CURRENT,
            private_group: "#alice#n1".parse().unwrap(),
        };
        assert_eq!(
            accept.encode(Version::CURRENT),
            &b"\x01\x04\x04\x00\x09#alice#n1"[..]
        );
        assert_eq!(
            accept.encode(Version::new(3, 14, 0)),
            &b"\x01\x04\x04\x09#alice#n1"[..]
        );
        assert_eq!(encode_refusal(ConnectRefusal::NotUnique), &b"\xfa"[..]);
    }

    #[test]
    fn records_are_incomplete_until_their_last_byte() {
        for record in [&b"\x04\x04\x00\x10\x03bob"[..], b"\x03\x0e\x01\x06old314"] {
            for end in 0..record.len() {
                assert_eq!(ConnectRequest::decode(&record[..end]), None);
            }
            let (length, request) = ConnectRequest::decode(record).unwrap().unwrap();
            assert_eq!(length, record.len());
            assert_eq!(request.encode(), record);
        }
        let accept = b"\x01\x04\x04\x00\x09#alice#n1";
        for end in 0..accept.len() {
            assert_eq!(
                AcceptRecord::decode(&accept[..end], Version::CURRENT),
                Ok(Answer::Incomplete)
            );
        }
    }

    #[test]
    fn refusals_come_as_early_as_they_can() {
        for (record, refusal) in [
            (&b"\x02\x09"[..], ConnectRefusal::Version),
            (b"\x80\x00", ConnectRefusal::Version),
            (b"\x03\x00\x01", ConnectRefusal::Version),
            (b"\x04\x04\x00\x01\x0b", ConnectRefusal::IllegalName),
            (b"\x04\x04\x00\x01\x03a#b", ConnectRefusal::IllegalName),
            (b"\x04\x04\x00\x01\x01 ", ConnectRefusal::IllegalName),
        ] {
            assert_eq!(ConnectRequest::decode(record), Some(Err(refusal)));
        }
    }

    #[test]
    fn flags_with_the_sign_bit_want_nothing() {
        let (_, request) = ConnectRequest::decode(b"\x04\x04\x00\x81\x00")
            .unwrap()
            .unwrap();
        assert_eq!(request.membership, MembershipMessages::Unwanted);
        assert_eq!(request.name, None);
        let (_, request) = ConnectRequest::decode(b"\x04\x04\x00\x0f\x00")
            .unwrap()
            .unwrap();
        assert_eq!(request.membership, MembershipMessages::Wanted);
        assert_eq!(request.priority, Priority::Normal);
    }

    #[test]
    fn over_long_or_illegal_private_groups_are_refused() {
        let decode = |bytes: &[u8]| AcceptRecord::decode(bytes, Version::CURRENT);
        assert!(decode(b"\x01\x04\x04\x00\x20").is_err());
        assert!(decode(b"\x01\x04\x04\x00\x00").is_err());
        assert!(decode(b"\x01\x04\x04\x00\x02# ").is_err());
        for code in [0xf7u8, 0, 2, 0x80] {
            assert_eq!(
                decode(&[code]),
                Ok(Answer::Refused(ConnectRefusal::from_code(code as i8)))
            );
        }
    }
}
