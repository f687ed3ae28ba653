//! The proof method: both ends against each other, on the wire, and against peers that break the
//! protocol.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

use bytes::Bytes;
use gcs_proto::{
    DecodeError,
    connection::Connection,
    error::{ConnectRefusal, Error},
    handshake::{
        ClientHandshake, ConnectOptions, Credentials, DaemonHandshake, DaemonStep, Method,
        ProofRequest, Version,
    },
    limits,
    name::MemberName,
};
use proptest::prelude::*;

const CHALLENGE: &[u8] = b"who is there?";

fn alice() -> MemberName {
    "#alice#n1".parse().unwrap()
}

fn options() -> ConnectOptions {
    ConnectOptions::new().name("alice".parse().unwrap())
}

fn proving() -> ClientHandshake {
    ClientHandshake::new(options()).prove_if_asked()
}

fn secret(password: &str) -> Credentials {
    Credentials::new(b"alice", password.as_bytes()).unwrap()
}

/// A daemon of the test: what it offers and requires, and which proof it takes.
struct DaemonConfig {
    offered: Vec<Method>,
    required: Vec<Method>,
    challenge: Bytes,
    proof: Bytes,
    password: Option<Credentials>,
}

impl DaemonConfig {
    fn asking() -> Self {
        Self {
            offered: vec![Method::Proof],
            required: vec![Method::Proof],
            challenge: Bytes::from_static(CHALLENGE),
            proof: Bytes::from_static(b"me"),
            password: None,
        }
    }

    fn offering(methods: &[Method]) -> Self {
        Self {
            offered: methods.to_vec(),
            required: Vec::new(),
            ..Self::asking()
        }
    }

    fn answer(&self, daemon: &mut DaemonHandshake, step: &DaemonStep) {
        match step {
            DaemonStep::Connect(_) => daemon.offer_methods(&self.offered),
            DaemonStep::Challenge => daemon.challenge(&alice(), &self.challenge).unwrap(),
            DaemonStep::Authenticate { methods } => {
                let proof = daemon.proof();
                assert_eq!(proof.is_some(), methods.contains(&Method::Proof));
                let proved = proof.is_none_or(|proof| *proof == self.proof);
                let known = daemon.credentials().is_none_or(|given| {
                    let wanted = self.password.as_ref();
                    wanted.is_some_and(|wanted| given.matches(wanted))
                });
                if proved && known {
                    daemon.accept(Version::CURRENT, &alice());
                } else {
                    daemon.refuse(ConnectRefusal::Authentication);
                }
            }
            DaemonStep::Refused(_) => {}
        }
    }
}

