//! `ssp identity`: keys of members.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    path::Path,
};

use getrandom::{SysRng, rand_core::UnwrapErr};
use ssp_core::identity::{Ed25519Signer, TrustStore};
use ssp_tokio::files;

use crate::{
    cli,
    error::Failure,
    output::{Event, Printer},
};

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

/// Reads a private key.
fn read_signer(path: &Path) -> Result<Ed25519Signer, Failure> {
    let text = files::read(path)?;
    Ed25519Signer::from_pem(&text).map_err(|error| Failure::of_file(path, error))
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
