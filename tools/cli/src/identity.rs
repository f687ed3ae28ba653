//! `ssp identity`: keys of members.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use getrandom::{SysRng, rand_core::UnwrapErr};
use ssp_core::{
    Credentials,
    identity::{
        AnyOf, Ed25519Signer, IdentityError, OwnIdentity, Trust, TrustStore,
        x509::{CertificateIdentity, CertificateTrust},
    },
};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    cli,
    error::Failure,
    output::{Event, Printer},
};

/// What tells files of certificates from others.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";
/// What tells revocation lists from other files.
const REVOCATION_LIST: &str = "-----BEGIN X509 CRL-----";
/// Largest key or trust file that is read, in bytes.
const FILE_MAX: u64 = 16 << 20;

pub(crate) fn run(options: &cli::Identity, printer: Printer) -> Result<(), Failure> {
    match options {
        cli::Identity::New { file } => {
            let signer = Ed25519Signer::generate(&mut UnwrapErr(SysRng));
            let pem = signer
                .to_pem()
                .map_err(|error| Failure::of_file(file, error))?;
            write_private(file, pem.as_bytes()).map_err(|error| Failure::of_file(file, error))?;
            let key = signer.public_key().to_string();
            let path = file.display().to_string();
            let text = format!("{path}: new key, public key {key}");
            printer.print(
                &Event::new("identity", text)
                    .with("path", path)
                    .with("public_key", key),
            );
            Ok(())
        }
        cli::Identity::Show { file, name } => {
            let key = read_signer(file)?.public_key();
            // Checks the name as a trust file would.
            TrustStore::new()
                .insert(name, key)
                .map_err(|error| Failure::Usage(format!("--name \"{name}\": {error}")))?;
            let line = format!("{name} ed25519 {key}");
            printer.print(
                &Event::new("trust", line)
                    .with("name", name.as_str())
                    .with("algorithm", "ed25519")
                    .with("public_key", key.to_string()),
            );
            Ok(())
        }
    }
}

/// Own identity and trust of a member: raw keys or certificates, as the files say.
pub(crate) fn credentials(identity: &Path, trust: &[PathBuf]) -> Result<Credentials, Failure> {
    Ok(Credentials {
        signer: own(identity)?,
        trust: trusted(trust)?,
    })
}

/// An own identity: a raw key, or a certificate and its key.
pub(crate) fn own(identity: &Path) -> Result<Arc<dyn OwnIdentity>, Failure> {
    let text = Zeroizing::new(read(identity)?);
    let of_file = |error: IdentityError| Failure::of_file(identity, error);
    Ok(if text.contains(CERTIFICATE) {
        Arc::new(CertificateIdentity::from_pem(&text).map_err(of_file)?)
    } else {
        Arc::new(Ed25519Signer::from_pem(&text).map_err(of_file)?)
    })
}

/// Whom these files trust, each of them by keys, or all of them together by certificates.
pub(crate) fn trusted(trust: &[PathBuf]) -> Result<Arc<dyn Trust>, Failure> {
    let (mut authorities, mut names) = (String::new(), Vec::new());
    let mut all: Vec<Arc<dyn Trust>> = Vec::new();
    for path in trust {
        let text = read(path)?;
        if text.contains(CERTIFICATE) || text.contains(REVOCATION_LIST) {
            authorities.push_str(&text);
            authorities.push('\n');
            names.push(path.display().to_string());
        } else {
            let keys: TrustStore = text
                .parse()
                .map_err(|error| Failure::of_file(path, error))?;
            all.push(Arc::new(keys));
        }
    }
    if !names.is_empty() {
        let trust: CertificateTrust = authorities
            .parse()
            .map_err(|error| Failure::of(names.join(", "), error))?;
        all.push(Arc::new(trust));
    }
    Ok(Arc::new(AnyOf(all)))
}

/// Reads a private key.
fn read_signer(path: &Path) -> Result<Ed25519Signer, Failure> {
    let text = Zeroizing::new(read(path)?);
    Ed25519Signer::from_pem(&text).map_err(|error| Failure::of_file(path, error))
}

/// Reads a text file of bounded length.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    let failed = |error: io::Error| Failure::of_file(path, error);
    // Not all that can be opened tells its length.
    let file = File::open(path).map_err(failed)?;
    let told = file.metadata().map_err(failed)?.len().min(FILE_MAX);
    // With room to spare nothing is copied about, which would leave pieces of a key behind.
    let mut text = String::with_capacity(usize::try_from(told).unwrap_or(0) + 64);
    let length = file
        .take(FILE_MAX + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if length as u64 > FILE_MAX {
        text.zeroize();
        let error = format!("more than {FILE_MAX} bytes");
        return Err(Failure::of_file(path, error));
    }
    Ok(text)
}

/// Writes a new file that only its owner may read.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
