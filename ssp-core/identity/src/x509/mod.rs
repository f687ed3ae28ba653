//! X.509 certificates as identities ([RFC 5280](https://www.rfc-editor.org/rfc/rfc5280)).
//!
//! A member has a private key and a certificate for it, made by an authority that the others trust;
//! nobody needs to know members beforehand. The evidence of such an identity is its chain:
//!
//! ```text
//! u8 format = 1 | enc16(certificate of the member) | enc16(certificate of its authority) | ..
//! ```
//!
//! in DER, without the root. What is checked, in this order:
//!
//! 1. every certificate can be read, and there are not too many;
//! 2. there is a path to a trusted authority, its signatures are right, its constraints kept, and
//!    every certificate on it valid at the time (`rustls-webpki` does this);
//! 3. none on the path is revoked, if there are revocation lists;
//! 4. the key of the member's certificate is for signatures, those of the authorities for
//!    certificates;
//! 5. the name in the subject's common name is the member's: the same (`#alice#n1`), or the same
//!    session at any daemon (`#alice#*`).
//!
//! Keys are Ed25519 or ECDSA over P-256; others are refused.
//!
//! Source: secure layer notes, section 7.

mod algorithms;
mod chain;
mod identity;
#[cfg(feature = "x509-authority")]
mod issue;
mod p256_key;
mod subject;
mod trust;

pub use chain::CHAIN_MAX;
pub use identity::CertificateIdentity;
#[cfg(feature = "x509-authority")]
pub use issue::{Authority, IssueError, KeyAlgorithm, Revocation, Validity};
pub use p256_key::{P256PublicKey, P256Signer};
pub use subject::{CertificateSummary, date, summaries};
pub use trust::{CertificateTrust, RevocationPolicy, TrustPemError};
