//! What stands in a certificate besides its chain: names, times, use.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use der::{Decode, oid::ObjectIdentifier};
use gcs_proto::name::MemberName;
use pki_types::{CertificateDer, pem::PemObject};
use x509_cert::{
    Certificate,
    ext::pkix::{BasicConstraints, KeyUsage, name::DirectoryString},
};

use super::p256_key::P256PublicKey;
use crate::{Distrust, IdentityError, PublicKey, session_name, time::Timestamp};

/// Subject fields that policies and people see: attribute type and name.
pub(super) const FIELDS: [(ObjectIdentifier, &str); 6] = [
    (COMMON_NAME, "CN"),
    (ObjectIdentifier::new_unwrap("2.5.4.10"), "O"),
    (ObjectIdentifier::new_unwrap("2.5.4.11"), "OU"),
    (ObjectIdentifier::new_unwrap("2.5.4.7"), "L"),
    (ObjectIdentifier::new_unwrap("2.5.4.8"), "ST"),
    (ObjectIdentifier::new_unwrap("2.5.4.6"), "C"),
];
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const EC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");

/// Public key of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubjectKey {
    Ed25519(PublicKey),
    P256(P256PublicKey),
}

/// A certificate that was read; nothing about it is verified.
#[derive(Clone, Debug)]
pub(super) struct Subject(Certificate);

impl Subject {
    pub(super) fn read(der: &[u8]) -> Result<Self, Distrust> {
        Certificate::from_der(der)
            .map(Self)
            .map_err(|_| Distrust::Malformed("not DER of a certificate"))
    }

    /// The subject as text (RFC 4514).
    pub(super) fn text(&self) -> String {
        self.0.tbs_certificate().subject().to_string()
    }

    pub(super) fn issuer(&self) -> String {
        self.0.tbs_certificate().issuer().to_string()
    }

    pub(super) fn is_self_issued(&self) -> bool {
        let tbs = self.0.tbs_certificate();
        tbs.issuer() == tbs.subject()
    }

    /// Serial number, two hexadecimal digits a byte.
    pub(super) fn serial(&self) -> String {
        use core::fmt::Write;
        let mut text = String::new();
        for byte in self.0.tbs_certificate().serial_number().as_bytes() {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    pub(super) fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        for attribute in self.0.tbs_certificate().subject().iter() {
            let field = FIELDS.iter().find(|(oid, _)| *oid == attribute.oid);
            let value = attribute.value.decode_as::<DirectoryString>();
            if let (Some((_, name)), Ok(value)) = (field, value) {
                fields.push((*name, value.value().into_owned()));
            }
        }
        fields
    }

    /// The only common name; with two of them nobody could tell whose certificate it is.
    pub(super) fn common_name(&self) -> Option<String> {
        let mut names = self
            .fields()
            .into_iter()
            .filter_map(|(field, value)| (field == "CN").then_some(value));
        names.next().filter(|_| names.next().is_none())
    }

    /// Whether the certificate is for this member.
    pub(super) fn is_for(&self, member: &MemberName) -> bool {
        let Some(name) = self.common_name() else {
            return false;
        };
        if name.as_bytes() == member.as_bytes() {
            // Also for engines whose names have another form.
            return !name.ends_with("#*");
        }
        let pattern = name
            .strip_prefix('#')
            .and_then(|rest| rest.strip_suffix("#*"));
        pattern.is_some_and(|owner| session_name(member.as_bytes()) == Some(owner.as_bytes()))
    }

    pub(super) fn not_before(&self) -> Timestamp {
        let validity = self.0.tbs_certificate().validity();
        milliseconds(validity.not_before.to_unix_duration())
    }

    pub(super) fn not_after(&self) -> Timestamp {
        let validity = self.0.tbs_certificate().validity();
        milliseconds(validity.not_after.to_unix_duration())
    }

    /// Whether it is an authority's.
    pub(super) fn is_authority(&self) -> bool {
        let constraints = self.0.tbs_certificate().get_extension::<BasicConstraints>();
        matches!(constraints, Ok(Some((_, constraints))) if constraints.ca)
    }

    /// Whether its key may sign messages. No statement is no limit (RFC 5280, 4.2.1.3).
    pub(super) fn signs_messages(&self) -> bool {
        self.allows(KeyUsage::digital_signature)
    }

    /// Whether its key may sign certificates.
    pub(super) fn signs_certificates(&self) -> bool {
        self.allows(KeyUsage::key_cert_sign)
    }

    fn allows(&self, usage: impl FnOnce(&KeyUsage) -> bool) -> bool {
        match self.0.tbs_certificate().get_extension::<KeyUsage>() {
            Ok(Some((_, stated))) => usage(&stated),
            Ok(None) => true,
            Err(_) => false,
        }
    }

    /// The key, if it is of a kind that is accepted.
    pub(super) fn key(&self) -> Option<SubjectKey> {
        let info = self.0.tbs_certificate().subject_public_key_info();
        let bytes = info.subject_public_key.as_bytes()?;
        let parameters = info.algorithm.parameters.as_ref();
        match info.algorithm.oid {
            ED25519 if parameters.is_none() => {
                let key = PublicKey::from_bytes(bytes.try_into().ok()?).ok()?;
                Some(SubjectKey::Ed25519(key))
            }
            EC_KEY => {
                let curve: ObjectIdentifier = parameters?.decode_as().ok()?;
                (curve == P256).then_some(())?;
                P256PublicKey::from_bytes(bytes).ok().map(SubjectKey::P256)
            }
            _ => None,
        }
    }

    #[cfg(feature = "x509-authority")]
    pub(super) const fn certificate(&self) -> &Certificate {
        &self.0
    }
}

fn milliseconds(duration: core::time::Duration) -> Timestamp {
    Timestamp(duration.as_secs().saturating_mul(1_000))
}

/// What people want to know about a certificate. Nothing of it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateSummary {
    /// Subject (RFC 4514).
    pub subject: String,
    /// Issuer (RFC 4514).
    pub issuer: String,
    /// Serial number, in hexadecimal digits.
    pub serial: String,
    /// First moment of validity.
    pub not_before: Timestamp,
    /// Last second of validity.
    pub not_after: Timestamp,
    /// Kind of the key: `ed25519`, `ecdsa-p256` or `other`.
    pub key: &'static str,
    /// Whether it is an authority's.
    pub authority: bool,
}

/// The certificates of a PEM text, in order.
///
/// # Errors
/// [`IdentityError::Certificate`] when there is none, or one that cannot be read.
pub fn summaries(pem: &str) -> Result<Vec<CertificateSummary>, IdentityError> {
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes())
        .map(|der| {
            let der = der.map_err(|_| IdentityError::Certificate)?;
            let subject = Subject::read(&der).map_err(|_| IdentityError::Certificate)?;
            Ok(CertificateSummary {
                subject: subject.text(),
                issuer: subject.issuer(),
                serial: subject.serial(),
                not_before: subject.not_before(),
                not_after: subject.not_after(),
                key: match subject.key() {
                    Some(SubjectKey::Ed25519(_)) => "ed25519",
                    Some(SubjectKey::P256(_)) => "ecdsa-p256",
                    None => "other",
                },
                authority: subject.is_authority(),
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    if certificates.is_empty() {
        return Err(IdentityError::Certificate);
    }
    Ok(certificates)
}

/// A point in time as people write it (RFC 3339, in UTC), to the second.
pub fn date(at: Timestamp) -> String {
    let duration = core::time::Duration::from_secs(at.0 / 1_000);
    der::DateTime::from_unix_duration(duration)
        .map_or_else(|_| at.to_string(), |date| date.to_string())
}
