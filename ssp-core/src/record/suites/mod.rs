//! The record suites, and what can be looked up in their list.

use alloc::string::String;
use core::{fmt, str::FromStr};

use super::suite::RecordSuite;

/// Declares the file of each suite, and makes the list of all.
macro_rules! suites {
    ($($file:ident::$name:ident;)*) => {
        $(mod $file;)*

        impl RecordSuite {
            /// All suites of the protocol.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

// A new suite is one file in this folder and one line here.
suites! {
    aes_128_cbc_hmac_sha256::AES_128_CBC_HMAC_SHA256;
    aes_256_cbc_hmac_sha256::AES_256_CBC_HMAC_SHA256;
    hmac_sha256::HMAC_SHA256;
    aes_256_gcm::AES_256_GCM;
    chacha20_poly1305::CHACHA20_POLY1305;
}

impl RecordSuite {
    /// The suite with this number in sealed messages.
    pub fn from_number(number: u8) -> Option<Self> {
        let mut suites = Self::ALL.iter().copied();
        suites.find(|suite| suite.number() == number)
    }
}

impl Default for RecordSuite {
    fn default() -> Self {
        Self::AES_256_CBC_HMAC_SHA256
    }
}

/// A text that is not the name of a suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSuite(pub String);

impl fmt::Display for UnknownSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown record suite \"{}\", one of ", self.0)?;
        for (index, suite) in RecordSuite::ALL.iter().enumerate() {
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
        let mut suites = Self::ALL.iter().copied();
        suites
            .find(|suite| suite.as_str() == text)
            .ok_or_else(|| UnknownSuite(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec};

    use super::*;

    #[test]
    fn names_and_numbers_are_unique() {
        for &suite in RecordSuite::ALL {
            assert_eq!(suite.as_str().parse(), Ok(suite));
            assert_eq!(RecordSuite::from_number(suite.number()), Some(suite));
            assert!(suite.expand(&vec![0; suite.key_length()]).is_some());
            assert!(suite.expand(&vec![0; suite.key_length() + 1]).is_none());
        }
        assert_eq!(RecordSuite::from_number(0), None);
        assert_eq!(RecordSuite::from_number(u8::MAX), None);
    }

    #[test]
    fn errors_list_the_names() {
        let error = "rot13".parse::<RecordSuite>().unwrap_err().to_string();
        assert!(error.starts_with(
            "unknown record suite \"rot13\", one of aes-128-cbc-hmac-sha256, \
             aes-256-cbc-hmac-sha256, hmac-sha256, aes-256-gcm, chacha20-poly1305"
        ));
    }
}
