//! Identities, authorities, and a daemon that asks for them.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use gcs_daemon::{Daemon, VirtualDaemon, access::ProofOfIdentity};
use gcs_proto::{
    gcs::{Cause, GcsCommand, GcsEvent},
    handshake::{ClientHandshake, ProofRequest},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use ssp_identity::{
    Ed25519Signer, OwnIdentity, Proof, Timestamp, Trust, TrustStore, answer_join_challenge,
    x509::{
        Authority, CertificateIdentity, CertificateTrust, KeyAlgorithm, Revocation, Validity,
        summaries,
    },
};
use tokio::io::DuplexStream;

use crate::client::{Client, daemon_name, options, shake};

const YEAR: u64 = 365 * 24 * 3_600_000;

pub(crate) fn signer(name: &str) -> Ed25519Signer {
    let mut seed = [0; 32];
    seed[..name.len()].copy_from_slice(name.as_bytes());
    Ed25519Signer::from_seed(&seed)
}

pub(crate) fn keys_of(names: &[&str]) -> TrustStore {
    let mut trust = TrustStore::new();
    for name in names {
        trust.insert(name, signer(name).public_key()).unwrap();
    }
    trust
}

pub(crate) fn now() -> u64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

fn valid(from: u64, until: u64) -> Validity {
    Validity {
        not_before: Timestamp(from),
        not_after: Timestamp(until),
    }
}

/// An authority and its random numbers.
pub(crate) struct Office {
    authority: Authority,
    rng: ChaCha20Rng,
}

impl Office {
    pub(crate) fn open(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let name = format!("Office {seed}");
        let validity = valid(now() - 2 * YEAR, now() + YEAR);
        let authority =
            Authority::new(&name, &[], KeyAlgorithm::Ed25519, validity, &mut rng).unwrap();
        Self { authority, rng }
    }

    /// Key and certificate of a member, PEM.
    pub(crate) fn issue(&mut self, member: &str, algorithm: KeyAlgorithm) -> String {
        self.issue_until(member, algorithm, now() + YEAR)
    }

    pub(crate) fn issue_until(
        &mut self,
        member: &str,
        algorithm: KeyAlgorithm,
        until: u64,
    ) -> String {
        let fields = [("O", "Example")];
        let validity = valid(now() - YEAR, until);
        let pem = self
            .authority
            .issue(member, &fields, algorithm, validity, &mut self.rng)
            .unwrap();
        pem.to_string()
    }

    pub(crate) fn trust(&self) -> CertificateTrust {
        self.authority.certificate_pem().unwrap().parse().unwrap()
    }

    /// Trust that knows of the revocation of these.
    pub(crate) fn trust_without(&self, revoked: &[&str]) -> CertificateTrust {
        let serials: Vec<String> = revoked
            .iter()
            .map(|pem| summaries(pem).unwrap()[0].serial.clone())
            .collect();
        let serials: Vec<&str> = serials.iter().map(String::as_str).collect();
        let list = self
            .authority
            .revoke(&Revocation {
                list: None,
                serials: &serials,
                now: Timestamp(now() - 60_000),
                next: Timestamp(now() + YEAR),
            })
            .unwrap();
        let authority = self.authority.certificate_pem().unwrap();
        format!("{authority}{list}").parse().unwrap()
    }
}

pub(crate) fn certified(pem: &str) -> CertificateIdentity {
    CertificateIdentity::from_pem(pem).unwrap()
}

/// Proof of identity to who trusts so.
pub(crate) fn trusting(trust: impl Trust + 'static) -> ProofOfIdentity {
    ProofOfIdentity::new(Arc::new(trust))
}

/// A daemon n1 that asks so.
pub(crate) async fn asking(proof: ProofOfIdentity) -> Daemon {
    let n1 = VirtualDaemon::new(daemon_name("n1"));
    let builder = Daemon::builder().daemon(n1).proof_of_identity(proof);
    builder.start().await.unwrap()
}

/// The right answer of an identity.
pub(crate) fn answer(request: &ProofRequest, identity: &dyn OwnIdentity) -> Vec<u8> {
    Proof::meet(&request.challenge, None, &request.member, identity).unwrap()
}

/// Connects as `name` and answers as `prove` does.
pub(crate) async fn enter_with(
    daemon: &Daemon,
    name: &str,
    prove: impl FnMut(&ProofRequest) -> Vec<u8>,
) -> Result<Client<DuplexStream>, gcs_proto::Error> {
    let stream = daemon.connect_in_process(&daemon_name("n1")).unwrap();
    let handshake = ClientHandshake::new(options(name)).prove_if_asked();
    shake(stream, handshake, prove).await
}

/// Connects as `name` and proves to be `identity`.
pub(crate) async fn enter(
    daemon: &Daemon,
    name: &str,
    identity: &dyn OwnIdentity,
) -> Result<Client<DuplexStream>, gcs_proto::Error> {
    enter_with(daemon, name, |request| answer(request, identity)).await
}

/// Who watches a group that is to be left in peace.
pub(crate) struct Witness(Client<DuplexStream>, u32);

impl Witness {
    /// Joins `group` as `alice`.
    pub(crate) async fn watch(daemon: &Daemon, group: &str) -> Self {
        let mut alice = enter(daemon, "alice", &signer("alice")).await.unwrap();
        let me = alice.name();
        let join = GcsCommand::Join(group.parse().unwrap());
        alice.command(join).await;
        loop {
            let event = alice.event().await;
            match answer_join_challenge(&event, &me, Some(&signer("alice")), |_| true) {
                Some(answer) => alice.command(answer.command.unwrap()).await,
                None => {
                    let joined = match event {
                        GcsEvent::Membership(membership) => membership.view.cause,
                        other => panic!("{other:?}"),
                    };
                    assert_eq!(joined, Cause::Join(me));
                    return Self(alice, 0);
                }
            }
        }
    }

    /// Nothing at all has come since the last look.
    pub(crate) async fn in_peace(&mut self, group: &str, what: &str) {
        self.1 += 1;
        let text = self.1.to_string();
        self.0.send(group, &text).await;
        match self.0.event().await {
            GcsEvent::Message(message) => assert_eq!(message.body, text.as_bytes(), "{what}"),
            other => panic!("{other:?} because of {what}"),
        }
    }

    pub(crate) fn client(&mut self) -> &mut Client<DuplexStream> {
        &mut self.0
    }

    pub(crate) async fn leave(mut self, group: &str) {
        self.0
            .command(GcsCommand::Leave(group.parse().unwrap()))
            .await;
    }
}

/// The log of the current thread.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Collects what is logged while the guard lives.
    pub(crate) fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        use tracing_subscriber::{EnvFilter, util::SubscriberInitExt};

        let log = Self::default();
        let writer = log.clone();
        let guard = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("gcs_daemon=debug"))
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .set_default();
        (log, guard)
    }

    /// What was logged since the last call.
    pub(crate) fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        String::from_utf8(bytes).unwrap()
    }
}
