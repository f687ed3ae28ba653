//! Bodies of CKD tokens.
//!
//! | kind | body |
//! |---|---|
//! | new or old controller | u16 count, names (u16 length, bytes) in order, element z |
//! | response | element z |
//! | encrypted key, mode 0 | u8 0, u16 count, (name, element) in order |
//! | encrypted key, mode 1 | u8 1, u16 count, (name, u16 length and bytes) in order |
//!
//! The entries of the key are those of all members but the controller. Source: key agreement notes,
//! section 2.4. Decoding borrows from the body. Names are compared with those of the expected members;
//! no member is created from one.

use alloc::vec::Vec;

use gcs_view::MemberName;

use crate::{
    codec::{NAME, NAME_LEAST, Reader, Writer},
    error::DecodeError,
};

/// First round: the controller's public share.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Announcement<'a> {
    /// Names, controller first.
    pub(crate) order: Vec<&'a [u8]>,
    /// z = g^(r_c).
    pub(crate) element: &'a [u8],
}

impl<'a> Announcement<'a> {
    pub(crate) fn decode(body: &'a [u8], element_len: usize) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let order = reader.list(NAME_LEAST, "member list", |item| item.name(NAME))?;
        let element = reader.bytes(element_len, "public share")?;
        reader.finish()?;
        Ok(Self { order, element })
    }

    pub(crate) fn encode(order: &[MemberName], element: &[u8]) -> Vec<u8> {
        let mut writer = Writer::new(b"");
        writer.count(order.len());
        for name in order {
            writer.enc16(name.as_bytes());
        }
        writer.raw(element);
        writer.into_vec()
    }
}

/// Second round: a member's public share.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Response<'a> {
    /// z = g^(r_y).
    pub(crate) element: &'a [u8],
}

impl<'a> Response<'a> {
    pub(crate) fn decode(body: &'a [u8], element_len: usize) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let element = reader.bytes(element_len, "public share")?;
        reader.finish()?;
        Ok(Self { element })
    }
}

/// How the group secret is encrypted for each member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// By exponentiation: the secret is a group element.
    Exponentiation,
    /// By cipher and authentication code: the secret is a random string.
    Wrapping,
}

impl Mode {
    const ALL: [Self; 2] = [Self::Exponentiation, Self::Wrapping];

    const fn number(self) -> u8 {
        match self {
            Self::Exponentiation => 0,
            Self::Wrapping => 1,
        }
    }

    fn from_number(number: u8) -> Result<Self, DecodeError> {
        let all = Self::ALL.into_iter();
        all.clone()
            .find(|mode| mode.number() == number)
            .ok_or_else(|| DecodeError::TooLarge {
                what: "mode",
                value: number.into(),
                max: all.map(Self::number).max().unwrap_or(0).into(),
            })
    }
}

/// Third round: the group secret, encrypted for each member but the controller.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EncryptedKey<'a> {
    /// Form of the entries.
    pub(crate) mode: Mode,
    /// Names and ciphertexts, in order.
    pub(crate) entries: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> EncryptedKey<'a> {
    pub(crate) fn decode(body: &'a [u8], element_len: usize) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(body);
        let mode = Mode::from_number(reader.u8("mode")?)?;
        let least = match mode {
            Mode::Exponentiation => element_len,
            Mode::Wrapping => 2,
        };
        let least = NAME_LEAST.saturating_add(least);
        let entries = reader.list(least, "encrypted keys", |item| {
            let name = item.name(NAME)?;
            let ciphertext = match mode {
                Mode::Exponentiation => item.bytes(element_len, "encrypted key")?,
                Mode::Wrapping => item.enc16("encrypted key")?,
            };
            Ok((name, ciphertext))
        })?;
        reader.finish()?;
        Ok(Self { mode, entries })
    }

    pub(crate) fn encode<'e>(
        mode: Mode,
        entries: impl ExactSizeIterator<Item = (&'e MemberName, Vec<u8>)>,
    ) -> Vec<u8> {
        let mut writer = Writer::new(&[mode.number()]);
        writer.count(entries.len());
        for (name, ciphertext) in entries {
            writer.enc16(name.as_bytes());
            match mode {
                Mode::Exponentiation => writer.raw(&ciphertext),
                Mode::Wrapping => writer.enc16(&ciphertext),
            };
        }
        writer.into_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    fn name() -> impl Strategy<Value = MemberName> {
        vec(b'!'..=b'~', 1..20).prop_map(|bytes| MemberName::new(&bytes).expect("a name"))
    }

    proptest! {
        #[test]
        fn announcements_are_read_back(order in vec(name(), 0..6), element: [u8; 5]) {
            let body = Announcement::encode(&order, &element);
            let order = order.iter().map(MemberName::as_bytes).collect();
            let read = Announcement::decode(&body, 5);
            prop_assert_eq!(read, Ok(Announcement { order, element: &element }));
        }

        #[test]
        fn keys_are_read_back(entries in vec((name(), any::<[u8; 5]>()), 0..6)) {
            for mode in Mode::ALL {
                let list = entries.iter().map(|(name, bytes)| (name, bytes.to_vec()));
                let body = EncryptedKey::encode(mode, list);
                let entries = entries.iter().map(|(name, bytes)| (name.as_bytes(), &bytes[..]));
                let expected = EncryptedKey { mode, entries: entries.collect() };
                prop_assert_eq!(EncryptedKey::decode(&body, 5), Ok(expected));
                for len in 0..body.len() {
                    prop_assert!(EncryptedKey::decode(&body[..len], 5).is_err());
                }
            }
        }

        #[test]
        fn responses_are_read_back(element: [u8; 5]) {
            prop_assert_eq!(Response::decode(&element, 5), Ok(Response { element: &element }));
            prop_assert!(Response::decode(&element, 4).is_err());
        }
    }
}
