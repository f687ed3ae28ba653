//! The keys of a secure view: those of the present epoch, and of the previous one for late messages.
//!
//! ```text
//!   install            refresh             refresh          next VS membership
//!   epoch 0  ------->  epoch 1  -------->  epoch 2  ------>  everything erased
//!   seals, opens       epoch 0 opens       epoch 1 opens
//!                                          epoch 0 erased
//! ```
//!
//! RELIABLE and UNRELIABLE messages may arrive after a refresh that they were sent before, so the
//! previous epoch still opens, but never seals. Nothing sealed in one view opens in the next.
//!
//! Source: secure layer notes, section 5.2 "old keys" and 5.3.

use alloc::{collections::BTreeMap, vec::Vec};
use core::fmt;

use bytes::Bytes;
use cliques::Verifier;
use gcs_proto::{
    name::{GroupName, MemberName},
    service::Service,
};
use rand_core::CryptoRng;

use crate::{
    record::{
        AssociatedData, Authorship, Bound, Content, Header, OpenError, Part, RecordSuite,
        SEALED_BYTES_MAX, SEQUENCE_MAX, SealError, SenderKeys, flag, unpack,
    },
    replay::ReplayWindow,
    schedule::{KeyId, KeySchedule},
};

/// A message that was opened.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// 16-bit type chosen by the sender.
    pub message_type: i16,
    /// Payload.
    pub payload: Bytes,
    /// Number of the key it was sealed under.
    pub epoch: u32,
    /// Position in a message in parts, if it is one.
    pub part: Option<Part>,
    /// Who attests the sender.
    pub authorship: Authorship,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("message_type", &self.message_type)
            .field("payload", &format_args!("{} bytes", self.payload.len()))
            .field("epoch", &self.epoch)
            .field("part", &self.part)
            .field("authorship", &self.authorship)
            .finish()
    }
}

/// How signatures of messages are treated.
#[derive(Clone, Copy, Debug)]
pub enum Signatures<'a> {
    /// No signature keys are known: signed messages are rejected.
    Unknown,
    /// Signed messages are verified; others are opened as well.
    Verified(&'a dyn Verifier),
    /// Messages without a signature are rejected.
    Required(&'a dyn Verifier),
}

/// Which replay window a message belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// UNRELIABLE and RELIABLE.
    Unordered,
    /// FIFO and stronger.
    Ordered,
}

impl Class {
    const fn of(service: Service) -> Self {
        match service {
            Service::Unreliable | Service::Reliable => Self::Unordered,
            Service::Fifo | Service::Causal | Service::Agreed | Service::Safe => Self::Ordered,
        }
    }
}

/// Keys and replay windows of one sender.
struct Sender {
    keys: SenderKeys,
    unordered: ReplayWindow,
    ordered: ReplayWindow,
}

impl Sender {
    const fn window(&self, class: Class) -> &ReplayWindow {
        match class {
            Class::Unordered => &self.unordered,
            Class::Ordered => &self.ordered,
        }
    }

    const fn window_mut(&mut self, class: Class) -> &mut ReplayWindow {
        match class {
            Class::Unordered => &mut self.unordered,
            Class::Ordered => &mut self.ordered,
        }
    }
}

/// Keys, counters and windows of one epoch. Not `Clone`; erased on drop.
pub struct EpochKeys {
    schedule: KeySchedule,
    epoch: u32,
    /// Keys of a sender are derived with its first message; at most one entry per member.
    senders: BTreeMap<MemberName, Sender>,
    next_sequence: u64,
    sealed_bytes: u64,
    /// Number of the next message in parts.
    next_message: u32,
}

impl EpochKeys {
    /// Epoch number `epoch` with nothing sealed yet.
    pub const fn new(schedule: KeySchedule, epoch: u32) -> Self {
        Self {
            schedule,
            epoch,
            senders: BTreeMap::new(),
            next_sequence: 1,
            sealed_bytes: 0,
            next_message: 0,
        }
    }

    /// Continues counting at `sequence` and `bytes`: for tests of the limits.
    #[doc(hidden)]
    #[must_use]
    pub const fn counted(mut self, sequence: u64, bytes: u64) -> Self {
        self.next_sequence = sequence;
        self.sealed_bytes = bytes;
        self
    }

    fn sender(
        &mut self,
        name: &MemberName,
        suite: RecordSuite,
        window: usize,
    ) -> Option<(&mut Sender, &KeySchedule)> {
        // The entry API has no fallible insertion.
        if !self.senders.contains_key(name) {
            let keys = SenderKeys::derive(&self.schedule, suite, name)?;
            self.senders.insert(
                *name,
                Sender {
                    keys,
                    unordered: ReplayWindow::new(window),
                    ordered: ReplayWindow::new(window),
                },
            );
        }
        Some((self.senders.get_mut(name)?, &self.schedule))
    }
}

