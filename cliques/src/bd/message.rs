//! Bodies of BD tokens.
//!
//! | kind | body |
//! |---|---|
//! | blinded share | 32-byte hash of the order, element z |
//! | quotient | element X |
//!
//! The hash is SHA-256 of the member list, u16 count and names (u16 length, bytes) in ring order. A
//! member with another order is detected before anything is computed.
//!
//! Source: key agreement notes, section 2.4.

use alloc::vec::Vec;

use gcs_view::MemberName;
use sha2::{Digest, Sha256};

use crate::{
    codec::{Reader, Writer},
    error::DecodeError,
};

/// Length of the hash of an order.
pub(super) const HASH_LEN: usize = 32;

/// First round.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Blinded<'a> {
    /// Hash of the sender's ring order.
    pub(crate) order_hash: [u8; HASH_LEN],
    /// The sender's z = g^r.
    pub(crate) element: &'a [u8],
}

impl<'a> Blinded<'a> {
    pub(crate) fn decode(body: &'a [u8], element_len: usize) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let order_hash = reader.array("hash of the order")?;
        let element = reader.bytes(element_len, "blinded share")?;
        reader.finish()?;
        Ok(Self {
            order_hash,
            element,
        })
    }

    pub(crate) fn encode(order_hash: &[u8; HASH_LEN], element: &[u8]) -> Vec<u8> {
        [&order_hash[..], element].concat()
    }
}

/// Second round.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Quotient<'a> {
    /// The sender's X.
    pub(crate) element: &'a [u8],
}

impl<'a> Quotient<'a> {
    pub(crate) fn decode(body: &'a [u8], element_len: usize) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let element = reader.bytes(element_len, "quotient")?;
        reader.finish()?;
        Ok(Self { element })
    }
}

/// Hash of a ring order.
pub(crate) fn hash_order(order: &[MemberName]) -> [u8; HASH_LEN] {
    let mut writer = Writer::new(b"");
    writer.count(order.len());
    for member in order {
        writer.enc16(member.as_bytes());
    }
    Sha256::digest(writer.as_slice()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn blinded_shares_are_read_back(
            order_hash: [u8; HASH_LEN],
            element in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            let body = Blinded::encode(&order_hash, &element);
            let read = Blinded::decode(&body, element.len());
            let element = &element[..];
            prop_assert_eq!(read, Ok(Blinded { order_hash, element }));
            prop_assert!(Blinded::decode(&body, element.len() + 1).is_err());
        }

        #[test]
        fn quotients_are_read_back(element in proptest::collection::vec(any::<u8>(), 0..40)) {
            let read = Quotient::decode(&element, element.len());
            prop_assert_eq!(read, Ok(Quotient { element: &element }));
            prop_assert!(Quotient::decode(&element, element.len() + 1).is_err());
        }
    }

    #[test]
    fn orders_that_differ_have_other_hashes() {
        let [a, b, ab] = ["a", "b", "ab"].map(|name| MemberName::try_from(name).expect("a name"));
        let hash = hash_order(&[a, b]);
        assert_ne!(hash, hash_order(&[b, a]));
        assert_ne!(hash, hash_order(&[ab]));
    }
}
