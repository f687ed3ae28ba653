//! Command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{ArgGroup, Args, Parser, Subcommand};
use gcs_daemon::access::IpList;
use gcs_proto::{
    name::{DaemonName, GroupName, PrivateName},
    service::Service,
};
use ssp_core::Protocol;
use ssp_tokio::Endpoint;

use crate::{
    flood::Mode,
    security::{Agreement, OPTIONS, REFRESHING, Refreshing, Sealing},
};

/// Secure group communication: contributory keys over ordered, view-synchronous messages.
#[derive(Debug, Parser)]
#[command(
    name = "ssp",
    version,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    /// Print one JSON object a line on standard output; logs go to standard error.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a secure group through every membership event on an embedded daemon.
    #[command(after_help = "Example:\n  ssp demo --group-params ffdhe2048 --members 5")]
    Demo(Demo),
    /// Run the embedded daemon until interrupted.
    #[command(
        after_help = "Example: two virtual daemons that a control socket can part and join\n  \
        ssp daemon --listen 127.0.0.1:4803 --virtual n2=127.0.0.1:4804 --control control.sock\n\n\
        Control commands, one a line: partition n1 | n2, heal, hold, release, stop n2, stats\n\n\
        Example: a daemon for those who are known\n  \
        ssp daemon --trust ca.crt --trust revoked.pem"
    )]
    Daemon(Daemon),
    /// Take part in groups, by hand or from a script on standard input.
    #[command(after_help = "Example:\n  ssp identity new alice.key\n  \
        ssp identity show alice.key --name alice >> trust\n  \
        ssp user --connect 4803@localhost --name alice --identity alice.key --trust trust --group chat\n\n\
        Commands, one a line; end of input is quit:\n  \
        join GROUP               leave GROUP          members GROUP\n  \
        send GROUP TEXT          sendfile GROUP PATH  refresh GROUP\n  \
        flush GROUP              key GROUP LABEL      help")]
    User(User),
    /// Measure throughput and round trips, beside a plain TCP echo of the same sizes.
    #[command(
        after_help = "Example: one sender, three receivers, on an embedded daemon\n  \
        ssp flood --plain --size 1000 --count 200000 --receivers 3 --json\n\n\
        Example: what sealing adds to a message, and a join to a view\n  \
        ssp flood --secure --record aes-256-gcm --size 1000 --receivers 1 --members 50"
    )]
    Flood(Flood),
    /// Let members come, go, crash, part and meet at random, and check all that they see.
    #[command(after_help = "Example: five minutes with all suites in turn\n  \
        ssp soak --minutes 5 --members 24 --virtual 4 --json")]
    Soak(Soak),
    /// Make and show identities.
    #[command(subcommand)]
    Identity(Identity),
    /// Run a small certificate authority: certificates as identities.
    #[command(
        subcommand,
        after_help = "Example: a group whose members know their authority only\n  \
        ssp cert ca ca.pem --name \"Example CA\"\n  \
        ssp cert issue alice.pem --ca ca.pem --name alice\n  \
        ssp user --name alice --identity alice.pem --trust ca.crt --group chat\n  \
        ssp cert revoke alice.pem --ca ca.pem --list revoked.pem"
    )]
    Cert(Cert),
}

/// Options of `ssp demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Members to begin with, 3 to 32.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(3..=32))]
    pub(crate) members: u8,

    /// File to send to the group instead of a text.
    #[arg(long, value_name = "PATH")]
    pub(crate) file: Option<PathBuf>,

    /// How the key is agreed.
    #[command(flatten)]
    pub(crate) agreement: Agreement,

    /// How messages are sealed.
    #[command(flatten)]
    pub(crate) sealing: Sealing,
}

/// Options of `ssp daemon`.
#[derive(Debug, Args)]
pub(crate) struct Daemon {
    /// Address to listen on.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4803")]
    pub(crate) listen: SocketAddr,

    /// Unix socket to listen on as well.
    #[arg(long, value_name = "PATH")]
    pub(crate) unix: Option<PathBuf>,

