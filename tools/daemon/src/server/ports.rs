//! Sockets that clients come in by.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use gcs_proto::name::DaemonName;
use tokio::{
    net::{TcpListener, TcpSocket, UnixListener},
    task::JoinHandle,
};
use tracing::{debug, warn};

use super::{builder::VirtualDaemon, client::Acceptor};
use crate::{access::Origin, error::Error};

/// Pause after the system had no descriptor or memory for one more connection.
const BREATHER: Duration = Duration::from_millis(50);

/// Connections that the system takes in before we do (the default of tokio).
const BACKLOG: u32 = 1_024;

/// Where a virtual daemon listens.
#[derive(Clone, Debug)]
enum Endpoint {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// A virtual daemon's sockets.
#[derive(Debug)]
struct Port {
    endpoints: Vec<Endpoint>,
    acceptor: Acceptor,
    listeners: Vec<JoinHandle<()>>,
    /// Unix sockets that this daemon made and has to remove.
    made: Vec<PathBuf>,
}

/// The sockets of all virtual daemons.
#[derive(Debug, Default)]
pub(crate) struct Ports {
    ports: BTreeMap<DaemonName, Port>,
}

impl Ports {
    pub(crate) fn add(&mut self, daemon: &VirtualDaemon, acceptor: Acceptor) {
        let tcp = daemon.tcp.iter().copied().map(Endpoint::Tcp);
        let unix = daemon.unix.iter().cloned().map(Endpoint::Unix);
        self.ports.insert(
            daemon.name,
            Port {
                endpoints: tcp.chain(unix).collect(),
                acceptor,
                listeners: Vec::new(),
                made: Vec::new(),
            },
        );
    }

    /// Binds a daemon's sockets; a TCP port chosen by the system stays the daemon's own.
    pub(crate) async fn open(&mut self, name: &DaemonName) -> Result<Vec<SocketAddr>, Error> {
        let port = self
            .ports
            .get_mut(name)
            .ok_or(Error::UnknownDaemon(*name))?;
        let mut bound = Vec::new();
        let mut sockets = Vec::new();
        for endpoint in &mut port.endpoints {
            let socket = bind(endpoint)?;
            match endpoint {
                Endpoint::Tcp(address) => bound.push(*address),
                Endpoint::Unix(path) => port.made.push(path.clone()),
            }
            sockets.push(socket);
        }
        for socket in sockets {
            let acceptor = port.acceptor.clone();
            port.listeners.push(tokio::spawn(async move {
                match socket {
                    Socket::Tcp(listener) => accept_tcp(listener, acceptor).await,
                    Socket::Unix(listener) => accept_unix(listener, acceptor).await,
                }
            }));
        }
        Ok(bound)
    }

    /// Closes a daemon's sockets; when this returns they are free again.
    pub(crate) async fn close(&mut self, name: &DaemonName) {
        if let Some(port) = self.ports.get_mut(name) {
            port.close().await;
        }
    }

    /// The sockets are given up with the first poll, also if nobody waits for the end of it.
    pub(crate) async fn close_all(&mut self) {
        self.ports.values().for_each(Port::abort);
        for port in self.ports.values_mut() {
            port.close().await;
        }
    }
}

impl Port {
    fn abort(&self) {
        self.listeners.iter().for_each(JoinHandle::abort);
    }

    async fn close(&mut self) {
        self.abort();
        for listener in self.listeners.drain(..) {
            // An aborted task ends with an error that says so.
            let _ = listener.await;
        }
        for path in self.made.drain(..) {
            // Somebody may have removed it before us.
            let _ = std::fs::remove_file(path);
        }
    }
}

enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

fn bind(endpoint: &mut Endpoint) -> Result<Socket, Error> {
    match endpoint {
        Endpoint::Tcp(address) => {
            let what = || format!("listening on {address}");
            let listener = bind_tcp(*address).map_err(|error| Error::io(what(), &error))?;
            *address = listener
                .local_addr()
                .map_err(|error| Error::io(what(), &error))?;
            Ok(Socket::Tcp(listener))
        }
        Endpoint::Unix(path) => bind_unix(path, Access::Everybody).map(Socket::Unix),
    }
}

/// Accepted sockets inherit the keep-alive: it is all that finds out about a peer whose machine is
/// gone, since the protocol has no heartbeat and an idle session lives for ever.
fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.set_reuseaddr(true)?;
    socket.set_keepalive(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Who may connect to a Unix socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Clients of the daemon, whoever they are (mode 0666).
    Everybody,
    /// The user that runs the daemon (mode 0600).
    Owner,
}

/// Binds a Unix socket, replacing one that was left behind; any other file there is left alone.
pub(crate) fn bind_unix(path: &Path, access: Access) -> Result<UnixListener, Error> {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt};

    let failed = |error: io::Error| Error::io(format!("listening on {}", path.display()), &error);
    if let Ok(metadata) = std::fs::symlink_metadata(path)
        && metadata.file_type().is_socket()
    {
        // One that answers belongs to a running daemon; one left behind refuses.
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(failed(io::ErrorKind::AddrInUse.into()));
        }
        std::fs::remove_file(path).map_err(failed)?;
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    let mode = match access {
        Access::Everybody => 0o666,
        Access::Owner => 0o600,
    };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).map_err(failed)?;
    Ok(listener)
}

async fn accept_tcp(listener: TcpListener, acceptor: Acceptor) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                debug!(%peer, daemon = %acceptor.daemon(), "connection");
                if let Err(error) = stream.set_nodelay(true) {
                    debug!(%peer, %error, "no TCP_NODELAY");
                }
                let (reader, writer) = stream.into_split();
                acceptor.admit(reader, writer, Origin::Tcp(peer.ip()));
            }
            Err(error) => {
                warn!(%error, "accept");
                tokio::time::sleep(BREATHER).await;
            }
        }
    }
}

async fn accept_unix(listener: UnixListener, acceptor: Acceptor) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (reader, writer) = stream.into_split();
                acceptor.admit(reader, writer, Origin::Local);
            }
            Err(error) => {
                warn!(%error, "accept");
                tokio::time::sleep(BREATHER).await;
            }
        }
    }
}
