//! A daemon that asks who wants to join.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use gcs_daemon::{
    Daemon, VirtualDaemon,
    access::{Authentication, ClosurePolicy, Decision, Question},
    server::PROOF_TIME,
};
use gcs_proto::{
    gcs::{Cause, GcsCommand, GcsEvent, Message, Refused},
    handshake::Method,
    name::MemberName,
    service::Service,
};
use ssp_identity::{
    Distrust, Identity, JOIN_CHALLENGE, JOIN_PROOF, JoinProof, OwnIdentity, Proof, Timestamp,
    Trust, TrustStore, answer_join_challenge, x509::KeyAlgorithm,
};
use tokio::{io::DuplexStream, time::Instant};

use crate::{
    client::{Client, connect, daemon_name, group, options},
    people::{Log, Office, Witness, asking, certified, enter, keys_of, signer, trusting},
};

type Plain = Client<DuplexStream>;

/// Connects without a proof.
async fn nameless(daemon: &Daemon, name: &str) -> Plain {
    let stream = daemon.connect_in_process(&daemon_name("n1")).unwrap();
    connect(stream, options(name)).await.unwrap()
}

async fn ask_to_join(client: &mut Plain, name: &str) {
    client.command(GcsCommand::Join(group(name))).await;
}

/// The challenge that comes next.
async fn challenge(client: &mut Plain) -> Message {
    let me = client.name();
    let message = client.message().await;
    assert_eq!((message.sender, message.message_type), (me, JOIN_CHALLENGE));
    assert_eq!(message.destinations, [me.into()]);
    message
}

fn command(me: MemberName, body: Vec<u8>) -> GcsCommand {
    GcsCommand::Unicast {
        to: me,
        service: Service::Fifo,
        message_type: JOIN_PROOF,
        body: Bytes::from(body),
    }
}

fn answer(challenge: Message, me: &MemberName, identity: &dyn OwnIdentity) -> GcsCommand {
    let event = GcsEvent::Message(challenge);
    let answer = answer_join_challenge(&event, me, Some(identity), |_| true).unwrap();
    answer.command.unwrap()
}

async fn refused(client: &mut Plain, name: &str, what: &str) {
    assert_eq!(
        client.event().await,
        GcsEvent::Refused(Refused::Join(group(name))),
        "{what}"
    );
}

#[tokio::test]
async fn who_proves_joins_and_an_open_group_stays_open() {
    let seen = Arc::new(AtomicBool::new(false));
    let notes = Arc::clone(&seen);
    let policy = ClosurePolicy::new(move |user, question| {
        if let Question::Join(group) = question
            && group.as_str() == "closed"
        {
            notes.store(user.identity.is_some(), Ordering::Relaxed);
        }
        Decision::Allow
    });
    let proof = trusting(keys_of(&["alice", "bob"])).for_joins_of([group("closed")]);
    let daemon = Daemon::builder()
        .daemon(VirtualDaemon::new(daemon_name("n1")))
        .proof_of_identity(proof)
        .policy(policy)
        .start()
        .await
        .unwrap();
    let mut bob = nameless(&daemon, "bob").await;
    bob.join("open").await;
    for _ in 0..2 {
        ask_to_join(&mut bob, "closed").await;
        let asked = challenge(&mut bob).await;
        let me = bob.name();
        bob.command(answer(asked, &me, &signer("bob"))).await;
        assert_eq!(bob.membership().await.view.cause, Cause::Join(me));
        assert!(seen.load(Ordering::Relaxed), "the policy sees the identity");
        bob.command(GcsCommand::Leave(group("closed"))).await;
        let left = bob.event().await;
        assert!(matches!(left, GcsEvent::SelfLeave { .. }), "{left:?}");
    }
    daemon.shutdown().await;
}

/// Who has proved when it connected is not asked again.
#[tokio::test]
async fn a_connection_may_be_asked_though_few_groups_are_guarded() {
    let proof = trusting(keys_of(&["alice"])).for_joins_of([group("closed")]);
    let daemon = Daemon::builder()
        .daemon(VirtualDaemon::new(daemon_name("n1")))
        .authentication(Authentication::anybody().require(Method::Proof))
        .proof_of_identity(proof.clone())
        .start()
        .await
        .unwrap();
    let mut alice = enter(&daemon, "alice", &signer("alice")).await.unwrap();
    alice.join("closed").await;
    proof.set_trust(Arc::new(TrustStore::new()));
    alice.join("open").await;
    alice.command(GcsCommand::Leave(group("closed"))).await;
    alice.event().await;
    ask_to_join(&mut alice, "closed").await;
    refused(&mut alice, "closed", "trusted no more").await;
    daemon.shutdown().await;
}

