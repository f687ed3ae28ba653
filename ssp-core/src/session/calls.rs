//! Calls of the application.

use alloc::vec::Vec;

use gcs_proto::{flush::FlushLayer, gcs::SelfDelivery, name::GroupName, service::Service};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{Session, State};
use crate::{
    Timestamp,
    access::{Action, Decision, Request},
    config::GroupOptions,
    error::{Error, SendError},
    event::ViewNumber,
    group::{Environment, Phase, SecureGroup, payload_max},
    kind::GroupKind,
    record::{PartEnd, RecordSuite},
    schedule::{EXPORT_LABEL_MAX, EXPORT_MAX},
    sending::{MessageToSend, PartStream},
};

impl Session {
    /// Joins `group`, which is done with its first [`SecureView`](crate::SessionEvent::SecureView).
    ///
    /// # Errors
    /// [`Error::AlreadyJoined`] until the group is left; [`Error::Denied`] by the access policy;
    /// [`Error::Closed`].
    pub fn join(
        &mut self,
        group: GroupName,
        options: GroupOptions,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.may_join(group, now)?;
        let secure = SecureGroup::new(
            group,
            self.me,
            &self.credentials,
            self.policy.clone(),
            self.config,
            options,
            now,
        )?;
        self.flush.join(group)?;
        self.groups.insert(group, secure);
        Ok(())
    }

    /// Whether a group can be joined as any kind.
    pub(super) fn may_join(&self, group: GroupName, now: Timestamp) -> Result<(), Error> {
        self.open()?;
        if self.kind(&group).is_some() {
            return Err(Error::AlreadyJoined(group));
        }
        let evidence = self.credentials.signer.evidence();
        let identity = self.credentials.trust.identify(&self.me, evidence, now);
        let decision = self.policy.decide(&Request {
            action: Action::Join,
            group: &group,
            member: &self.me,
            identity: identity.as_ref().ok(),
        });
        match decision {
            Decision::Allow => Ok(()),
            Decision::Deny(reason) => Err(Error::Denied {
                group,
                action: Action::Join,
                reason,
            }),
        }
    }

    /// Leaves `group`, of any kind, which is done with its self-leave event. Until then the group has
    /// events, but nothing can be sent. Possible before the first view.
    ///
    /// # Errors
    /// [`Error::NotJoined`], [`Error::Leaving`], [`Error::Closed`].
    pub fn leave(&mut self, group: &GroupName) -> Result<(), Error> {
        self.open()?;
        if self.clear.contains_key(group) {
            return self.leave_clear(*group);
        }
        let secure = self.groups.get_mut(group).ok_or(Error::NotJoined(*group))?;
        if secure.is_leaving() {
            return Err(Error::Leaving(*group));
        }
        self.flush.leave(*group)?;
        secure.leave();
        Ok(())
    }

    /// Answers a [`FlushRequest`](crate::SessionEvent::FlushRequest) of a secure or flush-only group, and
    /// so permits the view change. Nothing may be sent in the group until the next (secure) view.
    ///
    /// # Errors
    /// [`Error::IllegalFlushOk`] without a flush request, always with
    /// [`FlushMode::Automatic`](crate::FlushMode); [`Error::FlushOkAlreadySent`];
    /// [`Error::WrongKind`] for a bare group; [`Error::NotJoined`], [`Error::Leaving`],
    /// [`Error::Closed`].
    pub fn flush_ok(
        &mut self,
        group: &GroupName,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), Error> {
        if self.clear.contains_key(group) {
            return self.flush_ok_clear(*group);
        }
        self.ask(group, now, rng, SecureGroup::flush_ok)
    }

    /// Asks all members to agree on a new key, which is done with
    /// [`KeyRefreshed`](crate::SessionEvent::KeyRefreshed). A view change that comes first gives a new key
    /// as well, and the request lapses.
    ///
    /// # Errors
    /// [`Error::GroupNotSecure`], [`Error::Refreshing`], [`Error::Flushing`],
    /// [`Error::NotJoined`], [`Error::WrongKind`], [`Error::Leaving`], [`Error::Closed`].
    pub fn refresh(
        &mut self,
        group: &GroupName,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), Error> {
        self.ask(group, now, rng, SecureGroup::refresh)
    }

