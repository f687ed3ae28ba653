//! Members of a group.

use alloc::{string::String, sync::Arc};
use core::fmt;

/// Longest member identifier, in bytes.
pub const MEMBER_ID_MAX: usize = 255;

/// A member: an opaque byte string of 1 to 255 bytes, unique in its group, ordered bytewise.
///
/// Cheap to clone. Over a Spread engine it is the member's private group, `#alice#n1`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(Arc<[u8]>);

/// A byte string that is no member identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("member identifier of {0} bytes, 1 to 255 allowed")]
pub struct IllegalMemberId(pub usize);

impl MemberId {
    /// Checks the length.
    ///
    /// # Errors
    /// [`IllegalMemberId`] when `bytes` is empty or longer than [`MEMBER_ID_MAX`].
    pub fn new(bytes: &[u8]) -> Result<Self, IllegalMemberId> {
        if bytes.is_empty() || bytes.len() > MEMBER_ID_MAX {
            return Err(IllegalMemberId(bytes.len()));
        }
        Ok(Self(bytes.into()))
    }

    /// The identifier.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<&str> for MemberId {
    type Error = IllegalMemberId;

    fn try_from(text: &str) -> Result<Self, IllegalMemberId> {
        Self::new(text.as_bytes())
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match core::str::from_utf8(&self.0) {
            Ok(text) => f.pad(text),
            Err(_) => f.pad(&String::from_utf8_lossy(&self.0)),
        }
    }
}

impl fmt::Debug for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}
