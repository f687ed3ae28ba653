//! Bounds, time limits and credentials of a connection.

use core::fmt;
use std::{path::Path, sync::Arc};

use gcs_proto::{
    handshake::{
        ClientHandshake, ConnectOptions, Credentials, MembershipMessages, Method, Priority,
    },
    name::{DaemonName, MemberName, PrivateName},
};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use ssp_core::{
    SessionConfig,
    access::{AccessPolicy, AllowAll},
    identity::OwnIdentity,
};
use tokio::time::Duration;

use crate::{
    error::Error,
    files::{self, FileError},
    prover::Prover,
};

/// What every kind of client needs to know of its connection.
///
/// ```
/// use ssp_tokio::ConnectionConfig;
/// use std::time::Duration;
///
/// let config = ConnectionConfig::new()
///     .name("alice".parse()?)
///     .connect_timeout(Duration::from_secs(3));
/// # let _ = config;
/// # Ok::<(), ssp_tokio::gcs_proto::name::NameError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ConnectionConfig {
    options: ConnectOptions,
    credentials: Option<Arc<Credentials>>,
    prover: Prover,
    daemon: Option<DaemonName>,
    connect_timeout: Duration,
    bounds: Bounds,
}

/// Bounds that a driver task keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) commands: usize,
    pub(crate) events: usize,
    pub(crate) unsent_bytes: usize,
    pub(crate) farewell: Duration,
    pub(crate) wait_limit: Duration,
}

impl ConnectionConfig {
    /// A name chosen by the daemon, 5 seconds to connect, queues of 64 commands and 256 events.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            options: ConnectOptions::new(),
            credentials: None,
            prover: Prover(None),
            daemon: None,
            connect_timeout: Duration::from_secs(5),
            bounds: Bounds {
                commands: 64,
                events: 256,
                unsent_bytes: 1 << 20,
                farewell: Duration::from_secs(2),
                wait_limit: Duration::from_secs(30),
            },
        }
    }

    /// Name to have at the daemon; without one the daemon chooses.
    #[must_use]
    pub const fn name(mut self, name: PrivateName) -> Self {
        self.options = self.options.name(name);
        self
    }

    /// Whether the daemon is to send membership messages. Groups need them; only a bare client
    /// that just sends and listens can go without.
    #[must_use]
    pub const fn membership(mut self, membership: MembershipMessages) -> Self {
        self.options = self.options.membership(membership);
        self
    }

    /// Priority, which daemons store and do nothing with.
    #[must_use]
    pub const fn priority(mut self, priority: Priority) -> Self {
        self.options = self.options.priority(priority);
        self
    }

    /// Authentication method to ask the daemon for.
    #[must_use]
    pub const fn method(mut self, method: Method) -> Self {
        self.options = self.options.method(method);
        self
    }

    /// Authenticates by password as well ([`Method::Password`]).
    ///
    /// # Security
    /// User name and password travel to the daemon in clear text.
    #[must_use]
    pub fn credentials(mut self, credentials: impl Into<Arc<Credentials>>) -> Self {
        self.credentials = Some(credentials.into());
        self
    }

    /// Proves to be this, where the daemon asks for it when connecting or before a join
    /// ([`Method::Proof`]). A secure client does so with its own credentials unless another identity
    /// is given here.
    #[must_use]
    pub fn identity(mut self, identity: Arc<dyn OwnIdentity>) -> Self {
        self.prover = Prover(Some(identity));
        self
    }

    /// Takes no daemon but the one of this name: another one is refused when it tells its name, and
    /// gets no proof of identity.
    ///
    /// # Security
    /// Without this, who answers in the daemon's place can pass its challenge on to another daemon
    /// that trusts the same members, under that one's name.
    #[must_use]
    pub const fn daemon(mut self, name: DaemonName) -> Self {
        self.daemon = Some(name);
        self
    }

    /// Time limit for opening the stream, and again for the handshake.
    #[must_use]
    pub const fn connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Commands that may wait for the connection's task; at least one.
    #[must_use]
    pub const fn command_queue(mut self, commands: usize) -> Self {
        self.bounds.commands = at_least_one(commands);
        self
    }

    /// Events that may wait for the application, in each group of a secure client and altogether
    /// in the others; at least one. When they are there the daemon is no longer read.
    #[must_use]
    pub const fn event_queue(mut self, events: usize) -> Self {
        self.bounds.events = at_least_one(events);
        self
    }

    /// Unsent bytes above which senders wait; at least one.
    #[must_use]
    pub const fn unsent_bytes(mut self, bytes: usize) -> Self {
        self.bounds.unsent_bytes = at_least_one(bytes);
        self
    }

    /// Time limit for the last bytes of a connection that is being ended.
    #[must_use]
    pub const fn farewell_timeout(mut self, limit: Duration) -> Self {
        self.bounds.farewell = limit;
        self
    }

    /// Time limit for calls that wait for other members: a send during a refresh or before the key is
    /// confirmed, a send for the next secure view, a part while a member is a window behind, a leave.
    #[must_use]
    pub const fn wait_limit(mut self, limit: Duration) -> Self {
        self.bounds.wait_limit = limit;
        self
    }

    /// The beginning of a handshake.
    pub(crate) fn handshake(&self) -> ClientHandshake {
        let handshake = match &self.credentials {
            Some(credentials) => {
                ClientHandshake::with_credentials(self.options, Arc::clone(credentials))
            }
            None => ClientHandshake::new(self.options),
        };
        if self.prover.can_prove() {
            handshake.prove_if_asked()
        } else {
            handshake
        }
    }

    pub(crate) const fn prover(&self) -> &Prover {
        &self.prover
    }

    /// Whether the daemon that calls this session `member` is the wanted one.
    pub(crate) fn check_daemon(&self, member: &MemberName) -> Result<(), Error> {
        match &self.daemon {
            Some(wanted)
                if member.as_bytes().rsplit(|byte| *byte == b'#').next()
                    != Some(wanted.as_bytes()) =>
            {
                Err(Error::OtherDaemon {
                    wanted: *wanted,
                    found: *member,
                })
            }
            Some(_) | None => Ok(()),
        }
    }

    pub(crate) const fn connect_limit(&self) -> Duration {
        self.connect_timeout
    }

    pub(crate) const fn bounds(&self) -> Bounds {
        self.bounds
    }
}

