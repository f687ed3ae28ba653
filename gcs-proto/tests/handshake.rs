//! Both sides of the handshake against each other and against peers that break the protocol.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use gcs_proto::{
    codec::{Delivery, FrameDecoder, Request},
    connection::Connection,
    error::{ConnectRefusal, Error},
    gcs::{GcsCommand, GcsEvent},
    handshake::{
        ClientHandshake, ConnectOptions, Credentials, DaemonHandshake, DaemonStep,
        MembershipMessages, Method, Priority, Version,
    },
    name::MemberName,
};
use proptest::prelude::*;

fn alice() -> MemberName {
    "#alice#n1".parse().unwrap()
}

fn options() -> ConnectOptions {
    ConnectOptions::new().name("alice".parse().unwrap())
}

/// How a daemon of the test answers.
struct Policy {
    methods: Vec<Method>,
    required: Vec<Method>,
    /// The one user that the password method accepts.
    account: Option<Credentials>,
    connect: Option<ConnectRefusal>,
    authenticate: Option<ConnectRefusal>,
    version: Version,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            methods: vec![Method::Null],
            required: Vec::new(),
            account: None,
            connect: None,
            authenticate: None,
            version: Version::CURRENT,
        }
    }
}

/// Passes bytes in pieces of `piece` until neither side sends any more.
fn shake(options: ConnectOptions, policy: &Policy, piece: usize) -> Shaken {
    shake_with(ClientHandshake::new(options), policy, piece)
}

type Shaken = (
    Result<Option<Connection>, Error>,
    DaemonHandshake,
    Vec<DaemonStep>,
);

fn shake_with(mut client: ClientHandshake, policy: &Policy, piece: usize) -> Shaken {
    let mut daemon = DaemonHandshake::new();
    daemon.require_methods(&policy.required);
    let mut steps = Vec::new();
    loop {
        let mut quiet = true;
        while let Some(bytes) = client.poll_transmit() {
            quiet = false;
            for part in bytes.chunks(piece) {
                daemon.handle_bytes(part).unwrap();
                while let Some(step) = daemon.poll_step() {
                    match &step {
                        DaemonStep::Connect(_) => match policy.connect {
                            None => daemon.offer_methods(&policy.methods),
                            Some(refusal) => daemon.refuse(refusal),
                        },
                        DaemonStep::Authenticate { methods } => {
                            let given = daemon.credentials();
                            assert_eq!(given.is_some(), methods.contains(&Method::Password));
                            let known = given.is_none_or(|given| {
                                let account = policy.account.as_ref();
                                account.is_some_and(|account| given.matches(account))
                            });
                            match policy.authenticate {
                                None if known => daemon.accept(policy.version, &alice()),
                                None => daemon.refuse(ConnectRefusal::Authentication),
                                Some(refusal) => daemon.refuse(refusal),
                            }
                        }
                        DaemonStep::Challenge => panic!("nobody here chooses a proof"),
                        DaemonStep::Refused(_) => {}
                    }
                    steps.push(step);
                }
            }
        }
        while let Some(bytes) = daemon.poll_transmit() {
            quiet = false;
            for part in bytes.chunks(piece) {
                match client.handle_bytes(part) {
                    Ok(None) => {}
                    over => return (over, daemon, steps),
                }
            }
        }
        if quiet {
            return (Ok(None), daemon, steps);
        }
    }
}

#[test]
fn every_version_gets_its_exchange() {
    for (version, old) in [
        (Version::new(3, 1, 0), true),
        (Version::new(3, 14, 0), true),
        (Version::new(3, 15, 2), true),
        (Version::new(3, 16, 0), false),
        (Version::new(4, 4, 0), false),
        (Version::new(5, 0, 1), false),
    ] {
        for piece in [1, 2, 100] {
            let options = options()
                .version(version)
                .priority(Priority::High)
                .membership(MembershipMessages::Unwanted);
            let (result, daemon, steps) = shake(options, &Policy::default(), piece);
            let connection = result.unwrap().unwrap();
            assert_eq!(connection.private_group(), &alice());
            assert_eq!(connection.daemon_version(), Version::CURRENT);
            assert!(daemon.is_accepted());
            let [
                DaemonStep::Connect(request),
                DaemonStep::Authenticate { methods },
            ] = steps.as_slice()
            else {
                panic!("{steps:?}");
            };
            assert_eq!(request.version, version);
            assert_eq!(request.name, Some("alice".parse().unwrap()));
            assert_eq!(request.membership, MembershipMessages::Unwanted);
            assert_eq!(request.priority, Priority::High);
            assert_eq!(methods, &[Method::Null], "{version} {old}");
        }
    }
}

