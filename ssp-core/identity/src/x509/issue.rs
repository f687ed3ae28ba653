//! A small certificate authority: makes certificates for members, and takes them back.
//!
//! Certificates follow RFC 5280: version 3, random serial numbers, key identifiers, basic constraints
//! and key usage. An authority keeps no books: what it has issued is known to whoever keeps the
//! certificates, what it has revoked stands in its list.

use alloc::{string::String, vec::Vec};
use core::time::Duration;

use der::{
    Any, Decode, DecodePem, Encode, EncodePem, asn1::Utf8StringRef, oid::ObjectIdentifier,
    pem::LineEnding,
};
use gcs_proto::name::MemberName;
use p256::ecdsa::DerSignature;
use pki_types::{CertificateDer, pem::PemObject};
use rand_core::CryptoRng;
use x509_cert::{
    Certificate, TbsCertificate,
    attr::AttributeTypeAndValue,
    builder::{self, Builder, CertificateBuilder, CrlBuilder, profile::BuilderProfile},
    certificate::Rfc5280,
    crl::{CertificateList, RevokedCert},
    ext::{
        Extension, ToExtension,
        pkix::{
            AuthorityKeyIdentifier, BasicConstraints, CrlNumber, KeyUsage, KeyUsages,
            SubjectKeyIdentifier,
        },
    },
    name::{Name, RdnSequence, RelativeDistinguishedName},
    serial_number::SerialNumber,
    spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef},
    time::Time,
};
use zeroize::Zeroizing;

use super::{
    identity::PrivateKey,
    p256_key::P256Signer,
    subject::{FIELDS, Subject},
};
use crate::{Ed25519Signer, IdentityError, session_name, time::Timestamp};

/// Kind of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// Ed25519.
    #[default]
    Ed25519,
    /// ECDSA over P-256 with SHA-256.
    EcdsaP256,
}

/// From when until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// First moment.
    pub not_before: Timestamp,
    /// Last second.
    pub not_after: Timestamp,
}

/// Why a certificate or list was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The authority's file cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The file is of a member, not of an authority.
    #[error("not a certificate of an authority")]
    NotAuthority,
    /// Neither a member's name nor a session's at any daemon.
    #[error("\"{0}\" is neither #session#daemon nor #session#*")]
    Name(String),
    /// A field that certificates here do not have.
    #[error("no such field: {0}, there is: O, OU, L, ST, C")]
    Field(String),
    /// An empty or backward time, or one that certificates cannot express.
    #[error("validity is empty or out of range")]
    Validity,
    /// The revocation list is not one, or not this authority's.
    #[error("not a revocation list of this authority")]
    RevocationList,
    /// Not a serial number.
    #[error("\"{0}\" is not a serial number in hexadecimal digits")]
    Serial(String),
    /// The encoder refused.
    #[error("encoding: {0}")]
    Encoding(String),
}

impl From<der::Error> for IssueError {
    fn from(error: der::Error) -> Self {
        Self::Encoding(alloc::format!("{error}"))
    }
}

impl From<builder::Error> for IssueError {
    fn from(error: builder::Error) -> Self {
        Self::Encoding(alloc::format!("{error}"))
    }
}

/// What to take back.
#[derive(Clone, Debug)]
pub struct Revocation<'a> {
    /// The list so far, PEM; it is continued.
    pub list: Option<&'a str>,
    /// Serial numbers in hexadecimal digits, as [`CertificateSummary`](super::CertificateSummary)
    /// shows them. None at all gives the list a later time.
    pub serials: &'a [&'a str],
    /// Now.
    pub now: Timestamp,
    /// When the next list comes at the latest: after that this one is out of date.
    pub next: Timestamp,
}

/// A certificate authority. Not `Clone`; its key is erased on drop.
pub struct Authority {
    key: PrivateKey,
    subject: Subject,
}

