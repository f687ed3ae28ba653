//! The daemon's side of the handshake.
//!
//! ```text
//!   Connect -> Offering -> Choice -> Credentials -> Challenging -> Proof -> Authenticating -> Accepted
//!                  |         |     only with PWORD ^    only with SSP-PROOF    ^
//!                  |         +---------------------+---------------------------+
//!                  +---- Chosen, for libraries that cannot choose
//! ```
//!
//! Offering, Challenging and Authenticating wait for the caller; every state may end in a refusal. The records
//! are laid out in the documentation of their modules. Source: Spread client protocol, section 3.

use alloc::{collections::VecDeque, vec::Vec};
use core::fmt;

use bytes::{Buf, Bytes, BytesMut};
use zeroize::Zeroize;

use crate::{
    error::{ConnectRefusal, Error},
    handshake::{
        ConnectRequest, Credentials, Method, ProofRequest, Version, credentials,
        message::{AcceptRecord, encode_refusal},
        method::{decode_choice, encode_offer},
        proof::decode_proof,
    },
    limits,
    name::MemberName,
};

/// What the daemon has to decide next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DaemonStep {
    /// A client introduced itself: reserve its name and answer with
    /// [`offer_methods`](DaemonHandshake::offer_methods) or [`refuse`](DaemonHandshake::refuse).
    Connect(ConnectRequest),
    /// The client has chosen [`Method::Proof`]: answer with
    /// [`challenge`](DaemonHandshake::challenge) or [`refuse`](DaemonHandshake::refuse).
    Challenge,
    /// The client is to be authenticated by all of these methods: answer with
    /// [`accept`](DaemonHandshake::accept) or [`refuse`](DaemonHandshake::refuse). If
    /// [`Method::Password`] is among them, [`credentials`](DaemonHandshake::credentials) has what
    /// the client sent; likewise [`proof`](DaemonHandshake::proof) for [`Method::Proof`].
    Authenticate {
        /// What it chose, all of it offered, then what is required beside; what the daemon chose
        /// for a library that cannot.
        methods: Vec<Method>,
    },
    /// The client was refused; send the code and close.
    Refused(ConnectRefusal),
}

/// A session in the making.
///
/// ```text
///   handle_bytes, poll_step -> Connect       -> offer_methods | refuse, poll_transmit
///   handle_bytes, poll_step -> Challenge     -> challenge | refuse,     poll_transmit
///   handle_bytes, poll_step -> Authenticate  -> accept | refuse,        poll_transmit
///   into_remaining: bytes for the message decoder
/// ```
///
/// After each call drain [`poll_step`](Self::poll_step) and
/// [`poll_transmit`](Self::poll_transmit). A step comes once; nothing moves until it is answered,
/// and an answer that no step asked for changes nothing. An illegal name, a version too old, and a
/// choice of methods not offered are refused without asking.
///
/// The caller limits the time that all this may take.
pub struct DaemonHandshake {
    state: State,
    required: Vec<Method>,
    buffer: BytesMut,
    transmit: VecDeque<Bytes>,
}

#[derive(Debug)]
enum State {
    /// The connect record is incomplete.
    Connect,
    /// The caller has [`DaemonStep::Connect`] to answer.
    Offering { client: Version },
    /// The choice of methods is incomplete.
    Choice {
        client: Version,
        offered: Vec<Method>,
    },
    /// The choice of a library that cannot choose.
    Chosen {
        client: Version,
        methods: Vec<Method>,
    },
    /// User name and password are incomplete.
    Credentials {
        client: Version,
        methods: Vec<Method>,
    },
    /// The caller has [`DaemonStep::Challenge`] to answer.
    Challenging(Shown),
    /// The proof is incomplete.
    Proof(Shown),
    /// The caller has [`DaemonStep::Authenticate`] to answer.
    Authenticating {
        client: Version,
        /// Present if the password method was chosen, which then has an answer of its own.
        credentials: Option<Credentials>,
        /// Present if the proof method was chosen.
        proof: Option<Bytes>,
    },
    /// Refused, and the caller does not know yet.
    Refusing(ConnectRefusal),
    /// Refused.
    Refused,
    /// Accepted.
    Accepted,
}

/// What a client has chosen and shown when it is asked for a proof.
#[derive(Debug)]
struct Shown {
    client: Version,
    methods: Vec<Method>,
    credentials: Option<Credentials>,
}

impl fmt::Debug for DaemonHandshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A password may be among the bytes that wait.
        f.debug_struct("DaemonHandshake")
            .field("state", &self.state)
            .field("required", &self.required)
            .field("buffered", &self.buffered())
            .finish_non_exhaustive()
    }
}

impl Default for DaemonHandshake {
    fn default() -> Self {
        Self::new()
    }
}

impl DaemonHandshake {
    /// Starts with a fresh stream.
    pub fn new() -> Self {
        Self {
            state: State::Connect,
            required: Vec::new(),
            // Room for all that a client in a handshake has to send: no copy of a password is left
            // behind by growing.
            buffer: BytesMut::with_capacity(
                limits::CONNECT_RECORD + limits::AUTHENTICATION_CHOICE + credentials::RECORD,
            ),
            transmit: VecDeque::new(),
        }
    }

