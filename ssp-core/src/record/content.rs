//! The content of a sealed message.
//!
//! ```text
//! SIGNED   u8 algorithm || enc16 signature         over everything, see Signed
//!          i16 message type
//! PART     u32 message || u32 index || u8 last
//!          payload
//! PADDED   0x80 || zero bytes
//! ```
//!
//! The flags in the header announce the optional fields.

use alloc::vec::Vec;

use bytes::{Buf, Bytes};
use cliques::{MemberName, SignatureAlgorithm, Signer, Verifier};

use super::{
    AssociatedData, HEADER_LENGTH, OpenError,
    header::{Header, flag},
};

/// First byte of the padding.
const MARK: u8 = 0x80;
/// Prefix of what a message's signature covers, so that no signature of a token is valid for a message.
pub const DATA_SIGNATURE_CONTEXT: &[u8] = b"ssp-gka-data/1\0";
/// Bytes of message type.
pub(crate) const TYPE: usize = 2;
/// Bytes of the part field.
pub(crate) const PART: usize = 9;
/// Bytes of the signature field, for the supported algorithms.
pub(crate) const SIGNATURE: usize = 1 + 2 + 64;
/// Longest signature that fits the field, in bytes.
const SIGNATURE_MAX: usize = u16::MAX as usize;

/// Position of a sealed message in a message in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// Number of the message, counted per sender and key.
    pub message: u32,
    /// Number of the part, from 0 without gaps.
    pub index: u32,
    /// Whether another part follows.
    pub end: PartEnd,
}

/// Whether another part follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartEnd {
    /// Another part follows.
    More,
    /// This is the last one.
    Last,
}

/// How the length of a message is hidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Padding {
    /// Not at all: the length of the sealed message reveals it to within a block.
    #[default]
    None,
    /// Type, payload and padding together are a multiple of this many bytes; 0 and 1 pad by one byte.
    Multiple(u16),
    /// To the next power of two, at least 64 bytes: reveals the magnitude only, and at most doubles the
    /// length.
    PowerOfTwo,
}

impl Padding {
    /// Bytes to append to `length`, the mark included.
    const fn of(self, length: usize) -> usize {
        let padded = match self {
            Self::None => return 0,
            Self::Multiple(0) => length + 1,
            Self::Multiple(unit) => (length + 1).next_multiple_of(unit as usize),
            Self::PowerOfTwo => match (length + 1).checked_next_power_of_two() {
                Some(padded) if padded >= 64 => padded,
                Some(_) | None => 64,
            },
        };
        padded.saturating_sub(length)
    }

    /// Longest content that has at most `room` bytes with its padding.
    pub(crate) const fn fit(self, room: usize) -> usize {
        let padded = match self {
            Self::None => return room,
            Self::Multiple(0) => room,
            Self::Multiple(unit) => room - room % unit as usize,
            Self::PowerOfTwo if room < 64 => 0,
            Self::PowerOfTwo => 1 << room.ilog2(),
        };
        padded.saturating_sub(1)
    }
}

/// A message to be sealed.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// 16-bit type chosen by the sender.
    pub message_type: i16,
    /// Payload: the concatenation of these pieces.
    pub payload: &'a [&'a [u8]],
    /// Position in a message in parts, if it is one.
    pub part: Option<Part>,
    /// How its length is hidden.
    pub padding: Padding,
    /// Signs the message, if it is to be signed.
    pub signer: Option<&'a dyn Signer>,
}

impl<'a> Content<'a> {
    /// A whole message, not padded, not signed.
    pub const fn new(message_type: i16, payload: &'a [&'a [u8]]) -> Self {
        Self {
            message_type,
            payload,
            part: None,
            padding: Padding::None,
            signer: None,
        }
    }

    /// The flags that announce its fields.
    pub(crate) const fn flags(&self) -> u16 {
        let mut flags = 0;
        if self.part.is_some() {
            flags |= flag::PART;
        }
        if !matches!(self.padding, Padding::None) {
            flags |= flag::PADDED;
        }
        if self.signer.is_some() {
            flags |= flag::SIGNED;
        }
        flags
    }

    /// What is encrypted, under a header with these [`flags`](Self::flags). `None` if the signature is too
    /// long.
    pub(crate) fn plain(&self, bound: &Bound<'_>) -> Option<Plain<'a>> {
        let payload: usize = self.payload.iter().map(|part| part.len()).sum();
        let part = self.part.map_or(0, |_| PART);
        let mut plain = Plain {
            signature: None,
            message_type: self.message_type,
            part: self.part,
            payload: self.payload,
            padding: self.padding.of(TYPE + part + payload),
            length: TYPE + part + payload,
        };
        plain.length += plain.padding;
        if let Some(signer) = self.signer {
            let mut signed = bound.signed(plain.length);
            plain.write(&mut signed);
            let signature = signer.sign(&signed);
            if signature.len() > SIGNATURE_MAX {
                return None;
            }
            plain.length += 3 + signature.len();
            plain.signature = Some((signer.algorithm(), signature));
        }
        Some(plain)
    }
}

