//! AES in CBC mode with HMAC-SHA-256, encrypt-then-MAC.
//!
//! In CBC encryption each block depends on the one before, and in HMAC each compression does, but
//! neither depends on the other: when sealing, the MAC runs one stride behind the cipher, so that the
//! processor works on both at once. On a processor with instructions for both that saves nearly a
//! quarter of the time.

use alloc::{boxed::Box, vec::Vec};

use aes::cipher::{
    Array, Block, BlockCipherDecrypt, BlockCipherEncBackend, BlockCipherEncClosure,
    BlockCipherEncrypt, BlockModeDecrypt, BlockSizeUser, InnerIvInit, KeyInit, consts::U16,
};
use hmac::{Hmac, Mac};
use rand_core::CryptoRng;
use sha2::Sha256;

use super::{
    HEADER_LENGTH, Header, OpenError,
    aad::AssociatedData,
    content::Plain,
    mac,
    suite::{Cipher, Freshness},
};
use crate::schedule::keyed;

/// Bytes of a block and of an initialisation vector.
const BLOCK: usize = 16;
/// Bytes in front of the ciphertext.
const FRONT: usize = HEADER_LENGTH + BLOCK;
/// Bytes by which the MAC runs behind the cipher: one block of SHA-256.
const STRIDE: usize = 64;

/// Cipher and MAC of one sender, with a tag of `TAG` bytes. The expanded keys erase themselves.
pub(super) struct CbcHmac<C, const TAG: usize> {
    cipher: C,
    mac: Hmac<Sha256>,
}

impl<C, const TAG: usize> CbcHmac<C, TAG>
where
    C: BlockCipherEncrypt + BlockCipherDecrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
{
    /// Most bytes that sealing adds to header and content: initialisation vector, one to sixteen
    /// bytes of padding, tag.
    pub(super) const EXPANSION: usize = BLOCK + BLOCK + TAG;

    /// Takes an encryption key of the cipher's size and 32 bytes of MAC key.
    pub(super) fn expand(keys: &[u8]) -> Option<Box<dyn Cipher>>
    where
        C: Send + Sync + 'static,
    {
        Some(Box::new(Self::new(keys)?))
    }

    fn new(keys: &[u8]) -> Option<Self> {
        let (encryption, mac) = keys.split_last_chunk::<32>()?;
        Some(Self {
            cipher: C::new_from_slice(encryption).ok()?,
            mac: keyed(mac),
        })
    }

    /// Seals with the given initialisation vector.
    fn seal_with(
        &self,
        aad: &AssociatedData,
        header: &[u8; HEADER_LENGTH],
        iv: &[u8; BLOCK],
        plain: &Plain<'_>,
    ) -> Vec<u8> {
        let length = plain.len();
        // PKCS#7: one to sixteen bytes, each of which is their number.
        let padding = BLOCK - length % BLOCK;
        let mut out = Vec::with_capacity(FRONT + length + padding + TAG);
        out.extend_from_slice(header);
        out.extend_from_slice(iv);
        plain.write(&mut out);
        out.resize(FRONT + length + padding, u8::try_from(padding).unwrap_or(0));
        let mut mac = mac::begin(&self.mac, aad);
        let (front, room) = out.split_at_mut(FRONT);
        mac.update(front);
        let taken = aad.as_slice().len() + FRONT;
        self.cipher.encrypt_with_backend(Chain {
            vector: Array::from(*iv),
            room,
            mac: &mut mac,
            lacking: taken.next_multiple_of(STRIDE) - taken,
        });
        let tag = mac::end(mac, aad);
        out.extend_from_slice(tag.get(..TAG).unwrap_or(&tag));
        out
    }

    /// Decrypts the last block first: its padding gives the length of the content, so that the buffer
    /// is neither too long nor copied.
    fn decrypt(&self, front: &[u8], ciphertext: &[u8]) -> Option<Vec<u8>> {
        let iv: &[u8; BLOCK] = front.last_chunk()?;
        let (before, last) = ciphertext.split_last_chunk::<BLOCK>()?;
        let vector: &[u8; BLOCK] = before.last_chunk().unwrap_or(iv);
        let mut tail: Block<C> = Array::from(*last);
        cbc::Decryptor::<&C>::inner_iv_init(&self.cipher, vector.into()).decrypt_block(&mut tail);
        let kept = unpadded(&tail)?;
        let mut out = Vec::with_capacity(before.len() + kept.len());
        out.extend_from_slice(before);
        let (blocks, _) = Array::slice_as_chunks_mut(&mut out);
        cbc::Decryptor::<&C>::inner_iv_init(&self.cipher, iv.into()).decrypt_blocks(blocks);
        out.extend_from_slice(kept);
        Some(out)
    }
}

impl<C, const TAG: usize> Cipher for CbcHmac<C, TAG>
where
    C: BlockCipherEncrypt
        + BlockCipherDecrypt
        + BlockSizeUser<BlockSize = U16>
        + KeyInit
        + Send
        + Sync,
{
    fn seal(
        &self,
        aad: &AssociatedData,
        header: &Header,
        plain: &Plain<'_>,
        rng: &mut dyn CryptoRng,
    ) -> Option<Vec<u8>> {
        // CBC needs a vector that nobody can predict.
        let mut iv = [0; BLOCK];
        rng.fill_bytes(&mut iv);
        Some(self.seal_with(aad, &header.encode(), &iv, plain))
    }

    fn open(
        &self,
        aad: &AssociatedData,
        _: &Header,
        message: &[u8],
        fresh: Freshness<'_>,
    ) -> Result<Vec<u8>, OpenError> {
        let sealed = mac::split(message, FRONT, TAG)?;
        let ciphertext = sealed.content;
        if ciphertext.is_empty() || !ciphertext.len().is_multiple_of(BLOCK) {
            return Err(OpenError::Blocks(ciphertext.len()));
        }
        sealed.verify(&self.mac, aad)?;
        fresh()?;
        self.decrypt(sealed.front, ciphertext)
            .ok_or(OpenError::Malformed)
    }
}