    /// Has every client go through these methods, whatever it chooses; they are offered to all.
    /// Takes effect with [`offer_methods`](Self::offer_methods).
    ///
    /// A client that has not chosen a required [`Method::Password`] or [`Method::Proof`] is refused:
    /// it would not know to send anything.
    pub fn require_methods(&mut self, required: &[Method]) {
        self.required = required.to_vec();
    }

    /// Takes bytes of the stream, in pieces of any size.
    ///
    /// # Errors
    /// [`Error::Limit`] if more is waiting than a client in a handshake has to send; close the
    /// stream. Nothing was taken.
    pub fn handle_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let value = self.buffer.len().saturating_add(bytes.len());
        if value > limits::HANDSHAKE_BUFFER {
            return Err(Error::Limit {
                what: "bytes ahead of the handshake",
                value,
                max: limits::HANDSHAKE_BUFFER,
            });
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// The next step, if its bytes are there and the step before is answered.
    pub fn poll_step(&mut self) -> Option<DaemonStep> {
        let (state, step) = match core::mem::replace(&mut self.state, State::Connect) {
            State::Connect => self.read_connect_record(),
            State::Choice { client, offered } => self.read_choice(client, offered),
            State::Chosen { client, methods } => (
                State::Authenticating {
                    client,
                    credentials: None,
                    proof: None,
                },
                Some(DaemonStep::Authenticate { methods }),
            ),
            State::Credentials { client, methods } => self.read_credentials(client, methods),
            State::Proof(shown) => self.read_proof(shown),
            State::Refusing(refusal) => (State::Refused, Some(DaemonStep::Refused(refusal))),
            waiting @ (State::Offering { .. }
            | State::Challenging(_)
            | State::Authenticating { .. }
            | State::Refused
            | State::Accepted) => (waiting, None),
        };
        self.state = state;
        step
    }

    /// Answers [`DaemonStep::Connect`]: the name is free and these methods are enabled.
    ///
    /// Methods are offered in the order of [`Method::ALL`]. For a library that knows no methods
    /// the daemon chooses: IP if enabled, else NULL if enabled, else it refuses.
    pub fn offer_methods(&mut self, methods: &[Method]) {
        let State::Offering { client } = self.state else {
            return;
        };
        let offered: Vec<Method> = Method::ALL
            .into_iter()
            .filter(|method| methods.contains(method) || self.required.contains(method))
            .collect();
        let known = |method: &Method| offered.contains(method);
        if client.negotiates_authentication() {
            self.transmit.push_back(encode_offer(&offered));
            self.state = State::Choice { client, offered };
        } else if let Some(method) = [Method::Ip, Method::Null].into_iter().find(known)
            && !self.required.iter().any(|method| method.has_exchange())
        {
            self.state = State::Chosen {
                client,
                methods: alloc::vec![method],
            };
        } else {
            self.refuse_with(ConnectRefusal::Authentication);
        }
    }

    /// User name and password of the client, while [`DaemonStep::Authenticate`] has to be answered
    /// and [`Method::Password`] is among its methods.
    pub const fn credentials(&self) -> Option<&Credentials> {
        match &self.state {
            State::Authenticating { credentials, .. } => credentials.as_ref(),
            State::Connect
            | State::Offering { .. }
            | State::Choice { .. }
            | State::Chosen { .. }
            | State::Credentials { .. }
            | State::Challenging(_)
            | State::Proof(_)
            | State::Refusing(_)
            | State::Refused
            | State::Accepted => None,
        }
    }

    /// Answers [`DaemonStep::Challenge`]: asks the client, which will be `member`, for the proof
    /// that meets this challenge.
    ///
    /// # Errors
    /// [`Error::Limit`] for a challenge of more than [`limits::CHALLENGE`] bytes; nothing has
    /// changed.
    pub fn challenge(&mut self, member: &MemberName, challenge: &[u8]) -> Result<(), Error> {
        let record = ProofRequest::encode(member, challenge)?;
        self.state = match core::mem::replace(&mut self.state, State::Connect) {
            State::Challenging(shown) => {
                self.transmit.push_back(record);
                State::Proof(shown)
            }
            other => other,
        };
        Ok(())
    }

    /// The proof of the client, while [`DaemonStep::Authenticate`] has to be answered and
    /// [`Method::Proof`] is among its methods.
    pub const fn proof(&self) -> Option<&Bytes> {
        match &self.state {
            State::Authenticating { proof, .. } => proof.as_ref(),
            State::Connect
            | State::Offering { .. }
            | State::Choice { .. }
            | State::Chosen { .. }
            | State::Credentials { .. }
            | State::Challenging(_)
            | State::Proof(_)
            | State::Refusing(_)
            | State::Refused
            | State::Accepted => None,
        }
    }

    /// Answers [`DaemonStep::Authenticate`]: the client is now the session `private_group`.
    pub fn accept(&mut self, version: Version, private_group: &MemberName) {
        let State::Authenticating {
            client,
            credentials,
            ..
        } = &self.state
        else {
            return;
        };
        let record = AcceptRecord {
            version,
            private_group: *private_group,
        };
        let record = record.encode(*client);
        if credentials.is_some() {
            self.transmit
                .push_back(Bytes::from_static(&[credentials::RIGHT]));
        }
        self.transmit.push_back(record);
        self.state = State::Accepted;
    }

    /// Answers any step: the client is told why and the stream is to be closed.
    pub fn refuse(&mut self, refusal: ConnectRefusal) {
        match &self.state {
            State::Offering { .. }
            | State::Challenging(_)
            | State::Authenticating {
                credentials: None, ..
            } => {}
            State::Authenticating {
                credentials: Some(_),
                ..
            } => self
                .transmit
                .push_back(Bytes::from_static(&[credentials::WRONG])),
            State::Connect
            | State::Choice { .. }
            | State::Chosen { .. }
            | State::Credentials { .. }
            | State::Proof(_)
            | State::Refusing(_)
            | State::Refused
            | State::Accepted => return,
        }
        self.refuse_with(refusal);
        self.state = State::Refused;
    }

    /// The next record to be sent.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.transmit.pop_front()
    }