/// What the signature of a message covers besides its content.
pub(crate) struct Bound<'a> {
    pub(crate) context_hash: &'a [u8; 32],
    pub(crate) aad: &'a AssociatedData,
    pub(crate) header: &'a Header,
}

impl Bound<'_> {
    /// `context || TH || AAD || header`, with room for a content of `length` bytes.
    fn signed(&self, length: usize) -> Vec<u8> {
        let aad = self.aad.as_slice();
        let front = DATA_SIGNATURE_CONTEXT.len() + 32 + aad.len() + HEADER_LENGTH;
        let mut signed = Vec::with_capacity(front + length);
        signed.extend_from_slice(DATA_SIGNATURE_CONTEXT);
        signed.extend_from_slice(self.context_hash);
        signed.extend_from_slice(aad);
        signed.extend_from_slice(&self.header.encode());
        signed
    }
}

/// What is encrypted, in pieces.
pub(crate) struct Plain<'a> {
    signature: Option<(SignatureAlgorithm, Vec<u8>)>,
    message_type: i16,
    part: Option<Part>,
    payload: &'a [&'a [u8]],
    padding: usize,
    length: usize,
}

impl Plain<'_> {
    pub(crate) const fn len(&self) -> usize {
        self.length
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        if let Some((algorithm, signature)) = &self.signature {
            out.push(algorithm.number());
            crate::schedule::put16(out, signature);
        }
        out.extend_from_slice(&self.message_type.to_be_bytes());
        if let Some(part) = self.part {
            out.extend_from_slice(&part.message.to_be_bytes());
            out.extend_from_slice(&part.index.to_be_bytes());
            out.push(match part.end {
                PartEnd::More => 0,
                PartEnd::Last => 1,
            });
        }
        self.payload
            .iter()
            .for_each(|part| out.extend_from_slice(part));
        if let Some(zeros) = self.padding.checked_sub(1) {
            out.push(MARK);
            out.resize(out.len() + zeros, 0);
        }
    }
}

/// Who attests the sender of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Authorship {
    /// The group: some member of the view made it. Every member can compute every sender's keys, so a
    /// member that colludes with the daemon can have made it in the sender's name.
    Group,
    /// The sender, by its signature.
    Signed,
}

/// Verifies signatures of the given member.
pub(crate) type Author<'a> = (&'a dyn Verifier, MemberName);

/// The content of an authentic message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unpacked {
    pub(crate) message_type: i16,
    pub(crate) part: Option<Part>,
    pub(crate) payload: Bytes,
    pub(crate) authorship: Authorship,
}

/// Decodes a decrypted content, and verifies its signature if it has one.
pub(crate) fn unpack(
    plain: Vec<u8>,
    bound: &Bound<'_>,
    author: Option<Author<'_>>,
) -> Result<Unpacked, OpenError> {
    let flags = bound.header.flags;
    let mut rest = Bytes::from(plain);
    let authorship = if flags & flag::SIGNED == 0 {
        Authorship::Group
    } else {
        verify(&mut rest, bound, author)?;
        Authorship::Signed
    };
    let malformed = OpenError::Malformed;
    let message_type = rest.try_get_i16().map_err(|_| malformed)?;
    let part = if flags & flag::PART == 0 {
        None
    } else {
        let message = rest.try_get_u32().map_err(|_| malformed)?;
        let index = rest.try_get_u32().map_err(|_| malformed)?;
        let end = match rest.try_get_u8() {
            Ok(0) => PartEnd::More,
            Ok(1) => PartEnd::Last,
            Ok(_) | Err(_) => return Err(malformed),
        };
        Some(Part {
            message,
            index,
            end,
        })
    };
    if flags & flag::PADDED != 0 {
        let kept = rest.iter().rposition(|byte| *byte != 0).ok_or(malformed)?;
        if rest.get(kept) != Some(&MARK) {
            return Err(malformed);
        }
        rest.truncate(kept);
    }
    Ok(Unpacked {
        message_type,
        part,
        payload: rest,
        authorship,
    })
}

/// Removes the signature from the front and verifies it over the rest.
fn verify(
    rest: &mut Bytes,
    bound: &Bound<'_>,
    author: Option<Author<'_>>,
) -> Result<(), OpenError> {
    let malformed = OpenError::Malformed;
    let algorithm = rest.try_get_u8().map_err(|_| malformed)?;
    let length = usize::from(rest.try_get_u16().map_err(|_| malformed)?);
    if rest.len() < length {
        return Err(malformed);
    }
    let signature = rest.split_to(length);
    // `SignatureAlgorithm::None` is no signature.
    let algorithm = SignatureAlgorithm::from_number(algorithm)
        .filter(|algorithm| *algorithm != SignatureAlgorithm::None)
        .ok_or(OpenError::Signature)?;
    let (verifier, member) = author.ok_or(OpenError::Signature)?;
    let mut signed = bound.signed(rest.len());
    signed.extend_from_slice(rest);
    verifier
        .verify(&member, algorithm, &signed, &signature)
        .map_err(|_| OpenError::Signature)
}
