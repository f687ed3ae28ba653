//! The command line: a file for the options of each command.

mod cert;
mod daemon;
mod demo;
mod flood;
mod identity;
mod soak;
mod user;

use clap::{Parser, Subcommand};

pub(crate) use self::{
    cert::{Cert, CertCa, CertIssue, CertRevoke, Field},
    daemon::Daemon,
    demo::Demo,
    flood::{Flood, Mode},
    identity::Identity,
    soak::Soak,
    user::User,
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
        after_help = "Example: two virtual daemons that a control socket can partition and heal\n  \
        ssp daemon --listen 127.0.0.1:4803 --virtual n2=127.0.0.1:4804 --control control.sock\n\n\
        Control commands, one a line: partition n1 | n2, heal, hold, release, stop n2, stats\n\n\
        Example: a daemon that asks for proof of identity\n  \
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
    /// Run random joins, leaves, crashes, partitions and merges under traffic, and check what members see.
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