impl Default for ConnectionConfig {
    fn default() -> Self {
        Self::new()
    }
}

const fn at_least_one(count: usize) -> usize {
    if count == 0 { 1 } else { count }
}

/// Where the random numbers of a connection come from.
#[derive(Clone)]
pub(crate) enum Randomness {
    System,
    Seed([u8; 32]),
}

/// Everything a secure client needs: its connection, its identity and its session. Copies share the
/// identity.
#[derive(Clone)]
pub struct ClientConfig {
    connection: ConnectionConfig,
    credentials: ssp_core::Credentials,
    policy: Arc<dyn AccessPolicy>,
    session: SessionConfig,
    randomness: Randomness,
}

impl ClientConfig {
    /// A client called `name` at its daemon, which signs and trusts with `credentials`; with them it
    /// also proves who it is to a daemon that asks.
    #[must_use]
    pub fn new(name: PrivateName, credentials: ssp_core::Credentials) -> Self {
        Self {
            connection: ConnectionConfig::new().name(name),
            credentials,
            policy: Arc::new(AllowAll),
            session: SessionConfig::default(),
            randomness: Randomness::System,
        }
    }

    /// A client called `name` at its daemon, with the own identity of one file and the trust of
    /// others; what may stand in them tells [`files`]. Reading blocks.
    ///
    /// # Errors
    /// [`FileError`], with the file and what is wrong with it.
    pub fn from_files<P: AsRef<Path>>(
        name: PrivateName,
        identity: impl AsRef<Path>,
        trust: impl IntoIterator<Item = P>,
    ) -> Result<Self, FileError> {
        Ok(Self::new(name, files::credentials(identity, trust)?))
    }

    /// Asks `policy` who may join, send and be heard in which group; without one, whoever is trusted
    /// may do all of it. A denial is told here, by an error or by
    /// [`GroupEvent::Denied`](crate::GroupEvent::Denied), and to nobody else.
    #[must_use]
    pub fn policy(mut self, policy: Arc<dyn AccessPolicy>) -> Self {
        self.policy = policy;
        self
    }

    /// Changes bounds and time limits of the connection. The name stays unless changed there.
    #[must_use]
    pub fn connection(mut self, change: impl FnOnce(ConnectionConfig) -> ConnectionConfig) -> Self {
        self.connection = change(self.connection);
        self
    }

    /// Bounds and delays of the session. The capabilities in it are replaced by those that the
    /// daemon has.
    #[must_use]
    pub fn session(mut self, session: SessionConfig) -> Self {
        self.session = session;
        self
    }

    /// Makes all random numbers follow from `seed`.
    ///
    /// # Security
    /// For tests and simulations only: whoever knows the seed knows every key.
    #[must_use]
    pub fn insecure_seed(mut self, seed: [u8; 32]) -> Self {
        self.randomness = Randomness::Seed(seed);
        self
    }

    /// The configuration of the connection with this number, from 0: as it is, but that no
    /// connection repeats the random numbers of another.
    pub(crate) fn for_connection(&self, number: u64) -> Self {
        let mut config = self.clone();
        if let Randomness::Seed(seed) = &mut config.randomness {
            let mut stream = ChaCha20Rng::from_seed(*seed);
            stream.set_stream(number);
            stream.fill_bytes(seed);
        }
        config
    }

    pub(crate) const fn connect_limit(&self) -> Duration {
        self.connection.connect_limit()
    }

    pub(crate) fn access_policy(&self) -> Arc<dyn AccessPolicy> {
        Arc::clone(&self.policy)
    }

    pub(crate) fn into_parts(
        self,
    ) -> (
        ConnectionConfig,
        ssp_core::Credentials,
        SessionConfig,
        Randomness,
    ) {
        let mut connection = self.connection;
        if !connection.prover.can_prove() {
            connection.prover = Prover(Some(Arc::clone(&self.credentials.signer)));
        }
        (connection, self.credentials, self.session, self.randomness)
    }
}

impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfig")
            .field("connection", &self.connection)
            .field("policy", &self.policy)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
