//! A daemon that asks everybody who connects.

use std::sync::{Arc, Mutex};

use gcs_daemon::{
    Daemon, VirtualDaemon,
    access::{ClosurePolicy, Decision, Question},
    server::HANDSHAKE_TIME,
};
use gcs_proto::{
    error::{ConnectRefusal, Error},
    handshake::ClientHandshake,
    limits,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use ssp_identity::{AnyOf, Challenge, Proof, TrustStore, x509::KeyAlgorithm};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::Instant,
};

use crate::{
    client::{connect, daemon_name, options, shake},
    people::{
        Log, Office, Witness, answer, asking, certified, enter, enter_with, keys_of, signer,
        trusting,
    },
};

const REFUSED: Error = Error::Refused(ConnectRefusal::Authentication);

#[tokio::test]
async fn known_members_get_in_and_policies_see_who_they_are() {
    let mut office = Office::open(1);
    let trust = AnyOf(vec![
        Arc::new(keys_of(&["alice"])),
        Arc::new(office.trust()),
    ]);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&seen);
    let policy = ClosurePolicy::new(move |user, question| {
        let identity = user.identity.as_ref();
        let member = user.member.to_string();
        let field = identity.map(|identity| identity.field("O").collect::<String>());
        match question {
            Question::Connect => notes.lock().unwrap().push((member, field)),
            Question::Join(group)
                if group.as_str() == "board" && field.as_deref() != Some("Example") =>
            {
                return Decision::Deny("not of the organisation");
            }
            _ => {}
        }
        Decision::Allow
    });
    let n1 = VirtualDaemon::new(daemon_name("n1"));
    let daemon = Daemon::builder()
        .daemon(n1)
        .proof_of_identity(trusting(trust))
        .policy(policy)
        .start()
        .await
        .unwrap();
    let mut alice = enter(&daemon, "alice", &signer("alice")).await.unwrap();
    let bob = certified(&office.issue("#bob#*", KeyAlgorithm::Ed25519));
    let mut bob = enter(&daemon, "bob", &bob).await.unwrap();
    let carol = certified(&office.issue("#carol#n1", KeyAlgorithm::EcdsaP256));
    let mut carol = enter(&daemon, "carol", &carol).await.unwrap();
    let field = |value: &str| Some(value.to_owned());
    assert_eq!(
        *seen.lock().unwrap(),
        [
            ("#alice#n1".to_owned(), field("")),
            ("#bob#n1".to_owned(), field("Example")),
            ("#carol#n1".to_owned(), field("Example")),
        ]
    );
    bob.join("board").await;
    carol.join("board").await;
    alice.join("open").await;
    alice
        .command(gcs_proto::gcs::GcsCommand::Join("board".parse().unwrap()))
        .await;
    assert!(matches!(
        alice.event().await,
        gcs_proto::gcs::GcsEvent::Refused(_)
    ));
    daemon.shutdown().await;
}

#[tokio::test]
async fn a_daemon_chooses_the_name_that_is_proved() {
    let trust = keys_of(&["r1"]);
    let daemon = asking(trusting(trust)).await;
    let anonymous =
        || ClientHandshake::new(gcs_proto::handshake::ConnectOptions::new()).prove_if_asked();
    let stream = daemon.connect_in_process(&daemon_name("n1")).unwrap();
    let prove = |request: &_| answer(request, &signer("r1"));
    let client = shake(stream, anonymous(), prove).await.unwrap();
    assert_eq!(client.name().as_str(), "#r1#n1");
    daemon.shutdown().await;
}

