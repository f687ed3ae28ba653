//! The proof method: the daemon asks, the client answers with what only the owner of an identity
//! can make. Not part of the Spread toolkit: a method of ours beside those of the protocol.
//!
//! ```text
//!  client                                       daemon
//!    | -- methods chosen, SSP-PROOF among them -> |
//!    | -- user name, password ------------------> |   only if PWORD was chosen too
//!    | <-- 1, member name, challenge ------------ |   or a negative code and the end
//!    | -- proof --------------------------------> |
//!    | <-- 1 ------------------------------------ |   only with PWORD
//!    | <-- 1, daemon version, private group ----- |   or a negative code and the end
//! ```
//!
//! | record | offset | size | content |
//! |---|---|---|---|
//! | challenge | 0 | 1 | 1; negative: a code instead of the challenge |
//! | | 1 | 1 | length m of the member name, at most 31 |
//! | | 2 | m | name that the session will have |
//! | | 2 + m | 2 | length c of the challenge, big-endian, at most [`limits::CHALLENGE`] |
//! | | 4 + m | c | challenge |
//! | proof | 0 | 2 | length p of the proof, big-endian, at most [`limits::PROOF`] |
//! | | 2 | p | proof |
//!
//! Challenge and proof are opaque here: who drives the handshake makes and judges them. The
//! exchange comes last, whatever slot of the choice the method has, and one verdict answers all
//! that was sent. A length above its bound is refused before its bytes are waited for.
//!
//! Source: Spread client protocol, section 3.7 of the protocol notes in `docs/`.

use bytes::Bytes;

use crate::{
    codec::{Reader, Writer},
    error::{ConnectRefusal, DecodeError, Error},
    gcs::ByteOrder,
    limits,
    name::MemberName,
};

/// First byte of a challenge.
const CHALLENGE_FOLLOWS: i8 = 1;

/// A daemon's demand for proof of identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofRequest {
    /// The name that the session will have, to which the proof is to be bound.
    pub member: MemberName,
    /// The challenge, at most [`limits::CHALLENGE`] bytes.
    pub challenge: Bytes,
}

/// How far the challenge is there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenged {
    /// It takes this many bytes.
    Asked(usize, ProofRequest),
    /// A code came instead.
    Refused(ConnectRefusal),
    /// More bytes are needed.
    Incomplete,
}

impl ProofRequest {
    /// The record as bytes.
    pub(super) fn encode(member: &MemberName, challenge: &[u8]) -> Result<Bytes, Error> {
        let length = length("challenge", challenge, limits::CHALLENGE)?;
        let name = member.as_bytes();
        let mut writer = Writer::new(ByteOrder::Big, 4 + name.len() + challenge.len());
        writer.byte(CHALLENGE_FOLLOWS.cast_unsigned());
        writer.byte(u8::try_from(name.len()).unwrap_or(0));
        writer.slice(name);
        writer.slice(&length);
        writer.slice(challenge);
        Ok(writer.finish())
    }

    /// Reads the record from the front of `bytes`.
    pub(super) fn decode(bytes: &[u8]) -> Result<Challenged, DecodeError> {
        let mut reader = Reader::new("challenge", bytes);
        let Ok(code) = reader.byte().map(u8::cast_signed) else {
            return Ok(Challenged::Incomplete);
        };
        if code != CHALLENGE_FOLLOWS {
            return Ok(Challenged::Refused(ConnectRefusal::from_code(code)));
        }
        let Ok(name) = reader.byte() else {
            return Ok(Challenged::Incomplete);
        };
        bound("length of member name", name.into(), limits::MEMBER_NAME)?;
        let Ok(name) = reader.slice(name.into()) else {
            return Ok(Challenged::Incomplete);
        };
        let member = MemberName::new(name)?;
        let Ok(length) = reader.array().map(u16::from_be_bytes) else {
            return Ok(Challenged::Incomplete);
        };
        bound("length of challenge", length, limits::CHALLENGE)?;
        let Ok(challenge) = reader.slice(length.into()) else {
            return Ok(Challenged::Incomplete);
        };
        let challenge = Bytes::copy_from_slice(challenge);
        Ok(Challenged::Asked(
            reader.position(),
            Self { member, challenge },
        ))
    }
}

/// A proof as it travels.
pub(super) fn encode_proof(proof: &[u8]) -> Result<Bytes, Error> {
    let length = length("proof", proof, limits::PROOF)?;
    let mut writer = Writer::new(ByteOrder::Big, 2 + proof.len());
    writer.slice(&length);
    writer.slice(proof);
    Ok(writer.finish())
}

