//! Identity, trust and policy from files, as the `ssp` command writes and reads them.
//!
//! | file | holds |
//! |---|---|
//! | identity | a private key in PKCS#8 PEM (Ed25519); with a certificate behind it, Ed25519 or ECDSA P-256 |
//! | trust | a [`TrustStore`], one public key a line; or PEM: certificates of authorities, revocation lists |
//! | policy | a [`FilePolicy`], one rule a line |
//!
//! Reading blocks; a file is read to its end, but no more than 16 MiB of it.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use ssp_core::{
    Credentials,
    access::{FilePolicy, PolicyError},
    identity::{
        AnyOf, Ed25519Signer, IdentityError, OwnIdentity, Trust, TrustError, TrustStore,
        x509::{CertificateIdentity, CertificateTrust, TrustPemError},
    },
};
use zeroize::Zeroizing;

/// What tells files of certificates from others.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";
/// What tells revocation lists from other files.
const REVOCATION_LIST: &str = "-----BEGIN X509 CRL-----";
/// Largest file that is read, in bytes.
const FILE_MAX: u64 = 16 << 20;

/// A file that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {kind}", path.display())]
pub struct FileError {
    /// The file; of several files with certificates the last one.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub kind: FileErrorKind,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileErrorKind {
    /// It cannot be read.
    #[error("{detail}")]
    Read {
        /// Kind of the failure.
        kind: io::ErrorKind,
        /// What the operating system says.
        detail: String,
    },
    /// It is too long.
    #[error("more than {FILE_MAX} bytes")]
    TooLong,
    /// No identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// No public keys.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// No certificates of authorities.
    #[error(transparent)]
    Certificates(#[from] TrustPemError),
    /// No policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

impl FileErrorKind {
    const fn of(self, path: PathBuf) -> FileError {
        FileError { path, kind: self }
    }
}

/// An own identity and whom it trusts; see [`identity`] and [`trust`].
///
/// # Errors
/// [`FileError`].
pub fn credentials<P: AsRef<Path>>(
    identity: impl AsRef<Path>,
    trust: impl IntoIterator<Item = P>,
) -> Result<Credentials, FileError> {
    Ok(Credentials {
        signer: self::identity(identity)?,
        trust: self::trust(trust)?,
    })
}

/// An own identity: a key, or a key and its certificates.
///
/// # Errors
/// [`FileErrorKind::Read`], [`FileErrorKind::TooLong`], [`FileErrorKind::Identity`].
pub fn identity(path: impl AsRef<Path>) -> Result<Arc<dyn OwnIdentity>, FileError> {
    let path = path.as_ref();
    let text = read(path)?;
    let of_file = |error: IdentityError| FileErrorKind::from(error).of(path.into());
    Ok(if text.contains(CERTIFICATE) {
        Arc::new(CertificateIdentity::from_pem(&text).map_err(of_file)?)
    } else {
        Arc::new(Ed25519Signer::from_pem(&text).map_err(of_file)?)
    })
}

/// Whom to trust: public keys by name, certificates of authorities, revocation lists, each in as many
/// files as there are. A member is accepted if one of the lists of keys knows it, or an authority.
/// Without any file nobody is trusted.
///
/// # Errors
/// [`FileErrorKind::Read`], [`FileErrorKind::TooLong`], [`FileErrorKind::Trust`],
/// [`FileErrorKind::Certificates`].
pub fn trust<P: AsRef<Path>>(
    paths: impl IntoIterator<Item = P>,
) -> Result<Arc<dyn Trust>, FileError> {
    // A revocation list may come in another file than its authority.
    let mut authorities = String::new();
    let mut last = None;
    let mut all: Vec<Arc<dyn Trust>> = Vec::new();
    for path in paths {
        let path = path.as_ref();
        let text = read(path)?;
        if text.contains(CERTIFICATE) || text.contains(REVOCATION_LIST) {
            authorities.push_str(&text);
            authorities.push('\n');
            last = Some(path.to_owned());
        } else {
            let keys: TrustStore = text
                .parse()
                .map_err(|error: TrustError| FileErrorKind::from(error).of(path.into()))?;
            all.push(Arc::new(keys));
        }
    }
    if let Some(path) = last {
        let trust: CertificateTrust = authorities
            .parse()
            .map_err(|error: TrustPemError| FileErrorKind::from(error).of(path))?;
        all.push(Arc::new(trust));
    }
    Ok(Arc::new(AnyOf(all)))
}

/// An access policy.
///
/// # Errors
/// [`FileErrorKind::Read`], [`FileErrorKind::TooLong`], [`FileErrorKind::Policy`].
pub fn policy(path: impl AsRef<Path>) -> Result<FilePolicy, FileError> {
    let path = path.as_ref();
    read(path)?
        .parse()
        .map_err(|error: PolicyError| FileErrorKind::from(error).of(path.into()))
}

/// The text of a file, which may be a secret.
///
/// # Errors
/// [`FileErrorKind::Read`], [`FileErrorKind::TooLong`].
pub fn read(path: impl AsRef<Path>) -> Result<Zeroizing<String>, FileError> {
    let path = path.as_ref();
    let failed = |error: io::Error| {
        let (kind, detail) = (error.kind(), error.to_string());
        FileErrorKind::Read { kind, detail }.of(path.into())
    };
    // Not all that can be opened tells its length.
    let file = File::open(path).map_err(failed)?;
    let told = file.metadata().map_err(failed)?.len().min(FILE_MAX);
    // With room to spare nothing is copied about, which would leave pieces of a key behind.
    let room = usize::try_from(told).unwrap_or(0) + 64;
    let mut text = Zeroizing::new(String::with_capacity(room));
    let length = file
        .take(FILE_MAX + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if length as u64 > FILE_MAX {
        return Err(FileErrorKind::TooLong.of(path.into()));
    }
    Ok(text)
}
