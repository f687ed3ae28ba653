//! The key schedule: everything that is derived from a group secret.
//!
//! ```text
//! context = enc16("ssp-gka/1") || enc16(suite) || enc16(mathematical group) || enc16(group)
//!           || 12-byte view id || u32 epoch || u16 n || enc16(member 1) || .. || enc16(member n)
//!                                                                          sorted bytewise
//! TH      = SHA-256(context)
//! PRK     = HKDF-Extract(salt TH, group secret)
//! K_label = HKDF-Expand(PRK, "ssp-gka/1 " || label, length)
//!
//!   group secret --(context)--> PRK --+-- key-id        8   names the key in every sealed message
//!                                     +-- record ..         keys of one sender and record suite
//!                                     +-- confirm      32   key confirmation tags
//!                                     +-- fingerprint  16   for people to compare
//!                                     +-- export       32 --(label, context)--> application keys
//! ```
//!
//! Group, view, epoch and members are bound into the key, so a message opens only where and when
//! it was sent. Keys are per sender and record suite: no key serves two senders, two algorithms or
//! two directions.
//!
//! HKDF is [RFC 5869](https://www.rfc-editor.org/rfc/rfc5869), HMAC RFC 2104. Source: secure layer
//! notes, section 5.2; checked against their vectors.

use alloc::vec::Vec;
use core::fmt;

use cliques::GroupSecret;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// First field of the context and prefix of every label.
const VERSION: &[u8] = b"ssp-gka/1";
/// Most bytes of one export: 255 blocks of SHA-256.
pub const EXPORT_MAX: usize = 255 * 32;
/// Longest label of an export, in bytes.
pub const EXPORT_LABEL_MAX: usize = u16::MAX as usize;

/// The key context: what a key is bound to; equal at all members.
#[derive(Clone, Copy, Debug)]
pub struct KeyContext<'a> {
    /// Name of the key agreement suite.
    pub suite: &'a str,
    /// Name of the mathematical group.
    pub mathematical_group: &'a str,
    /// Name of the group.
    pub group: &'a [u8],
    /// View, 12 opaque bytes.
    pub view_id: &'a [u8; 12],
    /// Number of the key inside the view.
    pub epoch: u32,
    /// Members in any order.
    pub members: &'a [&'a [u8]],
}

impl KeyContext<'_> {
    /// The encoding, see the [module](self).
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put16(&mut out, VERSION);
        put16(&mut out, self.suite.as_bytes());
        put16(&mut out, self.mathematical_group.as_bytes());
        put16(&mut out, self.group);
        out.extend_from_slice(self.view_id);
        out.extend_from_slice(&self.epoch.to_be_bytes());
        let mut members = self.members.to_vec();
        members.sort_unstable();
        out.extend_from_slice(&length16(members.len()));
        for member in members {
            put16(&mut out, member);
        }
        out
    }
}

/// Public identifier of a key in sealed messages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Short public digest of a key, shown as eight groups of four hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 16]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, pair) in self.0.chunks(2).enumerate() {
            if index > 0 {
                f.write_str("-")?;
            }
            pair.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Everything derived from one group secret in one key context. Not `Clone`; erased on drop; `Debug`
/// shows only what is public.
pub struct KeySchedule {
    context_hash: [u8; 32],
    prk: Zeroizing<[u8; 32]>,
    key_id: KeyId,
    fingerprint: Fingerprint,
}

impl KeySchedule {
    /// Consumes a group secret: nothing else can be derived from it.
    pub fn new(secret: GroupSecret, context: &KeyContext<'_>) -> Self {
        let context_hash: [u8; 32] = Sha256::digest(context.encode()).into();
        let (mut extracted, _) = Hkdf::<Sha256>::extract(Some(&context_hash), secret.expose());
        drop(secret);
        let mut prk = Zeroizing::new([0; 32]);
        prk.iter_mut()
            .zip(&extracted)
            .for_each(|(to, from)| *to = *from);
        extracted.as_mut_slice().zeroize();
        let mut schedule = Self {
            context_hash,
            prk,
            key_id: KeyId([0; 8]),
            fingerprint: Fingerprint([0; 16]),
        };
        let mut key_id = [0; 8];
        schedule.expand(&[b"key-id"], &mut key_id);
        let mut fingerprint = [0; 16];
        schedule.expand(&[b"fingerprint"], &mut fingerprint);
        schedule.key_id = KeyId(key_id);
        schedule.fingerprint = Fingerprint(fingerprint);
        schedule
    }

