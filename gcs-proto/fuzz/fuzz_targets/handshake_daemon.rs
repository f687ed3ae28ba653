//! A client that starts a session with anything.
#![no_main]

use gcs_proto::{
    handshake::{DaemonHandshake, DaemonStep, Method, Version},
    limits,
    name::MemberName,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((size, stream)) = data.split_first() else {
        return;
    };
    let Ok(member) = MemberName::new(b"#alice#n1") else {
        return;
    };
    let mut handshake = DaemonHandshake::new();
    if size % 4 == 0 {
        handshake.require_methods(&[Method::Ip]);
    } else if size % 4 == 1 {
        handshake.require_methods(&[Method::Proof]);
    }
    for piece in stream.chunks(usize::from(*size).max(1)) {
        if handshake.handle_bytes(piece).is_err() {
            return;
        }
        assert!(handshake.buffered() <= limits::HANDSHAKE_BUFFER);
        while let Some(step) = handshake.poll_step() {
            match step {
                // Old clients are not asked for a method.
                DaemonStep::Connect(_) => handshake.offer_methods(&Method::ALL),
                DaemonStep::Challenge => {
                    assert!(handshake.challenge(&member, b"challenge").is_ok());
                }
                DaemonStep::Authenticate { methods } => {
                    let proof = handshake.proof();
                    assert_eq!(proof.is_some(), methods.contains(&Method::Proof));
                    assert!(proof.is_none_or(|proof| proof.len() <= limits::PROOF));
                    let given = handshake.credentials();
                    assert_eq!(given.is_some(), methods.contains(&Method::Password));
                    while handshake.poll_transmit().is_some() {}
                    handshake.accept(Version::CURRENT, &member);
                    assert!(handshake.poll_transmit().is_some());
                }
                DaemonStep::Refused(_) => return,
            }
        }
    }
});
