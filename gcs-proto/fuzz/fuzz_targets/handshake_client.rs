//! A daemon that answers a connect record with anything.
#![no_main]

use gcs_proto::handshake::{ClientHandshake, ConnectOptions, Credentials, Version};
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
        ];
        for mut handshake in handshakes.into_iter().flatten() {
            for piece in stream.chunks(usize::from(*size).max(1)) {
                match handshake.handle_bytes(piece) {
                    Ok(None) => assert!(handshake.buffered() <= 127),
                    Ok(Some(_)) | Err(_) => break,
                }
                while handshake.poll_transmit().is_some() {}
            }
        }
    }
});