impl Authority {
    /// A new authority with a certificate of its own making.
    ///
    /// # Errors
    /// [`IssueError::Validity`], [`IssueError::Field`].
    pub fn new(
        name: &str,
        fields: &[(&str, &str)],
        algorithm: KeyAlgorithm,
        validity: Validity,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, IssueError> {
        let key = generate(algorithm, rng);
        let subject = subject_name(name, fields)?;
        let profile = Profile {
            issuer: subject.clone(),
            subject,
            role: Role::Authority { path_length: None },
        };
        let certificate = certify(&key, profile, info(&key)?, validity, rng)?;
        let subject =
            Subject::read(&certificate.to_der()?).map_err(|_| IssueError::NotAuthority)?;
        Ok(Self { key, subject })
    }

    /// A new authority that this one vouches for. Members it issues certificates to show its
    /// certificate behind their own: append [`certificate_pem`](Self::certificate_pem) to what
    /// [`issue`](Self::issue) gives. `path_length` is the most further authorities between it and a
    /// member, `None` for no limit (RFC 5280, 4.2.1.9).
    ///
    /// # Errors
    /// [`IssueError::Validity`], [`IssueError::Field`].
    pub fn subordinate(
        &self,
        name: &str,
        fields: &[(&str, &str)],
        algorithm: KeyAlgorithm,
        path_length: Option<u8>,
        validity: Validity,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, IssueError> {
        let key = generate(algorithm, rng);
        let profile = Profile {
            issuer: self.name(),
            subject: subject_name(name, fields)?,
            role: Role::Authority { path_length },
        };
        let certificate = certify(&self.key, profile, info(&key)?, validity, rng)?;
        let subject =
            Subject::read(&certificate.to_der()?).map_err(|_| IssueError::NotAuthority)?;
        Ok(Self { key, subject })
    }

    /// The subject of its certificate.
    fn name(&self) -> Name {
        let certificate = self.subject.certificate().tbs_certificate();
        certificate.subject().clone()
    }

    /// Reads an authority's PEM text: private key and certificate.
    ///
    /// # Errors
    /// [`IssueError::Identity`], [`IssueError::NotAuthority`].
    pub fn from_pem(text: &str) -> Result<Self, IssueError> {
        let key = PrivateKey::from_pem(text)?;
        let der = CertificateDer::from_pem_slice(text.as_bytes())
            .map_err(|_| IdentityError::Certificate)?;
        let subject = Subject::read(&der).map_err(|_| IdentityError::Certificate)?;
        if !subject.is_authority() {
            return Err(IssueError::NotAuthority);
        }
        if subject.key() != Some(key.public_key()) {
            return Err(IdentityError::OtherKey.into());
        }
        Ok(Self { key, subject })
    }

    /// Private key, PEM: to be kept.
    ///
    /// # Errors
    /// [`IssueError::Identity`], which does not happen to a key.
    pub fn key_pem(&self) -> Result<Zeroizing<String>, IssueError> {
        key_pem(&self.key)
    }

    /// Certificate, PEM: to be given to everybody.
    ///
    /// # Errors
    /// [`IssueError::Encoding`], which does not happen to a certificate that was read.
    pub fn certificate_pem(&self) -> Result<String, IssueError> {
        Ok(self.subject.certificate().to_pem(LineEnding::LF)?)
    }

    /// Makes a key and a certificate for `member`: `#session#daemon`, or `#session#*` for the
    /// session at any daemon. Gives both as PEM: to be handed to the member, and to nobody else.
    ///
    /// # Errors
    /// [`IssueError::Name`], [`IssueError::Field`], [`IssueError::Validity`].
    pub fn issue(
        &self,
        member: &str,
        fields: &[(&str, &str)],
        algorithm: KeyAlgorithm,
        validity: Validity,
        rng: &mut dyn CryptoRng,
    ) -> Result<Zeroizing<String>, IssueError> {
        let named = member
            .parse()
            .ok()
            .filter(|name: &MemberName| session_name(name.as_bytes()).is_some())
            // One at the end stands for any daemon; elsewhere it would look as if it meant something.
            .filter(|_| !member.strip_suffix("#*").unwrap_or(member).contains('*'));
        if named.is_none() {
            return Err(IssueError::Name(member.into()));
        }
        let profile = Profile {
            issuer: self.name(),
            subject: subject_name(member, fields)?,
            role: Role::Member,
        };
        let key = generate(algorithm, rng);
        let certificate = certify(&self.key, profile, info(&key)?, validity, rng)?;
        let certificate = certificate.to_pem(LineEnding::LF)?;
        let secret = key_pem(&key)?;
        let mut pem = Zeroizing::new(String::with_capacity(secret.len() + certificate.len()));
        pem.push_str(&secret);
        pem.push_str(&certificate);
        Ok(pem)
    }

    /// Takes certificates back: a new revocation list, PEM.
    ///
    /// # Errors
    /// [`IssueError::RevocationList`], [`IssueError::Serial`], [`IssueError::Validity`].
    pub fn revoke(&self, revocation: &Revocation<'_>) -> Result<String, IssueError> {
        let certificate = self.subject.certificate();
        let (number, mut revoked) = match revocation.list {
            None => (1_u64, Vec::new()),
            Some(pem) => {
                let list = CertificateList::<Rfc5280>::from_pem(pem)
                    .ok()
                    .filter(|list| {
                        list.tbs_cert_list.issuer == *certificate.tbs_certificate().subject()
                    })
                    .ok_or(IssueError::RevocationList)?;
                let number = list_number(&list).ok_or(IssueError::RevocationList)?;
                let revoked = list.tbs_cert_list.revoked_certificates.unwrap_or_default();
                (number.saturating_add(1), revoked)
            }
        };
        let now = time(revocation.now)?;
        for text in revocation.serials {
            let serial = serial(text)?;
            if revoked.iter().all(|known| known.serial_number != serial) {
                revoked.push(RevokedCert {
                    serial_number: serial,
                    revocation_date: now,
                    crl_entry_extensions: None,
                });
            }
        }
        if revocation.next <= revocation.now {
            return Err(IssueError::Validity);
        }
        let mut builder = CrlBuilder::<Rfc5280>::new_with_this_update(
            certificate,
            CrlNumber::try_from(number)?,
            now,
        )?
        .with_next_update(Some(time(revocation.next)?));
        // An empty list must not be there at all.
        if !revoked.is_empty() {
            builder = builder.with_certificates(revoked.into_iter());
        }
        let list = match &self.key {
            PrivateKey::Ed25519(key) => {
                builder.build::<_, ed25519_dalek::ed25519::Signature>(&key.0)?
            }
            PrivateKey::P256(key) => builder.build::<_, DerSignature>(&key.0)?,
        };
        Ok(list.to_pem(LineEnding::LF)?)
    }
}

impl core::fmt::Debug for Authority {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Authority({})", self.subject.text())
    }
}

/// What a certificate is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Authority { path_length: Option<u8> },
    Member,
}