/// Reads a proof from the front of `bytes`: how many bytes it takes and what it is, or nothing
/// while it is incomplete.
///
/// # Errors
/// [`ConnectRefusal::Authentication`] if it is longer than any proof.
pub(super) fn decode_proof(bytes: &[u8]) -> Result<Option<(usize, Bytes)>, ConnectRefusal> {
    let mut reader = Reader::new("proof", bytes);
    let Ok(length) = reader.array().map(u16::from_be_bytes) else {
        return Ok(None);
    };
    if usize::from(length) > limits::PROOF {
        return Err(ConnectRefusal::Authentication);
    }
    Ok(reader
        .slice(length.into())
        .ok()
        .map(|proof| (2 + proof.len(), Bytes::copy_from_slice(proof))))
}

fn length(what: &'static str, bytes: &[u8], max: usize) -> Result<[u8; 2], Error> {
    u16::try_from(bytes.len())
        .ok()
        .filter(|length| usize::from(*length) <= max)
        .map(u16::to_be_bytes)
        .ok_or(Error::Limit {
            what,
            value: bytes.len(),
            max,
        })
}

fn bound(what: &'static str, value: u16, max: usize) -> Result<(), DecodeError> {
    if usize::from(value) > max {
        return Err(DecodeError::TooLarge {
            what,
            value: value.into(),
            max,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    fn alice() -> MemberName {
        "#alice#n1".parse().unwrap()
    }

    #[test]
    fn bytes_of_the_protocol_notes() {
        let challenge = ProofRequest::encode(&alice(), b"why?").unwrap();
        assert_eq!(challenge, &b"\x01\x09#alice#n1\x00\x04why?"[..]);
        let proof = encode_proof(b"because").unwrap();
        assert_eq!(proof, &b"\x00\x07because"[..]);
    }

    #[test]
    fn records_are_incomplete_until_their_last_byte() {
        let record = ProofRequest::encode(&alice(), b"why?").unwrap();
        for end in 0..record.len() {
            let read = ProofRequest::decode(&record[..end]);
            assert_eq!(read, Ok(Challenged::Incomplete));
        }
        let asked = ProofRequest {
            member: alice(),
            challenge: Bytes::from_static(b"why?"),
        };
        assert_eq!(
            ProofRequest::decode(&[&record[..], b"more"].concat()),
            Ok(Challenged::Asked(record.len(), asked))
        );
        let record = encode_proof(b"because").unwrap();
        for end in 0..record.len() {
            assert_eq!(decode_proof(&record[..end]), Ok(None));
        }
    }

    #[test]
    fn lengths_above_their_bounds_are_refused_at_once() {
        for bytes in [
            &b"\x01\x20"[..],
            b"\x01\x00",
            b"\x01\x02# ",
            b"\x01\x09#alice#n1\x04\x01",
        ] {
            assert!(ProofRequest::decode(bytes).is_err(), "{bytes:?}");
        }
        assert!(ProofRequest::encode(&alice(), &[0; limits::CHALLENGE]).is_ok());
        assert!(ProofRequest::encode(&alice(), &[0; limits::CHALLENGE + 1]).is_err());
        assert!(encode_proof(&[0; limits::PROOF]).is_ok());
        for length in [limits::PROOF + 1, 1 << 16] {
            assert_eq!(
                encode_proof(&vec![0; length]),
                Err(Error::Limit {
                    what: "proof",
                    value: length,
                    max: limits::PROOF
                })
            );
        }
        let above = u16::try_from(limits::PROOF + 1).unwrap().to_be_bytes();
        assert_eq!(decode_proof(&above), Err(ConnectRefusal::Authentication));
        for code in [0_i8, -3, -9, 2] {
            assert_eq!(
                ProofRequest::decode(&[code.cast_unsigned(), 1]),
                Ok(Challenged::Refused(ConnectRefusal::from_code(code)))
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            challenge in prop::collection::vec(any::<u8>(), 0..=limits::CHALLENGE),
            proof in prop::collection::vec(any::<u8>(), 0..3_000),
        ) {
            let record = ProofRequest::encode(&alice(), &challenge).unwrap();
            let request = ProofRequest { member: alice(), challenge: challenge.into() };
            prop_assert_eq!(
                ProofRequest::decode(&record),
                Ok(Challenged::Asked(record.len(), request))
            );
            let record = encode_proof(&proof).unwrap();
            prop_assert_eq!(decode_proof(&record), Ok(Some((record.len(), proof.into()))));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            if let Ok(Challenged::Asked(length, request)) = ProofRequest::decode(&bytes) {
                let record = ProofRequest::encode(&request.member, &request.challenge).unwrap();
                prop_assert_eq!(&record[..], &bytes[..length]);
            }
            if let Ok(Some((length, proof))) = decode_proof(&bytes) {
                prop_assert_eq!(&encode_proof(&proof).unwrap()[..], &bytes[..length]);
            }
        }
    }
}