/// CBC encryption of a whole number of blocks, with the MAC running behind. A closure of the cipher,
/// so that its round keys are loaded only once per message.
struct Chain<'a> {
    vector: Array<u8, U16>,
    room: &'a mut [u8],
    mac: &'a mut Hmac<Sha256>,
    /// Bytes that complete the MAC's current block.
    lacking: usize,
}

impl BlockSizeUser for Chain<'_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Chain<'_> {
    // Must be inlined into the function that is compiled for the cipher's instructions.
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, cipher: &B) {
        let Self {
            mut vector,
            room,
            mac,
            lacking,
        } = self;
        let mut sealed = 0;
        let (mut from, mut to) = (0, lacking);
        while let Some(stride) = next_stride(room, sealed) {
            let (blocks, _) = Array::<u8, U16>::slice_as_chunks_mut(stride);
            for block in blocks {
                // Byte by byte: compilers vectorize it and keep the vector in the cipher's registers.
                for (byte, chained) in vector.iter_mut().zip(&*block) {
                    *byte ^= chained;
                }
                cipher.encrypt_block((&mut vector).into());
                *block = vector;
            }
            sealed += stride.len();
            // Only whole blocks of the hash, in place: what it copies into its own buffer it could read
            // back only after the cipher has finished writing.
            if let Some(block) = room.get(..sealed).and_then(|sealed| sealed.get(from..to)) {
                mac.update(block);
                from = to;
                to += STRIDE;
            }
        }
        mac.update(room.get(from..).unwrap_or_default());
    }
}

fn next_stride(room: &mut [u8], from: usize) -> Option<&mut [u8]> {
    room.get_mut(from..)?.chunks_mut(STRIDE).next()
}

/// The last block without its PKCS#7 padding. The tag is verified before, so a failure is no padding
/// oracle.
fn unpadded(block: &[u8]) -> Option<&[u8]> {
    let padding = *block.last()?;
    let kept = block.len().checked_sub(usize::from(padding))?;
    let (kept, pad) = block.split_at_checked(kept)?;
    (padding > 0 && pad.iter().all(|byte| *byte == padding)).then_some(kept)
}

#[cfg(test)]
mod tests {
    use aes::cipher::{BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
    use gcs_proto::service::Service;

    use super::*;
    use crate::{
        record::{Bound, Content},
        schedule::KeyId,
    };

    const SHORT: &str = "#a#b";
    const LONG: &str = "#0123456789#0123456789012345678";

    /// Compared with cipher and MAC one after the other, at every offset between their blocks.
    #[test]
    fn the_mac_covers_everything_once() {
        let keys: [u8; 64] = core::array::from_fn(|at| at as u8);
        let suite = CbcHmac::<aes::Aes256, 32>::new(&keys).unwrap();
        let header = Header {
            suite: 1,
            flags: 0,
            key_id: KeyId([9; 8]),
            sequence: 3,
        };
        let iv = [5; BLOCK];
        let payload: [u8; 200] = core::array::from_fn(|at| at as u8);
        let mut offsets = std::collections::BTreeSet::new();
        for (group, sender) in (0..=31).flat_map(|group| [(group, SHORT), (group, LONG)]) {
            let sender = sender.parse().unwrap();
            let aad = AssociatedData::new(&[b'g'; 31][..group], &sender, Service::Agreed);
            offsets.insert(aad.as_slice().len() % STRIDE);
            let bound = Bound {
                context_hash: &[0; 32],
                aad: &aad,
                header: &header,
            };
            for length in [0, 1, 13, 14, 30, 47, 48, 62, 63, 64, 77, 78, 130, 200] {
                let parts = [&payload[..length]];
                let content = Content::new(7, &parts);
                let plain = content.plain(&bound).unwrap();
                let sealed = suite.seal_with(&aad, &header.encode(), &iv, &plain);

                let mut written = Vec::new();
                plain.write(&mut written);
                let mut expected = [&header.encode()[..], &iv].concat();
                expected.extend(
                    cbc::Encryptor::<aes::Aes256>::new_from_slices(&keys[..32], &iv)
                        .unwrap()
                        .encrypt_padded_vec::<Pkcs7>(&written),
                );
                let bits = (aad.as_slice().len() as u64 * 8).to_be_bytes();
                let mut mac = Hmac::<Sha256>::new_from_slice(&keys[32..]).unwrap();
                mac.update(&[aad.as_slice(), &expected, &bits].concat());
                expected.extend(mac.finalize().into_bytes());
                assert_eq!(sealed, expected, "{group} {length}");
            }
        }
        assert!(offsets.len() > 48, "{offsets:?}");
    }

    #[test]
    fn padding_is_what_it_says() {
        let mut block = [16; 16];
        assert_eq!(unpadded(&block), Some(&[][..]));
        block[15] = 1;
        assert_eq!(unpadded(&block), Some(&block[..15]));
        for wrong in [0, 2, 15, 17, 255] {
            block[15] = wrong;
            assert_eq!(unpadded(&block), None, "{wrong}");
        }
    }
}
