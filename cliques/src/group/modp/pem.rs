//! Parameter files: DH and DSA domain parameters in PEM armour.
//!
//! ```text
//!   DH PARAMETERS         SEQUENCE { p, g, privateValueLength OPTIONAL }       PKCS #3
//!   X9.42 DH PARAMETERS   SEQUENCE { p, g, q, j OPTIONAL, validation OPTIONAL }   RFC 3279, 2.3.3
//!   DSA PARAMETERS        SEQUENCE { p, q, g }                                 RFC 3279, 2.3.2
//! ```
//!
//! All numbers are INTEGERs; `validation`, a SEQUENCE of seed and counter, says how p and q were
//! made and is not looked at. `openssl dhparam`, `openssl genpkey -genparam` and `openssl dsaparam`
//! write such files. The armour is that of RFC 7468; text before it is skipped.

use der::{
    Decode, Reader, SliceReader, Tag, Tagged,
    asn1::{AnyRef, UintRef},
};
use num_bigint::BigUint;

use super::{Modp, ParameterError};

/// Longest text that is accepted, in bytes. Three numbers of 8192 bits take 4 KiB, and a text listing
/// before them three times as much.
pub(super) const TEXT_MAX: usize = 64 * 1024;

/// The numbers in a file.
struct File<'a> {
    p: UintRef<'a>,
    /// None in the oldest format: then p must be a safe prime.
    q: Option<UintRef<'a>>,
    g: UintRef<'a>,
}

impl Modp {
    /// A group of the parameters in a PEM text: `DH PARAMETERS`, `X9.42 DH PARAMETERS` or
    /// `DSA PARAMETERS`. Rules, name and security are those of [`custom`](Self::custom).
    ///
    /// `DH PARAMETERS` do not contain q: they are valid if (p - 1) / 2 is a prime and g generates the group
    /// of that order. Files with a generator of the group of order p - 1, as OpenSSL before 1.1.1 writes
    /// them, are refused.
    ///
    /// # Errors
    /// [`ParameterError`] when the text is no such file, or with the first rule that its numbers
    /// break.
    pub fn from_pem(text: &str) -> Result<Self, ParameterError> {
        if text.len() > TEXT_MAX {
            return Err(ParameterError::Pem);
        }
        let (label, der) =
            der::pem::decode_vec(text.as_bytes()).map_err(|_| ParameterError::Pem)?;
        let file = File::decode(label, &der)?;
        let p = file.p.as_bytes();
        match file.q {
            Some(q) => Self::custom(p, q.as_bytes(), file.g.as_bytes()),
            None => {
                let q = BigUint::from_bytes_be(p) >> 1_u8;
                Self::custom(p, &q.to_bytes_be(), file.g.as_bytes())
            }
        }
    }
}

impl<'a> File<'a> {
    fn decode(label: &str, der: &'a [u8]) -> Result<Self, ParameterError> {
        let read = match label {
            "DH PARAMETERS" => Self::read_dh,
            "X9.42 DH PARAMETERS" => Self::read_x942,
            "DSA PARAMETERS" => Self::read_dsa,
            _ => {
                return Err(ParameterError::Label {
                    label: label.into(),
                });
            }
        };
        let structure = |_| ParameterError::Structure {
            label: label.into(),
        };
        let mut reader = SliceReader::new(der).map_err(structure)?;
        let file = reader.sequence(read).map_err(structure)?;
        reader.finish().map_err(structure)?;
        Ok(file)
    }

    fn read_dh(reader: &mut SliceReader<'a>) -> der::Result<Self> {
        let (p, g) = (reader.decode()?, reader.decode()?);
        let _length = Option::<UintRef<'a>>::decode(reader)?;
        Ok(Self { p, q: None, g })
    }

    fn read_x942(reader: &mut SliceReader<'a>) -> der::Result<Self> {
        let (p, g, q) = (reader.decode()?, reader.decode()?, reader.decode()?);
        let _cofactor = Option::<UintRef<'a>>::decode(reader)?;
        if !reader.is_finished() {
            reader
                .decode::<AnyRef<'a>>()?
                .tag()
                .assert_eq(Tag::Sequence)?;
        }
        Ok(Self { p, q: Some(q), g })
    }

    fn read_dsa(reader: &mut SliceReader<'a>) -> der::Result<Self> {
        let (p, q, g) = (reader.decode()?, reader.decode()?, reader.decode()?);
        Ok(Self { p, q: Some(q), g })
    }
}
