//! A client's connection: bytes in, [`GcsEvent`]s out; [`GcsCommand`]s in, bytes out.
//!
//! ```text
//!   stream -- handle_bytes --> FrameDecoder -> Delivery -> GcsEvent -- poll_event --> above
//!   stream <- poll_transmit -- Frame <- Request <- limits <- GcsCommand -- command -- above
//! ```
//!
//! Here the terms of the wire become neutral ones. Most of that is renaming; the one piece of
//! meaning is the *transitional set* of a membership: those who moved with the receiver from its
//! previous membership of the group. The wire spells it out for network changes only. Of one that
//! joins, it is all the others (who were there before and still are), and for the joiner itself the
//! joiner alone; of one that leaves or disconnects, it is all that remain.
//!
//! Source: Spread client protocol, sections 5, 6 and 7 of the protocol notes in `docs/`.

use alloc::{boxed::Box, collections::VecDeque, vec, vec::Vec};

use bytes::{Bytes, BytesMut};

use crate::{
    codec::{
        Change, DataMessage, Delivery, Direction, FrameDecoder, Hint, Layout, MembershipMessage,
        Request, ServiceWord,
    },
    error::{DecodeError, Error},
    gcs::{
        Capabilities, Cause, CloseReason, GcsCommand, GcsEvent, Membership, Scope, SelfDelivery,
        SignalTiming, View,
    },
    limits,
    name::MemberName,
    service::Service,
    version::Version,
};

/// A connection to a daemon, made by a [`ClientHandshake`](crate::handshake::ClientHandshake).
///
/// It owns no socket, clock or task. The methods fall into four families:
///
/// - getters, such as [`private_group`](Self::private_group);
/// - `handle_*`: what the stream did;
/// - [`command`](Self::command): what the user wants;
/// - `poll_*`: what comes of it.
///
/// After a call of the second or third family call [`poll_event`](Self::poll_event) until it gives
/// none, then [`poll_transmit`](Self::poll_transmit) until it gives none. Keep feeding input while
/// output waits to be written: a client that writes without reading can block its daemon
/// and itself. When [`GcsEvent::Closed`] has come, send what is left to be sent and drop the stream;
/// nothing follows.
///
/// A new connection may have bytes from the handshake inside: poll it before the first input.
#[derive(Debug)]
pub struct Connection {
    private_group: MemberName,
    daemon_version: Version,
    decoder: FrameDecoder,
    /// Pieces to be sent, each of them closed.
    transmit: VecDeque<Bytes>,
    /// What is to be sent behind them; messages are written one behind the other.
    writing: BytesMut,
    transmit_backlog: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Messages go both ways.
    Open,
    /// The stream has ended; what arrived before is still to be taken.
    Ended,
    /// Over, and the user does not know yet.
    Closing(CloseReason),
    /// Over.
    Closed,
}

impl Connection {
    /// A connection of the session `private_group` whose handshake is done; `remaining` is what
    /// came behind it.
    pub fn new(private_group: MemberName, daemon_version: Version, remaining: BytesMut) -> Self {
        Self {
            private_group,
            daemon_version,
            decoder: FrameDecoder::with_buffer(Direction::ToClient, remaining),
            transmit: VecDeque::new(),
            writing: BytesMut::new(),
            transmit_backlog: 0,
            state: State::Open,
        }
    }

    /// Name of this session, under which it is a member of groups.
    pub const fn private_group(&self) -> &MemberName {
        &self.private_group
    }

    /// Version that the daemon announced.
    pub const fn daemon_version(&self) -> Version {
        self.daemon_version
    }

    /// What the daemon offers. The sizes are those that a 4.4.0 daemon survives and really
    /// routes, below those that it announces.
    pub const fn capabilities(&self) -> Capabilities {
        Capabilities {
            strongest_service: Service::Safe,
            signal: SignalTiming::Prompt,
            destinations: limits::ROUTED_DESTINATIONS,
            message: limits::SAFE_MESSAGE,
        }
    }

