//! A secure group without a runtime: the session, the protocol, and one blocking socket.
//!
//! ```text
//! ssp daemon &
//! cargo run -p ssp-core --example bare -- 127.0.0.1:4803 alice alice.key trust &
//! cargo run -p ssp-core --example bare -- 127.0.0.1:4803 bob   bob.key   trust
//! ```
//!
//! The key and the trust file are those of `ssp identity`. Each member greets every new secure
//! view and prints what the others say; after the view of two and both greetings it ends.
//!
//! ```text
//!   socket --bytes--> Connection --GcsEvent--> Session --SessionEvent--> application
//!   socket <--bytes-- Connection <-GcsCommand- Session <-----calls------ application
//! ```

#![allow(clippy::print_stdout)]

use std::{
    env,
    error::Error,
    fs,
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use gcs_proto::{
    connection::Connection,
    gcs::SelfDelivery,
    handshake::{ClientHandshake, ConnectOptions},
    name::{GroupName, PrivateName},
    service::Service,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use ssp_core::{
    Credentials, GroupOptions, Session, SessionConfig, SessionEvent, Timestamp,
    identity::{Ed25519Signer, TrustStore},
};

/// Longest wait for the socket: how late a timer may be.
const TICK: Duration = Duration::from_millis(100);

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp(since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }))
}

/// Random numbers from the system, as a seed.
fn generator() -> std::io::Result<ChaCha20Rng> {
    let mut seed = [0; 32];
    fs::File::open("/dev/urandom")?.read_exact(&mut seed)?;
    Ok(ChaCha20Rng::from_seed(seed))
}

fn connect(address: &str, name: PrivateName) -> Result<(TcpStream, Connection), Box<dyn Error>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut handshake = ClientHandshake::new(ConnectOptions::new().name(name));
    let mut input = [0; 4096];
    loop {
        while let Some(record) = handshake.poll_transmit() {
            stream.write_all(&record)?;
        }
        let count = stream.read(&mut input)?;
        if count == 0 {
            return Err("daemon closed the connection".into());
        }
        if let Some(connection) = handshake.handle_bytes(input.get(..count).unwrap_or_default())? {
            return Ok((stream, connection));
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [address, name, key, trust] = arguments.as_slice() else {
        return Err("usage: bare <address> <name> <key> <trust>".into());
    };
    let credentials = Credentials {
        signer: Arc::new(Ed25519Signer::from_pem(&fs::read_to_string(key)?)?),
        trust: Arc::new(fs::read_to_string(trust)?.parse::<TrustStore>()?),
    };
    let mut rng = generator()?;
    let (mut stream, mut connection) = connect(address, name.parse()?)?;
    stream.set_read_timeout(Some(TICK))?;
    let config = SessionConfig {
        capabilities: connection.capabilities(),
        ..SessionConfig::default()
    };
    let mut session = Session::new(*connection.private_group(), credentials, config);
    let group: GroupName = "bare".parse()?;
    session.join(group, GroupOptions::default(), now())?;

    let mut greetings = 0;
    let mut input = vec![0; 64 << 10];
    while greetings < 2 {
        // What came, all the way up.
        while let Some(event) = connection.poll_event() {
            session.handle_event(event, now(), &mut rng);
        }
        if session.poll_timeout().is_some_and(|due| due <= now()) {
            session.handle_timeout(now(), &mut rng);
        }
        while let Some(event) = session.poll_event() {
            match event {
                SessionEvent::SecureView(view) => {
                    println!(
                        "{} members, key {}",
                        view.view.members.len(),
                        view.fingerprint
                    );
                    let text = format!("{name} greets {}", view.view.members.len());
                    let sent = session.multicast(
                        &group,
                        view.number,
                        Service::Agreed,
                        SelfDelivery::Deliver,
                        0,
                        &[text.as_bytes()],
                        &mut rng,
                    );
                    // The view may be about to change already; then the next one is greeted.
                    if let Err(error) = sent {
                        println!("not sent: {error}");
                    }
                }
                SessionEvent::Message(message) => {
                    let text = String::from_utf8_lossy(&message.payload).into_owned();
                    println!("{}: {}", message.sender, text.escape_debug());
                    greetings += usize::from(text.ends_with('2'));
                }
                SessionEvent::Closed(reason) => return Err(format!("{reason:?}").into()),
                other => println!("{other:?}"),
            }
        }
        // What is to be said, all the way down.
        while let Some(command) = session.poll_command() {
            connection.command(command)?;
        }
        while let Some(bytes) = connection.poll_transmit() {
            stream.write_all(&bytes)?;
        }
        match stream.read(&mut input) {
            Ok(0) => connection.handle_end_of_stream(),
            Ok(count) => connection.handle_bytes(input.get(..count).unwrap_or_default()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error.into()),
        }
    }
    session.disconnect()?;
    while let Some(command) = session.poll_command() {
        connection.command(command)?;
    }
    while let Some(bytes) = connection.poll_transmit() {
        stream.write_all(&bytes)?;
    }
    Ok(())
}