/// Passes bytes in pieces of `piece` until neither side sends any more; the client answers with
/// `proof`.
fn shake(
    mut client: ClientHandshake,
    config: &DaemonConfig,
    proof: &[u8],
    piece: usize,
) -> (
    Result<Option<Connection>, Error>,
    DaemonHandshake,
    Vec<DaemonStep>,
) {
    let mut daemon = DaemonHandshake::new();
    daemon.require_methods(&config.required);
    let mut steps = Vec::new();
    loop {
        let mut quiet = true;
        while let Some(bytes) = client.poll_transmit() {
            quiet = false;
            for part in bytes.chunks(piece) {
                daemon.handle_bytes(part).unwrap();
                while let Some(step) = daemon.poll_step() {
                    config.answer(&mut daemon, &step);
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
                if let Some(ProofRequest { member, challenge }) = client.poll_challenge() {
                    assert_eq!((member, &challenge), (alice(), &config.challenge));
                    client.prove(proof).unwrap();
                }
            }
        }
        if quiet {
            return (Ok(None), daemon, steps);
        }
    }
}

#[test]
fn who_proves_is_let_in_and_nobody_else() {
    let refused = Some(Error::Refused(ConnectRefusal::Authentication));
    for piece in [1, 2, 3, 30, 20_000] {
        let (result, daemon, steps) = shake(proving(), &DaemonConfig::asking(), b"me", piece);
        assert_eq!(result.unwrap().unwrap().private_group(), &alice());
        assert!(daemon.is_accepted());
        assert!(daemon.into_remaining().is_empty());
        let methods = vec![Method::Proof];
        assert_eq!(
            steps[1..],
            [DaemonStep::Challenge, DaemonStep::Authenticate { methods }]
        );
        for wrong in [&b""[..], b"not me", b"you"] {
            let (result, daemon, _) = shake(proving(), &DaemonConfig::asking(), wrong, piece);
            assert_eq!(result.err(), refused);
            assert!(!daemon.is_accepted());
        }
    }
}

#[test]
fn the_longest_challenge_and_proof_get_through() {
    let config = DaemonConfig {
        challenge: Bytes::from(vec![7; limits::CHALLENGE]),
        proof: Bytes::from(vec![9; limits::PROOF]),
        ..DaemonConfig::asking()
    };
    for piece in [997, 1 << 16] {
        let (result, ..) = shake(proving(), &config, &config.proof, piece);
        assert!(result.unwrap().is_some());
    }
}

#[test]
fn a_proof_stands_beside_other_methods() {
    let everything = DaemonConfig {
        password: Some(secret("secret")),
        ..DaemonConfig::offering(&Method::ALL)
    };
    let both = |password| {
        let options = options().method(Method::Ip);
        ClientHandshake::with_credentials(options, secret(password)).prove_if_asked()
    };
    for piece in [1, 300] {
        let (result, _, steps) = shake(both("secret"), &everything, b"me", piece);
        assert!(result.unwrap().is_some());
        let methods = vec![Method::Ip, Method::Password, Method::Proof];
        assert_eq!(steps.last(), Some(&DaemonStep::Authenticate { methods }));
        for (password, proof) in [("secret", b"ne"), ("Secret", b"me")] {
            let (result, ..) = shake(both(password), &everything, proof, piece);
            assert_eq!(
                result.err(),
                Some(Error::Refused(ConnectRefusal::Authentication))
            );
        }
    }
}

#[test]
fn nothing_changes_where_it_is_not_offered_or_not_known() {
    // A client that can prove, at a daemon that does not ask.
    let foreign = DaemonConfig::offering(&[Method::Null, Method::Ip]);
    let (result, _, steps) = shake(proving(), &foreign, b"me", 9);
    assert!(result.unwrap().is_some());
    let methods = vec![Method::Null];
    assert_eq!(steps[1..], [DaemonStep::Authenticate { methods }]);
    // A client that cannot, at a daemon that asks who can.
    let tolerant = DaemonConfig::offering(&[Method::Null, Method::Proof]);
    let (result, _, steps) = shake(ClientHandshake::new(options()), &tolerant, b"", 9);
    assert!(result.unwrap().is_some());
    assert!(!steps.contains(&DaemonStep::Challenge));
    // One that can proves there too.
    let (result, _, steps) = shake(proving(), &tolerant, b"me", 9);
    assert!(result.unwrap().is_some());
    assert!(steps.contains(&DaemonStep::Challenge));
    // A library that cannot choose methods.
    for version in [Version::new(3, 14, 0), Version::new(3, 15, 2)] {
        let old = || ClientHandshake::new(options().version(version)).prove_if_asked();
        let (result, ..) = shake(old(), &tolerant, b"me", 9);
        assert!(result.unwrap().is_some());
        let (result, ..) = shake(old(), &DaemonConfig::asking(), b"me", 9);
        assert_eq!(
            result.err(),
            Some(Error::Refused(ConnectRefusal::Authentication))
        );
    }
}

#[test]
fn who_cannot_prove_is_told_so() {
    let offered = || "SSP-PROOF ".to_owned();
    let without = ClientHandshake::new(options());
    let (result, daemon, steps) = shake(without, &DaemonConfig::asking(), b"", 9);
    assert_eq!(
        result.err(),
        Some(Error::MissingProof { offered: offered() })
    );
    assert!(!daemon.is_accepted());
    assert_eq!(steps.len(), 1, "nothing was chosen");
    let (result, ..) = shake(
        ClientHandshake::new(options().method(Method::Proof)),
        &DaemonConfig::asking(),
        b"",
        9,
    );
    assert_eq!(
        result.err(),
        Some(Error::MissingProof { offered: offered() })
    );
    // Another method is missing, whatever can be proved.
    let ip = ClientHandshake::new(options().method(Method::Ip)).prove_if_asked();
    let (result, ..) = shake(ip, &DaemonConfig::asking(), b"me", 9);
    assert_eq!(
        result.err(),
        Some(Error::NoCommonMethod {
            offered: offered(),
            wanted: "IP"
        })
    );
    // A client that insists on being asked.
    let insists = ClientHandshake::new(options().method(Method::Proof)).prove_if_asked();
    let (result, ..) = shake(insists, &DaemonConfig::offering(&[Method::Null]), b"me", 9);
    assert_eq!(
        result.err(),
        Some(Error::NoCommonMethod {
            offered: "NULL ".into(),
            wanted: "SSP-PROOF"
        })
    );
}

/// A client that chooses another method goes through the required one only if it has chosen it.
#[test]
fn a_required_proof_is_not_skipped() {
    let mut daemon = DaemonHandshake::new();
    daemon.require_methods(&[Method::Proof]);
    daemon.handle_bytes(b"\x04\x04\x00\x01\x05alice").unwrap();
    assert!(matches!(daemon.poll_step(), Some(DaemonStep::Connect(_))));
    daemon.offer_methods(&[Method::Null]);
    assert_eq!(daemon.poll_transmit().unwrap(), &b"\x0fNULL SSP-PROOF "[..]);
    let mut choice = b"NULL".to_vec();
    choice.resize(90, 0);
    daemon.handle_bytes(&choice).unwrap();
    assert_eq!(
        daemon.poll_step(),
        Some(DaemonStep::Refused(ConnectRefusal::Authentication))
    );
    assert_eq!(daemon.poll_transmit().unwrap(), &b"\xf7"[..]);
}

/// The bytes of the exchange, from the layout in the protocol notes.
#[test]
fn on_the_wire() {
    let mut client = proving();
    client.poll_transmit().unwrap();
    assert!(
        client
            .handle_bytes(b"\x0fNULL SSP-PROOF ")
            .unwrap()
            .is_none()
    );
    let mut choice = b"SSP-PROOF".to_vec();
    choice.resize(90, 0);
    assert_eq!(client.poll_transmit().unwrap(), choice);
    let record = b"\x01\x09#alice#n1\x00\x04why?";
    for byte in record {
        assert_eq!(client.poll_challenge(), None);
        assert!(client.handle_bytes(&[*byte]).unwrap().is_none());
    }
    let asked = client.poll_challenge().unwrap();
    assert_eq!(asked.challenge, &b"why?"[..]);
    assert_eq!(client.poll_challenge(), None, "asked once");
    assert_eq!(
        client.prove(&[0; limits::PROOF + 1]),
        Err(Error::Limit {
            what: "proof",
            value: limits::PROOF + 1,
            max: limits::PROOF
        })
    );
    client.prove(b"because").unwrap();
    client.prove(b"twice").unwrap();
    assert_eq!(client.poll_transmit().unwrap(), &b"\x00\x07because"[..]);
    assert_eq!(client.poll_transmit(), None);
    let accepted = client.handle_bytes(b"\x01\x04\x04\x00\x09#alice#n1");
    assert!(accepted.unwrap().is_some());

    let mut daemon = DaemonHandshake::new();
    daemon.handle_bytes(b"\x04\x04\x00\x01\x05alice").unwrap();
    daemon.poll_step().unwrap();
    daemon.offer_methods(&[Method::Proof]);
    assert_eq!(daemon.poll_transmit().unwrap(), &b"\x0aSSP-PROOF "[..]);
    daemon.challenge(&alice(), b"early").unwrap();
    assert_eq!(daemon.poll_transmit(), None, "nothing asked for it");
    daemon.handle_bytes(&choice).unwrap();
    assert_eq!(daemon.poll_step(), Some(DaemonStep::Challenge));
    assert!(
        daemon
            .challenge(&alice(), &[0; limits::CHALLENGE + 1])
            .is_err()
    );
    daemon.challenge(&alice(), b"why?").unwrap();
    assert_eq!(daemon.poll_transmit().unwrap(), &record[..]);
    let proof = b"\x00\x07because";
    for (at, byte) in proof.iter().enumerate() {
        assert_eq!(daemon.poll_step(), None, "byte {at}");
        daemon.handle_bytes(&[*byte]).unwrap();
    }
    assert!(matches!(
        daemon.poll_step(),
        Some(DaemonStep::Authenticate { .. })
    ));
    assert_eq!(daemon.proof().unwrap(), &b"because"[..]);
    daemon.accept(Version::CURRENT, &alice());
    assert_eq!(daemon.proof(), None);
}

/// Up to the challenge, with the client's choice sent.
fn chosen(mut client: ClientHandshake) -> ClientHandshake {
    assert!(client.handle_bytes(b"\x0aSSP-PROOF ").unwrap().is_none());
    while client.poll_transmit().is_some() {}
    client
}

#[test]
fn a_client_does_not_take_any_word_of_a_daemon() {
    let record = |member: &str| {
        let mut record = vec![1, member.len() as u8];
        record.extend_from_slice(member.as_bytes());
        record.extend_from_slice(b"\x00\x04why?");
        record
    };
    // Somebody else's name.
    for other in ["#bob#n1", "#alice2#n1", "#alic#n1"] {
        let result = chosen(proving()).handle_bytes(&record(other)).err();
        assert_eq!(
            result,
            Some(Error::OtherMember {
                found: other.parse().unwrap(),
                expected: "alice".into()
            })
        );
    }
    // A name of the daemon's choice, and then another one.
    let anonymous = ClientHandshake::new(ConnectOptions::new()).prove_if_asked();
    let mut client = chosen(anonymous);
    client.handle_bytes(&record("#r1#n1")).unwrap();
    client.poll_challenge().unwrap();
    client.prove(b"me").unwrap();
    let result = client.handle_bytes(b"\x01\x04\x04\x00\x09#alice#n1");
    assert_eq!(
        result.err(),
        Some(Error::OtherMember {
            found: alice(),
            expected: "#r1#n1".into()
        })
    );
    // A verdict before the proof.
    let early = [&record("#alice#n1")[..], b"\x01\x04\x04\x00\x09#alice#n1"].concat();
    let mut client = chosen(proving());
    assert!(matches!(
        client.handle_bytes(&early),
        Err(Error::Decode(DecodeError::Trailing { .. }))
    ));
    assert_eq!(client.poll_challenge(), None);
    assert_eq!(client.buffered(), 0);
    // Refusals in place of the challenge, and of waiting for the proof.
    let refused = Some(Error::Refused(ConnectRefusal::Authentication));
    assert_eq!(chosen(proving()).handle_bytes(b"\xf7").err(), refused);
    let mut client = chosen(proving());
    client.handle_bytes(&record("#alice#n1")).unwrap();
    assert_eq!(client.handle_bytes(b"\xf7").err(), refused);
    // Too long, before it is waited for.
    let mut client = chosen(proving());
    assert!(matches!(
        client.handle_bytes(b"\x01\x09#alice#n1\xff\xff"),
        Err(Error::Decode(DecodeError::TooLarge { .. }))
    ));
}

#[test]
fn a_proof_too_long_is_refused_before_it_is_waited_for() {
    let mut daemon = DaemonHandshake::new();
    daemon.handle_bytes(b"\x04\x04\x00\x01\x05alice").unwrap();
    daemon.poll_step().unwrap();
    daemon.offer_methods(&[Method::Proof]);
    let mut choice = b"SSP-PROOF".to_vec();
    choice.resize(90, 0);
    daemon.handle_bytes(&choice).unwrap();
    assert_eq!(daemon.poll_step(), Some(DaemonStep::Challenge));
    daemon.challenge(&alice(), CHALLENGE).unwrap();
    while daemon.poll_transmit().is_some() {}
    let above = u16::try_from(limits::PROOF + 1).unwrap().to_be_bytes();
    daemon.handle_bytes(&above).unwrap();
    assert_eq!(
        daemon.poll_step(),
        Some(DaemonStep::Refused(ConnectRefusal::Authentication))
    );
    assert_eq!(daemon.poll_transmit().unwrap(), &b"\xf7"[..]);
    assert_eq!(daemon.buffered(), 0);
}

proptest! {
    #[test]
    fn any_cut_challenge_and_proof(
        challenge in prop::collection::vec(any::<u8>(), 0..=limits::CHALLENGE),
        proof in prop::collection::vec(any::<u8>(), 0..2_000),
        piece in 1_usize..3_000,
        right: bool,
    ) {
        let config = DaemonConfig {
            challenge: challenge.into(),
            proof: proof.clone().into(),
            ..DaemonConfig::asking()
        };
        let mut given = proof;
        if !right {
            given.push(0);
        }
        let (result, daemon, _) = shake(proving(), &config, &given, piece);
        prop_assert_eq!(daemon.is_accepted(), right);
        prop_assert_eq!(result.is_ok_and(|connection| connection.is_some()), right);
    }

    /// Whatever a daemon sends, a client in the proof method reads no more than a challenge.
    #[test]
    fn any_answer_of_a_daemon(
        stream in prop::collection::vec(any::<u8>(), 0..3_000),
        piece in 1_usize..200,
    ) {
        let mut client = chosen(proving());
        for bytes in stream.chunks(piece) {
            match client.handle_bytes(bytes) {
                Ok(None) => prop_assert!(
                    client.buffered() <= 4 + limits::MEMBER_NAME + limits::CHALLENGE
                ),
                Ok(Some(_)) | Err(_) => break,
            }
            if client.poll_challenge().is_some() {
                client.prove(b"me").unwrap();
            }
        }
    }
}
