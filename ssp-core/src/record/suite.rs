//! Record suites: how a message is encrypted and authenticated.

use alloc::string::String;
use core::{fmt, str::FromStr};

use super::HEADER_LENGTH;

/// How messages are sealed. All members of a group must use the same.
///
/// | number | name | cipher | tag, bytes | adds, bytes |
/// |---|---|---|---|---|
/// | 1 | `aes-128-cbc-hmac-sha256` | AES-128-CBC, HMAC-SHA-256 | 16 | 55 to 70 |
/// | 2 | `aes-256-cbc-hmac-sha256`, default | AES-256-CBC, HMAC-SHA-256 | 32 | 71 to 86 |
/// | 3 | `hmac-sha256` | none: everybody can read it | 32 | 54 |
/// | 4 | `aes-256-gcm` | AES-256-GCM | 16 | 38 |
/// | 5 | `chacha20-poly1305` | ChaCha20-Poly1305 | 16 | 38 |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum RecordSuite {
    /// AES-128 in CBC mode, HMAC-SHA-256 cut to 16 bytes.
    Aes128CbcHmacSha256 = 1,
    /// AES-256 in CBC mode, HMAC-SHA-256.
    #[default]
    Aes256CbcHmacSha256 = 2,
    /// No encryption, HMAC-SHA-256.
    HmacSha256 = 3,
    /// AES-256 in Galois/counter mode.
    Aes256Gcm = 4,
    /// ChaCha20 and Poly1305.
    ChaCha20Poly1305 = 5,
}

impl RecordSuite {
    /// All suites of the protocol.
    pub const ALL: [Self; 5] = [
        Self::Aes128CbcHmacSha256,
        Self::Aes256CbcHmacSha256,
        Self::HmacSha256,
        Self::Aes256Gcm,
        Self::ChaCha20Poly1305,
    ];

    /// Name in configuration, on the command line and in events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aes128CbcHmacSha256 => "aes-128-cbc-hmac-sha256",
            Self::Aes256CbcHmacSha256 => "aes-256-cbc-hmac-sha256",
            Self::HmacSha256 => "hmac-sha256",
            Self::Aes256Gcm => "aes-256-gcm",
            Self::ChaCha20Poly1305 => "chacha20-poly1305",
        }
    }

    /// Number in sealed messages and key labels.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The suite of a sealed message.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.number() == number)
    }

    /// Bytes of key material of one sender: encryption key, then MAC key.
    pub const fn key_length(self) -> usize {
        match self {
            Self::Aes128CbcHmacSha256 => 16 + 32,
            Self::Aes256CbcHmacSha256 => 32 + 32,
            Self::HmacSha256 | Self::Aes256Gcm | Self::ChaCha20Poly1305 => 32,
        }
    }

    /// Most bytes that sealing adds to a payload.
    pub const fn overhead(self) -> usize {
        const TYPE: usize = 2;
        const BLOCK: usize = 16;
        HEADER_LENGTH
            + TYPE
            + match self {
                // Initialisation vector, one to sixteen bytes of padding, tag.
                Self::Aes128CbcHmacSha256 => BLOCK + BLOCK + 16,
                Self::Aes256CbcHmacSha256 => BLOCK + BLOCK + 32,
                Self::HmacSha256 => 32,
                Self::Aes256Gcm | Self::ChaCha20Poly1305 => 16,
            }
    }
}

impl fmt::Display for RecordSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSuite(pub String);

impl fmt::Display for UnknownSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown record suite \"{}\", one of ", self.0)?;
        for (index, suite) in RecordSuite::ALL.into_iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{suite}")?;
        }
        Ok(())
    }
}

impl core::error::Error for UnknownSuite {}

impl FromStr for RecordSuite {
    type Err = UnknownSuite;

    fn from_str(text: &str) -> Result<Self, UnknownSuite> {
        Self::ALL
            .into_iter()
            .find(|suite| suite.as_str() == text)
            .ok_or_else(|| UnknownSuite(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn names_and_numbers_lead_back() {
        for suite in RecordSuite::ALL {
            assert_eq!(suite.as_str().parse(), Ok(suite));
            assert_eq!(RecordSuite::from_number(suite.number()), Some(suite));
        }
        assert_eq!(RecordSuite::from_number(0), None);
        assert_eq!(RecordSuite::from_number(6), None);
    }

    #[test]
    fn errors_tell_what_there_is() {
        assert_eq!(
            "rot13".parse::<RecordSuite>().unwrap_err().to_string(),
            "unknown record suite \"rot13\", one of aes-128-cbc-hmac-sha256, \
             aes-256-cbc-hmac-sha256, hmac-sha256, aes-256-gcm, chacha20-poly1305"
        );
    }
}
