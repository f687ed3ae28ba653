//! A daemon that sends anything, in pieces whose size the first byte gives.
#![no_main]

use bytes::BytesMut;
use gcs_proto::{
    connection::Connection, gcs::GcsEvent, handshake::Version, limits, name::MemberName,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((size, stream)) = data.split_first() else {
        return;
    };
    let Ok(me) = MemberName::new(b"#alice#n1") else {
        return;
    };
    for version in [Version::CURRENT, Version::new(3, 17, 4)] {
        let mut connection = Connection::new(me, version, BytesMut::new());
        let mut closed = 0;
        for piece in stream.chunks(usize::from(*size).max(1)) {
            connection.handle_bytes(piece);
            while let Some(event) = connection.poll_event() {
                assert_eq!(closed, 0);
                closed += usize::from(matches!(event, GcsEvent::Closed(_)));
            }
            assert!(connection.buffered() < limits::LONGEST_DELIVERY);
        }
    }
});