    /// Bytes that wait.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    /// Whether the client was accepted.
    pub const fn is_accepted(&self) -> bool {
        matches!(self.state, State::Accepted)
    }

    /// What came behind the handshake, for
    /// [`FrameDecoder::with_buffer`](crate::codec::FrameDecoder::with_buffer).
    pub fn into_remaining(self) -> BytesMut {
        self.buffer
    }

    fn read_connect_record(&mut self) -> (State, Option<DaemonStep>) {
        match ConnectRequest::decode(&self.buffer) {
            None => (State::Connect, None),
            Some(Ok((length, request))) => {
                self.buffer.advance(length);
                let client = request.version;
                (
                    State::Offering { client },
                    Some(DaemonStep::Connect(request)),
                )
            }
            Some(Err(refusal)) => self.refused(refusal),
        }
    }

    fn read_choice(
        &mut self,
        client: Version,
        offered: Vec<Method>,
    ) -> (State, Option<DaemonStep>) {
        // Nothing that the client may choose would do, so its choice is not waited for.
        if offered.is_empty() {
            return self.refused(ConnectRefusal::Authentication);
        }
        let Some(choice) = self.buffer.first_chunk() else {
            return (State::Choice { client, offered }, None);
        };
        match decode_choice(choice, &offered) {
            Ok(mut methods) => {
                self.buffer.advance(limits::AUTHENTICATION_CHOICE);
                let chosen = methods.len();
                for method in &self.required {
                    if !methods.contains(method) {
                        methods.push(*method);
                    }
                }
                let added = methods.get(chosen..).unwrap_or_default();
                if added.iter().any(|method| method.has_exchange()) {
                    self.refused(ConnectRefusal::Authentication)
                } else if methods.contains(&Method::Password) {
                    self.read_credentials(client, methods)
                } else {
                    Self::shown(Shown {
                        client,
                        methods,
                        credentials: None,
                    })
                }
            }
            Err(refusal) => self.refused(refusal),
        }
    }

    fn read_credentials(
        &mut self,
        client: Version,
        methods: Vec<Method>,
    ) -> (State, Option<DaemonStep>) {
        let Some(record) = self.buffer.first_chunk_mut::<{ credentials::RECORD }>() else {
            return (State::Credentials { client, methods }, None);
        };
        let credentials = Credentials::decode(record);
        record.zeroize();
        self.buffer.advance(credentials::RECORD);
        Self::shown(Shown {
            client,
            methods,
            credentials: Some(credentials),
        })
    }

    /// Asks for the proof, if one was chosen; else all is there for the verdict.
    fn shown(shown: Shown) -> (State, Option<DaemonStep>) {
        if shown.methods.contains(&Method::Proof) {
            return (State::Challenging(shown), Some(DaemonStep::Challenge));
        }
        Self::complete(shown, None)
    }

    fn read_proof(&mut self, shown: Shown) -> (State, Option<DaemonStep>) {
        match decode_proof(&self.buffer) {
            Ok(None) => (State::Proof(shown), None),
            Ok(Some((length, proof))) => {
                self.buffer.advance(length);
                Self::complete(shown, Some(proof))
            }
            Err(refusal) => self.refused(refusal),
        }
    }

    fn complete(shown: Shown, proof: Option<Bytes>) -> (State, Option<DaemonStep>) {
        let Shown {
            client,
            methods,
            credentials,
        } = shown;
        (
            State::Authenticating {
                client,
                credentials,
                proof,
            },
            Some(DaemonStep::Authenticate { methods }),
        )
    }

    fn refuse_with(&mut self, refusal: ConnectRefusal) {
        self.transmit.push_back(encode_refusal(refusal));
        self.buffer = BytesMut::new();
        self.state = State::Refusing(refusal);
    }

    fn refused(&mut self, refusal: ConnectRefusal) -> (State, Option<DaemonStep>) {
        self.refuse_with(refusal);
        (State::Refused, Some(DaemonStep::Refused(refusal)))
    }
}
