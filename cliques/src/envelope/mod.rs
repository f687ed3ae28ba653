//! The signed envelope of a token.
//!
//! ```text
//! u8 version = 1 | u8 suite | u16 kind | enc16 mathematical group | enc16 group | 12-byte view id
//! | u32 epoch | u64 timestamp, ms | 16-byte view hash | enc16 sender | enc16 recipient ("" = group)
//! | u32 body length | body | u8 signature algorithm | enc16 signature
//!
//! view hash = SHA-256(u16 n || enc16(member 1) || .. || enc16(member n), membership order)[..16]
//! signed    = "ssp-gka-sig/1" 0x00 || everything before the algorithm || algorithm
//! ```
//!
//! Integers are big-endian; enc16(x) is a 16-bit length and the bytes. What each field protects against:
//! suite and mathematical group against cross-protocol use, view id, view hash and epoch against
//! replay into another view, sender against impersonation, recipient against redirection, kind
//! against a message taken for another.
//!
//! A received envelope passes three types: bytes -> [`ReceivedToken`] (readable) ->
//! [`check`](crate::ReceivedToken::check) (for this run) -> [`Token`] (authentic). Only the last one shows
//! its body.
//!
//! [`ReceivedToken`]: crate::ReceivedToken
//! [`Token`]: crate::Token
//!
//! Source: secure layer notes, section 6; the order of checks is section 2.2 of the key agreement
//! notes.

mod received;

use alloc::{string::String, vec::Vec};
use core::fmt;

use gcs_view::{MemberName, Signer};
use sha2::{Digest, Sha256};

pub use self::received::{ReceivedToken, Token};
use crate::{
    codec::Writer,
    suite::Protocol,
    token::{Recipient, TokenKind},
};

/// Version of the envelope.
const VERSION: u8 = 1;

/// Prefix of everything that is signed, so that no other signature can be taken for a token's.
pub const SIGNATURE_CONTEXT: &[u8] = b"ssp-gka-sig/1\0";

/// What ties tokens to one group, view and configuration: equal at all members of the view.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenBinding {
    /// Suite.
    pub protocol: Protocol,
    /// Mathematical group.
    pub group_name: String,
    /// Group of members; the envelope truncates a name longer than 65535 bytes.
    pub group: Vec<u8>,
    /// View, 12 opaque bytes.
    pub view_id: [u8; 12],
    /// Hash of the ordered member list, see [`TokenBinding::view_hash`].
    pub view_hash: [u8; 16],
}

/// What a receiver expects of a token besides its binding.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Binding of the present view.
    pub binding: &'a TokenBinding,
    /// Epoch of the run under way.
    pub epoch: u32,
    /// Sender as the transport vouches.
    pub sender: &'a MemberName,
    /// Receiver.
    pub me: &'a MemberName,
    /// Kind that the transport's message type implies, if it implies one.
    pub kind: Option<TokenKind>,
}

/// Everything in an envelope that is not the binding or the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// What the body is.
    pub kind: TokenKind,
    /// Number of the run inside the view: 0 for the one that the membership caused, then one more
    /// for each refresh.
    pub epoch: u32,
    /// Milliseconds since the Unix epoch, by the sender's clock.
    pub timestamp: u64,
    /// Sender.
    pub sender: MemberName,
    /// Receiver.
    pub recipient: Recipient,
    /// Body (key agreement notes, section 2.4).
    pub body: Vec<u8>,
}

impl TokenBinding {
    /// Hash of the members of a view, in membership order.
    pub fn view_hash(members: &[MemberName]) -> [u8; 16] {
        let mut list = Writer::new(b"");
        list.count(members.len());
        for member in members {
            list.enc16(member.as_bytes());
        }
        let digest = Sha256::digest(list.as_slice());
        let mut hash = [0; 16];
        hash.iter_mut()
            .zip(digest)
            .for_each(|(to, from)| *to = from);
        hash
    }
}

impl fmt::Debug for TokenBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenBinding")
            .field("protocol", &self.protocol)
            .field("group_name", &self.group_name)
            .field("group", &format_args!("{}", self.group.escape_ascii()))
            .field("view_id", &format_args!("{:02x?}", self.view_id))
            .finish_non_exhaustive()
    }
}

impl Envelope {
    /// Encodes the envelope and signs it.
    pub fn seal(&self, binding: &TokenBinding, signer: &dyn Signer) -> Vec<u8> {
        let mut signed = Writer::new(SIGNATURE_CONTEXT);
        signed
            .u8(VERSION)
            .u8(binding.protocol.number())
            .u16(self.kind.number())
            .enc16(binding.group_name.as_bytes())
            .enc16(&binding.group)
            .raw(&binding.view_id)
            .u32(self.epoch)
            .u64(self.timestamp)
            .raw(&binding.view_hash)
            .enc16(self.sender.as_bytes())
            .enc16(match &self.recipient {
                Recipient::Group => &[],
                Recipient::Member(member) => member.as_bytes(),
            })
            .enc32(&self.body)
            .u8(signer.algorithm().number());
        let signature = signer.sign(signed.as_slice());
        signed.enc16(&signature);
        let mut bytes = signed.into_vec();
        bytes.drain(..SIGNATURE_CONTEXT.len());
        bytes
    }
}
