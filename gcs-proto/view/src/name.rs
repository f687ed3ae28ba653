//! Names of members, groups and sessions.
//!
//! Names are kept in slots of 32 bytes that end at their first NUL, as the Spread client protocol sends
//! them, so they are copied and compared without a look at their length. [`Name`] is whatever a slot
//! may hold; the other types are checked once, when the value is made.
//!
//! | type | length | bytes | example |
//! |---|---|---|---|
//! | [`Name`] | 0..=32 | any but NUL | destinations as they were sent |
//! | [`GroupName`] | 1..=31 | `$`..=`~` | `chat` |
//! | [`MemberName`] | 1..=31 | `!`..=`~` | `#alice#n1` |
//! | [`PrivateName`] | 1..=10 | `$`..=`~` | `alice` |
//! | [`DaemonName`] | 1..=19 | `$`..=`~` | `n1` |
//!
//! A slot on the wire, here of `chat`:
//!
//! | offset | size | content |
//! |---|---|---|
//! | 0 | 4 | `63 68 61 74` |
//! | 4 | 1 | `00`; missing if the name has 32 bytes |
//! | 5 | 27 | ignored; zeros from these crates |
//!
//! Source: Spread client protocol, sections 3.5 and 4.6 (`docs/spec/spread-client-protocol.md`).

use alloc::{string::String, vec::Vec};
use core::{
    borrow::Borrow,
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

/// Bytes of a name slot, terminator included.
pub const NAME_SLOT: usize = 32;
/// Longest group name, in bytes: a slot less its terminator.
pub const GROUP_NAME_MAX: usize = 31;
/// Longest member name, in bytes.
pub const MEMBER_NAME_MAX: usize = 31;
/// Longest private name, in bytes.
pub const PRIVATE_NAME_MAX: usize = 10;
/// Longest daemon name, in bytes.
pub const DAEMON_NAME_MAX: usize = 19;

/// Bytes looked at in one step.
const WORD: usize = 8;
/// The lowest bit of each byte of a word.
const LOWEST_BITS: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each byte of a word.
const HIGHEST_BITS: u64 = 0x8080_8080_8080_8080;

/// The bits of a word that stand in front of its first NUL byte, all if there is none.
#[inline]
const fn text_mask(word: u64) -> u64 {
    // The lowest bit set stands for the first NUL, those above it for nothing certain.
    let nul = word.wrapping_sub(LOWEST_BITS) & !word & HIGHEST_BITS;
    ((nul & nul.wrapping_neg()) >> 7).wrapping_sub(1)
}

/// Whether each byte of a word is NUL or within `first..=b'~'`.
#[inline]
const fn is_text(word: u64, first: u8) -> bool {
    let low = word & !HIGHEST_BITS;
    let occupied = low.wrapping_add(!HIGHEST_BITS);
    let below = !(word | HIGHEST_BITS).wrapping_sub(LOWEST_BITS.wrapping_mul(first as u64));
    let delete = low.wrapping_add(LOWEST_BITS);
    (word | delete | (below & occupied)) & HIGHEST_BITS == 0
}

/// The content of a name slot: at most 32 bytes, none of them NUL, otherwise anything.
///
/// Ordered bytewise, shorter first among names with a common beginning, as daemons order names.
#[derive(Clone, Copy)]
// Aligned, so that copies of names are made of whole words.
#[repr(align(8))]
pub struct Name {
    /// The text, and NUL behind it.
    slot: [u8; NAME_SLOT],
}

impl Name {
    /// Takes `bytes` up to the first NUL.
    ///
    /// # Errors
    /// [`NameError::Length`] when more than 32 bytes come before the first NUL.
    pub fn new(bytes: &[u8]) -> Result<Self, NameError> {
        let text = bytes.split(|byte| *byte == 0).next().unwrap_or(bytes);
        let mut slot = [0; NAME_SLOT];
        match slot.get_mut(..text.len()) {
            Some(room) => room.copy_from_slice(text),
            None => return Err(NameError::length("name", text.len(), NAME_SLOT)),
        }
        Ok(Self::from_slot(slot))
    }

    /// Reads a slot as it stands on the wire; bytes behind the first NUL are cleared.
    #[inline]
    pub fn from_slot(mut slot: [u8; NAME_SLOT]) -> Self {
        // Without a branch: memberships have thousands of slots.
        let mut before = u64::MAX;
        for bytes in slot.as_chunks_mut::<WORD>().0 {
            let word = u64::from_le_bytes(*bytes);
            let mask = text_mask(word);
            *bytes = (word & mask & before).to_le_bytes();
            before &= if mask == u64::MAX { u64::MAX } else { 0 };
        }
        Self { slot }
    }

    /// The slot, zero-padded.
    pub const fn slot(&self) -> &[u8; NAME_SLOT] {
        &self.slot
    }

    /// The bytes of the name, without padding.
    pub fn as_bytes(&self) -> &[u8] {
        let end = self.slot.iter().position(|byte| *byte == 0);
        self.slot
            .get(..end.unwrap_or(NAME_SLOT))
            .unwrap_or(&self.slot)
    }

    /// Whether this names a private group (one session) and is never looked up as a group.
    pub fn is_private(&self) -> bool {
        self.slot.first() == Some(&b'#')
    }
}

// No name has a NUL inside, so slots compare as their names do.
impl PartialEq for Name {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.slot == other.slot
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.slot.cmp(&other.slot)
    }
}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.slot.hash(state);
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_bytes().escape_ascii())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// A text that is not a name of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The length is outside the range of this kind of name.
    #[error("{kind} of {length} bytes, 1 to {max} allowed")]
    Length {
        /// What was to be named.
        kind: &'static str,
        /// Length found, in bytes.
        length: usize,
        /// Largest length allowed, in bytes.
        max: usize,
    },
    /// A byte that this kind of name must not contain.
    #[error("{kind} \"{name}\" has the illegal byte 0x{byte:02x}")]
    Byte {
        /// What was to be named.
        kind: &'static str,
        /// The text, escaped to ASCII.
        name: String,
        /// The first illegal byte.
        byte: u8,
    },
}

