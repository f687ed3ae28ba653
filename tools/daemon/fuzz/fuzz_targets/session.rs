//! A client that sends a running daemon anything, in pieces of any size, while another one watches.
//!
//! The first byte is the size of the pieces; if it is odd, a handshake is made first, so that the
//! rest meets a session. Whatever comes, the daemon closes the stream or keeps it, ends the session
//! when the client goes, and still serves the other client. The group `other`, which the seeds join,
//! asks for proof of identity.
#![no_main]

use std::{cell::RefCell, sync::Arc, time::Duration};

use gcs_daemon::{Daemon, VirtualDaemon, access::ProofOfIdentity};
use gcs_proto::{
    connection::Connection,
    gcs::{GcsCommand, GcsEvent, Multicast},
    handshake::{ClientHandshake, ConnectOptions},
    service::Service,
};
use libfuzzer_sys::fuzz_target;
use ssp_identity::TrustStore;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    runtime::Runtime,
    time::timeout,
};

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(5);

struct World {
    runtime: Runtime,
    daemon: Daemon,
    stream: DuplexStream,
    watcher: Connection,
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let (daemon, stream, watcher) = runtime.block_on(async {
            let n1 = VirtualDaemon::new("n1".parse().unwrap());
            let nobody = ProofOfIdentity::new(Arc::new(TrustStore::new()));
            let proof = nobody.for_joins_of(["other".parse().unwrap()]);
            let builder = Daemon::builder().daemon(n1).proof_of_identity(proof);
            let daemon = builder.start().await.unwrap();
            let (mut stream, mut watcher) = connect(&daemon, "watcher").await;
            watcher
                .command(GcsCommand::Join("g".parse().unwrap()))
                .unwrap();
            transmit(&mut stream, &mut watcher).await;
            (daemon, stream, watcher)
        });
        Self {
            runtime,
            daemon,
            stream,
            watcher,
        }
    }

    fn feed(&mut self, size: u8, bytes: &[u8]) {
        let Self {
            runtime,
            daemon,
            stream,
            watcher,
        } = self;
        runtime.block_on(async {
            let mut hostile = if size % 2 == 1 {
                connect(daemon, "hostile").await.0
            } else {
                daemon.connect_in_process(&"n1".parse().unwrap()).unwrap()
            };
            for piece in bytes.chunks(usize::from(size).max(1) * 8) {
                // The daemon may have closed it.
                if hostile.write_all(piece).await.is_err() {
                    break;
                }
            }
            let _ = hostile.shutdown().await;
            let mut rest = Vec::new();
            let read = timeout(LIMIT, hostile.read_to_end(&mut rest)).await;
            let _ = read.expect("the stream ends when its client goes");
            drop(hostile);

            let body = b"still there".to_vec();
            let message =
                Multicast::to_group("g".parse().unwrap(), Service::Agreed, 77, body.into());
            watcher.command(GcsCommand::Multicast(message)).unwrap();
            transmit(stream, watcher).await;
            let own = *watcher.private_group();
            timeout(LIMIT, async {
                loop {
                    while let Some(event) = watcher.poll_event() {
                        match event {
                            GcsEvent::Message(message)
                                if message.sender == own && message.message_type == 77 =>
                            {
                                return;
                            }
                            GcsEvent::Closed(reason) => panic!("the watcher is closed: {reason:?}"),
                            _ => {}
                        }
                    }
                    let read = stream.read_buf(watcher.read_buffer()).await;
                    assert!(read.unwrap() > 0);
                }
            })
            .await
            .expect("the watcher is served");
            let stats = daemon.control().stats().await.unwrap();
            assert_eq!(stats.sessions, 1, "the session is over");
        });
    }
}

async fn connect(daemon: &Daemon, name: &str) -> (DuplexStream, Connection) {
    let mut stream = daemon.connect_in_process(&"n1".parse().unwrap()).unwrap();
    let options = ConnectOptions::new().name(name.parse().unwrap());
    let mut handshake = ClientHandshake::new(options);
    let mut chunk = [0; 256];
    loop {
        while let Some(record) = handshake.poll_transmit() {
            stream.write_all(&record).await.unwrap();
        }
        let length = stream.read(&mut chunk).await.unwrap();
        if let Some(connection) = handshake.handle_bytes(&chunk[..length]).unwrap() {
            return (stream, connection);
        }
    }
}

async fn transmit(stream: &mut DuplexStream, connection: &mut Connection) {
    while let Some(bytes) = connection.poll_transmit() {
        stream.write_all(&bytes).await.unwrap();
    }
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::new(World::new());
}

fuzz_target!(|data: &[u8]| {
    if let Some((size, bytes)) = data.split_first() {
        WORLD.with_borrow_mut(|world| world.feed(*size, bytes));
    }
});