#[tokio::test]
async fn who_does_not_prove_does_not_join_and_nobody_notices() {
    let (log, _guard) = Log::start();
    let mut office = Office::open(1);
    let revoked = office.issue("#bob#*", KeyAlgorithm::EcdsaP256);
    let trust = ssp_identity::AnyOf(vec![
        Arc::new(keys_of(&["alice", "dave"])),
        Arc::new(office.trust_without(&[&revoked])),
    ]);
    let daemon = asking(trusting(trust).for_joins()).await;
    let mut witness = Witness::watch(&daemon, "g").await;
    log.take();
    let cases: [(&str, Box<dyn OwnIdentity>, &str); 3] = [
        (
            "mallory",
            Box::new(signer("mallory")),
            "no evidence of an identity shown",
        ),
        ("dave", Box::new(signer("mallory")), "bad signature"),
        ("bob", Box::new(certified(&revoked)), "is revoked"),
    ];
    for (name, identity, reason) in &cases {
        let mut client = nameless(&daemon, name).await;
        ask_to_join(&mut client, "g").await;
        let asked = challenge(&mut client).await;
        let me = client.name();
        client.command(answer(asked, &me, &**identity)).await;
        refused(&mut client, "g", name).await;
        let logged = log.take();
        assert!(logged.contains(reason), "{name}: {logged}");
        witness.in_peace("g", name).await;
    }
    let mut dave = nameless(&daemon, "dave2").await;
    let me = dave.name();
    let proof_of = |group: &str, proof: Vec<u8>| {
        let group = group.parse().unwrap();
        command(me, JoinProof { group, proof }.encode())
    };
    for (what, body) in [
        ("no proof", Vec::new()),
        ("garbage", vec![3; 100]),
        ("the longest", vec![1; ssp_identity::PROOF_MAX]),
    ] {
        ask_to_join(&mut dave, "g").await;
        challenge(&mut dave).await;
        dave.command(proof_of("g", body)).await;
        refused(&mut dave, "g", what).await;
        witness.in_peace("g", what).await;
    }
    // Answers that nobody asked for, and such as cannot be read, reach nobody.
    dave.command(proof_of("g", vec![1])).await;
    dave.command(command(me, vec![0; 30_000])).await;
    dave.command(command(me, Vec::new())).await;
    // Proofs of one group shown for another, and of one challenge for the next.
    ask_to_join(&mut dave, "g").await;
    let first = challenge(&mut dave).await;
    let recorded = Proof::meet(&first.body, Some(&group("g")), &me, &signer("dave")).unwrap();
    ask_to_join(&mut dave, "h").await;
    challenge(&mut dave).await;
    dave.command(proof_of("h", recorded.clone())).await;
    refused(&mut dave, "h", "a proof for g").await;
    dave.command(proof_of("g", Vec::new())).await;
    refused(&mut dave, "g", "declined").await;
    ask_to_join(&mut dave, "g").await;
    challenge(&mut dave).await;
    dave.command(proof_of("g", recorded)).await;
    refused(&mut dave, "g", "a proof replayed").await;
    witness.in_peace("g", "all of that").await;
    let stats = daemon.control().stats().await.unwrap();
    assert_eq!(stats.groups, 1);
    daemon.shutdown().await;
}

