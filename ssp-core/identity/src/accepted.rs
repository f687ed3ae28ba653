//! Accepted identities, and why others are not.

use alloc::{string::String, sync::Arc, vec::Vec};
use core::fmt;

use gcs_view::{SignatureAlgorithm, VerifyError};

use crate::time::Timestamp;

/// A public key that verifies signatures of a member.
pub trait MemberKey: fmt::Debug + Send + Sync {
    /// Checks a signature. All members must agree on what they accept: one strict rule.
    ///
    /// # Errors
    /// [`VerifyError::BadSignature`], also for another algorithm.
    fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), VerifyError>;
}

/// An accepted identity: a key, and what is known about its owner. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Identity(Arc<Known>);

#[derive(Clone, Debug)]
struct Known {
    key: Arc<dyn MemberKey>,
    fields: Vec<(&'static str, String)>,
    expires: Option<Timestamp>,
}

impl Identity {
    /// An identity of which only the key is known.
    pub fn of_key(key: Arc<dyn MemberKey>) -> Self {
        Self(Arc::new(Known {
            key,
            fields: Vec::new(),
            expires: None,
        }))
    }

    /// Adds a field that an access policy can ask for, such as `O` for the organisation.
    #[must_use]
    pub fn with_field(mut self, name: &'static str, value: String) -> Self {
        Arc::make_mut(&mut self.0).fields.push((name, value));
        self
    }

    /// Says when the identity ends.
    #[must_use]
    pub fn until(mut self, expires: Timestamp) -> Self {
        Arc::make_mut(&mut self.0).expires = Some(expires);
        self
    }

    /// The public key.
    pub fn key(&self) -> &dyn MemberKey {
        &*self.0.key
    }

    /// Values of a field, in order.
    pub fn field(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .fields
            .iter()
            .filter(move |(known, _)| *known == name)
            .map(|(_, value)| value.as_str())
    }

    /// All fields, in order.
    pub fn fields(&self) -> &[(&'static str, String)] {
        &self.0.fields
    }

    /// When the identity ends, if it does. Members are asked again in every view, so a group should
    /// be refreshed by a new view now and then if identities are short-lived.
    pub fn expires(&self) -> Option<Timestamp> {
        self.0.expires
    }
}

/// Why an identity is not accepted. For the local user: nothing of it is told to the peer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Distrust {
    /// Nobody has vouched for the member.
    #[error("unknown identity")]
    Unknown,
    /// The member has to show evidence, and has not yet.
    #[error("no evidence of an identity shown")]
    NotShown,
    /// The evidence cannot be read.
    #[error("malformed certificate: {0}")]
    Malformed(&'static str),
    /// No chain to an authority that is trusted.
    #[error("certificate \"{subject}\" is not of a trusted authority")]
    UnknownIssuer {
        /// Subject of the certificate.
        subject: String,
    },
    /// Valid no more.
    #[error("certificate \"{subject}\" has expired")]
    Expired {
        /// Subject of the certificate.
        subject: String,
    },
    /// Not valid yet.
    #[error("certificate \"{subject}\" is not valid yet")]
    NotYetValid {
        /// Subject of the certificate.
        subject: String,
    },
    /// Taken back by its authority.
    #[error("certificate \"{subject}\" is revoked")]
    Revoked {
        /// Subject of the certificate.
        subject: String,
    },
    /// The revocation list of its authority is missing or out of date.
    #[error("no valid revocation list for certificate \"{subject}\"")]
    RevocationUnknown {
        /// Subject of the certificate.
        subject: String,
    },
    /// The certificate is somebody else's.
    #[error("certificate is for \"{subject}\"")]
    OtherName {
        /// Subject of the certificate.
        subject: String,
    },
    /// The certificate is not meant for signatures, or one of its chain not for certificates.
    #[error("certificate \"{subject}\" does not allow this use")]
    Usage {
        /// Subject of the certificate.
        subject: String,
    },
    /// Its key, or a signature of the chain, is of an algorithm that is not accepted.
    #[error("certificate \"{subject}\" has an algorithm that is not accepted")]
    Algorithm {
        /// Subject of the certificate.
        subject: String,
    },
    /// A signature of the chain is wrong, or a constraint of the chain is violated.
    #[error("certificate \"{subject}\": {reason}")]
    Chain {
        /// Subject of the certificate.
        subject: String,
        /// What is wrong.
        reason: String,
    },
    /// Signed with another key than the accepted one.
    #[error("signature is not of the accepted key")]
    OtherKey,
}
