//! A daemon that answers a connect record with anything.
#![no_main]

use gcs_proto::{
    handshake::{ClientHandshake, ConnectOptions, Credentials, Version},
    limits,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((size, stream)) = data.split_first() else {
        return;
    };
    for version in [
        Version::CURRENT,
        Version::new(3, 15, 0),
        Version::new(3, 14, 0),
    ] {
        let options = ConnectOptions::new().version(version);
        let handshakes = [
            Some(ClientHandshake::new(options)),
            Credentials::new(b"alice", b"secret")
                .ok()
                .map(|credentials| ClientHandshake::with_credentials(options, credentials)),
            Some(ClientHandshake::new(options).prove_if_asked()),
        ];
        for mut handshake in handshakes.into_iter().flatten() {
            for piece in stream.chunks(usize::from(*size).max(1)) {
                match handshake.handle_bytes(piece) {
                    // An incomplete offer or challenge, whichever is longer.
                    Ok(None) => assert!(
                        handshake.buffered() <= 3 + limits::MEMBER_NAME + limits::CHALLENGE
                    ),
                    Ok(Some(_)) | Err(_) => break,
                }
                if let Some(request) = handshake.poll_challenge() {
                    assert!(request.challenge.len() <= limits::CHALLENGE);
                    assert!(handshake.prove(&request.challenge).is_ok());
                }
                while handshake.poll_transmit().is_some() {}
            }
        }
    }
});