struct Profile {
    issuer: Name,
    subject: Name,
    role: Role,
}

impl BuilderProfile for Profile {
    fn get_issuer(&self, _: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        issuer: SubjectPublicKeyInfoRef<'_>,
        _: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let mut all = Vec::new();
        let key = SubjectKeyIdentifier::try_from(key)?;
        all.push(key.to_extension(&self.subject, &all)?);
        let issuer = AuthorityKeyIdentifier::try_from(issuer)?;
        all.push(issuer.to_extension(&self.subject, &all)?);
        let constraints = match self.role {
            Role::Authority { path_length } => BasicConstraints {
                ca: true,
                path_len_constraint: path_length,
            },
            Role::Member => BasicConstraints {
                ca: false,
                path_len_constraint: None,
            },
        };
        all.push(constraints.to_extension(&self.subject, &all)?);
        let usage = KeyUsage(match self.role {
            Role::Authority { .. } => KeyUsages::KeyCertSign | KeyUsages::CRLSign,
            Role::Member => KeyUsages::DigitalSignature.into(),
        });
        all.push(usage.to_extension(&self.subject, &all)?);
        Ok(all)
    }
}

fn certify(
    signer: &PrivateKey,
    profile: Profile,
    key: SubjectPublicKeyInfoOwned,
    validity: Validity,
    rng: &mut dyn CryptoRng,
) -> Result<Certificate, IssueError> {
    if validity.not_after <= validity.not_before {
        return Err(IssueError::Validity);
    }
    let validity =
        x509_cert::time::Validity::new(time(validity.not_before)?, time(validity.not_after)?);
    let builder = CertificateBuilder::new(profile, SerialNumber::generate(rng), validity, key)?;
    Ok(match signer {
        PrivateKey::Ed25519(key) => {
            builder.build::<_, ed25519_dalek::ed25519::Signature>(&key.0)?
        }
        PrivateKey::P256(key) => builder.build::<_, DerSignature>(&key.0)?,
    })
}

