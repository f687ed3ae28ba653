//! The password method: a user name and a password, in clear text.
//!
//! | sender | size | content |
//! |---|---|---|
//! | client | 32 | user name, zero-padded |
//! | client | 8 | password, zero-padded |
//! | daemon | 1 | 1: right; 0: wrong, and the code -9 follows |
//!
//! Both fields end at their first NUL and need none when they are full. They go out behind the
//! choice of methods, each in one write, without waiting for anything.
//!
//! Source: Spread client protocol, section 3.3 of the protocol notes in `docs/`.

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::limits;

/// Answer to the right password; anything else is none.
pub(super) const RIGHT: u8 = 1;
/// Answer to a wrong password.
pub(super) const WRONG: u8 = 0;

const USER: usize = limits::PASSWORD_USER;
const PASSWORD: usize = limits::PASSWORD;
/// Bytes of both fields.
pub(super) const RECORD: usize = USER + PASSWORD;

/// A user name and a password for [`Method::Password`](super::Method::Password).
///
/// # Security
/// They travel in clear text and the password has at most 8 bytes: this keeps honest users apart
/// and nobody else out. Here they are erased when dropped, are not shown by `Debug`, and are
/// compared without a branch on their content; what the stream's owner keeps of them is its own
/// business.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Credentials {
    user: [u8; USER],
    password: [u8; PASSWORD],
}

/// A text that does not fit into its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// The text is too long.
    #[error("{field} of {length} bytes, at most {max} allowed")]
    Length {
        /// The field.
        field: &'static str,
        /// Length found, in bytes.
        length: usize,
        /// Largest length allowed, in bytes.
        max: usize,
    },
    /// The text has a NUL, at which it would end.
    #[error("NUL byte in {field}")]
    Nul {
        /// The field.
        field: &'static str,
    },
}

impl Credentials {
    /// Takes a user name of at most 32 bytes and a password of at most 8, neither with a NUL.
    ///
    /// # Errors
    /// [`CredentialsError`]; the texts are not in it.
    pub fn new(user: &[u8], password: &[u8]) -> Result<Self, CredentialsError> {
        Ok(Self {
            user: padded("user name", user)?,
            password: padded("password", password)?,
        })
    }

    /// The user name.
    pub fn user(&self) -> &[u8] {
        let end = self.user.iter().position(|byte| *byte == 0);
        self.user
            .get(..end.unwrap_or(USER))
            .unwrap_or(self.user.as_slice())
    }

    /// Whether user name and password are those of `other`, in a time that does not depend on
    /// where they differ.
    pub fn matches(&self, other: &Self) -> bool {
        (self.user.ct_eq(&other.user) & self.password.ct_eq(&other.password)).into()
    }

    /// The two fields as they travel, each one erased when its last reader drops it.
    pub(super) fn encode(&self) -> [Bytes; 2] {
        let erased = |field: &[u8]| Bytes::from_owner(Zeroizing::new(Vec::from(field)));
        [erased(&self.user), erased(&self.password)]
    }

    /// Reads both fields; what stands behind the first NUL of either does not count.
    pub(super) fn decode(record: &[u8; RECORD]) -> Self {
        let (user, password) = record.split_at(USER);
        let mut credentials = Self {
            user: [0; USER],
            password: [0; PASSWORD],
        };
        copy_text(&mut credentials.user, user);
        copy_text(&mut credentials.password, password);
        credentials
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

fn padded<const N: usize>(field: &'static str, text: &[u8]) -> Result<[u8; N], CredentialsError> {
    if text.contains(&0) {
        return Err(CredentialsError::Nul { field });
    }
    let mut slot = [0; N];
    match slot.get_mut(..text.len()) {
        Some(room) => room.copy_from_slice(text),
        None => {
            return Err(CredentialsError::Length {
                field,
                length: text.len(),
                max: N,
            });
        }
    }
    Ok(slot)
}

/// Copies up to the first NUL, without a branch on where it is.
fn copy_text(field: &mut [u8], text: &[u8]) {
    let mut within = Choice::from(1);
    for (slot, byte) in field.iter_mut().zip(text) {
        within &= !byte.ct_eq(&0);
        *slot = u8::conditional_select(&0, byte, within);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_have_room_for_their_longest_text() {
        let full = Credentials::new(&[b'u'; 32], &[b'p'; 8]).unwrap();
        assert_eq!(full.user(), [b'u'; 32]);
        assert_eq!(
            Credentials::new(&[b'u'; 33], b"").unwrap_err(),
            CredentialsError::Length {
                field: "user name",
                length: 33,
                max: 32
            }
        );
        assert!(Credentials::new(b"", &[b'p'; 9]).is_err());
        assert_eq!(
            Credentials::new(b"a\0b", b"").unwrap_err(),
            CredentialsError::Nul { field: "user name" }
        );
    }

    #[test]
    fn what_is_written_is_read() {
        let written = Credentials::new(b"alice", b"secret").unwrap();
        let [user, password] = written.encode();
        assert_eq!((user.len(), password.len()), (32, 8));
        let mut record = [user, password].concat();
        // Stack garbage of a C client.
        record[6..32].fill(0xaa);
        record[39] = 0xaa;
        let read = Credentials::decode(record.first_chunk().unwrap());
        assert!(read.matches(&written));
        assert_eq!(read.user(), b"alice");
    }

    #[test]
    fn only_the_same_pair_matches() {
        let alice = Credentials::new(b"alice", b"secret").unwrap();
        for (user, password) in [
            (&b"alice"[..], &b"Secret"[..]),
            (b"alice", b"secre"),
            (b"alice", b"secrets"),
            (b"alicf", b"secret"),
            (b"", b""),
        ] {
            assert!(!alice.matches(&Credentials::new(user, password).unwrap()));
        }
    }

    #[test]
    fn nothing_is_shown() {
        let shown = alloc::format!("{:?}", Credentials::new(b"alice", b"secret").unwrap());
        assert!(!shown.contains("alice") && !shown.contains("secret") && !shown.contains("115"));
    }
}
