//! Keys of one sender under one record suite.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use aes::{Aes128, Aes256};
use aes_gcm::Aes256Gcm;
use chacha20poly1305::ChaCha20Poly1305;
use gcs_proto::name::MemberName;
use rand_core::CryptoRng;

use super::{
    AssociatedData, Header, OpenError, RecordSuite,
    aead::Aead,
    cbc_hmac::{BLOCK, CbcHmac},
    content::Plain,
    mac::HmacOnly,
};
use crate::{replay::Replay, schedule::KeySchedule};

/// What seals and opens the messages of one sender, keyed once.
///
/// Not `Clone`; erased on drop. A new suite is one variant of the private enum and one arm in each
/// method.
pub struct SenderKeys {
    suite: RecordSuite,
    cipher: Cipher,
}

/// Boxed, because expanded keys of the suites differ much in size.
enum Cipher {
    Cbc128(Box<CbcHmac<Aes128>>),
    Cbc256(Box<CbcHmac<Aes256>>),
    Hmac(Box<HmacOnly>),
    Gcm(Box<Aead<Aes256Gcm>>),
    ChaCha(Box<Aead<ChaCha20Poly1305>>),
}

impl SenderKeys {
    /// Derives the keys of `sender`. `None` would be a bug: lengths of keys are constants.
    pub fn derive(schedule: &KeySchedule, suite: RecordSuite, sender: &MemberName) -> Option<Self> {
        let keys = schedule.record_keys(suite, sender.as_bytes());
        let cipher = match suite {
            RecordSuite::Aes128CbcHmacSha256 => Cipher::Cbc128(Box::new(CbcHmac::new(&keys, 16)?)),
            RecordSuite::Aes256CbcHmacSha256 => Cipher::Cbc256(Box::new(CbcHmac::new(&keys, 32)?)),
            RecordSuite::HmacSha256 => Cipher::Hmac(Box::new(HmacOnly::new(&keys)?)),
            RecordSuite::Aes256Gcm => Cipher::Gcm(Box::new(Aead::new(&keys)?)),
            RecordSuite::ChaCha20Poly1305 => Cipher::ChaCha(Box::new(Aead::new(&keys)?)),
        };
        Some(Self { suite, cipher })
    }

    /// Seals one message. `None` would be a bug: no message comes near a cipher's limit.
    pub(crate) fn seal(
        &self,
        aad: &AssociatedData,
        header: &Header,
        plain: &Plain<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Option<Vec<u8>> {
        let encoded = header.encode();
        let mut iv = || {
            // CBC needs a vector that nobody can predict.
            let mut iv = [0; BLOCK];
            rng.fill_bytes(&mut iv);
            iv
        };
        match &self.cipher {
            Cipher::Cbc128(cipher) => Some(cipher.seal(aad, &encoded, &iv(), plain)),
            Cipher::Cbc256(cipher) => Some(cipher.seal(aad, &encoded, &iv(), plain)),
            Cipher::Hmac(mac) => Some(mac.seal(aad, &encoded, plain)),
            Cipher::Gcm(aead) => aead.seal(aad, header, plain),
            Cipher::ChaCha(aead) => aead.seal(aad, header, plain),
        }
    }

    /// Checks form and tag of a message, asks whether it is `fresh`, and gives what was encrypted.
    pub(crate) fn open(
        &self,
        aad: &AssociatedData,
        header: &Header,
        message: &[u8],
        fresh: impl FnOnce() -> Result<(), Replay>,
    ) -> Result<Vec<u8>, OpenError> {
        match &self.cipher {
            Cipher::Cbc128(cipher) => cipher.open(aad, message, fresh),
            Cipher::Cbc256(cipher) => cipher.open(aad, message, fresh),
            Cipher::Hmac(mac) => mac.open(aad, message, fresh),
            Cipher::Gcm(aead) => aead.open(aad, header, message, fresh),
            Cipher::ChaCha(aead) => aead.open(aad, header, message, fresh),
        }
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
