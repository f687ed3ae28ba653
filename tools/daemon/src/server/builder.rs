//! What a daemon is to be made of.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use gcs_proto::name::DaemonName;

use super::Daemon;
use crate::{
    error::Error,
    router::{Configuration, DaemonEntry},
};

/// One virtual daemon: a name, and where clients find it.
///
/// ```
/// use gcs_daemon::VirtualDaemon;
///
/// let n1 = VirtualDaemon::new("n1".parse()?).listen("127.0.0.1:0".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualDaemon {
    pub(crate) name: DaemonName,
    pub(crate) address: Option<Ipv4Addr>,
    pub(crate) tcp: Vec<SocketAddr>,
    pub(crate) unix: Vec<PathBuf>,
}

impl VirtualDaemon {
    /// A daemon that listens nowhere: reached by
    /// [`connect_in_process`](Daemon::connect_in_process) only.
    #[must_use]
    pub fn new(name: DaemonName) -> Self {
        Self {
            name,
            address: None,
            tcp: Vec::new(),
            unix: Vec::new(),
        }
    }

    /// Listens on one more TCP address; port 0 takes any free port.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.tcp.push(address);
        self
    }

    /// Listens on one more Unix socket. A socket left behind at the path is replaced.
    #[must_use]
    pub fn unix(mut self, path: impl Into<PathBuf>) -> Self {
        self.unix.push(path.into());
        self
    }

    /// Sets the identifier that group ids carry; without it daemons are 127.0.0.11, .12 and so on.
    #[must_use]
    pub fn address(mut self, address: Ipv4Addr) -> Self {
        self.address = Some(address);
        self
    }
}

impl From<DaemonName> for VirtualDaemon {
    fn from(name: DaemonName) -> Self {
        Self::new(name)
    }
}

/// Collects virtual daemons, in the order of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    pub(crate) daemons: Vec<VirtualDaemon>,
    pub(crate) control: Option<PathBuf>,
}

impl Builder {
    /// Adds a virtual daemon.
    #[must_use]
    pub fn daemon(mut self, daemon: impl Into<VirtualDaemon>) -> Self {
        self.daemons.push(daemon.into());
        self
    }

    /// Takes control commands on a Unix socket (see [`console`](crate::server::console)).
    #[must_use]
    pub fn control(mut self, path: impl Into<PathBuf>) -> Self {
        self.control = Some(path.into());
        self
    }

    /// Binds all sockets and starts, in the current tokio runtime.
    ///
    /// # Errors
    /// A configuration error ([`Error::NoDaemon`], [`Error::DuplicateDaemon`]...) or
    /// [`Error::Io`] naming the socket; nothing is left running then.
    pub async fn start(self) -> Result<Daemon, Error> {
        Daemon::start(self).await
    }

    pub(crate) fn configuration(&self) -> Result<Configuration, Error> {
        let entries = self
            .daemons
            .iter()
            .enumerate()
            .map(|(position, daemon)| DaemonEntry {
                name: daemon.name,
                address: daemon
                    .address
                    .unwrap_or_else(|| Configuration::default_address(position)),
            })
            .collect();
        Configuration::new(entries)
    }
}
