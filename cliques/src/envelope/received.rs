//! Received envelopes, from readable to authentic.

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::{fmt, ops::Range};

use gcs_view::{Claim, MemberName, NameError, SignatureAlgorithm, Verifier, VerifyError};

use super::{Expected, SIGNATURE_CONTEXT, VERSION};
use crate::{
    codec::{Reader, illegal_name},
    error::{DecodeError, Rejected},
    suite::Protocol,
    token::{Recipient, TokenKind},
};

/// An envelope that could be read; nothing in it is authenticated yet.
///
/// Checks run in the order of the key agreement notes, section 2.2: [`decode`](Self::decode) is
/// check 1, [`check`](Self::check) 2 to 5, [`verify`](Self::verify) 6. Only the
/// caller can check that the sender is in the view and that the token is not a repetition.
#[derive(Clone, PartialEq, Eq)]
pub struct ReceivedToken {
    version: u8,
    suite: u8,
    kind: TokenKind,
    group_name: Vec<u8>,
    group: Vec<u8>,
    view_id: [u8; 12],
    epoch: u32,
    timestamp: u64,
    view_hash: [u8; 16],
    sender: MemberName,
    recipient: Recipient,
    /// The signed bytes, context first, and where the body is in them.
    signed: Vec<u8>,
    body: Range<usize>,
    algorithm: SignatureAlgorithm,
    signature: Vec<u8>,
}

/// An authentic token of the present run.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    kind: TokenKind,
    sender: MemberName,
    recipient: Recipient,
    epoch: u32,
    timestamp: u64,
    body: Vec<u8>,
}

impl ReceivedToken {
    /// Reads an envelope; allocates no more than a small multiple of `bytes`. The kinds known are
    /// those of `protocol` and of the suites of this crate.
    ///
    /// # Errors
    /// [`DecodeError`] names the first field that could not be read. Other versions and suites are
    /// readable, and refused by [`check`](Self::check).
    pub fn decode(bytes: &[u8], protocol: Protocol) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let version = reader.u8("version")?;
        let suite = reader.u8("suite")?;
        let number = reader.u16("token kind")?;
        let kind = protocol.kind(number).ok_or_else(|| DecodeError::Unknown {
            what: "token kind",
            value: number.into(),
        })?;
        let group_name = reader.enc16("mathematical group")?;
        let group = reader.enc16("group")?;
        let view_id = reader.array("view id")?;
        let epoch = reader.u32("epoch")?;
        let timestamp = reader.u64("timestamp")?;
        let view_hash = reader.array("view hash")?;
        let sender = member(reader.enc16("sender")?, "length of the sender")?;
        let recipient = match reader.enc16("recipient")? {
            [] => Recipient::Group,
            name => Recipient::Member(member(name, "length of the recipient")?),
        };
        let body = reader.enc32("body")?;
        let body_end = SIGNATURE_CONTEXT.len() + reader.position();
        let algorithm = signature_algorithm(reader.u8("signature algorithm")?)?;
        let signed_len = reader.position();
        let signature = reader.enc16("signature")?.to_owned();
        reader.finish()?;