impl fmt::Debug for EpochKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EpochKeys")
            .field("epoch", &self.epoch)
            .field("schedule", &self.schedule)
            .finish_non_exhaustive()
    }
}

/// All keys of one secure view. Not `Clone`; erased on drop.
#[derive(Debug)]
pub struct ViewKeys {
    group: GroupName,
    me: MemberName,
    members: Vec<MemberName>,
    suite: RecordSuite,
    window: usize,
    current: EpochKeys,
    previous: Option<EpochKeys>,
}

impl ViewKeys {
    /// Keys of a view of `group` among `members`; `window` as
    /// [`SessionConfig::replay_window`](crate::SessionConfig::replay_window).
    pub const fn new(
        group: GroupName,
        me: MemberName,
        members: Vec<MemberName>,
        suite: RecordSuite,
        window: usize,
        keys: EpochKeys,
    ) -> Self {
        Self {
            group,
            me,
            members,
            suite,
            window,
            current: keys,
            previous: None,
        }
    }

    /// Seals any content of two bytes or more under any flags, with a valid tag, as only a dishonest
    /// member does. For tests.
    #[cfg(feature = "test-util")]
    pub fn seal_raw(
        &mut self,
        service: Service,
        flags: u16,
        content: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Option<Vec<u8>> {
        let sequence = self.current.next_sequence;
        let header = Header {
            suite: self.suite.number(),
            flags,
            key_id: self.current.schedule.key_id(),
            sequence,
        };
        let aad = AssociatedData::new(self.group.as_bytes(), &self.me, service);
        let (me, suite, window) = (self.me, self.suite, self.window);
        let (front, rest) = content.split_first_chunk::<2>()?;
        let payload = [rest];
        let content = Content::new(i16::from_be_bytes(*front), &payload);
        let (sender, schedule) = self.current.sender(&me, suite, window)?;
        let plain = content.plain(&Bound {
            context_hash: schedule.context_hash(),
            aad: &aad,
            header: &header,
        })?;
        let sealed = sender.keys.seal(&aad, &header, &plain, rng)?;
        self.current.next_sequence = sequence + 1;
        Some(sealed)
    }

    /// Seals in another's name, as any dishonest member can.
    #[cfg(feature = "test-util")]
    pub(crate) const fn impersonate(&mut self, name: MemberName) {
        self.me = name;
    }

    /// Installs the keys of the next epoch, and erases those of the epoch before the present one.
    pub fn refresh(&mut self, keys: EpochKeys) {
        self.previous = Some(core::mem::replace(&mut self.current, keys));
    }

    /// The key schedule of the present epoch.
    pub const fn schedule(&self) -> &KeySchedule {
        &self.current.schedule
    }

    /// Number of the present epoch.
    pub const fn epoch(&self) -> u32 {
        self.current.epoch
    }

    /// Members of the view.
    pub fn members(&self) -> &[MemberName] {
        &self.members
    }

    /// Whether there is a key with this identifier.
    pub fn knows(&self, key_id: KeyId) -> bool {
        self.epoch_of(key_id).is_some()
    }

    /// Seals a message of this member under the present key. Its sequence number is not used again,
    /// whether the message is sent or not.
    ///
    /// # Errors
    /// [`SealError`]; nothing has changed.
    pub fn seal(
        &mut self,
        service: Service,
        message_type: i16,
        payload: &[&[u8]],
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, SealError> {
        self.seal_content(service, &Content::new(message_type, payload), rng)
    }

    /// Like [`seal`](Self::seal), for any content.
    ///
    /// # Errors
    /// [`SealError`]; nothing has changed.
    pub fn seal_content(
        &mut self,
        service: Service,
        content: &Content<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, SealError> {
        if !self.members.contains(&self.me) {
            return Err(SealError::NotInView);
        }
        let sequence = self.current.next_sequence;
        if sequence > SEQUENCE_MAX {
            return Err(SealError::KeyExhausted);
        }
        let header = Header {
            suite: self.suite.number(),
            flags: content.flags(),
            key_id: self.current.schedule.key_id(),
            sequence,
        };
        let aad = AssociatedData::new(self.group.as_bytes(), &self.me, service);
        let sealed_bytes = self.current.sealed_bytes;
        let (sender, schedule) = self
            .current
            .sender(&self.me, self.suite, self.window)
            .ok_or(SealError::Internal("record keys"))?;
        let plain = content
            .plain(&Bound {
                context_hash: schedule.context_hash(),
                aad: &aad,
                header: &header,
            })
            .ok_or(SealError::Signature)?;
        // The overhead counts the message type, which is in the content already.
        let length = self.suite.overhead().saturating_add(plain.len()) - 2;
        let sealed_bytes = sealed_bytes.saturating_add(length as u64);
        if sealed_bytes > SEALED_BYTES_MAX {
            return Err(SealError::KeyExhausted);
        }
        let sealed = sender
            .keys
            .seal(&aad, &header, &plain, rng)
            .ok_or(SealError::Internal("cipher"))?;
        self.current.next_sequence = sequence + 1;
        self.current.sealed_bytes = sealed_bytes;
        Ok(sealed)
    }

    /// Messages and bytes that this member has sealed under the present key.
    pub const fn sealed(&self) -> (u64, u64) {
        (
            self.current.next_sequence.saturating_sub(1),
            self.current.sealed_bytes,
        )
    }

    /// The number of this member's next message in parts under the present key; `None` after 2^32.
    pub fn next_message(&mut self) -> Option<u32> {
        let message = self.current.next_message;
        self.current.next_message = message.checked_add(1)?;
        Some(message)
    }

    /// Opens a message that the engine delivered from `sender` with `service`. Signed messages are
    /// rejected, see [`open_verified`](Self::open_verified).
    ///
    /// # Errors
    /// [`OpenError`] for the first check that failed; nothing has changed.
    pub fn open(
        &mut self,
        sender: &MemberName,
        service: Service,
        message: &[u8],
    ) -> Result<Opened, OpenError> {
        self.open_verified(sender, service, message, Signatures::Unknown)
    }

    /// Opens a message that the engine delivered from `sender` with `service`.
    ///
    /// Checks in this order: length, version, flags; suite; membership of the sender; key; length of the
    /// ciphertext; tag; sequence number; content and signature. Only then is the number remembered.
    ///
    /// # Errors
    /// [`OpenError`] for the first check that failed; nothing has changed.
    pub fn open_verified(
        &mut self,
        sender: &MemberName,
        service: Service,
        message: &[u8],
        signatures: Signatures<'_>,
    ) -> Result<Opened, OpenError> {
        let header = Header::accept(message)?;
        let theirs =
            RecordSuite::from_number(header.suite).ok_or(OpenError::UnknownSuite(header.suite))?;
        let ours = self.suite;
        if theirs != ours {
            return Err(OpenError::SuiteMismatch { ours, theirs });
        }
        if !self.members.contains(sender) {
            return Err(OpenError::NotInView);
        }
        let group = self.group;
        let window = self.window;
        let keys = match self.epoch_of(header.key_id).ok_or(OpenError::WrongKey)? {
            Which::Current => &mut self.current,
            Which::Previous => self.previous.as_mut().ok_or(OpenError::WrongKey)?,
        };
        let epoch = keys.epoch;
        let (state, schedule) = keys
            .sender(sender, ours, window)
            .ok_or(OpenError::Internal("record keys"))?;
        let class = Class::of(service);
        let aad = AssociatedData::new(group.as_bytes(), sender, service);
        let fresh = || state.window(class).check(header.sequence);
        let plain = state.keys.open(&aad, &header, message, fresh)?;
        let verifier = match signatures {
            Signatures::Required(_) if header.flags & flag::SIGNED == 0 => {
                return Err(OpenError::Unsigned);
            }
            Signatures::Required(verifier) | Signatures::Verified(verifier) => Some(verifier),
            Signatures::Unknown => None,
        };
        let author = match verifier {
            Some(verifier) if header.flags & flag::SIGNED != 0 => Some((verifier, *sender)),
            Some(_) | None => None,
        };
        let bound = Bound {
            context_hash: schedule.context_hash(),
            aad: &aad,
            header: &header,
        };
        let content = unpack(plain, &bound, author)?;
        state.window_mut(class).accept(header.sequence);
        Ok(Opened {
            message_type: content.message_type,
            payload: content.payload,
            epoch,
            part: content.part,
            authorship: content.authorship,
        })
    }

    fn epoch_of(&self, key_id: KeyId) -> Option<Which> {
        if self.current.schedule.key_id() == key_id {
            return Some(Which::Current);
        }
        let previous = self.previous.as_ref()?;
        (previous.schedule.key_id() == key_id).then_some(Which::Previous)
    }
}

/// Which of the two epochs.
#[derive(Clone, Copy, Debug)]
enum Which {
    Current,
    Previous,
}