#[test]
fn methods() {
    let both = Policy {
        methods: vec![Method::Ip, Method::Null],
        ..Policy::default()
    };
    let chosen = |options, policy: &Policy| {
        let (result, _, steps) = shake(options, policy, 90);
        result.unwrap().unwrap();
        match steps.last() {
            Some(DaemonStep::Authenticate { methods }) => methods.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(chosen(options(), &both), [Method::Null]);
    assert_eq!(chosen(options().method(Method::Ip), &both), [Method::Ip]);
    // The daemon chooses for those who cannot.
    let old = options().version(Version::new(3, 14, 0));
    assert_eq!(chosen(old, &both), [Method::Ip]);
    assert_eq!(chosen(old, &Policy::default()), [Method::Null]);

    let (result, ..) = shake(options().method(Method::Ip), &Policy::default(), 90);
    assert_eq!(
        result.err(),
        Some(Error::NoCommonMethod {
            offered: "NULL ".into(),
            wanted: "IP"
        })
    );
}

#[test]
fn passwords() {
    let alice_with = |password: &str| Credentials::new(b"alice", password.as_bytes()).unwrap();
    let policy = Policy {
        methods: vec![Method::Null, Method::Password],
        account: Some(alice_with("secret")),
        ..Policy::default()
    };
    for piece in [1, 7, 200] {
        let right = ClientHandshake::with_credentials(options(), alice_with("secret"));
        let (result, daemon, steps) = shake_with(right, &policy, piece);
        assert_eq!(result.unwrap().unwrap().private_group(), &alice());
        assert!(daemon.is_accepted());
        assert!(
            daemon.credentials().is_none(),
            "they go when they were used"
        );
        assert_eq!(daemon.into_remaining().len(), 0);
        let methods = vec![Method::Password];
        assert_eq!(steps[1], DaemonStep::Authenticate { methods });

        for (wrong, policy) in [
            (alice_with("secreT"), &policy),
            (alice_with(""), &policy),
            (Credentials::new(b"bob", b"secret").unwrap(), &policy),
        ] {
            let wrong = ClientHandshake::with_credentials(options(), wrong);
            let (result, daemon, _) = shake_with(wrong, policy, piece);
            let refused = Error::Refused(ConnectRefusal::Authentication);
            assert_eq!(result.err(), Some(refused));
            assert!(!daemon.is_accepted());
        }
    }
    // With a method beside it, and in any version that can choose.
    let both = options().method(Method::Ip).version(Version::new(3, 16, 0));
    let both = ClientHandshake::with_credentials(both, alice_with("secret"));
    let everything = Policy {
        methods: Method::ALL.to_vec(),
        account: Some(alice_with("secret")),
        ..Policy::default()
    };
    let (result, _, steps) = shake_with(both, &everything, 200);
    assert!(result.unwrap().is_some());
    let methods = vec![Method::Ip, Method::Password];
    assert_eq!(steps[1], DaemonStep::Authenticate { methods });

    let (result, ..) = shake(options().method(Method::Password), &policy, 200);
    assert_eq!(result.err(), Some(Error::MissingCredentials));
    let (result, ..) = shake_with(
        ClientHandshake::with_credentials(options(), alice_with("secret")),
        &Policy::default(),
        200,
    );
    assert_eq!(
        result.err(),
        Some(Error::NoCommonMethod {
            offered: "NULL ".into(),
            wanted: "PWORD"
        })
    );
}

/// The bytes of the exchange, from the layout in the protocol notes.
#[test]
fn password_on_the_wire() {
    let credentials = Credentials::new(b"alice", b"secret").unwrap();
    let mut client = ClientHandshake::with_credentials(options(), credentials);
    client.poll_transmit().unwrap();
    assert!(client.handle_bytes(b"\x0bNULL PWORD ").unwrap().is_none());
    let sent: Vec<_> = std::iter::from_fn(|| client.poll_transmit()).collect();
    let mut choice = b"PWORD".to_vec();
    choice.resize(90, 0);
    let mut user = b"alice".to_vec();
    user.resize(32, 0);
    let password = b"secret\0\0".to_vec();
    assert_eq!(sent, [choice, user, password], "three writes");
    assert!(client.handle_bytes(b"\x01").unwrap().is_none());
    let accepted = client
        .handle_bytes(b"\x01\x04\x04\x00\x09#alice#n1")
        .unwrap();
    assert_eq!(accepted.unwrap().private_group(), &alice());

    let mut daemon = DaemonHandshake::new();
    daemon.handle_bytes(b"\x04\x04\x00\x01\x05alice").unwrap();
    assert!(matches!(daemon.poll_step(), Some(DaemonStep::Connect(_))));
    daemon.offer_methods(&[Method::Password]);
    assert_eq!(daemon.poll_transmit().unwrap(), &b"\x06PWORD "[..]);
    daemon.handle_bytes(&sent.concat()).unwrap();
    assert!(daemon.poll_step().is_some());
    assert_eq!(daemon.credentials().unwrap().user(), b"alice");
    daemon.refuse(ConnectRefusal::Authentication);
    let answer: Vec<_> = std::iter::from_fn(|| daemon.poll_transmit()).collect();
    assert_eq!(answer, [&b"\0"[..], b"\xf7"], "wrong, then the code");
}

#[test]
fn passwords_show_nowhere() {
    let credentials = Credentials::new(b"alice", b"s3cr3t").unwrap();
    let mut client = ClientHandshake::with_credentials(options(), credentials);
    client.handle_bytes(b"\x06PWORD ").unwrap();
    let mut daemon = DaemonHandshake::new();
    daemon.handle_bytes(b"\x04\x04\x00\x01\x05alice").unwrap();
    daemon.poll_step().unwrap();
    daemon.offer_methods(&[Method::Password]);
    let mut shown = format!("{client:?}");
    // The connect record is what the daemon has read already.
    for record in std::iter::from_fn(|| client.poll_transmit()).skip(1) {
        daemon.handle_bytes(&record).unwrap();
        shown += &format!("{daemon:?}");
    }
    let step = daemon.poll_step();
    assert!(matches!(step, Some(DaemonStep::Authenticate { .. })));
    shown += &format!("{daemon:?} {step:?} {client:?}");
    assert!(!shown.contains("s3cr3t"), "{shown}");
    // Nor as numbers.
    assert!(!shown.contains("115, 51"), "{shown}");
}

/// A daemon that has refused the client for another reason says so instead of answering.
#[test]
fn a_code_in_place_of_the_answer_to_a_password() {
    for (answer, refusal) in [
        (0xf7_u8, ConnectRefusal::Authentication),
        (0, ConnectRefusal::Authentication),
        (0xfd, ConnectRefusal::Quota),
        (2, ConnectRefusal::Other(2)),
    ] {
        let credentials = Credentials::new(b"alice", b"secret").unwrap();
        let mut client = ClientHandshake::with_credentials(options(), credentials);
        assert!(client.handle_bytes(b"\x06PWORD ").unwrap().is_none());
        let result = client.handle_bytes(&[answer]);
        assert_eq!(result.err(), Some(Error::Refused(refusal)));
    }
}

#[test]
fn required_methods_come_on_top_of_the_choice() {
    let policy = |required: &[Method]| Policy {
        required: required.to_vec(),
        account: Credentials::new(b"alice", b"secret").ok(),
        ..Policy::default()
    };
    let (result, _, steps) = shake(options(), &policy(&[Method::Ip]), 200);
    assert!(result.unwrap().is_some());
    let methods = vec![Method::Null, Method::Ip];
    assert_eq!(steps[1], DaemonStep::Authenticate { methods });

    // Whoever does not choose the password will not send it either.
    for version in [Version::CURRENT, Version::new(3, 15, 0)] {
        let options = options().version(version);
        let (result, ..) = shake(options, &policy(&[Method::Password]), 200);
        let refused = Error::Refused(ConnectRefusal::Authentication);
        assert_eq!(result.err(), Some(refused), "{version}");
    }
    let credentials = Credentials::new(b"alice", b"secret").unwrap();
    let client = ClientHandshake::with_credentials(options(), credentials);
    let (result, ..) = shake_with(client, &policy(&[Method::Password]), 200);
    assert!(result.unwrap().is_some());
}

#[test]
fn a_daemon_without_methods_refuses_everybody() {
    let nothing = Policy {
        methods: Vec::new(),
        ..Policy::default()
    };
    let refused = [
        ConnectRefusal::Authentication.into(),
        Error::NoCommonMethod {
            offered: String::new(),
            wanted: "NULL",
        },
    ];
    let (result, daemon, _) = shake(options(), &nothing, 90);
    assert!(refused.contains(&result.err().unwrap()));
    assert!(!daemon.is_accepted());
    let (result, daemon, steps) = shake(options().version(Version::new(3, 15, 0)), &nothing, 90);
    assert_eq!(result.err().as_ref(), Some(&refused[0]));
    assert!(!daemon.is_accepted());
    assert_eq!(
        steps.last(),
        Some(&DaemonStep::Refused(ConnectRefusal::Authentication))
    );
}

#[test]
fn refusals_reach_the_client() {
    for refusal in [
        ConnectRefusal::Quota,
        ConnectRefusal::NotUnique,
        ConnectRefusal::Authentication,
        ConnectRefusal::NoName,
        ConnectRefusal::Other(-10),
    ] {
        for version in [Version::CURRENT, Version::new(3, 15, 0)] {
            let options = options().version(version);
            for policy in [
                Policy {
                    connect: Some(refusal),
                    ..Policy::default()
                },
                Policy {
                    authenticate: Some(refusal),
                    ..Policy::default()
                },
            ] {
                let (result, daemon, _) = shake(options, &policy, 1);
                assert_eq!(result.err(), Some(Error::Refused(refusal)));
                assert!(!daemon.is_accepted());
                assert_eq!(daemon.buffered(), 0);
            }
        }
    }
}

#[test]
fn illegal_records_are_refused_without_asking() {
    for (record, refusal) in [
        (&b"\x02\x09\x01\x00"[..], ConnectRefusal::Version),
        (b"\x80\x00\x00\x01\x00", ConnectRefusal::Version),
        (b"\x04\x04\x00\x01\x03a b", ConnectRefusal::IllegalName),
        (b"\x04\x04\x00\x01\xff", ConnectRefusal::IllegalName),
    ] {
        let mut daemon = DaemonHandshake::new();
        daemon.handle_bytes(record).unwrap();
        assert_eq!(daemon.poll_step(), Some(DaemonStep::Refused(refusal)));
        assert_eq!(daemon.poll_step(), None);
        assert_eq!(daemon.poll_transmit().unwrap()[..], [refusal.code() as u8]);
        // Answers that nobody asked for change nothing.
        daemon.offer_methods(&Method::ALL);
        daemon.accept(Version::CURRENT, &alice());
        assert_eq!(daemon.poll_transmit(), None);
        assert!(!daemon.is_accepted());
    }
}

#[test]
fn choices_not_offered_are_refused() {
    for choice in [[0; 90], [b'N'; 90], {
        let mut ip = [0; 90];
        ip[..2].copy_from_slice(b"IP");
        ip
    }] {
        let mut daemon = DaemonHandshake::new();
        daemon.handle_bytes(b"\x04\x04\x00\x01\x00").unwrap();
        daemon.poll_step().unwrap();
        daemon.offer_methods(&[Method::Null]);
        assert_eq!(daemon.poll_transmit().unwrap()[..], b"\x05NULL "[..]);
        daemon.handle_bytes(&choice).unwrap();
        let refusal = ConnectRefusal::Authentication;
        assert_eq!(daemon.poll_step(), Some(DaemonStep::Refused(refusal)));
        assert_eq!(daemon.poll_transmit().unwrap()[..], [0xf7]);
    }
}

#[test]
fn daemons_too_old_are_refused_by_the_client() {
    for (daemon, priority, accepted) in [
        (Version::new(3, 0, 9), Priority::Normal, false),
        (Version::new(3, 1, 0), Priority::Normal, true),
        (Version::new(3, 7, 0), Priority::High, false),
        (Version::new(3, 8, 0), Priority::High, true),
    ] {
        let policy = Policy {
            version: daemon,
            ..Policy::default()
        };
        let (result, ..) = shake(options().priority(priority), &policy, 90);
        match result {
            Ok(Some(connection)) => {
                assert!(accepted);
                assert_eq!(connection.daemon_version(), daemon);
            }
            Err(error) => {
                assert!(!accepted);
                assert_eq!(error, Error::Refused(ConnectRefusal::Version));
            }
            Ok(None) => panic!("no end"),
        }
    }
}

#[test]
fn a_handshake_that_is_over_takes_nothing() {
    let mut client = ClientHandshake::new(options());
    client.poll_transmit().unwrap();
    let refused = Err(Error::Refused(ConnectRefusal::NotUnique));
    assert_eq!(client.handle_bytes(b"\xfa").map(|_| ()), refused);
    assert_eq!(
        client.handle_bytes(b"\x05NULL ").map(|_| ()),
        Err(Error::HandshakeOver)
    );
    assert_eq!(client.poll_transmit(), None);
}

#[test]
fn messages_right_behind_the_handshake_are_kept() {
    let mut client = ClientHandshake::new(options());
    let record = client.poll_transmit().unwrap();
    let mut daemon = DaemonHandshake::new();
    let join = Request::Join("g".parse().unwrap());
    let eager = [&record[..], b"NULL", &[0; 86], &join.encode(&alice())].concat();
    daemon.handle_bytes(&eager).unwrap();
    assert!(matches!(daemon.poll_step(), Some(DaemonStep::Connect(_))));
    assert_eq!(daemon.poll_step(), None);
    daemon.offer_methods(&[Method::Null]);
    assert!(matches!(
        daemon.poll_step(),
        Some(DaemonStep::Authenticate { .. })
    ));
    daemon.accept(Version::CURRENT, &alice());

    let mut answer: Vec<u8> = std::iter::from_fn(|| daemon.poll_transmit())
        .flatten()
        .collect();
    let mut requests = FrameDecoder::with_buffer(
        gcs_proto::codec::Direction::ToDaemon,
        daemon.into_remaining(),
    );
    let frame = requests.next_frame().unwrap().unwrap();
    assert_eq!(Request::decode(frame, &alice()), Ok(join));

    let group = "g".parse().unwrap();
    answer.extend_from_slice(&Delivery::SelfLeave { group }.encode());
    let mut connection = client.handle_bytes(&answer).unwrap().unwrap();
    assert_eq!(connection.poll_event(), Some(GcsEvent::SelfLeave { group }));
    connection.command(GcsCommand::Disconnect).unwrap();
}

proptest! {
    #[test]
    fn any_name_flags_and_cut(
        name in proptest::option::of("[$-~]{1,10}"),
        wanted in any::<bool>(),
        high in any::<bool>(),
        piece in 1_usize..100,
    ) {
        let mut options = ConnectOptions::new();
        if let Some(name) = &name {
            options = options.name(name.parse().unwrap());
        }
        let membership =
            if wanted { MembershipMessages::Wanted } else { MembershipMessages::Unwanted };
        let priority = if high { Priority::High } else { Priority::Normal };
        let (result, _, steps) =
            shake(options.membership(membership).priority(priority), &Policy::default(), piece);
        prop_assert!(result.unwrap().is_some());
        let Some(DaemonStep::Connect(request)) = steps.first() else {
            panic!("{steps:?}");
        };
        prop_assert_eq!(request.name.map(|name| name.as_str().to_owned()), name);
        prop_assert_eq!(request.membership, membership);
        prop_assert_eq!(request.priority, priority);
    }
}