    /// Seals `payload`, the concatenation of the pieces, and sends it to all members of secure view
    /// number `view`: in that view or not at all. It is protected by the group's
    /// [`protection`](crate::GroupOptions::protection).
    ///
    /// What is too long for one message is sent in parts and reassembled, with FIFO or a stronger
    /// service, up to [`message_bytes`](crate::SessionConfig::message_bytes).
    ///
    /// # Errors
    /// [`SendError`]; the caller still has the payload. Nothing was sent, and nothing has changed except
    /// that sequence numbers may have been consumed. (If the engine's queue is full in the middle of a
    /// message in parts, the first parts were sent, and receivers discard them.)
    #[expect(
        clippy::too_many_arguments,
        reason = "a message has this many properties"
    )]
    pub fn multicast(
        &mut self,
        group: &GroupName,
        view: ViewNumber,
        service: Service,
        self_delivery: SelfDelivery,
        message_type: i16,
        payload: &[&[u8]],
        rng: &mut dyn CryptoRng,
    ) -> Result<(), SendError> {
        let (secure, flush) = self.sender(group)?;
        let message = MessageToSend {
            service,
            self_delivery,
            message_type,
            payload,
            protection: secure.protection(),
        };
        secure.multicast(view, &message, flush, rng)
    }

    /// Like [`multicast`](Self::multicast), with the protection given in the message.
    ///
    /// # Errors
    /// As [`multicast`](Self::multicast).
    pub fn send(
        &mut self,
        group: &GroupName,
        view: ViewNumber,
        message: &MessageToSend<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), SendError> {
        let (secure, flush) = self.sender(group)?;
        secure.multicast(view, message, flush, rng)
    }

    /// Begins a message that is sent part by part, so that it may be longer than memory. Receivers
    /// reassemble it up to their [`message_bytes`](crate::SessionConfig::message_bytes), or take it in
    /// parts ([`PartDelivery::Streamed`](crate::PartDelivery::Streamed)).
    ///
    /// # Errors
    /// As [`multicast`](Self::multicast), and [`SendError::Unordered`].
    pub fn begin_parts(
        &mut self,
        group: &GroupName,
        view: ViewNumber,
        service: Service,
        message_type: i16,
    ) -> Result<PartStream, SendError> {
        let (secure, _) = self.sender(group)?;
        let protection = secure.protection();
        secure.begin_parts(view, service, message_type, protection)
    }

    /// Sends the next part of a message: at most [`part_max`](Self::part_max) bytes.
    ///
    /// # Errors
    /// As [`multicast`](Self::multicast); nothing was sent, and the part may be sent again. After
    /// [`SendError::KeyChanged`] and [`SendError::ViewChanged`] the message must be started again.
    pub fn send_part(
        &mut self,
        stream: &mut PartStream,
        end: PartEnd,
        payload: &[&[u8]],
        rng: &mut dyn CryptoRng,
    ) -> Result<(), SendError> {
        let group = stream.group;
        let (secure, flush) = self.sender(&group)?;
        secure.send_part(stream, end, payload, flush, rng)
    }

    /// Sends a sealed message of any type, reserved ones included, as a dishonest member can. For tests.
    ///
    /// # Errors
    /// As [`multicast`](Self::multicast), except for the type.
    #[cfg(feature = "test-util")]
    pub fn send_unruly(
        &mut self,
        group: &GroupName,
        message_type: i16,
        payload: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<(), SendError> {
        let (secure, flush) = self.sender(group)?;
        secure.send_unruly(message_type, payload, flush, rng)
    }

    /// Parts of a message that the slowest member has not confirmed, of the members that are waited for; 0
    /// when its key is replaced. A sender that keeps this within the [`window`](PartStream::window) is
    /// no faster than the slowest member, and no member has more queued at the daemon.
    pub fn parts_in_flight(&self, stream: &PartStream) -> u32 {
        let secure = self.groups.get(stream.group());
        secure.map_or(0, |secure| secure.parts_in_flight(stream))
    }

    /// Stops waiting for the members that are a window behind, so that a member that confirms nothing
    /// does not hold up the others for ever.
    pub fn forgo_receipts(&mut self, stream: &PartStream) {
        if let Some(secure) = self.groups.get_mut(stream.group()) {
            secure.forgo_receipts(stream);
        }
    }

    /// Counts receipts of parts in this group: when it changes, the window of a message may have room.
    pub fn receipts(&self, group: &GroupName) -> u64 {
        self.groups.get(group).map_or(0, SecureGroup::receipts)
    }

    /// Most bytes of payload in one part of a message in this group; `None` if it is not joined.
    pub fn part_max(&self, group: &GroupName) -> Option<usize> {
        let secure = self.groups.get(group)?;
        Some(secure.part_max(secure.protection()))
    }

    fn sender(
        &mut self,
        group: &GroupName,
    ) -> Result<(&mut SecureGroup, &mut FlushLayer), SendError> {
        match self.state {
            State::Open => {}
            State::Closing | State::Closed => return Err(SendError::Closed),
        }
        match (self.groups.get_mut(group), self.clear.get(group)) {
            (Some(secure), _) => Ok((secure, &mut self.flush)),
            (None, Some(clear)) => Err(SendError::WrongKind {
                group: *group,
                kind: clear.kind(),
            }),
            (None, None) => Err(SendError::NotJoined(*group)),
        }
    }

    /// Most bytes of payload in one message that is sealed with `suite`.
    pub const fn payload_max(&self, suite: RecordSuite) -> usize {
        payload_max(&self.config, suite)
    }

    /// A key for the application, bound to the group, its view, members and epoch: equal at all members
    /// for the same `label` and `context`. Use a different label for each length, because a longer key
    /// begins with the shorter one.
    ///
    /// # Errors
    /// [`Error::GroupNotSecure`] while there is no key, [`Error::Refreshing`] while it is being
    /// replaced, [`Error::ExportLength`], [`Error::ExportLabel`], [`Error::NotJoined`],
    /// [`Error::WrongKind`], [`Error::Leaving`].
    pub fn export(
        &self,
        group: &GroupName,
        label: &[u8],
        context: &[u8],
        length: usize,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let missing = self.not(GroupKind::Secure, *group);
        let secure = self.groups.get(group).ok_or(missing)?;
        match secure.phase() {
            Phase::Secure | Phase::Confirming | Phase::Flushing => {}
            Phase::Refreshing => return Err(Error::Refreshing(*group)),
            Phase::Leaving => return Err(Error::Leaving(*group)),
            Phase::Joining | Phase::Agreeing | Phase::Failed => {
                return Err(Error::GroupNotSecure(*group));
            }
        }
        let keys = secure.keys().ok_or(Error::GroupNotSecure(*group))?;
        if label.len() > EXPORT_LABEL_MAX {
            return Err(Error::ExportLabel {
                length: label.len(),
                max: EXPORT_LABEL_MAX,
            });
        }
        keys.schedule()
            .export(label, context, length)
            .ok_or(Error::ExportLength {
                length,
                max: EXPORT_MAX,
            })
    }

    /// Closes the connection: all groups are left, and their keys erased immediately.
    /// [`Closed`](crate::SessionEvent::Closed) follows when it is done.
    ///
    /// # Errors
    /// [`Error::Closed`] if it is closed already.
    pub fn disconnect(&mut self) -> Result<(), Error> {
        self.open()?;
        self.flush.disconnect()?;
        self.groups.clear();
        self.clear.clear();
        self.state = State::Closing;
        Ok(())
    }

    fn ask(
        &mut self,
        name: &GroupName,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        call: impl FnOnce(&mut SecureGroup, &mut Environment<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.open()?;
        let missing = self.not(GroupKind::Secure, *name);
        let group = self.groups.get_mut(name).ok_or(missing)?;
        let mut environment = Environment {
            flush: &mut self.flush,
            events: &mut self.events,
            now,
            rng,
        };
        call(group, &mut environment)
    }

    pub(super) fn open(&self) -> Result<(), Error> {
        match self.state {
            State::Open => Ok(()),
            State::Closing | State::Closed => Err(Error::Closed),
        }
    }
}
