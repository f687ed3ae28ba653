//! Certificate chains as evidence.

use alloc::vec::Vec;

use crate::{
    EVIDENCE_MAX, IdentityError,
    wire::{get16, put16},
};

/// Number of this kind of evidence.
const FORMAT: u8 = 1;
/// Most certificates of a chain.
pub const CHAIN_MAX: usize = 8;

/// Encodes a chain, the member's certificate first.
pub(super) fn encode(certificates: &[Vec<u8>]) -> Result<Vec<u8>, IdentityError> {
    let length: usize = 1 + certificates.iter().map(|der| 2 + der.len()).sum::<usize>();
    if length > EVIDENCE_MAX || certificates.len() > CHAIN_MAX {
        return Err(IdentityError::TooLong(length));
    }
    let mut out = Vec::with_capacity(length);
    out.push(FORMAT);
    certificates.iter().for_each(|der| put16(&mut out, der));
    Ok(out)
}

/// Reads a chain; the certificates themselves are not looked at.
pub(super) fn decode(evidence: &[u8]) -> Result<Vec<&[u8]>, &'static str> {
    if evidence.len() > EVIDENCE_MAX {
        return Err("too long");
    }
    let (format, mut rest) = evidence.split_first().ok_or("empty")?;
    if *format != FORMAT {
        return Err("unknown format");
    }
    let mut chain = Vec::new();
    while !rest.is_empty() {
        if chain.len() >= CHAIN_MAX {
            return Err("too many certificates");
        }
        chain.push(get16(&mut rest).ok_or("cut off")?);
    }
    if chain.is_empty() {
        return Err("no certificate");
    }
    Ok(chain)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bounds() {
        assert_eq!(decode(&[]), Err("empty"));
        assert_eq!(decode(&[2]), Err("unknown format"));
        assert_eq!(decode(&[1]), Err("no certificate"));
        assert_eq!(decode(&[1, 0, 2, 0]), Err("cut off"));
        let nine = vec![vec![0; 3]; 9];
        assert!(encode(&nine).is_err());
        assert!(encode(&[vec![0; EVIDENCE_MAX]]).is_err());
        assert_eq!(decode(&vec![1; EVIDENCE_MAX + 1]), Err("too long"));
        let mut nine = vec![1];
        nine.extend([0, 1, 7].repeat(9));
        assert_eq!(decode(&nine), Err("too many certificates"));
    }

    proptest! {
        #[test]
        fn chains_lead_back(
            chain in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 1..=8),
        ) {
            let encoded = encode(&chain).unwrap();
            prop_assert_eq!(decode(&encoded).unwrap(), chain);
        }

        #[test]
        fn any_bytes_are_a_chain_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(chain) = decode(&bytes) {
                let chain: Vec<Vec<u8>> = chain.into_iter().map(<[u8]>::to_vec).collect();
                prop_assert_eq!(encode(&chain).unwrap(), bytes);
            }
        }
    }
}
