//! The client's side of the handshake.
//!
//! ```text
//!         list of methods    challenge           proof          1          accept record
//!   Offer ------> Challenge ----------> Proving ------> Password --> Answer ------> connection
//!     |                only if SSP-PROOF was chosen ^       only with   ^
//!     +---------------------------------------------+       credentials-+
//! ```
//!
//! Proving waits for the caller. A code in place of any of these ends the handshake. Source: Spread client protocol, section 3.

use alloc::{collections::VecDeque, string::String, sync::Arc, vec::Vec};
use core::fmt;

use bytes::{Buf, Bytes, BytesMut};

use crate::{
    connection::Connection,
    error::{ConnectRefusal, DecodeError, Error},
    handshake::{
        ConnectOptions, Credentials, Method, Priority, ProofRequest, Version, credentials,
        message::{AcceptRecord, Answer},
        method::{encode_choice, offers},
        proof::{Challenged, encode_proof},
    },
    name::MemberName,
};

/// A connection in the making.
///
/// Send what [`poll_transmit`](Self::poll_transmit) gives, each piece in *one* write: reference
/// daemons want whole records. Feed what arrives to [`handle_bytes`](Self::handle_bytes), drain
/// [`poll_transmit`](Self::poll_transmit) after each call, and go on with the [`Connection`] when
/// one comes out. Who said that it can [prove](Self::prove_if_asked) who it is also looks at
/// [`poll_challenge`](Self::poll_challenge) after each call. If the stream ends before that, the daemon did not say why.
pub struct ClientHandshake {
    options: ConnectOptions,
    credentials: Option<Arc<Credentials>>,
    proving: Proving,
    /// A demand for proof that the caller has not taken.
    challenge: Option<ProofRequest>,
    /// The member that a proof was given for.
    proved: Option<MemberName>,
    state: State,
    buffer: BytesMut,
    transmit: VecDeque<Bytes>,
}