/// Messages to a group that is guarded are nobody's business but the policy's.
#[tokio::test]
async fn others_cannot_speak_for_the_daemon() {
    let daemon = asking(trusting(keys_of(&["alice"])).for_joins()).await;
    let mut eve = nameless(&daemon, "eve").await;
    let mut bob = nameless(&daemon, "bob").await;
    let forged = GcsCommand::Unicast {
        to: bob.name(),
        service: Service::Fifo,
        message_type: JOIN_CHALLENGE,
        body: Bytes::from_static(b"?"),
    };
    eve.command(forged).await;
    let event = bob.event().await;
    assert_eq!(
        answer_join_challenge(&event, &bob.name(), Some(&signer("bob")), |_| true),
        None,
        "its sender is told"
    );
    // Nor can they answer for somebody else: that is a message like any other.
    eve.command(command(bob.name(), vec![1])).await;
    assert_eq!(bob.message().await.sender, eve.name());
    daemon.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_join_waits_a_limited_time_and_a_leave_takes_it_back() {
    let daemon = asking(trusting(keys_of(&["alice", "bob"])).for_joins()).await;
    let mut witness = Witness::watch(&daemon, "g").await;
    let mut bob = nameless(&daemon, "bob").await;
    let begun = Instant::now();
    ask_to_join(&mut bob, "g").await;
    let asked = challenge(&mut bob).await;
    // Asked again, nothing is said again.
    ask_to_join(&mut bob, "g").await;
    tokio::time::sleep(PROOF_TIME - Duration::from_secs(1)).await;
    ask_to_join(&mut bob, "h").await;
    challenge(&mut bob).await;
    refused(&mut bob, "g", "too late").await;
    assert!(begun.elapsed() >= PROOF_TIME);
    assert!(begun.elapsed() < PROOF_TIME + Duration::from_secs(1));
    let me = bob.name();
    bob.command(answer(asked, &me, &signer("bob"))).await;
    bob.command(GcsCommand::Leave(group("h"))).await;
    refused(&mut bob, "h", "taken back").await;
    witness.in_peace("g", "a proof too late").await;
    // At most 16 wait.
    for number in 0..16 {
        ask_to_join(&mut bob, &format!("g{number}")).await;
        challenge(&mut bob).await;
    }
    ask_to_join(&mut bob, "one-more").await;
    refused(&mut bob, "one-more", "too many").await;
    daemon.shutdown().await;
}

/// An identity that ends when the test says so.
#[derive(Clone, Debug)]
struct Ending {
    keys: TrustStore,
    over: Arc<AtomicBool>,
}

impl Trust for Ending {
    fn identify(
        &self,
        member: &MemberName,
        evidence: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<Identity, Distrust> {
        if self.over.load(Ordering::Relaxed) {
            let subject = member.to_string();
            return Err(Distrust::Expired { subject });
        }
        self.keys.identify(member, evidence, now)
    }
}

#[tokio::test]
async fn an_identity_is_judged_anew_at_each_join() {
    let (log, _guard) = Log::start();
    let over = Arc::new(AtomicBool::new(false));
    let keys = keys_of(&["alice", "bob"]);
    let ending = Ending {
        keys: keys.clone(),
        over: Arc::clone(&over),
    };
    let proof = trusting(ending);
    let daemon = asking(proof.clone()).await;
    let mut witness = Witness::watch(&daemon, "g").await;
    let mut bob = enter(&daemon, "bob", &signer("bob")).await.unwrap();
    bob.join("first").await;
    log.take();

    over.store(true, Ordering::Relaxed);
    ask_to_join(&mut bob, "g").await;
    refused(&mut bob, "g", "expired").await;
    assert!(log.take().contains("has expired"));
    witness.in_peace("g", "an expired identity").await;
    // What the session is in it stays in.
    bob.send("first", "still here").await;
    assert_eq!(bob.text().await, "still here");

    // Another key for the same name, and nobody at all.
    let mut other = TrustStore::new();
    other.insert("bob", signer("other").public_key()).unwrap();
    proof.set_trust(Arc::new(other));
    ask_to_join(&mut bob, "g").await;
    refused(&mut bob, "g", "another key").await;
    assert!(log.take().contains("bad signature"));
    proof.set_trust(Arc::new(TrustStore::new()));
    ask_to_join(&mut bob, "g").await;
    refused(&mut bob, "g", "unknown").await;
    assert!(log.take().contains("unknown identity"));
    witness.in_peace("g", "replaced trust").await;

    proof.set_trust(Arc::new(keys));
    bob.join("g").await;
    let joined = witness.client().membership().await;
    assert_eq!(joined.view.cause, Cause::Join(bob.name()));
    daemon.shutdown().await;
}

#[tokio::test]
async fn a_revocation_counts_for_who_is_connected() {
    let mut office = Office::open(1);
    let pem = office.issue("#bob#n1", KeyAlgorithm::Ed25519);
    let proof = trusting(office.trust());
    let daemon = asking(proof.clone()).await;
    let mut bob = enter(&daemon, "bob", &certified(&pem)).await.unwrap();
    bob.join("before").await;
    proof.set_trust(Arc::new(office.trust_without(&[&pem])));
    ask_to_join(&mut bob, "g").await;
    refused(&mut bob, "g", "revoked").await;
    daemon.shutdown().await;
}