    /// Name of the daemon.
    #[arg(long, default_value = "n1")]
    pub(crate) name: DaemonName,

    /// Another virtual daemon and its address; may be repeated.
    #[arg(long = "virtual", value_name = "NAME=ADDR")]
    pub(crate) virtual_daemons: Vec<VirtualDaemon>,

    /// Unix socket that takes control commands.
    #[arg(long, value_name = "PATH")]
    pub(crate) control: Option<PathBuf>,

    /// Addresses that may connect: unix, local, ADDRESS or ADDRESS/BITS, separated by commas.
    #[arg(long, value_name = "LIST")]
    pub(crate) allow: Option<IpList>,

    /// Ask everybody who connects for proof of identity, and judge it anew at each join: public
    /// keys by name, or certificates of authorities and revocation lists (PEM). May be repeated; read
    /// again on a hangup signal.
    #[arg(long, value_name = "FILE")]
    pub(crate) trust: Vec<PathBuf>,

    /// With --trust: ask only who wants to join this group, each time; may be repeated.
    #[arg(long, value_name = "GROUP", requires = "trust")]
    pub(crate) guard: Vec<GroupName>,
}

/// A virtual daemon on the command line: `name=address`.
#[derive(Clone, Debug)]
pub(crate) struct VirtualDaemon {
    /// Name.
    pub(crate) name: DaemonName,
    /// Address to listen on.
    pub(crate) address: SocketAddr,
}

impl std::str::FromStr for VirtualDaemon {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, address) = text
            .split_once('=')
            .ok_or_else(|| format!("\"{text}\" is not NAME=ADDR"))?;
        Ok(Self {
            name: name.parse().map_err(|error| format!("{error}"))?,
            address: address
                .parse()
                .map_err(|error| format!("\"{address}\": {error}"))?,
        })
    }
}

/// Options of `ssp user`.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("layer").args(["plain", "flush"])),
    group(ArgGroup::new("secured").args(OPTIONS).args(REFRESHING)
        .args(["trust", "policy", "attempts"]).multiple(true).conflicts_with("layer")),
)]
pub(crate) struct User {
    /// Daemon: PORT@HOST, PORT (Unix socket) or HOST:PORT. May be repeated: they are tried in turn.
    #[arg(long, value_name = "DAEMON", default_value = "4803@localhost")]
    pub(crate) connect: Vec<Endpoint>,

    /// Rounds of attempts, to all daemons, to replace a lost connection: 0 for none. Without this
    /// option it is tried for ever.
    #[arg(long, value_name = "ROUNDS")]
    pub(crate) attempts: Option<u32>,

    /// Private name, at most 10 characters.
    #[arg(long)]
    pub(crate) name: PrivateName,

    /// Group to join at once.
    #[arg(long)]
    pub(crate) group: Option<GroupName>,

    /// Own private key (PEM), see `ssp identity new`; or private key and certificate, see
    /// `ssp cert issue`. Also shown to a daemon that asks, with --plain and --flush too.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["plain", "flush"])]
    pub(crate) identity: Option<PathBuf>,

    /// Public keys of all members, see `ssp identity show`; or certificates of authorities and
    /// revocation lists (PEM), see `ssp cert`. May be repeated.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["plain", "flush"])]
    pub(crate) trust: Vec<PathBuf>,

    /// Rules on who may join, send and be heard; what they do not allow is denied.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,

    /// Bare messages without views or keys.
    #[arg(long)]
    pub(crate) plain: bool,

    /// View-synchronous messages without keys.
    #[arg(long)]
    pub(crate) flush: bool,

    /// Ask before a view change; the command `flush GROUP` permits it.
    #[arg(long)]
    pub(crate) manual_flush: bool,

    /// How the key is agreed.
    #[command(flatten)]
    pub(crate) agreement: Agreement,

    /// How messages are sealed.
    #[command(flatten)]
    pub(crate) sealing: Sealing,

