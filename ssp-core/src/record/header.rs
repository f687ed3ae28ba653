//! The header of a sealed message.

use super::OpenError;
use crate::schedule::KeyId;

/// Version of the format.
pub const VERSION: u8 = 1;
/// Bytes of a header.
pub const HEADER_LENGTH: usize = 20;

/// Bits of [`Header::flags`]: the fields of the content besides type and payload.
pub mod flag {
    /// One part of a message in parts.
    pub const PART: u16 = 0x0001;
    /// Padded, to hide the length.
    pub const PADDED: u16 = 0x0002;
    /// Signed by its sender.
    pub const SIGNED: u16 = 0x0004;
    /// All defined flags.
    pub const KNOWN: u16 = PART | PADDED | SIGNED;
}

/// The unencrypted part of a sealed message; not authentic before the tag is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Number of the record suite, possibly undefined.
    pub suite: u8,
    /// Flags, see [`flag`].
    pub flags: u16,
    /// The key that the message is sealed under.
    pub key_id: KeyId,
    /// Number of the message, counted per sender and key.
    pub sequence: u64,
}

impl Header {
    /// The bytes on the wire.
    pub fn encode(&self) -> [u8; HEADER_LENGTH] {
        let mut out = [0; HEADER_LENGTH];
        let fields = [VERSION, self.suite]
            .into_iter()
            .chain(self.flags.to_be_bytes())
            .chain(self.key_id.0)
            .chain(self.sequence.to_be_bytes());
        out.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
        out
    }

    /// Reads the header of a message, with any flags and any suite.
    ///
    /// # Errors
    /// [`OpenError::Truncated`] and [`OpenError::Version`].
    pub fn decode(message: &[u8]) -> Result<Self, OpenError> {
        let [version, suite, f0, f1, rest @ ..] = message
            .first_chunk::<HEADER_LENGTH>()
            .ok_or(OpenError::Truncated(message.len()))?;
        if *version != VERSION {
            return Err(OpenError::Version(*version));
        }
        let [k0, k1, k2, k3, k4, k5, k6, k7, sequence @ ..] = rest;
        Ok(Self {
            suite: *suite,
            flags: u16::from_be_bytes([*f0, *f1]),
            key_id: KeyId([*k0, *k1, *k2, *k3, *k4, *k5, *k6, *k7]),
            sequence: u64::from_be_bytes(*sequence),
        })
    }

    /// Reads the header of a message that may be opened: all its flags are defined.
    ///
    /// # Errors
    /// As [`decode`](Self::decode), and [`OpenError::Flags`].
    pub fn accept(message: &[u8]) -> Result<Self, OpenError> {
        let header = Self::decode(message)?;
        match header.flags & !flag::KNOWN {
            0 => Ok(header),
            _ => Err(OpenError::Flags(header.flags)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn layout() {
        let header = Header {
            suite: 2,
            flags: 0x0304,
            key_id: KeyId([5, 6, 7, 8, 9, 10, 11, 12]),
            sequence: 0x0d0e_0f10_1112_1314,
        };
        let bytes: [u8; HEADER_LENGTH] = core::array::from_fn(|at| match at {
            0 => 1,
            at => u8::try_from(at).unwrap() + 1,
        });
        assert_eq!(header.encode(), bytes);
        assert_eq!(Header::accept(&bytes), Err(OpenError::Flags(0x0304)));
    }

    proptest! {
        #[test]
        fn every_header_leads_back(suite: u8, flags: u16, key: [u8; 8], sequence: u64) {
            let header = Header { suite, flags, key_id: KeyId(key), sequence };
            prop_assert_eq!(Header::decode(&header.encode()), Ok(header));
        }

        #[test]
        fn any_bytes_are_a_header_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            match Header::decode(&bytes) {
                Ok(header) => prop_assert_eq!(&header.encode()[..], &bytes[..HEADER_LENGTH]),
                Err(OpenError::Truncated(length)) => prop_assert!(length == bytes.len() && length < 20),
                Err(OpenError::Version(version)) => prop_assert_eq!(version, bytes[0]),
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
    }
}
