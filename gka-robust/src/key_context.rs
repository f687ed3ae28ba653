//! What a key is bound to.
//!
//! ```text
//! context = len16 "ssp-gka/1" | len16 suite | len16 mathematical group | len16 group
//!         | 12-byte view id | u32 epoch | u16 n | len16 member_1 | .. | len16 member_n     sorted
//! TH      = SHA-256(context)
//! ```
//!
//! `len16` is a 16-bit big-endian length and that many bytes. Keys are derived under TH; suites that
//! encrypt the secret bind it to TH as well ([`KeyAgreement::bind`](cliques::KeyAgreement::bind)).
//!
//! Source: secure layer notes, section 5.2.

use cliques::{MemberName, Protocol};
use sha2::{Digest, Sha256};

use crate::view::ViewId;

/// TH of an epoch of a view. Names are at most 65535 bytes long, and there are at most 65535 members.
pub(crate) fn context_hash(
    protocol: Protocol,
    mathematical_group: &str,
    group: &[u8],
    view: &ViewId,
    epoch: u32,
    members: &[MemberName],
) -> [u8; 32] {
    let mut hash = Sha256::new();
    let length = |len: usize| u16::try_from(len).unwrap_or(u16::MAX).to_be_bytes();
    let field = |hash: &mut Sha256, bytes: &[u8]| {
        hash.update(length(bytes.len()));
        hash.update(bytes);
    };
    field(&mut hash, b"ssp-gka/1");
    field(&mut hash, protocol.as_str().as_bytes());
    field(&mut hash, mathematical_group.as_bytes());
    field(&mut hash, group);
    hash.update(view.0);
    hash.update(epoch.to_be_bytes());
    hash.update(length(members.len()));
    let mut sorted: alloc::vec::Vec<&MemberName> = members.iter().collect();
    sorted.sort_unstable();
    for member in sorted {
        field(&mut hash, member.as_bytes());
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Case `toy-gdh` of the key derivation vectors.
    #[test]
    fn hash_is_that_of_the_vectors() {
        let members = ["#carol#d1", "#alice#d1", "#bob#d2"]
            .map(|name| MemberName::try_from(name).expect("a legal name"));
        let view = ViewId([0xc0, 0xa8, 0x00, 0x01, 0x3c, 0, 0, 0, 0, 0, 0, 1]);
        let hash = context_hash(Protocol::GDH, "toy17", b"3chat", &view, 7, &members);
        let expected = "933010123a1fcb17c56e592d926364856672ee7330c5eca1567325a2aef216f2";
        let hex: alloc::string::String = hash
            .iter()
            .map(|byte| alloc::format!("{byte:02x}"))
            .collect();
        assert_eq!(hex, expected);
    }
}