    /// Whether the connection is over; [`GcsEvent::Closed`] may still have to be taken.
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closing(_) | State::Closed)
    }

    /// Bytes received that wait to be taken as events or for the rest of their message.
    pub fn buffered(&self) -> usize {
        self.decoder.buffered()
    }

    /// Bytes that wait to be taken by [`poll_transmit`](Self::poll_transmit).
    pub const fn transmit_backlog(&self) -> usize {
        self.transmit_backlog
    }

    /// Takes bytes of the stream, in pieces of any size. Drain [`poll_event`](Self::poll_event)
    /// after each piece: beyond [`limits::RECEIVE_BUFFER`] the connection closes itself.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        if !matches!(self.state, State::Open) {
            return;
        }
        if self.buffered().saturating_add(bytes.len()) > limits::RECEIVE_BUFFER {
            self.close(CloseReason::Limit("receive buffer"));
            return;
        }
        self.decoder.push(bytes);
    }

    /// The buffer that [`handle_bytes`](Self::handle_bytes) appends to, with room behind what waits
    /// in it, to read from the stream without a copy. As with that, drain
    /// [`poll_event`](Self::poll_event) after each read; a connection that is over takes no more.
    pub fn read_buffer(&mut self) -> &mut BytesMut {
        if self.is_closed() {
            self.decoder.clear();
        }
        self.decoder.read_buffer()
    }

    /// The daemon has closed the stream. What arrived before still comes as events.
    pub fn handle_end_of_stream(&mut self) {
        if matches!(self.state, State::Open) {
            self.state = State::Ended;
        }
    }

    /// Carries out a command, which means: its bytes are ready to be sent. After
    /// [`GcsCommand::Disconnect`] no more events come but [`GcsEvent::Closed`].
    ///
    /// # Errors
    /// [`Error::Closed`] hands the command back; [`Error::Limit`] if it has too many destinations,
    /// too many bytes, or too much waits to be sent. Nothing has changed then.
    pub fn command(&mut self, command: GcsCommand) -> Result<(), Error> {
        if !matches!(self.state, State::Open) {
            return Err(Error::Closed(Box::new(command)));
        }
        match command {
            GcsCommand::Join(group) => self.send(&Request::Join(group)),
            GcsCommand::Leave(group) => self.send(&Request::Leave(group)),
            GcsCommand::Multicast(multicast) => self.send_data(multicast.into()),
            GcsCommand::Unicast {
                to,
                service,
                message_type,
                body,
            } => self.send_data(DataMessage {
                word: ServiceWord::new(service, SelfDelivery::Deliver, Scope::Named),
                hint: Hint::new(message_type),
                destinations: vec![to.into()],
                body,
            }),
            GcsCommand::Disconnect => {
                // Small, and what frees the rest: no backlog may hold it up.
                self.queue(&Request::Disconnect);
                self.close(CloseReason::Disconnected);
                Ok(())
            }
        }
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<GcsEvent> {
        if let Some(event) = self.poll_with(Self::event_of) {
            return Some(event);
        }
        match core::mem::replace(&mut self.state, State::Closed) {
            State::Closing(reason) => Some(GcsEvent::Closed(reason)),
            open @ (State::Open | State::Ended) => {
                self.state = open;
                None
            }
            State::Closed => None,
        }
    }

    /// The next message as it came, in place of the [`poll_event`](Self::poll_event) that would
    /// give it, for those who need what an event leaves out. When the connection is over there is
    /// none; the reason comes by [`poll_event`](Self::poll_event).
    pub fn poll_delivery(&mut self) -> Option<Delivery> {
        self.poll_with(|_, delivery| Ok(delivery))
    }

    /// The next message, understood by `meaning`; closes the connection when there can be none.
    fn poll_with<T>(
        &mut self,
        meaning: impl FnOnce(&Self, Delivery) -> Result<T, DecodeError>,
    ) -> Option<T> {
        if !matches!(self.state, State::Open | State::Ended) {
            return None;
        }
        let next = match self.next_delivery() {
            Ok(Some(delivery)) => meaning(self, delivery).map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        match next {
            Ok(Some(meaning)) => return Some(meaning),
            Ok(None) if matches!(self.state, State::Ended) => self.close(CloseReason::EndOfStream),
            Ok(None) => {}
            Err(error) => {
                tracing::debug!(session = %self.private_group, %error, "undecodable delivery");
                self.close(CloseReason::Decode(error));
            }
        }
        None
    }

    /// The next bytes to be sent: all short messages since the last call together, or a piece of a
    /// long one, whose body is that of the command and was not copied.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        let bytes = match self.transmit.pop_front() {
            Some(bytes) => bytes,
            None if self.writing.is_empty() => return None,
            None => self.writing.split().freeze(),
        };
        self.transmit_backlog -= bytes.len();
        Some(bytes)
    }

    fn close(&mut self, reason: CloseReason) {
        self.decoder.clear();
        self.state = State::Closing(reason);
    }

    fn send_data(&mut self, message: DataMessage) -> Result<(), Error> {
        let Capabilities {
            destinations,
            message: bytes,
            ..
        } = self.capabilities();
        within(
            "number of destinations",
            message.destinations.len(),
            destinations,
        )?;
        within("message length", message.size(), bytes)?;
        self.send(&Request::Data(message))
    }

    fn send(&mut self, request: &Request) -> Result<(), Error> {
        within(
            "transmit backlog",
            self.transmit_backlog
                .saturating_add(request.encoded_length()),
            limits::TRANSMIT_BUFFER,
        )?;
        self.queue(request);
        Ok(())
    }

    fn queue(&mut self, request: &Request) {
        self.transmit_backlog += request.encoded_length();
        let capacity = self.writing.capacity() - self.writing.len();
        if capacity < request.encoded_length().min(limits::COPIED_BODY) {
            self.writing.reserve(limits::WRITE_BUFFER);
        }
        let body = request.encode_shared(&self.private_group, &mut self.writing);
        if !body.is_empty() {
            self.transmit.push_back(self.writing.split().freeze());
            self.transmit.push_back(body);
        }
    }

    fn next_delivery(&mut self) -> Result<Option<Delivery>, DecodeError> {
        let layout: Layout = self.daemon_version.membership_layout();
        let frame = self.decoder.next_frame()?;
        frame
            .map(|frame| Delivery::decode(frame, layout))
            .transpose()
    }

    fn event_of(&self, delivery: Delivery) -> Result<GcsEvent, DecodeError> {
        Ok(match delivery {
            Delivery::Data { sender, message } => GcsEvent::Message(message.into_message(sender)),
            Delivery::Membership(message) => {
                GcsEvent::Membership(neutral(message, &self.private_group)?)
            }
            Delivery::Transition { group, .. } => GcsEvent::TransitionalSignal { group },
            Delivery::SelfLeave { group } => GcsEvent::SelfLeave { group },
            Delivery::Refused(refusal) => GcsEvent::Refused(refusal.into_refused()),
        })
    }
}

