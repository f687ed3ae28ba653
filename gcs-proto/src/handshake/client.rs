//! The client's side of the handshake.
//!
//! ```text
//!            list of methods             1                 accept record
//!   Offer ------------------> Password -----> Answer -----------------> connection
//!     |                          only with       ^
//!     +---- without credentials  credentials ----+
//! ```
//!
//! A code in place of any of these ends the handshake. Source: Spread client protocol, section 3.

use alloc::{collections::VecDeque, string::String, sync::Arc, vec::Vec};
use core::fmt;

use bytes::{Buf, Bytes, BytesMut};

use crate::{
    connection::Connection,
    error::{ConnectRefusal, Error},
    handshake::{
        ConnectOptions, Credentials, Method, Priority, Version, credentials,
        method::{encode_choice, offers},
        record::{AcceptRecord, Answer},
    },
};

/// A connection in the making.
///
/// Send what [`poll_transmit`](Self::poll_transmit) gives, each piece in *one* write: reference
/// daemons want whole records. Feed what arrives to [`handle_bytes`](Self::handle_bytes), drain
/// [`poll_transmit`](Self::poll_transmit) after each call, and go on with the [`Connection`] when
/// one comes out. If the stream ends before that, the daemon did not say why.
pub struct ClientHandshake {
    options: ConnectOptions,
    credentials: Option<Arc<Credentials>>,
    state: State,
    buffer: BytesMut,
    transmit: VecDeque<Bytes>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// The list of methods, or a code, is next.
    Offer,
    /// The answer to the password is next.
    Password,
    /// The accept record, or a code, is next.
    Answer,
    /// Over, in one way or the other.
    Over,
}

impl fmt::Debug for ClientHandshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A password may be among the records that wait.
        f.debug_struct("ClientHandshake")
            .field("options", &self.options)
            .field("state", &self.state)
            .field("buffered", &self.buffered())
            .finish_non_exhaustive()
    }
}

impl ClientHandshake {
    /// Starts a handshake; the connect record is ready to be sent.
    pub fn new(options: ConnectOptions) -> Self {
        Self {
            state: if options.request.version.negotiates_authentication() {
                State::Offer
            } else {
                State::Answer
            },
            transmit: VecDeque::from([options.request.encode()]),
            options,
            credentials: None,
            buffer: BytesMut::new(),
        }
    }

    /// Starts a handshake that asks for [`Method::Password`] beside the methods of `options`,
    /// [`Method::Null`] excepted.
    ///
    /// They may be shared with whoever makes the same connection again.
    ///
    /// A library before 3.16 cannot choose methods, so with such a version the credentials stay
    /// here.
    pub fn with_credentials(
        options: ConnectOptions,
        credentials: impl Into<Arc<Credentials>>,
    ) -> Self {
        let mut options = options;
        options
            .methods
            .iter_mut()
            .filter(|method| **method == Some(Method::Null))
            .for_each(|method| *method = None);
        Self {
            credentials: Some(credentials.into()),
            ..Self::new(options.and_method(Method::Password))
        }
    }

    /// The next record to be sent.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.transmit.pop_front()
    }

    /// Bytes that wait for the rest of their record.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Takes bytes of the stream, in pieces of any size; gives the connection when it is made.
    /// What came behind the accept record is already in it.
    ///
    /// # Errors
    /// [`Error::Refused`] if the daemon or its age refuses, [`Error::NoCommonMethod`] if it does not
    /// offer all the methods wanted, [`Error::MissingCredentials`], [`Error::Decode`], and
    /// [`Error::HandshakeOver`] after a connection or an error.
    pub fn handle_bytes(&mut self, bytes: &[u8]) -> Result<Option<Connection>, Error> {
        if matches!(self.state, State::Over) {
            return Err(Error::HandshakeOver);
        }
        let result = self.advance(bytes);
        if !matches!(result, Ok(None)) {
            self.state = State::Over;
            self.buffer = BytesMut::new();
            self.credentials = None;
        }
        result
    }

    fn advance(&mut self, bytes: &[u8]) -> Result<Option<Connection>, Error> {
        self.buffer.extend_from_slice(bytes);
        if matches!(self.state, State::Offer) {
            if !self.take_offer()? {
                return Ok(None);
            }
            self.state = match self.credentials.take() {
                Some(_) => State::Password,
                None => State::Answer,
            };
        }
        if matches!(self.state, State::Password) {
            let Some(answer) = self.buffer.first().copied() else {
                return Ok(None);
            };
            Self::check_password(answer)?;
            self.buffer.advance(1);
            self.state = State::Answer;
        }
        let answer = AcceptRecord::decode(&self.buffer, self.options.request.version)?;
        match answer {
            Answer::Accepted(length, record) => {
                self.check_daemon(record.version)?;
                self.buffer.advance(length);
                let remaining = core::mem::take(&mut self.buffer);
                Ok(Some(Connection::new(
                    record.private_group,
                    record.version,
                    remaining,
                )))
            }
            Answer::Refused(refusal) => Err(refusal.into()),
            Answer::Incomplete => Ok(None),
        }
    }

    /// Whether the list of methods was complete; then the choice is ready to be sent.
    fn take_offer(&mut self) -> Result<bool, Error> {
        let Some((length, rest)) = self.buffer.split_first() else {
            return Ok(false);
        };
        let length = length.cast_signed();
        let Ok(length) = usize::try_from(length) else {
            return Err(ConnectRefusal::from_code(length).into());
        };
        let Some(offer) = rest.get(..length) else {
            return Ok(false);
        };
        let methods: Vec<Method> = self.options.methods.into_iter().flatten().collect();
        if let Some(method) = methods.iter().find(|method| !offers(offer, **method)) {
            return Err(Error::NoCommonMethod {
                offered: String::from_utf8_lossy(offer).into_owned(),
                wanted: method.name(),
            });
        }
        let credentials = match &self.credentials {
            Some(credentials) => Some(credentials.encode()),
            None if methods.contains(&Method::Password) => return Err(Error::MissingCredentials),
            None => None,
        };
        self.buffer.advance(1 + length);
        self.transmit.push_back(encode_choice(methods));
        self.transmit.extend(credentials.into_iter().flatten());
        Ok(true)
    }

    /// The daemon's answer to the password; a daemon that had refused before says so by a code.
    const fn check_password(answer: u8) -> Result<(), ConnectRefusal> {
        match answer {
            credentials::RIGHT => Ok(()),
            credentials::WRONG => Err(ConnectRefusal::Authentication),
            code => Err(ConnectRefusal::from_code(code.cast_signed())),
        }
    }

    fn check_daemon(&self, daemon: Version) -> Result<(), Error> {
        let oldest = match self.options.request.priority {
            Priority::Normal => Version::OLDEST,
            Priority::High => Version::OLDEST_WITH_PRIORITY,
        };
        if daemon.number() < oldest.number() {
            return Err(ConnectRefusal::Version.into());
        }
        Ok(())
    }
}
