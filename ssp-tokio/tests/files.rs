//! Identity, trust and policy from files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs
)]

mod support;

use std::{io::ErrorKind, path::Path, sync::Arc};

use ssp_tokio::{
    Client, ClientConfig, Error, GroupEvent, Service,
    files::{self, FileErrorKind},
    ssp_core::{
        self, GroupOptions,
        access::Action,
        identity::{Ed25519Signer, PublicKey},
    },
};
use support::{endpoint, soon, start_daemon};

/// Writes the key of `name` to `<name>.key`.
fn key(folder: &Path, name: &str, seed: u8) -> PublicKey {
    let signer = Ed25519Signer::from_seed(&[seed; 32]);
    let pem = signer.to_pem().unwrap();
    std::fs::write(folder.join(format!("{name}.key")), pem.as_bytes()).unwrap();
    signer.public_key()
}

fn config(folder: &Path, name: &str) -> ClientConfig {
    let identity = folder.join(format!("{name}.key"));
    ClientConfig::from_files(name.parse().unwrap(), identity, [folder.join("trust")]).unwrap()
}

/// Members from files agree; each hears and lets in whom its own policy allows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_from_files_meet_under_their_policies() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let trust = format!(
        "alice ed25519 {}\nbob ed25519 {}\n",
        key(folder, "alice", 1),
        key(folder, "bob", 2)
    );
    std::fs::write(folder.join("trust"), trust).unwrap();
    std::fs::write(
        folder.join("policy"),
        "allow join,admit,send open *\nallow receive open alice\n",
    )
    .unwrap();
    let policy = Arc::new(files::policy(folder.join("policy")).unwrap());

    let daemon = start_daemon(&["n1"]).await;
    let at = endpoint(&daemon, "n1");
    let alice = Client::connect(&at, config(folder, "alice").policy(policy))
        .await
        .unwrap();
    let bob = Client::connect(&at, config(folder, "bob")).await.unwrap();

    let shut = "shut".parse().unwrap();
    match alice.join(shut, GroupOptions::default()).await {
        Err(Error::Session(ssp_core::Error::Denied { group, action, .. })) => {
            assert_eq!((group, action), (shut, Action::Join));
        }
        other => panic!("{other:?}"),
    }

    let open = "open".parse().unwrap();
    let mut at_alice = alice.join(open, GroupOptions::default()).await.unwrap();
    let mut at_bob = bob.join(open, GroupOptions::default()).await.unwrap();
    while at_bob.members().len() < 2 {
        soon("an event", at_bob.recv()).await.unwrap();
    }
    at_bob
        .multicast(Service::Agreed, 0, "not for alice")
        .await
        .unwrap();
    let denied = loop {
        match soon("an event", at_alice.recv()).await.unwrap() {
            GroupEvent::Message(message) => panic!("{message:?}"),
            GroupEvent::Denied { member, action, .. } => break (member, action),
            _ => {}
        }
    };
    assert_eq!(denied, (*bob.private_group(), Action::Receive));
    daemon.shutdown().await;
}

#[test]
fn errors_name_the_file_and_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("text"), "not three fields at all\n").unwrap();
    std::fs::write(at("crt"), "-----BEGIN CERTIFICATE-----\nno\n").unwrap();
    std::fs::write(at("bytes"), [0xff, 0xfe]).unwrap();

    let missing = files::identity(at("missing")).unwrap_err();
    assert_eq!(missing.path, at("missing"));
    assert!(matches!(
        missing.kind,
        FileErrorKind::Read {
            kind: ErrorKind::NotFound,
            ..
        }
    ));
    assert!(missing.to_string().contains("missing"));
    for (kind, wanted) in [
        (files::identity(at("text")).unwrap_err().kind, "identity"),
        (files::identity(at("crt")).unwrap_err().kind, "identity"),
        (files::trust([at("text")]).unwrap_err().kind, "trust"),
        (files::trust([at("crt")]).unwrap_err().kind, "certificates"),
        (files::policy(at("text")).unwrap_err().kind, "policy"),
        (files::policy(at("bytes")).unwrap_err().kind, "read"),
    ] {
        let got = match kind {
            FileErrorKind::Identity(_) => "identity",
            FileErrorKind::Trust(_) => "trust",
            FileErrorKind::Certificates(_) => "certificates",
            FileErrorKind::Policy(_) => "policy",
            FileErrorKind::Read { .. } => "read",
            _ => "other",
        };
        assert_eq!(got, wanted, "{kind}");
    }
}
