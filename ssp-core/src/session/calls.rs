//! What the application asks for.

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
    group::{Around, GroupKind, Phase, SecureGroup, payload_max},
    outgoing::{Outgoing, PartStream},
    record::{PartEnd, RecordSuite},
    schedule::{EXPORT_LABEL_MAX, EXPORT_MAX},
};

impl Session {
    /// Asks to become a member of `group`; the first
    /// [`SecureView`](crate::SessionEvent::SecureView) tells success.
    ///
    /// # Errors
    /// [`Error::AlreadyJoined`] until the group was left again; [`Error::Denied`] by the access
    /// policy; [`Error::Closed`].
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

    /// Whether a group can be joined, as whatever kind.
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

    /// Asks to leave `group`, of whatever kind; the self-leave among its events tells success. Events
    /// of the group go on until then, but nothing can be sent. Possible before the first view.
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

    /// Permits the view change that a [`FlushRequest`](crate::SessionEvent::FlushRequest) asked for,
    /// in a secure or flush-only group. Nothing may be sent in the group until the next secure view,
    /// or the next view.
    ///
    /// # Errors
    /// [`Error::IllegalFlushOk`] when nobody asked, always with
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

    /// Asks all members to agree on a new key;
    /// [`KeyRefreshed`](crate::SessionEvent::KeyRefreshed) tells success. A view change that comes
    /// first brings a new key as well, and the request lapses.
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

    /// Seals `payload`, the pieces one after the other, and sends it to all members of the secure
    /// view number `view`: to that view or to nobody. It is protected as the group's
    /// [`protection`](crate::GroupOptions::protection) says.
    ///
    /// What is too long for one message is sent in parts, with FIFO or a stronger service, and joined
    /// again; up to [`message_bytes`](crate::SessionConfig::message_bytes).
    ///
    /// # Errors
    /// [`SendError`]; the caller still has the payload. Nothing was sent, and nothing has changed
    /// but that sequence numbers may have been used up. (Where the engine's queue is full in the
    /// middle of a split message, its first parts were sent, and receivers discard them.)
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
        let message = Outgoing {
            service,
            self_delivery,
            message_type,
            payload,
            protection: secure.protection(),
        };
        secure.multicast(view, &message, flush, rng)
    }

    /// Like [`multicast`](Self::multicast), protected as the message says.
    ///
    /// # Errors
    /// As [`multicast`](Self::multicast).
    pub fn send(
        &mut self,
        group: &GroupName,
        view: ViewNumber,
        message: &Outgoing<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), SendError> {
        let (secure, flush) = self.sender(group)?;
        secure.multicast(view, message, flush, rng)
    }

    /// Begins a message whose parts are sent as they come, so that it may be longer than memory.
    /// Receivers join it within their [`message_bytes`](crate::SessionConfig::message_bytes), or take
    /// it in parts ([`PartDelivery::Streamed`](crate::PartDelivery::Streamed)).
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
    /// [`SendError::KeyChanged`] and [`SendError::ViewChanged`] the message has to begin anew.
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

    /// Sends a sealed message of any type, reserved ones included, as a member can that keeps to no
    /// rule. For tests.
    ///
    /// # Errors
    /// As [`multicast`](Self::multicast), but for the type.
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

    /// Parts of a message that the slowest member has yet to confirm, of those that are waited for; 0
    /// when its key is gone. A sender that lets no more than its
    /// [`window`](PartStream::window) of them grow is no faster than the slowest member, and nobody
    /// has more waiting at the daemon.
    pub fn parts_in_flight(&self, stream: &PartStream) -> u32 {
        let secure = self.groups.get(stream.group());
        secure.map_or(0, |secure| secure.parts_in_flight(stream))
    }

    /// Waits no longer for the members that are a window behind: a member that confirms nothing shall
    /// not hold up the others for ever.
    pub fn forgo_receipts(&mut self, stream: &PartStream) {
        if let Some(secure) = self.groups.get_mut(stream.group()) {
            secure.forgo_receipts(stream);
        }
    }

    /// Number of times that a member confirmed parts in this group so far; a change tells that there
    /// may be room for more of them.
    pub fn receipts(&self, group: &GroupName) -> u64 {
        self.groups.get(group).map_or(0, SecureGroup::receipts)
    }

    /// Most bytes of payload in one part of a message in this group; `None` if it was not joined.
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

    /// A key for the application, bound to the group, its view, members and epoch: equal at all
    /// members that ask for the same `label` and `context`. Use another label for each length: a
    /// longer key begins with the shorter one.
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

    /// Ends the connection in good order: all groups are left and their keys erased at once;
    /// [`Closed`](crate::SessionEvent::Closed) comes when it is done.
    ///
    /// # Errors
    /// [`Error::Closed`] when it is over already.
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
        call: impl FnOnce(&mut SecureGroup, &mut Around<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.open()?;
        let missing = self.not(GroupKind::Secure, *name);
        let group = self.groups.get_mut(name).ok_or(missing)?;
        let mut around = Around {
            flush: &mut self.flush,
            events: &mut self.events,
            now,
            rng,
        };
        call(group, &mut around)
    }

    pub(super) fn open(&self) -> Result<(), Error> {
        match self.state {
            State::Open => Ok(()),
            State::Closing | State::Closed => Err(Error::Closed),
        }
    }
}
