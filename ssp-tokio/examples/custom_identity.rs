//! An identity of one's own making: badges of an office.
//!
//! ```text
//! cargo run -p ssp-tokio --example custom_identity
//! ```
//!
//! Members know the key of their office and nothing of each other. The office signs badges: a
//! member's name, its public key, its department. A badge is the evidence that a member shows in
//! the group; who has none, or a badge of another name, gets no key, and the others hear why.

#![allow(clippy::print_stdout)]

use std::{error::Error, sync::Arc};

use cliques::{SignatureAlgorithm, Signer};
use gcs_daemon::Daemon;
use ssp_tokio::{
    Client, ClientConfig, Group, GroupEvent,
    gcs_proto::name::MemberName,
    ssp_core::{
        Credentials, GroupOptions, Timestamp,
        identity::{Distrust, Ed25519Signer, Identity, OwnIdentity, PublicKey, Trust},
    },
};

/// What the office's signatures begin with, so that they are of no use for anything else.
const CONTEXT: &[u8] = b"example badge\0";

/// `key (32) || name (16, padded) || department (16, padded) || signature of the office (64)`
const BADGE: usize = 128;

fn padded(text: &str) -> Option<[u8; 16]> {
    let mut field = [0; 16];
    field
        .get_mut(..text.len())?
        .copy_from_slice(text.as_bytes());
    Some(field)
}

/// The office, which nobody but itself has.
struct Office(Ed25519Signer);

impl Office {
    fn issue(&self, name: &str, department: &str, seed: [u8; 32]) -> Option<Badge> {
        let signer = Ed25519Signer::from_seed(&seed);
        let key = signer.public_key();
        let mut badge = [key.as_bytes(), &padded(name)?[..], &padded(department)?[..]].concat();
        badge.extend(self.0.sign(&[CONTEXT, &badge].concat()));
        Some(Badge { signer, badge })
    }
}

/// A member's own key, and the badge that it shows.
#[derive(Debug)]
struct Badge {
    signer: Ed25519Signer,
    badge: Vec<u8>,
}

impl Signer for Badge {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.signer.algorithm()
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.signer.sign(message)
    }
}

impl OwnIdentity for Badge {
    fn evidence(&self) -> Option<&[u8]> {
        Some(&self.badge)
    }
}

/// Accepts the badges of an office.
#[derive(Debug)]
struct Badges {
    office: PublicKey,
}

impl Trust for Badges {
    fn identify(
        &self,
        member: &MemberName,
        evidence: Option<&[u8]>,
        _now: Timestamp,
    ) -> Result<Identity, Distrust> {
        let evidence = evidence.ok_or(Distrust::NotShown)?;
        let badge: &[u8; BADGE] = evidence
            .try_into()
            .map_err(|_| Distrust::Malformed("length of the badge"))?;
        let (signed, signature) = badge.split_at(BADGE - 64);
        self.office
            .verify(&[CONTEXT, signed].concat(), signature)
            .map_err(|_| Distrust::Unknown)?;
        let (key, fields) = signed
            .split_first_chunk::<32>()
            .ok_or(Distrust::Malformed("key"))?;
        let (name, department) = fields.split_at(16);
        // Names are of the form #name#daemon.
        let session = member.as_str().split('#').nth(1).unwrap_or_default();
        if padded(session).as_ref().map(|field| &field[..]) != Some(name) {
            return Err(Distrust::OtherKey);
        }
        let key = PublicKey::from_bytes(key).map_err(|_| Distrust::Malformed("key"))?;
        let department = String::from_utf8_lossy(department);
        let department = department.trim_end_matches('\0').to_owned();
        // An access policy can ask for it.
        Ok(Identity::of_key(Arc::new(key)).with_field("department", department))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let office = Office(Ed25519Signer::from_seed(&[1; 32]));
    let trust = Arc::new(Badges {
        office: office.0.public_key(),
    });
    let n1 = "n1".parse()?;
    let daemon = Daemon::builder().daemon(n1).start().await?;
    let join = async |name: &str, badge: Badge| -> Result<(Client, Group), Box<dyn Error>> {
        let credentials = Credentials {
            signer: Arc::new(badge),
            trust: trust.clone(),
        };
        let config = ClientConfig::new(name.parse()?, credentials);
        let client = Client::over(daemon.connect_in_process(&n1)?, config).await?;
        let group = client
            .join("floor".parse()?, GroupOptions::default())
            .await?;
        Ok((client, group))
    };

    let alice = office
        .issue("alice", "research", [2; 32])
        .ok_or("too long")?;
    let (_alice, mut at_alice) = join("alice", alice).await?;
    let bob = office.issue("bob", "sales", [3; 32]).ok_or("too long")?;
    let (_bob, mut at_bob) = join("bob", bob).await?;
    while at_alice.members().len() < 2 || at_bob.members().len() < 2 {
        tokio::select! {
            _ = at_alice.recv() => {}
            _ = at_bob.recv() => {}
        }
    }
    assert_eq!(at_alice.fingerprint(), at_bob.fingerprint());
    println!(
        "alice and bob share {}",
        at_alice.fingerprint().ok_or("no key")?
    );

    // Mallory has made a badge of her own office. Her own client sees that it is worth nothing here, so
    // it is not even shown. The others wait a few seconds for one.
    let other = Office(Ed25519Signer::from_seed(&[9; 32]));
    let forged = other
        .issue("mallory", "research", [4; 32])
        .ok_or("too long")?;
    let (mallory, mut at_mallory) = join("mallory", forged).await?;
    let keep_going = tokio::spawn(async move {
        let mut at_bob = at_bob;
        while at_bob.recv().await.is_some() {}
    });
    loop {
        match at_mallory.recv().await.ok_or("the group is over")? {
            GroupEvent::Failed { suspects, reason } => {
                println!("{suspects:?} is told by her own client: {reason}");
                assert_eq!(suspects, [*mallory.private_group()]);
                break;
            }
            other => println!("{other:?}"),
        }
    }
    loop {
        match at_alice.recv().await.ok_or("the group is over")? {
            GroupEvent::IdentityRefused { member, reason } => {
                println!("{member} is refused: {reason}");
                assert_eq!(member, *mallory.private_group());
                break;
            }
            other => println!("{other:?}"),
        }
    }
    drop(at_mallory);
    mallory.disconnect().await;
    // Without her the others have a key again, by themselves.
    loop {
        if let GroupEvent::SecureView(view) = at_alice.recv().await.ok_or("the group is over")? {
            println!("again {} members share a key", view.view.members.len());
            assert_eq!(view.view.members.len(), 2);
            break;
        }
    }
    daemon.shutdown().await;
    keep_going.await?;
    Ok(())
}
