//! Record suites: how a message is encrypted and authenticated.

use alloc::string::String;
use core::{fmt, str::FromStr};

use super::HEADER_LENGTH;

/// How messages are sealed. All members of a group must use the same.
///
/// All suites of the protocol are known by name and number, so that a message sealed otherwise is
/// recognised; [`is_built`](Self::is_built) tells those that this build can use.
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

    /// Whether this build can seal and open with it.
    pub const fn is_built(self) -> bool {
        match self {
            Self::Aes256CbcHmacSha256 => true,
            Self::Aes128CbcHmacSha256
            | Self::HmacSha256
            | Self::Aes256Gcm
            | Self::ChaCha20Poly1305 => false,
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

    /// This suite, if the build has it.
    ///
    /// # Errors
    /// [`UnsupportedSuite`], which lists what there is.
    pub const fn built(self) -> Result<Self, UnsupportedSuite> {
        if self.is_built() {
            Ok(self)
        } else {
            Err(UnsupportedSuite(self))
        }
    }
}

impl fmt::Display for RecordSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A suite of the protocol that this build does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnsupportedSuite(pub RecordSuite);

impl fmt::Display for UnsupportedSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record suite {} is not built in, there is: ", self.0)?;
        list(f, RecordSuite::is_built)
    }
}

impl core::error::Error for UnsupportedSuite {}

/// A text that names no suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSuite(pub String);

impl fmt::Display for UnknownSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown record suite \"{}\", one of ", self.0)?;
        list(f, |_| true)
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

fn list(f: &mut fmt::Formatter<'_>, which: impl Fn(RecordSuite) -> bool) -> fmt::Result {
    let suites = RecordSuite::ALL.into_iter().filter(|suite| which(*suite));
    for (index, suite) in suites.enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        f.write_str(suite.as_str())?;
    }
    Ok(())
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
        assert_eq!(
            RecordSuite::Aes256Gcm.built().unwrap_err().to_string(),
            "record suite aes-256-gcm is not built in, there is: aes-256-cbc-hmac-sha256"
        );
    }
}