/// The membership as its receiver `me` sees it.
fn neutral(message: MembershipMessage, me: &MemberName) -> Result<Membership, DecodeError> {
    let group = message.group;
    let listed = |what, list: &[MemberName]| {
        if list.contains(me) {
            Ok(())
        } else {
            Err(DecodeError::ReceiverMissing {
                what,
                group,
                member: *me,
            })
        }
    };
    listed("members", &message.members)?;
    let all = || message.members.clone();
    let (cause, transitional_set) = match message.change {
        Change::Join(member) if member == *me => (Cause::Join(member), vec![member]),
        Change::Join(member) => {
            let mut others: Vec<MemberName> = all();
            others.retain(|other| *other != member);
            (Cause::Join(member), others)
        }
        Change::Leave(member) => (Cause::Leave(member), all()),
        Change::Disconnect(member) => (Cause::Disconnect(member), all()),
        Change::Network { sets, own } => {
            let set = sets.into_iter().nth(own).unwrap_or_default();
            listed("transitional set", &set)?;
            (Cause::Network, set)
        }
    };
    Ok(Membership {
        group,
        view: View {
            id: message.id,
            members: message.members,
            cause,
            transitional_set,
        },
    })
}

fn within(what: &'static str, value: usize, max: usize) -> Result<(), Error> {
    if value <= max {
        Ok(())
    } else {
        Err(Error::Limit { what, value, max })
    }
}