/// Each one is refused with a reason in the daemon's log and none for the client.
#[tokio::test]
async fn strangers_are_refused_and_nobody_notices() {
    let (log, _guard) = Log::start();
    let mut office = Office::open(1);
    let mut foreign = Office::open(2);
    let ed25519 = KeyAlgorithm::Ed25519;
    let expired = office.issue_until("#bob#*", ed25519, crate::people::now() - 60_000);
    let revoked = office.issue("#bob#*", ed25519);
    let trust = AnyOf(vec![
        Arc::new(office.trust_without(&[&revoked])),
        Arc::new(keys_of(&["alice", "dave"])),
    ]);
    let proof = trusting(trust);
    let daemon = asking(proof.clone()).await;
    let mut witness = Witness::watch(&daemon, "g").await;
    log.take();

    let cases: [(&str, &str, Box<dyn ssp_identity::OwnIdentity>, &str); 6] = [
        (
            "a key nobody knows",
            "mallory",
            Box::new(signer("mallory")),
            "no evidence of an identity shown",
        ),
        (
            "a stolen name",
            "dave",
            Box::new(signer("mallory")),
            "bad signature",
        ),
        (
            "a certificate for another name",
            "carol",
            Box::new(certified(&office.issue("#bob#*", ed25519))),
            "certificate is for",
        ),
        (
            "an expired certificate",
            "bob",
            Box::new(certified(&expired)),
            "has expired",
        ),
        (
            "a revoked certificate",
            "bob",
            Box::new(certified(&revoked)),
            "is revoked",
        ),
        (
            "a certificate of another authority",
            "bob",
            Box::new(certified(&foreign.issue("#bob#*", ed25519))),
            "is not of a trusted authority",
        ),
    ];
    for (what, name, identity, reason) in &cases {
        let result = enter(&daemon, name, &**identity).await;
        assert_eq!(result.err(), Some(REFUSED), "{what}");
        let logged = log.take();
        assert!(logged.contains(reason), "{what}: {logged}");
        witness.in_peace("g", what).await;
    }

    let garbage = [
        ("nothing at all", Vec::new()),
        ("another version", vec![2; 70]),
        ("a proof cut short", vec![1, 1, 0, 64, 7]),
        ("the longest there is", vec![1; limits::PROOF]),
    ];
    for (what, bytes) in garbage {
        let result = enter_with(&daemon, "dave", |_| bytes.clone()).await;
        assert_eq!(result.err(), Some(REFUSED), "{what}");
        assert!(log.take().contains("malformed proof"), "{what}");
        witness.in_peace("g", what).await;
    }
    // Every bit of the right one counts.
    for bit in [0, 9, 40, 300, 543] {
        let result = enter_with(&daemon, "dave", |request| {
            let mut proof = answer(request, &signer("dave"));
            proof[bit / 8] ^= 1 << (bit % 8);
            proof
        });
        assert_eq!(result.await.err(), Some(REFUSED), "bit {bit}");
        witness.in_peace("g", "a flipped bit").await;
    }
    let stats = daemon.control().stats().await.unwrap();
    assert_eq!((stats.sessions, stats.groups), (1, 1));
    // Who is known gets in as ever.
    enter(&daemon, "dave", &signer("dave")).await.unwrap();
    daemon.shutdown().await;
}

#[tokio::test]
async fn a_proof_is_worth_nothing_again_or_elsewhere() {
    let (log, _guard) = Log::start();
    let n1 = asking(trusting(keys_of(&["alice", "bob"]))).await;
    let mut witness = Witness::watch(&n1, "g").await;
    // What bob has proved once, somebody shows again.
    let mut recorded = Vec::new();
    let bob = enter_with(&n1, "bob", |request| {
        recorded = answer(request, &signer("bob"));
        recorded.clone()
    });
    drop(bob.await.unwrap());
    let replayed = enter_with(&n1, "bob", |_| recorded.clone()).await;
    assert_eq!(replayed.err(), Some(REFUSED));
    assert!(log.take().contains("bad signature"));
    // What bob proves to another daemon, that one passes on.
    let passed_on = enter_with(&n1, "bob", |request| {
        let challenge = Challenge::decode(&request.challenge).unwrap();
        let at_n2 = "#bob#n2".parse().unwrap();
        let declined = Proof::answer(&challenge, &at_n2, &signer("bob"));
        assert!(declined.is_err(), "a member of n2 does not answer n1");
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let own = Challenge::new("n2".parse().unwrap(), None, &mut rng);
        Proof::answer(&own, &at_n2, &signer("bob"))
            .unwrap()
            .encode()
    });
    assert_eq!(passed_on.await.err(), Some(REFUSED));
    // A proof for a join is none for a connection.
    let for_join = enter_with(&n1, "bob", |request| {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let group = Some("g".parse().unwrap());
        let join = Challenge::new("n1".parse().unwrap(), group, &mut rng);
        Proof::answer(&join, &request.member, &signer("bob"))
            .unwrap()
            .encode()
    });
    assert_eq!(for_join.await.err(), Some(REFUSED));
    witness.in_peace("g", "replays").await;
    n1.shutdown().await;
}

