//! Options of `ssp daemon`.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use gcs_daemon::access::IpList;
use gcs_proto::name::{DaemonName, GroupName};

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

    /// Ask every client for proof of identity when it connects, and check it again at each join: public
    /// keys by name, or certificates of authorities and revocation lists (PEM). May be repeated; the
    /// files are read again on a hangup signal.
    #[arg(long, value_name = "FILE")]
    pub(crate) trust: Vec<PathBuf>,

    /// With --trust: ask for the proof only at joins of this group, each time; may be repeated.
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
