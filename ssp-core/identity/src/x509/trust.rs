//! Trust in certificate authorities.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::{fmt, str::FromStr, time::Duration};

use gcs_proto::name::MemberName;
use pki_types::{
    CertificateDer, CertificateRevocationListDer, TrustAnchor, UnixTime, pem::PemObject,
};
use sha2::{Digest, Sha256};
use spin::RwLock;
use webpki::{
    CertRevocationList, EndEntityCert, Error, ExpirationPolicy, KeyUsage, OwnedCertRevocationList,
    RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy, VerifiedPath,
    anchor_from_trusted_cert,
};

use super::{
    algorithms, chain,
    subject::{Subject, SubjectKey},
};
use crate::{Distrust, Identity, MemberKey, Trust, time::Timestamp};

/// Most certificates and lists of a trust file.
const ENTRIES_MAX: usize = 4_096;
/// Most accepted chains that are remembered.
const REMEMBERED: usize = 4_096;
/// How long an accepted chain is remembered, in milliseconds: revocation lists go out of date too.
const REMEMBERED_FOR: u64 = 60_000;

/// Why a trust file cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum TrustPemError {
    /// The text is not PEM throughout.
    #[error("not PEM")]
    Pem,
    /// A certificate cannot be read; its number in the text, from 1.
    #[error("certificate {0} cannot be read")]
    Certificate(usize),
    /// A revocation list cannot be read; its number in the text, from 1.
    #[error("revocation list {0} cannot be read")]
    RevocationList(usize),
    /// No certificate of an authority.
    #[error("no certificate of an authority in this text")]
    NoAuthority,
    /// Too many.
    #[error("more than {ENTRIES_MAX} entries")]
    TooMany,
}

/// What is asked of revocation lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RevocationPolicy {
    /// Where there is a list of an authority it counts, and must not be out of date; an authority
    /// without a list has revoked nothing.
    #[default]
    IfThere,
    /// Every authority needs a list that is up to date.
    Required,
}

/// Accepts members whose certificate comes from one of these authorities.
///
/// Made from a PEM text with certificates and revocation lists (`X509 CRL`) in any order. Certificates
/// of authorities are trusted; those of members are used for members that show none. Revocation
/// lists count when one of the authorities has signed them.
#[derive(Debug)]
pub struct CertificateTrust {
    authorities: Vec<(TrustAnchor<'static>, Subject)>,
    members: Vec<(Subject, Vec<u8>)>,
    revoked: Vec<CertRevocationList<'static>>,
    policy: RevocationPolicy,
    /// Chains that were accepted, by digest of member and chain, and until when that counts.
    accepted: RwLock<BTreeMap<[u8; 32], Remembered>>,
}

#[derive(Clone, Debug)]
struct Remembered {
    identity: Identity,
    from: Timestamp,
    until: Timestamp,
}

impl FromStr for CertificateTrust {
    type Err = TrustPemError;

    fn from_str(text: &str) -> Result<Self, TrustPemError> {
        let mut trust = Self {
            authorities: Vec::new(),
            members: Vec::new(),
            revoked: Vec::new(),
            policy: RevocationPolicy::default(),
            accepted: RwLock::new(BTreeMap::new()),
        };
        for (index, der) in CertificateDer::pem_slice_iter(text.as_bytes()).enumerate() {
            if index >= ENTRIES_MAX {
                return Err(TrustPemError::TooMany);
            }
            let unreadable = TrustPemError::Certificate(index + 1);
            let der = der.map_err(|_| TrustPemError::Pem)?;
            let subject = Subject::read(&der).map_err(|_| unreadable)?;
            if subject.is_authority() {
                let anchor = anchor_from_trusted_cert(&der).map_err(|_| unreadable)?;
                trust.authorities.push((anchor.to_owned(), subject));
            } else {
                let evidence = chain::encode(&[der.to_vec()]).map_err(|_| unreadable)?;
                trust.members.push((subject, evidence));
            }
        }
        for (index, der) in
            CertificateRevocationListDer::pem_slice_iter(text.as_bytes()).enumerate()
        {
            if index >= ENTRIES_MAX {
                return Err(TrustPemError::TooMany);
            }
            let der = der.map_err(|_| TrustPemError::Pem)?;
            let list = OwnedCertRevocationList::from_der(&der)
                .map_err(|_| TrustPemError::RevocationList(index + 1))?;
            trust.revoked.push(list.into());
        }
        if trust.authorities.is_empty() {
            return Err(TrustPemError::NoAuthority);
        }
        Ok(trust)
    }
}

impl CertificateTrust {
    /// Asks more or less of revocation lists.
    #[must_use]
    pub const fn revocation(mut self, policy: RevocationPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Number of authorities.
    pub const fn authorities(&self) -> usize {
        self.authorities.len()
    }

    /// Verifies a chain and that it is the member's.
    fn verify(
        &self,
        member: &MemberName,
        evidence: &[u8],
        now: Timestamp,
    ) -> Result<Remembered, Distrust> {
        let certificates = chain::decode(evidence).map_err(Distrust::Malformed)?;
        let mut ders = certificates.into_iter().map(CertificateDer::from_slice);
        let own = ders.next().ok_or(Distrust::Malformed("no certificate"))?;
        let between: Vec<CertificateDer<'_>> = ders.collect();
        let leaf = Subject::read(&own)?;
        // The path verifier passes over what it cannot read.
        let authorities: Vec<Subject> = between
            .iter()
            .map(|authority| Subject::read(authority))
            .collect::<Result<_, _>>()?;
        let subject = leaf.text();
        let key = leaf.key().ok_or_else(|| Distrust::Algorithm {
            subject: subject.clone(),
        })?;
        let entity =
            EndEntityCert::try_from(&own).map_err(|error| distrust(&error, subject.clone()))?;
        let anchors: Vec<TrustAnchor<'_>> = self
            .authorities
            .iter()
            .map(|(anchor, _)| anchor.clone())
            .collect();
        let lists: Vec<&CertRevocationList<'_>> = self.revoked.iter().collect();
        let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
            options
                .with_depth(RevocationCheckDepth::Chain)
                .with_expiration_policy(ExpirationPolicy::Enforce)
                .with_status_policy(match self.policy {
                    RevocationPolicy::IfThere => UnknownStatusPolicy::Allow,
                    RevocationPolicy::Required => UnknownStatusPolicy::Deny,
                })
                .build()
        });
        if revocation.is_none() && self.policy == RevocationPolicy::Required {
            return Err(Distrust::RevocationUnknown { subject });
        }
        let path = entity
            .verify_for_usage(
                algorithms::ALL,
                &anchors,
                &between,
                UnixTime::since_unix_epoch(Duration::from_millis(now.0)),
                // Counts where a certificate limits its use; members act as clients of a group.
                KeyUsage::client_auth(),
                revocation,
                None,
            )
            .map_err(|error| {
                // It does not tell whose time is over.
                let chain = || core::iter::once(&leaf).chain(&authorities);
                let culprit = match error {
                    Error::CertExpired { .. } => chain().find(|one| now > one.not_after()),
                    Error::CertNotValidYet { .. } => chain().find(|one| now < one.not_before()),
                    // Other errors are about the member's own certificate.
                    _ => None,
                };
                let subject = culprit.map_or_else(|| subject.clone(), Subject::text);
                distrust(&error, subject)
            })?;
        let (from, until) = self.check_path(&path, &leaf, now)?;
        if !leaf.signs_messages() {
            return Err(Distrust::Usage { subject });
        }
        if !leaf.is_for(member) {
            return Err(Distrust::OtherName { subject });
        }
        let key: Arc<dyn MemberKey> = match key {
            SubjectKey::Ed25519(key) => Arc::new(key),
            SubjectKey::P256(key) => Arc::new(key),
        };
        let identity = leaf
            .fields()
            .into_iter()
            .fold(Identity::of_key(key), |identity, (name, value)| {
                identity.with_field(name, value)
            })
            .with_field("issuer", leaf.issuer())
            .with_field("serial", leaf.serial())
            .until(until);
        Ok(Remembered {
            identity,
            from,
            until: until.min(now.after(REMEMBERED_FOR)),
        })
    }

