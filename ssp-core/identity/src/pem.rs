//! Private keys in PEM files ([RFC 7468](https://www.rfc-editor.org/rfc/rfc7468), section 10).

use alloc::{string::String, vec::Vec};

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::error::IdentityError;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
/// Longest key file looked at, in bytes; a key has about 240, the rest may be certificates.
const PEM_MAX: usize = 256 << 10;
/// Longest base64 text of a key, in bytes.
const BODY_MAX: usize = 4_096;

/// The PKCS#8 structure of the first private key of a text. Everything around it is ignored.
pub(super) fn pkcs8(text: &str) -> Result<Zeroizing<Vec<u8>>, IdentityError> {
    let text = text
        .get(..PEM_MAX.min(text.len()))
        .ok_or(IdentityError::NoPem)?;
    let (_, rest) = text.split_once(BEGIN).ok_or(IdentityError::NoPem)?;
    let (body, _) = rest.split_once(END).ok_or(IdentityError::NoPem)?;
    let body = (body.len() <= BODY_MAX)
        .then_some(body)
        .ok_or(IdentityError::Base64)?;
    let mut compact = Zeroizing::new(String::with_capacity(body.len()));
    compact.extend(body.chars().filter(|c| !c.is_ascii_whitespace()));
    STANDARD
        .decode(compact.as_bytes())
        .map(Zeroizing::new)
        .map_err(|_| IdentityError::Base64)
}

/// A PEM file of a PKCS#8 structure.
pub(super) fn write(der: &[u8]) -> Zeroizing<String> {
    let body = Zeroizing::new(STANDARD.encode(der));
    // Room for all lines at once: growing would leave pieces of the key behind.
    let mut pem = Zeroizing::new(String::with_capacity(128 + body.len() + body.len() / 32));
    pem.push_str(BEGIN);
    pem.push('\n');
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at_checked(64).unwrap_or((rest, ""));
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    pem.push_str(END);
    pem.push('\n');
    pem
}