impl NameError {
    fn length(kind: &'static str, length: usize, max: usize) -> Self {
        Self::Length { kind, length, max }
    }
}

fn checked(
    kind: &'static str,
    text: &[u8],
    max: usize,
    first_legal: u8,
) -> Result<Name, NameError> {
    if text.is_empty() || text.len() > max {
        return Err(NameError::length(kind, text.len(), max));
    }
    match text
        .iter()
        .find(|byte| !(first_legal..=b'~').contains(*byte))
    {
        Some(byte) => Err(NameError::Byte {
            kind,
            name: alloc::format!("{}", text.escape_ascii()),
            byte: *byte,
        }),
        None => Name::new(text),
    }
}

/// Whether a name is one that [`checked`] takes; `max` leaves a NUL in the slot.
#[inline]
fn is_legal(name: &Name, max: usize, first_legal: u8) -> bool {
    let words = name.slot.as_chunks::<WORD>().0;
    let text = words.iter().fold(true, |text, bytes| {
        text & is_text(u64::from_le_bytes(*bytes), first_legal)
    });
    text && name.slot.first() != Some(&0) && name.slot.get(max) == Some(&0)
}

macro_rules! name_type {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $max:expr, $first:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(Name);

        impl $type {
            /// Checks length and bytes.
            ///
            /// # Errors
            /// [`NameError`] naming the text and what is wrong with it.
            pub fn new(text: &[u8]) -> Result<Self, NameError> {
                checked($kind, text, $max, $first).map(Self)
            }

            #[inline]
            fn is_legal(name: &Name) -> bool {
                is_legal(name, $max, $first)
            }

            /// The name as text; always ASCII.
            pub fn as_str(&self) -> &str {
                core::str::from_utf8(self.0.as_bytes()).unwrap_or_default()
            }

            /// The bytes of the name, without padding.
            pub fn as_bytes(&self) -> &[u8] {
                self.0.as_bytes()
            }

            /// The name as the content of a slot.
            pub fn as_name(&self) -> &Name {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text.as_bytes())
            }
        }

        impl TryFrom<&str> for $type {
            type Error = NameError;

            fn try_from(text: &str) -> Result<Self, NameError> {
                Self::new(text.as_bytes())
            }
        }

        impl TryFrom<Name> for $type {
            type Error = NameError;

            #[inline]
            fn try_from(name: Name) -> Result<Self, NameError> {
                if Self::is_legal(&name) {
                    Ok(Self(name))
                } else {
                    // Names the error.
                    Self::new(name.as_bytes())
                }
            }
        }

        impl From<$type> for Name {
            fn from(name: $type) -> Self {
                name.0
            }
        }

        impl Borrow<Name> for $type {
            fn borrow(&self) -> &Name {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

name_type! {
    /// A group of members.
    GroupName, "group name", GROUP_NAME_MAX, b'$'
}
name_type! {
    /// A member of a group, unique in it. Over a Spread engine it is the private group of the member's
    /// connection, `#session#daemon`; nothing but identities and engines looks inside.
    MemberName, "member name", MEMBER_NAME_MAX, b'!'
}
name_type! {
    /// What a client wants to be called at its daemon.
    PrivateName, "private name", PRIVATE_NAME_MAX, b'$'
}
name_type! {
    /// A daemon in a configuration.
    DaemonName, "daemon name", DAEMON_NAME_MAX, b'$'
}

impl MemberName {
    /// All of `names` as members, in the memory where they are.
    ///
    /// # Errors
    /// [`NameError`] for the first one that is not a member's name.
    pub fn all(names: Vec<Name>) -> Result<Vec<Self>, NameError> {
        if !names.iter().all(Self::is_legal) {
            return names.into_iter().map(Self::try_from).collect();
        }
        Ok(names.into_iter().map(Self).collect())
    }

    /// The private group of a connection: `#session#daemon`.
    pub fn of_session(session: &PrivateName, daemon: &DaemonName) -> Self {
        let mut text = [0; NAME_SLOT];
        let parts = [&b"#"[..], session.as_bytes(), &b"#"[..], daemon.as_bytes()];
        // 1 + 10 + 1 + 19 bytes are 31, so every part fits.
        for (slot, byte) in text.iter_mut().zip(parts.into_iter().flatten()) {
            *slot = *byte;
        }
        Self(Name::from_slot(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slot_ends_at_the_first_nul() {
        let mut slot = [b'x'; 32];
        slot[3] = 0;
        let name = Name::from_slot(slot);
        assert_eq!(name.as_bytes(), b"xxx");
        assert_eq!(&name.slot()[3..], &[0; 29]);
        assert_eq!(Name::from_slot([b'y'; 32]).as_bytes(), &[b'y'; 32]);
    }

    /// Every place of the first NUL, in front of bytes of every kind.
    #[test]
    fn slots_are_read_like_byte_strings() {
        for end in 0..=32 {
            for fill in [1, 0x7f, 0x80, 0xff, b'a'] {
                for behind in [0, 1, 0x80, 0xff] {
                    let mut slot = [behind; 32];
                    slot[..end].fill(fill);
                    if let Some(byte) = slot.get_mut(end) {
                        *byte = 0;
                    }
                    let name = Name::from_slot(slot);
                    assert_eq!(name.as_bytes(), &slot[..end]);
                    assert!(name.slot()[end..].iter().all(|byte| *byte == 0));
                    assert_eq!(Name::new(&slot[..end]).unwrap(), name);
                    let plain = |bytes: &[u8]| MemberName::new(bytes).ok();
                    assert_eq!(MemberName::try_from(name).ok(), plain(&slot[..end]));
                }
            }
        }
        for byte in 1..=255 {
            for at in [0, 7, 8, 30] {
                let mut slot = [b'x'; 32];
                slot[31] = 0;
                slot[at] = byte;
                let (name, text) = (Name::from_slot(slot), &slot[..31]);
                assert_eq!(GroupName::try_from(name), GroupName::new(text));
                assert_eq!(MemberName::try_from(name), MemberName::new(text));
            }
        }
    }

    #[test]
    fn names_order_bytewise() {
        let mut names = [
            Name::new(b"b").unwrap(),
            Name::new(b"ab").unwrap(),
            Name::new(b"a").unwrap(),
        ];
        names.sort();
        assert_eq!(
            names.map(|name| name.as_bytes().to_vec()),
            [&b"a"[..], b"ab", b"b"].map(<[u8]>::to_vec)
        );
    }

    #[test]
    fn bounds_of_each_kind() {
        assert!("a".repeat(31).parse::<GroupName>().is_ok());
        assert_eq!(
            "a".repeat(32).parse::<GroupName>(),
            Err(NameError::Length {
                kind: "group name",
                length: 32,
                max: 31
            })
        );
        assert!("".parse::<PrivateName>().is_err());
        assert!("abcdefghijk".parse::<PrivateName>().is_err());
        assert!("a b".parse::<GroupName>().is_err());
        assert!("#a#b".parse::<GroupName>().is_err());
        assert!("#a#b".parse::<MemberName>().is_ok());
        assert!(GroupName::new(&[0x7f]).is_err());
    }

    #[test]
    fn private_group_of_the_longest_names_fits() {
        let member = MemberName::of_session(
            &"abcdefghij".parse().unwrap(),
            &"d234567890123456789".parse().unwrap(),
        );
        assert_eq!(member.as_str(), "#abcdefghij#d234567890123456789");
        assert!(member.as_name().is_private());
    }
}
