//! Authentication methods by name: the list a daemon offers and the choice a client makes.
//!
//! | record | offset | size | content |
//! |---|---|---|---|
//! | offer | 0 | 1 | length of what follows; negative: a code instead of the list |
//! | | 1 | length | each name followed by one blank, `NULL IP ` |
//! | choice | 0 | 30 | first name, NUL-terminated, zero-padded |
//! | | 30 | 30 | second name; the first empty slot ends the list |
//! | | 60 | 30 | third name |
//!
//! What a method exchanges behind the choice is in [`Credentials`](super::Credentials) for the
//! password method and in [`ProofRequest`](super::ProofRequest) for the proof method; the others
//! exchange nothing.
//!
//! Source: Spread client protocol, sections 3.2 and 3.3 of the protocol notes in `docs/`.

use alloc::vec::Vec;

use bytes::Bytes;

use crate::{codec::Writer, error::ConnectRefusal, gcs::ByteOrder, limits};

/// A way for a client to show who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// `NULL`: nothing is exchanged and everybody is let in.
    Null,
    /// `IP`: nothing is exchanged; the daemon looks at the peer's address.
    Ip,
    /// `PWORD`: a user name and a password in clear text ([`Credentials`](super::Credentials)).
    Password,
    /// `SSP-PROOF`: the client meets a challenge ([`ProofRequest`](super::ProofRequest)). Ours, not
    /// the Spread toolkit's.
    Proof,
}

impl Method {
    /// All methods, in the order in which daemons offer them.
    pub const ALL: [Self; 4] = [Self::Null, Self::Ip, Self::Password, Self::Proof];

    /// Name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Ip => "IP",
            Self::Password => "PWORD",
            Self::Proof => "SSP-PROOF",
        }
    }

    /// Whether the client has to send something of its own beside the choice, so that nobody goes
    /// through this method without having chosen it.
    pub const fn has_exchange(self) -> bool {
        match self {
            Self::Null | Self::Ip => false,
            Self::Password | Self::Proof => true,
        }
    }

    /// The method with this name, in exactly this spelling.
    pub fn from_name(name: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|method| method.name().as_bytes() == name)
    }
}

/// The list of methods that a daemon offers. Names are short and few, so one byte of length does.
pub(super) fn encode_offer(methods: &[Method]) -> Bytes {
    let length: usize = methods.iter().map(|method| method.name().len() + 1).sum();
    let mut writer = Writer::new(ByteOrder::Little, 1 + length);
    writer.byte(u8::try_from(length).unwrap_or(0));
    for method in methods {
        writer.slice(method.name().as_bytes());
        writer.byte(b' ');
    }
    writer.finish()
}

/// Whether the list `offer`, without its length, has `method`.
pub(super) fn offers(offer: &[u8], method: Method) -> bool {
    offer
        .split(|byte| *byte == b' ')
        .any(|name| name == method.name().as_bytes())
}

/// The choice of a client; only the first three methods have room.
pub(super) fn encode_choice(methods: impl IntoIterator<Item = Method>) -> Bytes {
    let mut choice = [0; limits::AUTHENTICATION_CHOICE];
    for (slot, method) in choice
        .chunks_exact_mut(limits::AUTHENTICATION_SLOT)
        .zip(methods)
    {
        for (byte, letter) in slot.iter_mut().zip(method.name().bytes()) {
            *byte = letter;
        }
    }
    Bytes::copy_from_slice(&choice)
}

/// The methods that a client chose, all of them among those `offered`, each one once.
///
/// A method that exchanges nothing may be chosen twice, as at the reference daemon.
///
/// # Errors
/// [`ConnectRefusal::Authentication`] for an empty choice, for a method not offered, and for the
/// same exchange twice.
pub(super) fn decode_choice(
    choice: &[u8; limits::AUTHENTICATION_CHOICE],
    offered: &[Method],
) -> Result<Vec<Method>, ConnectRefusal> {
    let names = choice
        .chunks_exact(limits::AUTHENTICATION_SLOT)
        .map(|slot| slot.split(|byte| *byte == 0).next().unwrap_or(slot))
        .take_while(|name| !name.is_empty());
    let mut chosen = Vec::new();
    for name in names {
        let method = Method::from_name(name).filter(|method| offered.contains(method));
        match method {
            Some(method) if !chosen.contains(&method) => chosen.push(method),
            Some(method) if method.has_exchange() => return Err(ConnectRefusal::Authentication),
            Some(_) => {}
            None => return Err(ConnectRefusal::Authentication),
        }
    }
    if chosen.is_empty() {
        Err(ConnectRefusal::Authentication)
    } else {
        Ok(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_of_the_protocol_notes() {
        assert_eq!(encode_offer(&[Method::Null]), &b"\x05NULL "[..]);
        assert_eq!(
            encode_offer(&[Method::Null, Method::Ip]),
            &b"\x08NULL IP "[..]
        );
        assert_eq!(
            encode_offer(&Method::ALL),
            &b"\x18NULL IP PWORD SSP-PROOF "[..]
        );
        assert_eq!(encode_offer(&[]), &b"\0"[..]);
        assert!(offers(b"NULL IP ", Method::Ip));
        assert!(!offers(b"NULL IPX ", Method::Ip));
        assert!(!offers(b"", Method::Null));
    }

    #[test]
    fn choices() {
        let choice = |names: [&[u8]; 3]| {
            let mut bytes = [0; 90];
            for (slot, name) in bytes.chunks_exact_mut(30).zip(names) {
                slot[..name.len()].copy_from_slice(name);
            }
            bytes
        };
        let all = &Method::ALL;
        assert_eq!(
            encode_choice(*all),
            choice([b"NULL", b"IP", b"PWORD"])[..].to_vec()
        );
        assert_eq!(
            decode_choice(&choice([b"NULL", b"IP", b"PWORD"]), all),
            Ok(all[..3].to_vec())
        );
        assert_eq!(
            decode_choice(&choice([b"SSP-PROOF", b"PWORD", b""]), all),
            Ok(alloc::vec![Method::Proof, Method::Password])
        );
        assert_eq!(
            decode_choice(&choice([b"IP", b"NULL", b"IP"]), all),
            Ok(alloc::vec![Method::Ip, Method::Null])
        );
        assert_eq!(
            decode_choice(&choice([b"NULL\0junk", b"", b"WHAT"]), all),
            Ok(alloc::vec![Method::Null])
        );
        for (bytes, offered) in [
            (choice([b"", b"NULL", b""]), &all[..]),
            (choice([b"null", b"", b""]), all),
            (choice([b"NULL", b"PWORD", b""]), &all[..2]),
            (choice([b"PWORD", b"PWORD", b""]), all),
            (choice([b"SSP-PROOF", b"IP", b"SSP-PROOF"]), all),
            (choice([b"SSP-PROOF", b"", b""]), &all[..3]),
            (choice([b"NULL", b"KERBEROS", b""]), all),
            (choice([b"IP", b"", b""]), &all[..1]),
            ([b'N'; 90], all),
        ] {
            assert_eq!(
                decode_choice(&bytes, offered),
                Err(ConnectRefusal::Authentication)
            );
        }
    }
}