/// Whether the caller can meet challenges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proving {
    Impossible,
    IfAsked,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// The list of methods, or a code, is next.
    Offer,
    /// The challenge, or a code, is next.
    Challenge,
    /// The caller has a challenge to meet.
    Proving,
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
            proving: Proving::Impossible,
            challenge: None,
            proved: None,
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

    /// Chooses [`Method::Proof`] where the daemon offers it, in place of [`Method::Null`]; then a
    /// [challenge](Self::poll_challenge) comes. A daemon that does not offer it is none the wiser.
    #[must_use]
    pub const fn prove_if_asked(mut self) -> Self {
        self.proving = Proving::IfAsked;
        self
    }

    /// The daemon's demand for proof of identity, to be answered by [`prove`](Self::prove). It
    /// comes once, and only to who can [prove](Self::prove_if_asked).
    pub const fn poll_challenge(&mut self) -> Option<ProofRequest> {
        self.challenge.take()
    }

    /// Answers a [challenge](Self::poll_challenge); an answer that nothing asked for changes
    /// nothing. Who does not want to answer drops the stream.
    ///
    /// # Errors
    /// [`Error::Limit`] for a proof of more than [`limits::PROOF`](crate::limits::PROOF) bytes.
    pub fn prove(&mut self, proof: &[u8]) -> Result<(), Error> {
        if matches!(self.state, State::Proving) {
            self.transmit.push_back(encode_proof(proof)?);
            self.state = self.behind_proof();
        }
        Ok(())
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
    /// offer all the methods wanted, [`Error::MissingCredentials`], [`Error::MissingProof`],
    /// [`Error::OtherMember`], [`Error::Decode`], and [`Error::HandshakeOver`] after a connection
    /// or an error.
    pub fn handle_bytes(&mut self, bytes: &[u8]) -> Result<Option<Connection>, Error> {
        if matches!(self.state, State::Over) {
            return Err(Error::HandshakeOver);
        }
        let result = self.advance(bytes);
        if !matches!(result, Ok(None)) {
            self.state = State::Over;
            self.buffer = BytesMut::new();
            self.credentials = None;
            self.challenge = None;
        }
        result
    }

    fn advance(&mut self, bytes: &[u8]) -> Result<Option<Connection>, Error> {
        self.buffer.extend_from_slice(bytes);
        if matches!(self.state, State::Offer) && !self.take_offer()? {
            return Ok(None);
        }
        if matches!(self.state, State::Challenge) && !self.take_challenge()? {
            return Ok(None);
        }
        if matches!(self.state, State::Proving) {
            return self.check_silence().map(|()| None);
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
                self.check_proved(&record.private_group)?;
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
        let mut methods: Vec<Method> = self.options.methods.into_iter().flatten().collect();
        let asks = offers(offer, Method::Proof);
        let offered = || String::from_utf8_lossy(offer).into_owned();
        match self.proving {
            Proving::IfAsked if asks => {
                methods.retain(|method| *method != Method::Null && *method != Method::Proof);
                methods.push(Method::Proof);
            }
            Proving::Impossible if methods.contains(&Method::Proof) => {
                return Err(Error::MissingProof { offered: offered() });
            }
            Proving::IfAsked | Proving::Impossible => {}
        }
        if let Some(method) = methods.iter().find(|method| !offers(offer, **method)) {
            return Err(match self.proving {
                Proving::Impossible if asks => Error::MissingProof { offered: offered() },
                Proving::IfAsked | Proving::Impossible => Error::NoCommonMethod {
                    offered: offered(),
                    wanted: method.name(),
                },
            });
        }
        let proves = methods.contains(&Method::Proof);
        let credentials = match &self.credentials {
            Some(credentials) => Some(credentials.encode()),
            None if methods.contains(&Method::Password) => return Err(Error::MissingCredentials),
            None => None,
        };
        self.buffer.advance(1 + length);
        self.transmit.push_back(encode_choice(methods));
        self.transmit.extend(credentials.into_iter().flatten());
        self.state = if proves {
            State::Challenge
        } else {
            self.behind_proof()
        };
        Ok(true)
    }

    /// Whether the challenge was complete; then it is the caller's to answer.
    fn take_challenge(&mut self) -> Result<bool, Error> {
        match ProofRequest::decode(&self.buffer)? {
            Challenged::Asked(length, request) => {
                self.check_name(&request.member)?;
                self.buffer.advance(length);
                self.proved = Some(request.member);
                self.challenge = Some(request);
                self.state = State::Proving;
                Ok(true)
            }
            Challenged::Refused(refusal) => Err(refusal.into()),
            Challenged::Incomplete => Ok(false),
        }
    }

    /// What comes behind the proof, or in place of it.
    fn behind_proof(&mut self) -> State {
        match self.credentials.take() {
            Some(_) => State::Password,
            None => State::Answer,
        }
    }

    /// A daemon that waits for a proof has nothing to say but that it waits no more.
    fn check_silence(&self) -> Result<(), Error> {
        match self.buffer.first().map(|byte| byte.cast_signed()) {
            None => Ok(()),
            Some(code @ ..0) => Err(ConnectRefusal::from_code(code).into()),
            Some(_) => Err(DecodeError::Trailing {
                what: "challenge",
                extra: self.buffer.len(),
            }
            .into()),
        }
    }

    /// A proof is given under the name that was asked for, or under no other.
    fn check_name(&self, member: &MemberName) -> Result<(), Error> {
        let Some(wanted) = &self.options.request.name else {
            return Ok(());
        };
        if member.as_bytes().split(|byte| *byte == b'#').nth(1) == Some(wanted.as_bytes()) {
            return Ok(());
        }
        Err(Error::OtherMember {
            found: *member,
            expected: wanted.as_str().into(),
        })
    }

    /// Who gave a proof is let in as the member that it was given for.
    fn check_proved(&self, private_group: &MemberName) -> Result<(), Error> {
        match &self.proved {
            Some(proved) if proved != private_group => Err(Error::OtherMember {
                found: *private_group,
                expected: proved.as_str().into(),
            }),
            Some(_) | None => Ok(()),
        }
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