fn generate(algorithm: KeyAlgorithm, rng: &mut dyn CryptoRng) -> PrivateKey {
    match algorithm {
        KeyAlgorithm::Ed25519 => PrivateKey::Ed25519(Ed25519Signer::generate(rng)),
        KeyAlgorithm::EcdsaP256 => PrivateKey::P256(P256Signer::generate(rng)),
    }
}

fn key_pem(key: &PrivateKey) -> Result<Zeroizing<String>, IssueError> {
    Ok(match key {
        PrivateKey::Ed25519(key) => key.to_pem()?,
        PrivateKey::P256(key) => key.to_pem()?,
    })
}

fn info(key: &PrivateKey) -> Result<SubjectPublicKeyInfoOwned, IssueError> {
    match key {
        PrivateKey::Ed25519(key) => SubjectPublicKeyInfoOwned::from_key(&key.0.verifying_key()),
        PrivateKey::P256(key) => SubjectPublicKeyInfoOwned::from_key(key.0.verifying_key()),
    }
    .map_err(|error| IssueError::Encoding(alloc::format!("{error}")))
}

/// `CN=name` and further fields, each an RDN of its own.
fn subject_name(name: &str, fields: &[(&str, &str)]) -> Result<Name, IssueError> {
    let mut sequence = RdnSequence::default();
    let mut push = |oid: ObjectIdentifier, value: &str| -> Result<(), IssueError> {
        let mut rdn = RelativeDistinguishedName::default();
        rdn.insert(AttributeTypeAndValue {
            oid,
            value: Any::encode_from(&Utf8StringRef::new(value)?)?,
        })?;
        sequence.push(rdn);
        Ok(())
    };
    for (field, value) in fields {
        let known = FIELDS
            .iter()
            .find(|(_, known)| known == field && *known != "CN");
        let (oid, _) = known.ok_or_else(|| IssueError::Field((*field).into()))?;
        push(*oid, value)?;
    }
    let (common_name, _) = FIELDS[0];
    push(common_name, name)?;
    Ok(Name::from_der(&sequence.to_der()?)?)
}

fn time(at: Timestamp) -> Result<Time, IssueError> {
    let duration = Duration::from_secs(at.0 / 1_000);
    let general = der::asn1::GeneralizedTime::from_unix_duration(duration)
        .map_err(|_| IssueError::Validity)?;
    // Until 2049 the short form is demanded (RFC 5280, 4.1.2.5).
    Ok(der::asn1::UtcTime::from_unix_duration(duration)
        .map_or(Time::GeneralTime(general), Time::UtcTime))
}

fn serial(text: &str) -> Result<SerialNumber, IssueError> {
    let wrong = || IssueError::Serial(text.into());
    let digits = text.as_bytes();
    if digits.is_empty() || !digits.len().is_multiple_of(2) || digits.len() > 40 {
        return Err(wrong());
    }
    let bytes = digits
        .chunks(2)
        .map(|pair| {
            let pair = core::str::from_utf8(pair).ok()?;
            u8::from_str_radix(pair, 16).ok()
        })
        .collect::<Option<Vec<u8>>>()
        .ok_or_else(wrong)?;
    SerialNumber::new(&bytes).map_err(|_| wrong())
}

fn list_number(list: &CertificateList<Rfc5280>) -> Option<u64> {
    let extensions = list.tbs_cert_list.crl_extensions.as_ref()?;
    let number = extensions
        .iter()
        .find(|extension| extension.extn_id == <CrlNumber as der::oid::AssociatedOid>::OID)?;
    let number = CrlNumber::from_der(number.extn_value.as_bytes()).ok()?;
    number.0.as_bytes().iter().try_fold(0_u64, |sum, byte| {
        sum.checked_mul(256)?.checked_add(u64::from(*byte))
    })
}
