//! Every byte of a sealed message changed.

use super::*;

#[test]
fn every_byte_of_every_sealed_message_can_be_wrong() {
    for &record in RecordSuite::ALL {
        for signing in [Signing::Off, Signing::Require] {
            let padding = match signing {
                Signing::Off => Padding::None,
                Signing::Sign | Signing::Require => Padding::Multiple(16),
            };
            let mut world = narrow(1, record, Protection { signing, padding });
            let agreed = world.nodes[1].session().fingerprint(&chat());
            let long: Vec<u8> = (0..=255).cycle().take(600).collect();
            let messages = [b"whole".to_vec(), long];
            world.nodes[1].held = true;
            for message in &messages {
                world.send(0, chat(), Service::Agreed, message).unwrap();
            }
            world.run();
            let waiting = world.nodes[1].inbox.len();
            assert!(waiting >= 3, "a message in parts among them");
            for index in 0..waiting {
                let Some(GcsEvent::Message(message)) = world.nodes[1].inbox.front() else {
                    panic!("sealed messages only");
                };
                let (honest, what) = (
                    message.body.clone(),
                    format!("{record} {signing:?} {index}"),
                );
                let parts = Header::accept(&honest).unwrap().flags & flag::PART != 0;
                assert_eq!(parts, index > 0);
                refuse_all_changes(&mut world, &what, &honest);
                world.handle_next(1);
            }
            world.nodes[1].held = false;
            // Those who were attacked read what the others read, under the same key as before.
            for node in 0..3 {
                assert_eq!(
                    world.nodes[node].payloads(),
                    messages,
                    "{record} {signing:?}"
                );
            }
            world.assert_agreed(chat(), &[0, 1, 2]);
            assert_eq!(world.nodes[1].session().fingerprint(&chat()), agreed);
            world.send(1, chat(), Service::Agreed, b"after").unwrap();
            world.run();
            assert_eq!(world.nodes[0].payloads().last().unwrap(), b"after");
            // What was kept in case its key comes is gone with the next one, unopened.
            world.refresh(2, chat()).unwrap();
            world.run();
            world.assert_agreed(chat(), &[0, 1, 2]);
            assert_eq!(world.nodes[1].payloads().len(), 3);
        }
    }
}

#[test]
fn every_byte_of_a_signed_content_can_be_wrong_under_a_right_tag() {
    let inner = b"\x00\x05I, alice, owe bob nothing";
    for &record in RecordSuite::ALL {
        let honest = signed_content(record, Service::Agreed, inner);
        // As any member of the view can seal.
        let forge = |content: &[u8], service: Service, flags: u16| {
            let mut rng = joined_rng();
            keys("alice", record)
                .seal_raw(service, flags, content, &mut rng)
                .unwrap()
        };
        let open = |message: &[u8], service: Service| {
            let signatures = Signatures::Required(&Alice);
            keys("bob", record).open_verified(&member("alice"), service, message, signatures)
        };
        let opened = open(
            &forge(&honest, Service::Agreed, flag::SIGNED),
            Service::Agreed,
        )
        .unwrap();
        assert_eq!(opened.authorship, Authorship::Signed);
        assert_eq!((opened.message_type, &opened.payload[..]), (5, &inner[2..]));
        for (at, changed) in flips(&honest, &[1, 0x80, 0xff]) {
            let error = open(
                &forge(&changed, Service::Agreed, flag::SIGNED),
                Service::Agreed,
            );
            let error = error.unwrap_err();
            // Changed lengths may leave nothing that can be read.
            let readable = !(1..3).contains(&at);
            assert!(
                error == OpenError::Signature || (!readable && error == OpenError::Malformed),
                "{record}, byte {at}: {error}"
            );
        }
        for length in 2..honest.len() {
            let cut = forge(&honest[..length], Service::Agreed, flag::SIGNED);
            let error = open(&cut, Service::Agreed).unwrap_err();
            assert!(matches!(error, OpenError::Signature | OpenError::Malformed));
        }
        // With another service, with other flags, without the signature.
        let moved = forge(&honest, Service::Safe, flag::SIGNED);
        assert_eq!(open(&moved, Service::Safe), Err(OpenError::Signature));
        for flags in [flag::SIGNED | flag::PADDED, flag::SIGNED | flag::PART] {
            let error = open(&forge(&honest, Service::Agreed, flags), Service::Agreed);
            assert!(matches!(
                error,
                Err(OpenError::Signature | OpenError::Malformed)
            ));
        }
        let bare = forge(inner, Service::Agreed, 0);
        assert_eq!(open(&bare, Service::Agreed), Err(OpenError::Unsigned));
        // Signed for the first message, it does not do for the second.
        let mut alice = keys("alice", record);
        let mut rng = joined_rng();
        let mut seal = || alice.seal_raw(Service::Agreed, flag::SIGNED, &honest, &mut rng);
        let (_, second) = (seal().unwrap(), seal().unwrap());
        assert_eq!(open(&second, Service::Agreed), Err(OpenError::Signature));
    }
}
