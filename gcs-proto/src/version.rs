//! Versions, and what depends on them.

use crate::codec::Layout;

/// Version of a client library or daemon.
///
/// The bytes are signed where versions are compared, as in the reference daemon: 128.0.0 is older
/// than anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    /// Major version.
    pub major: u8,
    /// Minor version.
    pub minor: u8,
    /// Patch version; 0 where the wire has none.
    pub patch: u8,
}

impl Version {
    /// What this crate announces on either side.
    pub const CURRENT: Self = Self::new(4, 4, 0);
    /// Oldest that either side accepts.
    pub const OLDEST: Self = Self::new(3, 1, 0);
    /// Oldest daemon for clients with a raised priority.
    pub const OLDEST_WITH_PRIORITY: Self = Self::new(3, 8, 0);

    /// A version of three parts.
    pub const fn new(major: u8, minor: u8, patch: u8) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }

    /// The one number by which versions are compared.
    pub const fn number(self) -> i32 {
        self.without_patch() + self.patch.cast_signed() as i32
    }

    /// Whether records of and for this client library have a patch version: from 3.15 on.
    pub const fn has_patch(self) -> bool {
        self.without_patch() > 31_400
    }

    /// Whether this client library negotiates authentication: from 3.16 on.
    pub const fn negotiates_authentication(self) -> bool {
        self.number() >= 31_600
    }

    /// Whether either side is new enough.
    pub const fn is_supported(self) -> bool {
        self.number() >= Self::OLDEST.number()
    }

    /// Form of the membership bodies that a daemon of this version sends.
    pub const fn membership_layout(self) -> Layout {
        if self.major >= 4 {
            Layout::Sets
        } else {
            Layout::OneSet
        }
    }

    const fn without_patch(self) -> i32 {
        self.major.cast_signed() as i32 * 10_000 + self.minor.cast_signed() as i32 * 100
    }
}

impl core::fmt::Display for Version {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds() {
        for (version, patch, methods, supported) in [
            (Version::new(2, 9, 0), false, false, false),
            (Version::new(3, 0, 99), false, false, false),
            (Version::new(3, 1, 0), false, false, true),
            (Version::new(3, 14, 0), false, false, true),
            (Version::new(3, 15, 2), true, false, true),
            (Version::new(3, 16, 0), true, true, true),
            (Version::new(4, 4, 0), true, true, true),
            (Version::new(5, 0, 1), true, true, true),
            (Version::new(127, 0, 0), true, true, true),
            (Version::new(128, 0, 0), false, false, false),
        ] {
            assert_eq!(version.has_patch(), patch, "{version}");
            assert_eq!(version.negotiates_authentication(), methods, "{version}");
            assert_eq!(version.is_supported(), supported, "{version}");
        }
        assert_eq!(Version::new(3, 17, 4).membership_layout(), Layout::OneSet);
        assert_eq!(Version::new(5, 0, 1).membership_layout(), Layout::Sets);
    }
}