        let mut signed = Vec::with_capacity(SIGNATURE_CONTEXT.len() + signed_len);
        signed.extend_from_slice(SIGNATURE_CONTEXT);
        signed.extend(bytes.iter().take(signed_len));
        Ok(Self {
            version,
            suite,
            kind,
            group_name: group_name.to_owned(),
            group: group.to_owned(),
            view_id,
            epoch,
            timestamp,
            view_hash,
            sender,
            recipient,
            signed,
            body: body_end - body.len()..body_end,
            algorithm,
            signature,
        })
    }

    /// What the body is said to be.
    pub const fn kind(&self) -> TokenKind {
        self.kind
    }

    /// Claimed sender.
    pub const fn sender(&self) -> &MemberName {
        &self.sender
    }

    /// Claimed receiver.
    pub const fn recipient(&self) -> &Recipient {
        &self.recipient
    }

    /// Claimed number of the run.
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Claimed time of sending, in milliseconds.
    pub const fn timestamp(&self) -> u64 {
        self.timestamp
    }

    /// Algorithm of the signature.
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Checks that the token is for this suite, group, view, run and member, and that the sender
    /// inside is the one that the transport reports.
    ///
    /// # Errors
    /// [`Rejected`] with the first difference.
    pub fn check(&self, expected: &Expected<'_>) -> Result<(), Rejected> {
        let binding = expected.binding;
        let suite_mismatch = |field| Err(Rejected::SuiteMismatch { field });
        let wrong_epoch = |field| Err(Rejected::WrongEpoch { field });
        if self.version != VERSION {
            return suite_mismatch("version");
        }
        if self.suite != binding.protocol.number() {
            return suite_mismatch("suite");
        }
        if self.group_name != binding.group_name.as_bytes() {
            return suite_mismatch("mathematical group");
        }
        if self.group != binding.group {
            return Err(Rejected::GroupNameMismatch);
        }
        if self.view_id != binding.view_id {
            return wrong_epoch("view id");
        }
        if self.view_hash != binding.view_hash {
            return wrong_epoch("view hash");
        }
        if self.epoch != expected.epoch {
            return wrong_epoch("epoch");
        }
        if self.sender != *expected.sender {
            return Err(Rejected::SenderMismatch {
                claimed: self.sender,
                actual: *expected.sender,
            });
        }
        match &self.recipient {
            Recipient::Member(member) if member != expected.me => {
                return Err(Rejected::NotForMe(*member));
            }
            Recipient::Member(_) | Recipient::Group => {}
        }
        match expected.kind {
            Some(kind) if kind != self.kind => Err(Rejected::KindMismatch),
            Some(_) | None => Ok(()),
        }
    }

    /// Checks that the claimed time is at most `window` milliseconds before or after `now`. Only
    /// for use where clocks are synchronised.
    ///
    /// # Errors
    /// [`Rejected::Stale`] with the difference.
    pub const fn check_timestamp(&self, now: u64, window: u64) -> Result<(), Rejected> {
        match self.timestamp.abs_diff(now) {
            off if off <= window => Ok(()),
            off => Err(Rejected::Stale(off)),
        }
    }

    /// Checks the signature and so makes the token authentic.
    ///
    /// # Errors
    /// [`Rejected::BadSignature`] or [`Rejected::UnknownIdentity`] with the claimed sender.
    pub fn verify(self, verifier: &dyn Verifier) -> Result<Token, Rejected> {
        let Claim {
            member,
            algorithm,
            message,
            signature,
        } = self.claim();
        let verdict = verifier.verify(member, algorithm, message, signature);
        self.settle(verdict)
    }

    /// [`verify`](Self::verify) of tokens that came together, which can be cheaper; a result for
    /// each token, in order.
    pub fn verify_all(tokens: Vec<Self>, verifier: &dyn Verifier) -> Vec<Result<Token, Rejected>> {
        let claims: Vec<Claim<'_>> = tokens.iter().map(Self::claim).collect();
        let verdicts = verifier.verify_all(&claims);
        tokens
            .into_iter()
            .zip(verdicts)
            .map(|(token, verdict)| token.settle(verdict))
            .collect()
    }

    fn claim(&self) -> Claim<'_> {
        Claim {
            member: &self.sender,
            algorithm: self.algorithm,
            message: &self.signed,
            signature: &self.signature,
        }
    }

    /// The token, if its signature was accepted.
    fn settle(self, verdict: Result<(), VerifyError>) -> Result<Token, Rejected> {
        match verdict {
            Ok(()) => {}
            Err(VerifyError::UnknownIdentity) => {
                return Err(Rejected::UnknownIdentity(self.sender));
            }
            Err(VerifyError::BadSignature) => return Err(Rejected::BadSignature(self.sender)),
        }
        let Self {
            kind,
            sender,
            recipient,
            epoch,
            timestamp,
            mut signed,
            body,
            ..
        } = self;
        signed.truncate(body.end);
        signed.drain(..body.start);
        Ok(Token {
            kind,
            sender,
            recipient,
            epoch,
            timestamp,
            body: signed,
        })
    }
}

/// The signature algorithm of an envelope.
fn signature_algorithm(number: u8) -> Result<SignatureAlgorithm, DecodeError> {
    SignatureAlgorithm::from_number(number).ok_or_else(|| DecodeError::Unknown {
        what: "signature algorithm",
        value: number.into(),
    })
}

/// A member name of the wire.
fn member(bytes: &[u8], what: &'static str) -> Result<MemberName, DecodeError> {
    MemberName::new(bytes).map_err(|illegal| match illegal {
        NameError::Length { length, .. } => illegal_name(length, what),
        NameError::Byte { byte, .. } => DecodeError::Unknown {
            what: "byte of a member name",
            value: byte.into(),
        },
    })
}

impl fmt::Debug for ReceivedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceivedToken")
            .field("kind", &self.kind)
            .field("group_name", &String::from_utf8_lossy(&self.group_name))
            .field("group", &String::from_utf8_lossy(&self.group))
            .field("epoch", &self.epoch)
            .field("sender", &self.sender)
            .field("recipient", &self.recipient)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

impl Token {
    /// What the body is.
    pub const fn kind(&self) -> TokenKind {
        self.kind
    }

    /// Sender.
    pub const fn sender(&self) -> &MemberName {
        &self.sender
    }

    /// Receiver.
    pub const fn recipient(&self) -> &Recipient {
        &self.recipient
    }

    /// Number of the run.
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Time of sending, in milliseconds, by the sender's clock.
    pub const fn timestamp(&self) -> u64 {
        self.timestamp
    }

    /// Body, for [`KeyAgreement::process`](crate::KeyAgreement::process).
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("kind", &self.kind)
            .field("sender", &self.sender)
            .field("recipient", &self.recipient)
            .field("epoch", &self.epoch)
            .field("timestamp", &self.timestamp)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish()
    }
}