#[tokio::test]
async fn who_cannot_prove_gets_a_clear_error() {
    let daemon = asking(trusting(keys_of(&["alice"]))).await;
    let stream = daemon.connect_in_process(&daemon_name("n1")).unwrap();
    let error = connect(stream, options("alice")).await.err();
    let offered = "SSP-PROOF ".to_owned();
    assert_eq!(error, Some(Error::MissingProof { offered }));
    // A client that cannot choose methods, or chooses what is not offered.
    for bytes in [
        &b"\x03\x0e\x01\x05alice"[..],
        b"\x04\x04\x00\x01\x05aliceNULL",
    ] {
        let mut stream = daemon.connect_in_process(&daemon_name("n1")).unwrap();
        let mut record = bytes.to_vec();
        if bytes.ends_with(b"NULL") {
            record.resize(record.len() + 86, 0);
        }
        stream.write_all(&record).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer.last(), Some(&0xf7), "-9");
    }
    daemon.shutdown().await;
}

/// A proof longer than any is refused by its length alone, and so is whoever sends bytes without end.
#[tokio::test]
async fn a_proof_too_long_is_not_waited_for() {
    let daemon = asking(trusting(keys_of(&["alice", "bob"]))).await;
    let mut witness = Witness::watch(&daemon, "g").await;
    let above = u16::try_from(limits::PROOF + 1).unwrap().to_be_bytes();
    for bytes in [above.to_vec(), vec![0xff; 1 << 20]] {
        let mut stream = daemon.connect_in_process(&daemon_name("n1")).unwrap();
        challenged(&mut stream, "bob").await;
        // The daemon may close the stream in the middle.
        let _ = stream.write_all(&bytes).await;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, [0xf7], "-9");
        witness.in_peace("g", "a proof too long").await;
    }
    daemon.shutdown().await;
}

/// Leads a handshake to its challenge.
async fn challenged(stream: &mut DuplexStream, name: &str) {
    let mut handshake = ClientHandshake::new(options(name)).prove_if_asked();
    let mut chunk = [0; 256];
    while handshake.poll_challenge().is_none() {
        while let Some(record) = handshake.poll_transmit() {
            stream.write_all(&record).await.unwrap();
        }
        let length = stream.read(&mut chunk).await.unwrap();
        assert!(handshake.handle_bytes(&chunk[..length]).unwrap().is_none());
    }
}

/// A stranger who does not answer keeps nobody out of a name, and is dropped in the end.
#[tokio::test(start_paused = true)]
async fn silence_is_waited_for_a_limited_time_and_costs_nobody_a_name() {
    let daemon = asking(trusting(keys_of(&["alice"]))).await;
    let mut silent = daemon.connect_in_process(&daemon_name("n1")).unwrap();
    let begun = Instant::now();
    challenged(&mut silent, "alice").await;
    let stats = daemon.control().stats().await.unwrap();
    assert_eq!(stats.sessions, 0, "no name is taken");
    let alice = enter(&daemon, "alice", &signer("alice")).await.unwrap();
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0, "dropped");
    assert!(begun.elapsed() >= HANDSHAKE_TIME);
    drop(alice);
    daemon.shutdown().await;
}

/// A name that is in use stays in use, whoever proves to own it.
#[tokio::test]
async fn a_name_in_use_is_refused_behind_the_proof() {
    let daemon = asking(trusting(keys_of(&["alice"]))).await;
    let mut witness = Witness::watch(&daemon, "g").await;
    let second = enter(&daemon, "alice", &signer("alice")).await;
    assert_eq!(
        second.err(),
        Some(Error::Refused(ConnectRefusal::NotUnique))
    );
    witness.in_peace("g", "a second alice").await;
    witness.leave("g").await;
    daemon.shutdown().await;
}

#[tokio::test]
async fn trust_is_replaced_while_the_daemon_runs() {
    let proof = trusting(TrustStore::new());
    let daemon = asking(proof.clone()).await;
    assert!(enter(&daemon, "alice", &signer("alice")).await.is_err());
    proof.set_trust(Arc::new(keys_of(&["alice"])));
    assert!(enter(&daemon, "alice", &signer("alice")).await.is_ok());
    daemon.shutdown().await;
}
