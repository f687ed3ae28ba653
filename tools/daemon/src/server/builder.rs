//! What a daemon is to be made of.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use gcs_proto::name::DaemonName;

use super::{Daemon, outbox::QueueBounds};
use crate::{
    access::{AccessPolicy, Authentication, PermitAll, ProofOfIdentity},
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
#[derive(Clone)]
pub struct Builder {
    pub(crate) daemons: Vec<VirtualDaemon>,
    pub(crate) control: Option<PathBuf>,
    pub(crate) authentication: Authentication,
    pub(crate) proof: Option<ProofOfIdentity>,
    pub(crate) policy: Arc<dyn AccessPolicy>,
    pub(crate) bounds: QueueBounds,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            daemons: Vec::new(),
            control: None,
            authentication: Authentication::anybody(),
            proof: None,
            policy: Arc::new(PermitAll),
            bounds: QueueBounds::default(),
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("daemons", &self.daemons)
            .field("control", &self.control)
            .field("authentication", &self.authentication)
            .field("proof", &self.proof)
            .field("bounds", &self.bounds)
            .finish_non_exhaustive()
    }
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

    /// Authenticates clients so; without this everybody is let in ([`Authentication::anybody`]).
    #[must_use]
    pub fn authentication(mut self, authentication: Authentication) -> Self {
        self.authentication = authentication;
        self
    }

    /// Asks clients for proof of identity, to connect or to join, beside what
    /// [`authentication`](Self::authentication) asks of them; without this nobody is asked.
    #[must_use]
    pub fn proof_of_identity(mut self, proof: ProofOfIdentity) -> Self {
        self.proof = Some(proof);
        self
    }

    /// Judges clients and requests by this policy; without one everything is permitted.
    #[must_use]
    pub fn policy(mut self, policy: impl AccessPolicy + 'static) -> Self {
        self.policy = Arc::new(policy);
        self
    }

    /// Bounds of what waits to be written to each client; who exceeds one is closed. A bound on
    /// bytes below the longest message is raised to that.
    #[must_use]
    pub fn queue_bounds(mut self, bounds: QueueBounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Binds all sockets and starts, in the current tokio runtime.
    ///
    /// # Errors
    /// A configuration error ([`Error::NoDaemon`], [`Error::DuplicateDaemon`]...) or
    /// [`Error::Io`] naming the socket; nothing is left running then.
    ///
    /// # Cancel safety
    /// Cancel safe: it starts in one step, and a daemon started for nobody is shut down; what was bound
    /// before an error is closed in the background.
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