    /// What the path verifier leaves to its caller: that authorities may sign certificates, and
    /// that the trusted one is itself still valid. Gives the time in which all of it is.
    fn check_path(
        &self,
        path: &VerifiedPath<'_>,
        leaf: &Subject,
        now: Timestamp,
    ) -> Result<(Timestamp, Timestamp), Distrust> {
        let (mut from, mut until) = (leaf.not_before(), leaf.not_after());
        let anchor = path.anchor();
        let root = self
            .authorities
            .iter()
            .find(|(known, _)| known == anchor)
            .map(|(_, subject)| subject.clone());
        let between = path
            .intermediate_certificates()
            .map(|certificate| Subject::read(&certificate.der()));
        for authority in between.chain(root.map(Ok)) {
            let authority = authority?;
            let subject = authority.text();
            if !authority.signs_certificates() {
                return Err(Distrust::Usage { subject });
            }
            if now < authority.not_before() {
                return Err(Distrust::NotYetValid { subject });
            }
            if now > authority.not_after() {
                return Err(Distrust::Expired { subject });
            }
            from = from.max(authority.not_before());
            until = until.min(authority.not_after());
        }
        Ok((from, until))
    }
}

impl Trust for CertificateTrust {
    fn identify(
        &self,
        member: &MemberName,
        evidence: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<Identity, Distrust> {
        let known = || {
            self.members
                .iter()
                .find(|(subject, _)| subject.is_for(member))
                .map(|(_, evidence)| evidence.as_slice())
        };
        let evidence = evidence.or_else(known).ok_or(Distrust::NotShown)?;
        let digest: [u8; 32] = Sha256::new()
            .chain_update(member.as_name().slot())
            .chain_update(evidence)
            .finalize()
            .into();
        if let Some(known) = self.accepted.read().get(&digest)
            && (known.from..=known.until).contains(&now)
        {
            return Ok(known.identity.clone());
        }
        let accepted = self.verify(member, evidence, now)?;
        let identity = accepted.identity.clone();
        let mut remembered = self.accepted.write();
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(digest, accepted);
        Ok(identity)
    }
}

/// The reason in our words.
fn distrust(error: &Error, subject: String) -> Distrust {
    match error {
        Error::CertExpired { .. } => Distrust::Expired { subject },
        Error::CertNotValidYet { .. } => Distrust::NotYetValid { subject },
        Error::CertRevoked => Distrust::Revoked { subject },
        Error::UnknownRevocationStatus | Error::CrlExpired { .. } => {
            Distrust::RevocationUnknown { subject }
        }
        Error::UnknownIssuer => Distrust::UnknownIssuer { subject },
        Error::RequiredEkuNotFoundContext(_)
        | Error::CaUsedAsEndEntity
        | Error::EndEntityUsedAsCa => Distrust::Usage { subject },
        Error::UnsupportedSignatureAlgorithmContext(_) => Distrust::Algorithm { subject },
        Error::BadDer | Error::BadDerTime | Error::TrailingData(_) => {
            Distrust::Malformed("not DER of a certificate")
        }
        other => Distrust::Chain {
            subject,
            reason: Reason(other).to_string(),
        },
    }
}

/// The library has names for its errors, no sentences.
struct Reason<'a>(&'a Error);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0, f)
    }
}
