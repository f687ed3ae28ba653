//! Keys of one sender under one record suite.

use core::fmt;

use alloc::vec::Vec;

use bytes::Bytes;
use gcs_proto::{
    name::{GroupName, MemberName},
    service::Service,
};
use rand_core::CryptoRng;

use super::{
    HEADER_LENGTH, Header, OpenError, RecordSuite, UnsupportedSuite, associated_data,
    cbc_hmac::{BLOCK, CbcHmac},
};
use crate::schedule::KeySchedule;

/// What seals and opens the messages of one sender.
///
/// Not `Clone`; erased on drop. A new suite is one variant of the private enum and one arm in each
/// method.
pub struct SenderKeys {
    suite: RecordSuite,
    cipher: Cipher,
}

enum Cipher {
    CbcHmac(CbcHmac),
}

/// A message whose tag is right, not yet decrypted.
pub(crate) struct Authentic<'a> {
    iv: &'a [u8; BLOCK],
    ciphertext: &'a [u8],
}

impl SenderKeys {
    /// Derives the keys of `sender`.
    ///
    /// # Errors
    /// [`UnsupportedSuite`] when the build does not have the suite.
    pub fn derive(
        schedule: &KeySchedule,
        suite: RecordSuite,
        sender: &MemberName,
    ) -> Result<Self, UnsupportedSuite> {
        let keys = schedule.record_keys(suite.built()?, sender.as_bytes());
        let cipher = match suite {
            RecordSuite::Aes256CbcHmacSha256 => CbcHmac::new(&keys).map(Cipher::CbcHmac),
            RecordSuite::Aes128CbcHmacSha256
            | RecordSuite::HmacSha256
            | RecordSuite::Aes256Gcm
            | RecordSuite::ChaCha20Poly1305 => None,
        };
        match cipher {
            Some(cipher) => Ok(Self { suite, cipher }),
            None => Err(UnsupportedSuite(suite)),
        }
    }

    /// Seals one message; `inner` is the message type and the payload, in parts.
    pub(crate) fn seal(
        &self,
        header: &Header,
        group: &GroupName,
        sender: &MemberName,
        service: Service,
        inner: &[&[u8]],
        rng: &mut dyn CryptoRng,
    ) -> Vec<u8> {
        let aad = associated_data(group, sender, service);
        match &self.cipher {
            Cipher::CbcHmac(cipher) => {
                // CBC needs a vector that nobody can predict.
                let mut iv = [0; BLOCK];
                rng.fill_bytes(&mut iv);
                cipher.seal(&aad, &header.encode(), &iv, inner)
            }
        }
    }

    /// Checks form and tag of a message.
    pub(crate) fn authenticate<'a>(
        &self,
        group: &GroupName,
        sender: &MemberName,
        service: Service,
        message: &'a [u8],
    ) -> Result<Authentic<'a>, OpenError> {
        let aad = associated_data(group, sender, service);
        match &self.cipher {
            Cipher::CbcHmac(cipher) => cipher
                .authenticate(&aad, message)
                .map(|(iv, ciphertext)| Authentic { iv, ciphertext }),
        }
    }

    /// Decrypts an authentic message into its type and payload.
    pub(crate) fn decrypt(&self, message: &Authentic<'_>) -> Result<(i16, Bytes), OpenError> {
        let (buffer, length) = match &self.cipher {
            Cipher::CbcHmac(cipher) => cipher.decrypt(message.iv, message.ciphertext)?,
        };
        let inner = Bytes::from(buffer);
        let [high, low] = inner
            .get(..length)
            .and_then(|inner| inner.first_chunk::<2>())
            .copied()
            .ok_or(OpenError::Malformed)?;
        Ok((i16::from_be_bytes([high, low]), inner.slice(2..length)))
    }

    /// The suite.
    pub const fn suite(&self) -> RecordSuite {
        self.suite
    }
}

impl fmt::Debug for SenderKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SenderKeys({})", self.suite)
    }
}

const _: () = assert!(HEADER_LENGTH == 20, "layout of the protocol");