    /// When a new key is asked for.
    #[command(flatten)]
    pub(crate) refreshing: Refreshing,
}

/// Options of `ssp flood`.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("mode").args(["plain", "flush", "secure"])),
    group(ArgGroup::new("secured").args(OPTIONS).multiple(true)
        .requires("secure").conflicts_with_all(["plain", "flush"])),
)]
pub(crate) struct Flood {
    /// Measure bare messages (the default).
    #[arg(long)]
    pub(crate) plain: bool,

    /// Measure the flush layer.
    #[arg(long)]
    pub(crate) flush: bool,

    /// Measure secure groups against bare messages by turns, on the same daemon.
    #[arg(long)]
    pub(crate) secure: bool,

    /// Daemon to use instead of an embedded one.
    #[arg(long, value_name = "DAEMON")]
    pub(crate) connect: Option<Endpoint>,

    /// Bytes of a message.
    #[arg(long, value_name = "BYTES", default_value_t = 100)]
    pub(crate) size: usize,

    /// Messages to send.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: u64,

    /// Clients that receive; with 0 the sender receives its own messages.
    #[arg(long, default_value_t = 0)]
    pub(crate) receivers: u16,

    /// Service of the messages.
    #[arg(long, default_value_t = Service::Agreed)]
    pub(crate) service: Service,

    /// With --flush or --secure: also measure joins, one member after the other, up to this many;
    /// with --secure of TGDH and GDH beside the flush layer.
    #[arg(long, value_name = "N", conflicts_with = "plain", requires = "mode")]
    pub(crate) members: Option<usize>,

    /// Rounds of joins, of which the median counts.
    #[arg(long, default_value_t = 5, requires = "members")]
    pub(crate) rounds: usize,

    /// With --secure: how the key is agreed.
    #[command(flatten)]
    pub(crate) agreement: Agreement,

    /// With --secure: how messages are sealed.
    #[command(flatten)]
    pub(crate) sealing: Sealing,
}

impl Flood {
    /// Which layer to measure.
    pub(crate) const fn mode(&self) -> Mode {
        match (self.flush, self.secure) {
            (_, true) => Mode::Secure,
            (true, false) => Mode::Flush,
            (false, false) => Mode::Plain,
        }
    }

    /// Round trips to measure: fewer than messages, they go one at a time.
    pub(crate) fn round_trips(&self) -> usize {
        usize::try_from(self.count / 50)
            .unwrap_or(usize::MAX)
            .clamp(10, 5_000)
    }
}

/// Options of `ssp soak`.
#[derive(Debug, Args)]
pub(crate) struct Soak {
    /// Minutes, shared among the suites; each has at least one round.
    #[arg(long, default_value_t = 5.0)]
    pub(crate) minutes: f64,

    /// Most members at a time.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u8).range(2..=100))]
    pub(crate) members: u8,

    /// Virtual daemons.
    #[arg(long = "virtual", value_name = "V", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) daemons: u8,

    /// Only this suite.
    #[arg(long, visible_alias = "suite")]
    pub(crate) protocol: Option<Protocol>,

    /// Milliseconds between two messages of a member.
    #[arg(long, value_name = "MS", default_value_t = 40, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) pause: u64,

    /// Makes the same choices as the run that told this number; what the network makes of them may differ.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
}

/// Subcommands of `ssp identity`.
#[derive(Debug, Subcommand)]
pub(crate) enum Identity {
    /// Make an Ed25519 key and write it to a new file that only its owner may read.
    #[command(after_help = "Example:\n  ssp identity new alice.key")]
    New {
        /// File to write (PKCS#8 PEM, mode 0600); must not exist.
        file: PathBuf,
    },
    /// Print the line of a trust file for a key.
    #[command(after_help = "Example:\n  ssp identity show alice.key --name alice >> trust")]
    Show {
        /// File of the private key.
        file: PathBuf,
        /// Member: a private name (at any daemon), or a private group such as #alice#n1.
        #[arg(long)]
        name: String,
    },
}

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
