//! Clients that prove who they are, and a group that notices nothing of those who cannot.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use std::{sync::Arc, time::Duration};

use gcs_daemon::{Daemon, VirtualDaemon, access::ProofOfIdentity};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use ssp_tokio::{
    Client, ConnectionConfig, Error, GroupEvent,
    flush::{FlushClient, FlushCommand},
    gcs_proto::{
        self,
        codec::{DataMessage, Delivery, Hint, Refusal, RefusedRequest, Request, ServiceWord},
        error::ConnectRefusal,
        flush::FlushEvent,
        gcs::{ByteOrder, GcsCommand, GcsEvent, Refused, Scope, SelfDelivery},
        handshake::{DaemonHandshake, DaemonStep, Method},
        service::Service,
    },
    persistent::{Backoff, PersistentClient, PersistentEvent, PersistentGroup},
    plain::PlainClient,
    ssp_core::{
        GroupOptions,
        access::Action,
        identity::{Challenge, ChallengeError, JOIN_CHALLENGE, JOIN_PROOF, JoinProof, TrustStore},
    },
};
use support::{
    daemon_name, endpoint, named,
    people::{Person, agree, config, credentials, group},
    played, soon,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Whom the members trust, the daemon trusts.
fn proof() -> ProofOfIdentity {
    ProofOfIdentity::new(credentials("a").trust)
}

async fn asking(proof: ProofOfIdentity) -> Daemon {
    let address = "127.0.0.1:0".parse().unwrap();
    let n1 = VirtualDaemon::new(daemon_name("n1")).listen(address);
    let builder = Daemon::builder().daemon(n1).proof_of_identity(proof);
    builder.start().await.unwrap()
}

fn with_identity(name: &str) -> ConnectionConfig {
    named(name).identity(credentials(name).signer)
}

/// The group goes on as if nothing had been: the next event of everybody is a message.
async fn in_peace(people: &mut [Person]) {
    let (first, _) = people.split_first_mut().unwrap();
    first
        .group
        .multicast(Service::Agreed, 1, "in peace")
        .await
        .unwrap();
    for person in people {
        assert_eq!(&person.message().await.payload[..], b"in peace");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_connect_as_ever_and_strangers_do_not() {
    let daemon = asking(proof()).await;
    let mut people = vec![
        Person::join(&daemon, "n1", "a").await,
        Person::join(&daemon, "n1", "b").await,
    ];
    agree(&mut people).await;
    // The stranger trusts itself, nobody else does.
    let stranger = Client::connect(&endpoint(&daemon, "n1"), config("mallory")).await;
    let refused = Error::Handshake(ConnectRefusal::Authentication.into());
    assert_eq!(stranger.err(), Some(refused.clone()));
    // Under a member's name, with another key.
    let thief = config("c").connection(|connection| {
        let key = credentials("mallory").signer;
        connection.identity(key)
    });
    let thief = Client::connect(&endpoint(&daemon, "n1"), thief).await;
    assert_eq!(thief.err(), Some(refused));
    in_peace(&mut people).await;
    people.push(Person::join(&daemon, "n1", "c").await);
    agree(&mut people).await;
    daemon.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_prove_before_a_join_and_strangers_stay_out() {
    let proof = proof();
    let daemon = asking(proof.clone().for_joins()).await;
    let mut people = vec![
        Person::join(&daemon, "n1", "a").await,
        Person::join(&daemon, "n1", "b").await,
    ];
    agree(&mut people).await;
    let stranger = Client::connect(&endpoint(&daemon, "n1"), config("mallory"))
        .await
        .unwrap();
    for _ in 0..2 {
        let mut joined = stranger
            .join(group(), GroupOptions::default())
            .await
            .unwrap();
        let event = soon("a refusal", joined.recv()).await;
        assert_eq!(event, Some(GroupEvent::Refused(Refused::Join(group()))));
        assert_eq!(soon("the end", joined.recv()).await, None);
    }
    // Whoever was not let in is out, whether it knows or not.
    let ask = async || {
        let joined = stranger.join(group(), GroupOptions::default()).await;
        let joined = joined.unwrap();
        soon("a refusal", async {
            while joined.pending() == 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        joined
    };
    ask().await.leave().await.unwrap();
    let mut joined = ask().await;
    let event = joined.recv().await;
    assert_eq!(event, Some(GroupEvent::Refused(Refused::Join(group()))));
    joined.leave().await.unwrap();
    in_peace(&mut people).await;
    // Who leaves may come back, unless it is trusted no more.
    let Person {
        client,
        group: left,
    } = people.pop().unwrap();
    left.leave().await.unwrap();
    agree(&mut people).await;
    let again = client.join(group(), GroupOptions::default()).await.unwrap();
    people.push(Person {
        client,
        group: again,
    });
    agree(&mut people).await;
    let Person {
        client,
        group: left,
    } = people.pop().unwrap();
    left.leave().await.unwrap();
    agree(&mut people).await;
    proof.set_trust(Arc::new(TrustStore::new()));
    let mut again = client.join(group(), GroupOptions::default()).await.unwrap();
    let event = soon("a refusal", again.recv()).await;
    assert_eq!(event, Some(GroupEvent::Refused(Refused::Join(group()))));
    in_peace(&mut people).await;
    daemon.shutdown().await;
}

/// A leave that overtakes the proof takes the join back, at whatever moment it comes.
#[tokio::test]
async fn a_join_that_is_taken_back_leaves_nothing_behind() {
    let daemon = asking(proof().for_joins()).await;
    let mut people = vec![Person::join(&daemon, "n1", "a").await];
    agree(&mut people).await;
    let client = Client::connect(&endpoint(&daemon, "n1"), config("b"))
        .await
        .unwrap();
    for pause in 0..30 {
        let joined = client.join(group(), GroupOptions::default()).await.unwrap();
        for _ in 0..pause {
            tokio::task::yield_now().await;
        }
        soon("the leave", joined.leave()).await.unwrap();
    }
    let last = client.join(group(), GroupOptions::default()).await.unwrap();
    let mut comer = Person {
        client,
        group: last,
    };
    let [stayer] = people.as_mut_slice() else {
        panic!("one stays");
    };
    let members = [stayer.me(), comer.me()];
    let print = comer.view_of(&members).await.fingerprint;
    // Some of those who left before had been there for a moment.
    while stayer.view_of(&members).await.fingerprint != print {}
    daemon.shutdown().await;
}

#[tokio::test]
async fn clients_without_keys_can_be_given_an_identity() {
    let daemon = asking(proof()).await;
    let address = endpoint(&daemon, "n1");
    let missing = Error::Handshake(gcs_proto::Error::MissingProof {
        offered: "SSP-PROOF ".into(),
    });
    assert_eq!(missing.code(), -9);
    assert_eq!(
        missing.to_string(),
        "daemon asks for proof of identity (it offers \"SSP-PROOF \"), none is there"
    );
    let nobody = PlainClient::connect(&address, named("a")).await;
    assert_eq!(nobody.err(), Some(missing.clone()));
    let nobody = FlushClient::connect(&address, named("a")).await;
    assert_eq!(nobody.err(), Some(missing));
    let plain = PlainClient::connect(&address, with_identity("a")).await;
    assert_eq!(plain.unwrap().private_group().as_str(), "#a#n1");
    let flush = FlushClient::connect(&address, with_identity("b")).await;
    assert_eq!(flush.unwrap().private_group().as_str(), "#b#n1");
    daemon.shutdown().await;
}

#[tokio::test]
async fn clients_without_keys_prove_before_a_join() {
    let daemon = asking(proof().for_joins()).await;
    let address = endpoint(&daemon, "n1");
    let mut plain = PlainClient::connect(&address, with_identity("a"))
        .await
        .unwrap();
    plain.command(GcsCommand::Join(group())).await.unwrap();
    let joined = soon("a membership", plain.recv()).await;
    assert!(
        matches!(joined, Some(GcsEvent::Membership(_))),
        "{joined:?}"
    );
    plain.disconnect().await;

    let mut flush = FlushClient::connect(&address, with_identity("b"))
        .await
        .unwrap();
    flush.command(FlushCommand::Join(group())).await.unwrap();
    let joined = soon("a view", flush.recv()).await;
    assert!(matches!(joined, Some(FlushEvent::View(_))), "{joined:?}");

    // Without an identity they decline, which nobody needs to wait for.
    let mut plain = PlainClient::connect(&address, named("c")).await.unwrap();
    plain.command(GcsCommand::Join(group())).await.unwrap();
    let refused = soon("a refusal", plain.recv()).await;
    assert_eq!(refused, Some(GcsEvent::Refused(Refused::Join(group()))));
    let mut nobody = FlushClient::connect(&address, named("d")).await.unwrap();
    nobody.command(FlushCommand::Join(group())).await.unwrap();
    let refused = soon("a refusal", nobody.recv()).await;
    assert_eq!(refused, Some(FlushEvent::Refused(Refused::Join(group()))));
    daemon.shutdown().await;
}

/// Skips what tells of the connection until there is a view.
async fn in_a_view(joined: &mut PersistentGroup) {
    loop {
        match soon("a view", joined.recv()).await.unwrap() {
            PersistentEvent::Group(GroupEvent::SecureView(_)) => return,
            PersistentEvent::Group(GroupEvent::Closed(_))
            | PersistentEvent::Lost(_)
            | PersistentEvent::Rejoining { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

/// A proof for each connection, until it is worth nothing any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_comes_back_proves_again() {
    let proof = proof();
    let daemon = asking(proof.clone()).await;
    let backoff = Backoff {
        first: Duration::from_millis(5),
        longest: Duration::from_millis(50),
        attempts: None,
    };
    let client = PersistentClient::connect([endpoint(&daemon, "n1")], config("b"), backoff)
        .await
        .unwrap();
    let me = client.private_group().unwrap();
    let mut joined = client.join(group(), GroupOptions::default());
    for round in 0..4 {
        in_a_view(&mut joined).await;
        if round == 3 {
            proof.set_trust(Arc::new(TrustStore::new()));
        }
        daemon.control().drop_session(me).await.unwrap();
    }
    assert_eq!(
        soon("the end", client.given_up()).await,
        Error::Handshake(ConnectRefusal::Authentication.into())
    );
    daemon.shutdown().await;
}

/// Somebody in front of a daemon that passes everything on, or lies about whose challenge it is.
#[tokio::test]
async fn a_daemon_that_is_another_one_gets_no_proof() {
    let daemon = asking(proof()).await;
    let (ours, mut theirs) = tokio::io::duplex(1 << 16);
    let mut behind = daemon.connect_in_process(&daemon_name("n1")).unwrap();
    let relay = tokio::spawn(async move {
        // What the client has sent, when it gives up.
        let _ = tokio::io::copy_bidirectional(&mut theirs, &mut behind).await;
    });
    let wants_n2 = config("a").connection(|connection| connection.daemon(daemon_name("n2")));
    let found = "#a#n1".parse().unwrap();
    assert_eq!(
        Client::over(ours, wants_n2.clone()).await.err(),
        Some(Error::OtherDaemon {
            wanted: daemon_name("n2"),
            found
        })
    );
    soon("the end of the relay", relay).await.unwrap();
    // A name that fits, a challenge that does not.
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let liar = tokio::spawn(lie(theirs));
    let error = Client::over(ours, wants_n2).await.err();
    assert_eq!(
        error,
        Some(Error::Challenge(ChallengeError::OtherDaemon {
            challenger: "n1".into(),
            member: "#a#n2".parse().unwrap()
        }))
    );
    assert!(!soon("the liar", liar).await.unwrap(), "no proof was sent");
    // The one that is wanted.
    let wants_n1 = config("a").connection(|connection| connection.daemon(daemon_name("n1")));
    Client::connect(&endpoint(&daemon, "n1"), wants_n1)
        .await
        .unwrap();
    daemon.shutdown().await;
}

/// Plays n2 with a challenge of n1; tells whether a proof came.
async fn lie(mut stream: tokio::io::DuplexStream) -> bool {
    let mut handshake = DaemonHandshake::new();
    handshake.require_methods(&[Method::Proof]);
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).await.unwrap();
        if count == 0 {
            return false;
        }
        handshake.handle_bytes(&buffer[..count]).unwrap();
        while let Some(step) = handshake.poll_step() {
            match step {
                DaemonStep::Connect(_) => handshake.offer_methods(&[]),
                DaemonStep::Challenge => {
                    let mut rng = ChaCha20Rng::seed_from_u64(1);
                    let of_n1 = Challenge::new(daemon_name("n1"), None, &mut rng);
                    let member = "#a#n2".parse().unwrap();
                    handshake.challenge(&member, &of_n1.encode()).unwrap();
                }
                DaemonStep::Authenticate { .. } => return true,
                DaemonStep::Refused(refusal) => panic!("{refusal}"),
            }
            while let Some(bytes) = handshake.poll_transmit() {
                stream.write_all(&bytes).await.unwrap();
            }
        }
    }
}

/// Why the own join comes back is told, as far as it is known here.
#[tokio::test]
async fn a_challenge_that_cannot_be_met_is_told() {
    let (ours, admitted) = played::pipe(1 << 16);
    let connecting = Client::over(ours, config("a"));
    let (client, mut daemon) = tokio::join!(connecting, admitted);
    let client = client.unwrap();
    let mut joined = client.join(group(), GroupOptions::default()).await.unwrap();
    let me = daemon.member;
    assert_eq!(daemon.request().await, Some(Request::Join(group())));
    let ask = |challenge: Challenge| Delivery::Data {
        sender: me,
        message: DataMessage {
            word: ServiceWord::new(Service::Fifo, SelfDelivery::Deliver, Scope::Named),
            hint: Hint::written_in(ByteOrder::Little, JOIN_CHALLENGE),
            destinations: vec![me.into()],
            body: challenge.encode().into(),
        },
    };
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let other = "other".parse().unwrap();
    // For a group that nobody wants to join there is no answer.
    let of_other = Challenge::new(daemon_name("played"), Some(other), &mut rng);
    daemon.deliver(&ask(of_other)).await;
    let of_n1 = Challenge::new(daemon_name("n1"), Some(group()), &mut rng);
    daemon.deliver(&ask(of_n1)).await;
    match daemon.request().await {
        Some(Request::Data(message)) => {
            assert_eq!(message.hint.message_type(), JOIN_PROOF);
            let declined = JoinProof::decode(&message.body).unwrap();
            assert_eq!((declined.group, declined.proof), (group(), Vec::new()));
        }
        other => panic!("{other:?}"),
    }
    let refusal = Refusal {
        requester: me,
        request: RefusedRequest::Join(group()),
    };
    daemon.deliver(&Delivery::Refused(refusal)).await;
    match soon("the reason", joined.recv()).await {
        Some(GroupEvent::Denied {
            member,
            action: Action::Join,
            reason,
        }) => {
            assert_eq!(member, me);
            assert_eq!(
                reason,
                "daemon asks for proof of identity: \
                 challenge of daemon \"n1\" for member #a#played"
            );
        }
        other => panic!("{other:?}"),
    }
    let event = soon("a refusal", joined.recv()).await;
    assert_eq!(event, Some(GroupEvent::Refused(Refused::Join(group()))));
    drop(client);
}

/// An identity is shared by all who are made from the same configuration.
#[tokio::test]
async fn the_own_identity_of_a_connection_goes_before_that_of_the_session() {
    let daemon = asking(proof()).await;
    let signer = credentials("a").signer;
    let other = config("a").connection(|connection| connection.identity(Arc::clone(&signer)));
    Client::connect(&endpoint(&daemon, "n1"), other)
        .await
        .unwrap();
    daemon.shutdown().await;
}
