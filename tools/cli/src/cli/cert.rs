//! Options of `ssp cert`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Subcommands of `ssp cert`.
#[derive(Debug, Subcommand)]
pub(crate) enum Cert {
    /// Make an authority: its key and certificate in one file, its certificate in another.
    #[command(
        after_help = "Example:\n  ssp cert ca ca.pem --name \"Example CA\" --field O=Example"
    )]
    Ca(CertCa),
    /// Make a key and a certificate for a member.
    #[command(
        after_help = "Example:\n  ssp cert issue alice.pem --ca ca.pem --name alice --field OU=Board"
    )]
    Issue(CertIssue),
    /// Show the certificates of a file.
    #[command(after_help = "Example:\n  ssp cert show alice.pem")]
    Show {
        /// File with certificates (PEM); keys in it are not looked at.
        file: PathBuf,
    },
    /// Take certificates back: write or continue a revocation list.
    #[command(
        after_help = "Example:\n  ssp cert revoke alice.pem --ca ca.pem --list revoked.pem\n\n\
        Members learn of it by the list: ssp user --trust ca.crt --trust revoked.pem\n\
        Without certificates the list is renewed."
    )]
    Revoke(CertRevoke),
}

/// Options of `ssp cert ca`.
#[derive(Debug, Args)]
pub(crate) struct CertCa {
    /// File to write (key and certificate, mode 0600); must not exist. The certificate alone goes to
    /// the same name with the ending .crt.
    pub(crate) file: PathBuf,

    /// Name of the authority.
    #[arg(long)]
    pub(crate) name: String,

    /// Further field of the subject; may be repeated.
    #[arg(long = "field", value_name = "O|OU|L|ST|C=VALUE")]
    pub(crate) fields: Vec<Field>,

    /// Kind of the key.
    #[arg(long, value_enum, default_value_t = KeyKind::Ed25519)]
    pub(crate) algorithm: KeyKind,

    /// Days that it is valid.
    #[arg(long, default_value_t = 3650, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub(crate) days: u32,
}

/// Options of `ssp cert issue`.
#[derive(Debug, Args)]
pub(crate) struct CertIssue {
    /// File to write (key and certificate, mode 0600); must not exist.
    pub(crate) file: PathBuf,

    /// The authority's file.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: PathBuf,

    /// Member: a private name (at any daemon), or a private group such as #alice#n1.
    #[arg(long)]
    pub(crate) name: String,

    /// Further field of the subject, which policies can ask for; may be repeated.
    #[arg(long = "field", value_name = "O|OU|L|ST|C=VALUE")]
    pub(crate) fields: Vec<Field>,

    /// Kind of the key.
    #[arg(long, value_enum, default_value_t = KeyKind::Ed25519)]
    pub(crate) algorithm: KeyKind,

    /// Days that it is valid.
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub(crate) days: u32,
}

/// Options of `ssp cert revoke`.
#[derive(Debug, Args)]
pub(crate) struct CertRevoke {
    /// Files with the certificates to take back.
    pub(crate) certificates: Vec<PathBuf>,

    /// The authority's file.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: PathBuf,

    /// Revocation list (PEM); it is continued if it is there.
    #[arg(long, value_name = "FILE")]
    pub(crate) list: PathBuf,

    /// Serial number to take back, where its file is lost; may be repeated.
    #[arg(long = "serial", value_name = "HEX")]
    pub(crate) serials: Vec<String>,

    /// Days after which the list is out of date.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub(crate) days: u32,
}

/// A field of a subject on the command line: `O=Example`.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Name of the field.
    pub(crate) name: String,
    /// Its value.
    pub(crate) value: String,
}

impl std::str::FromStr for Field {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !value.is_empty() => Ok(Self {
                name: name.into(),
                value: value.into(),
            }),
            _ => Err(format!("\"{text}\" is not FIELD=VALUE")),
        }
    }
}

/// Kind of a key on the command line.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum KeyKind {
    /// Ed25519.
    Ed25519,
    /// ECDSA over P-256.
    EcdsaP256,
}

impl From<KeyKind> for ssp_core::identity::x509::KeyAlgorithm {
    fn from(kind: KeyKind) -> Self {
        match kind {
            KeyKind::Ed25519 => Self::Ed25519,
            KeyKind::EcdsaP256 => Self::EcdsaP256,
        }
    }
}
