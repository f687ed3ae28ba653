//! A daemon that sends anything to an application that never brings the room it takes.
#![no_main]

use bytes::BytesMut;
use gcs_proto::{
    connection::Connection,
    handshake::Version,
    name::{MemberName, Name},
    receive::{Inbox, Overlong, Receipt},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(([rooms @ .., drops], stream)) = data.split_first_chunk::<8>() else {
        return;
    };
    let (Ok(me), Ok(empty)) = (MemberName::new(b"#alice#n1"), Name::new(b"")) else {
        return;
    };
    let mut plain = Connection::new(me, Version::CURRENT, BytesMut::from(stream));
    let mut messages = 0;
    while plain.poll_delivery().is_some() {
        messages += 1;
    }
    let mut connection = Connection::new(me, Version::CURRENT, BytesMut::from(stream));
    let mut inbox = Inbox::new();
    let mut taken = 0;
    let generous = std::iter::repeat_n((u8::MAX, 0), messages);
    for (room, number) in rooms.iter().copied().zip(0..).chain(generous) {
        let mut names = vec![empty; usize::from(room) * 40];
        let mut body = vec![0; usize::from(room) * 600];
        let overlong = if drops >> number & 1 == 1 {
            Overlong::Drop
        } else {
            Overlong::Keep
        };
        let before = inbox.buffered(&connection);
        match inbox.receive(&mut connection, &mut names, &mut body, overlong) {
            Some(Receipt::Taken(_)) => taken += 1,
            Some(Receipt::Kept(shown)) => {
                assert!(!shown.names.fits() || !shown.body.fits());
                assert_eq!(overlong, Overlong::Keep);
                assert!(inbox.buffered(&connection) <= before);
            }
            None => {}
        }
    }
    let waits = inbox.buffered(&connection) > connection.buffered();
    assert!(taken == messages || waits, "{taken} of {messages}");
});