    /// Hash of the key context (TH).
    pub const fn context_hash(&self) -> &[u8; 32] {
        &self.context_hash
    }

    /// Public identifier of this key.
    pub const fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// Public digest of this key.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Keys of one sender for the record suite with this number, of `length` bytes: encryption key, then
    /// MAC key.
    pub fn record_keys(&self, suite: u8, length: usize, sender: &[u8]) -> Zeroizing<Vec<u8>> {
        let mut keys = Zeroizing::new(alloc::vec![0; length]);
        self.expand(
            &[b"record", &[suite], &length16(sender.len()), sender],
            &mut keys,
        );
        keys
    }

    /// The tag with which `member` proves that it holds this key.
    pub fn confirmation_tag(&self, member: &[u8]) -> [u8; 16] {
        let mut key = Zeroizing::new([0; 32]);
        self.expand(&[b"confirm"], &mut *key);
        let mut mac = keyed(&key);
        mac.update(b"ssp-gka/1 confirm");
        mac.update(&self.context_hash);
        mac.update(&length16(member.len()));
        mac.update(member);
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        let mut tag = [0; 16];
        tag.iter_mut().zip(full).for_each(|(to, from)| *to = from);
        tag
    }

    /// Whether `tag` is that of `member`, in constant time.
    pub fn confirms(&self, member: &[u8], tag: &[u8; 16]) -> bool {
        self.confirmation_tag(member).ct_eq(tag).into()
    }

    /// A key for the application, independent of all other keys and different for every label and
    /// context. A longer export begins with the shorter one of the same label and context. `None` if
    /// `length` exceeds [`EXPORT_MAX`] or the label [`EXPORT_LABEL_MAX`].
    pub fn export(
        &self,
        label: &[u8],
        context: &[u8],
        length: usize,
    ) -> Option<Zeroizing<Vec<u8>>> {
        if length > EXPORT_MAX || label.len() > EXPORT_LABEL_MAX {
            return None;
        }
        let mut master = Zeroizing::new([0; 32]);
        self.expand(&[b"export"], &mut *master);
        let mut out = Zeroizing::new(alloc::vec![0; length]);
        let context: [u8; 32] = Sha256::digest(context).into();
        let info = [
            b"ssp-gka/1 app",
            &length16(label.len())[..],
            label,
            &context,
        ];
        expand(&master, &info, &mut out);
        Some(out)
    }

    fn expand(&self, label: &[&[u8]], out: &mut [u8]) {
        let mut info = Vec::with_capacity(label.len() + 2);
        info.extend_from_slice(&[VERSION, b" "]);
        info.extend_from_slice(label);
        expand(&self.prk, &info, out);
    }
}

impl fmt::Debug for KeySchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySchedule")
            .field("key_id", &self.key_id)
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

/// HKDF-Expand of at most 255 blocks. Infallible: every caller's length is a constant or was checked
/// against [`EXPORT_MAX`].
fn expand(prk: &[u8; 32], info: &[&[u8]], out: &mut [u8]) {
    let keyed = keyed(prk);
    let mut block = Zeroizing::new([0; 32]);
    for (index, chunk) in out.chunks_mut(32).enumerate() {
        let mut mac = keyed.clone();
        if index > 0 {
            mac.update(&*block);
        }
        info.iter().for_each(|part| mac.update(part));
        mac.update(&[u8::try_from(index + 1).unwrap_or(u8::MAX)]);
        *block = mac.finalize().into_bytes().into();
        chunk
            .iter_mut()
            .zip(block.iter())
            .for_each(|(to, from)| *to = *from);
    }
}

/// HMAC-SHA-256 under a key of 32 bytes, which fits into one block.
pub(crate) fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // The key as the block that RFC 2104 pads it to, so that no length can be wrong.
    let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mac = <Hmac<Sha256> as KeyInit>::new(&block);
    block.as_mut_slice().zeroize();
    mac
}

/// A length as two bytes. Names have at most 255 bytes and groups at most 65535 members, so nothing is
/// truncated.
pub(crate) fn length16(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()
}

pub(crate) fn put16(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&length16(bytes.len()));
    out.extend_from_slice(bytes);
}
