//! `ssp cert` and users whose identities are certificates.

use crate::support::{Process, Scene, ssp};

fn run(arguments: &[&str]) -> String {
    let output = ssp(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// An authority in the scene's folder, and certificates for these names.
fn certify(scene: &Scene, names: &[&str]) {
    let ca = scene.path("ca.pem");
    run(&[
        "cert",
        "ca",
        &ca,
        "--name",
        "Example CA",
        "--field",
        "O=Example",
    ]);
    for (index, name) in names.iter().enumerate() {
        let file = scene.path(&format!("{name}.pem"));
        let algorithm = ["ed25519", "ecdsa-p256"][index % 2];
        run(&[
            "cert",
            "issue",
            &file,
            "--ca",
            &ca,
            "--name",
            name,
            "--algorithm",
            algorithm,
        ]);
    }
}

fn user(scene: &Scene, name: &str, identity: &str, trust: &[&str]) -> Process {
    let identity = scene.path(identity);
    let trust: Vec<String> = trust.iter().map(|file| scene.path(file)).collect();
    let mut arguments = vec![
        "user",
        "--connect",
        scene.address(),
        "--name",
        name,
        "--identity",
        &identity,
        "--group",
        "g",
    ];
    for file in &trust {
        arguments.extend(["--trust", file]);
    }
    let mut user = Process::start(&arguments);
    user.wait_event("connected");
    user
}

#[test]
fn members_with_certificates_talk_and_a_revoked_one_is_kept_out() {
    let scene = Scene::open(&[]);
    certify(&scene, &["alice", "bob", "carol"]);
    let mut alice = user(&scene, "alice", "alice.pem", &["ca.crt"]);
    alice.wait_view(&["#alice#n1"]);
    let mut bob = user(&scene, "bob", "bob.pem", &["ca.crt"]);
    for member in [&mut alice, &mut bob] {
        member.wait_view(&["#alice#n1", "#bob#n1"]);
    }
    alice.type_line("send g hello");
    bob.wait_message("hello");
    alice.kill();
    bob.wait_view(&["#bob#n1"]);

    // From now on bob knows better than to trust carol.
    bob.kill();
    let (ca, carol) = (scene.path("ca.pem"), scene.path("carol.pem"));
    let list = scene.path("revoked.pem");
    run(&["cert", "revoke", &carol, "--ca", &ca, "--list", &list]);
    let mut bob = user(&scene, "bob2", "bob.pem", &["ca.crt", "revoked.pem"]);
    // His certificate is for another name, as he is told.
    let warning = bob.wait_event("warning");
    assert!(
        warning["reason"].as_str().unwrap().contains("#bob#*"),
        "{warning}"
    );
    bob.kill();
    let mut bob = user(&scene, "bob", "bob.pem", &["ca.crt", "revoked.pem"]);
    bob.wait_view(&["#bob#n1"]);
    let carol = user(&scene, "carol", "carol.pem", &["ca.crt"]);
    let refused = bob.wait_event("identity");
    assert_eq!(refused["member"], "#carol#n1");
    assert!(
        refused["reason"].as_str().unwrap().contains("revoked"),
        "{refused}"
    );
    bob.wait_event("failure");
    carol.kill();
    bob.wait_view(&["#bob#n1"]);
    let (_, code) = bob.finish();
    assert_eq!(code, Some(0));
    scene.close();
}

#[test]
fn files_are_private_shown_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (ca, crt, member) = (path("ca.pem"), path("ca.crt"), path("m.pem"));
    let made = run(&["--json", "cert", "ca", &ca, "--name", "Example CA"]);
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    assert_eq!(made["event"], "authority");
    assert_eq!(made["certificate"], crt.as_str());
    let issued = run(&[
        "--json",
        "cert",
        "issue",
        &member,
        "--ca",
        &ca,
        "--name",
        "#alice#n1",
        "--field",
        "OU=Board",
        "--days",
        "7",
    ]);
    let issued: serde_json::Value = serde_json::from_str(&issued).unwrap();
    assert_eq!(issued["name"], "#alice#n1");
    assert_eq!(issued["issuer"], "CN=Example CA");
    #[cfg(unix)]
    for (file, mode) in [(&ca, 0o600), (&member, 0o600)] {
        use std::os::unix::fs::PermissionsExt;
        let found = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode, "{file}");
    }
    let public = std::fs::read_to_string(&crt).unwrap();
    assert!(public.starts_with("-----BEGIN CERTIFICATE-----") && !public.contains("PRIVATE"));
    let shown = run(&["cert", "show", &member]);
    let serial = issued["serial"].as_str().unwrap();
    for text in ["OU=Board", "CN=Example CA", serial, "ed25519", "Z to "] {
        assert!(shown.contains(text), "{text} in {shown}");
    }
    assert!(!shown.contains("PRIVATE"));

    // A list is continued, and renewed without certificates.
    let list = path("revoked.pem");
    run(&[
        "cert", "revoke", "--ca", &ca, "--list", &list, "--serial", serial,
    ]);
    let first = std::fs::read_to_string(&list).unwrap();
    let again = run(&["--json", "cert", "revoke", "--ca", &ca, "--list", &list]);
    let again: serde_json::Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["event"], "revoked");
    assert_eq!(again["serials"], serde_json::json!([]));
    assert_ne!(std::fs::read_to_string(&list).unwrap(), first);

    for (arguments, code, names) in [
        (&["cert", "ca", &ca, "--name", "x"][..], 1, ca.as_str()),
        (
            &["cert", "issue", &member, "--ca", &ca, "--name", "bob"],
            1,
            &member,
        ),
        (
            &["cert", "issue", "n", "--ca", &member, "--name", "bob"],
            1,
            &member,
        ),
        (
            &["cert", "issue", "n", "--ca", &crt, "--name", "bob"],
            1,
            &crt,
        ),
        (
            &["cert", "issue", "n", "--ca", &ca, "--name", "a#b"],
            2,
            "a#b",
        ),
        (
            &[
                "cert", "issue", "n", "--ca", &ca, "--name", "bob", "--field", "X=1",
            ],
            2,
            "X",
        ),
        (
            &[
                "cert", "issue", "n", "--ca", &ca, "--name", "bob", "--days", "0",
            ],
            2,
            "0",
        ),
        (
            &[
                "cert", "revoke", "--ca", &ca, "--list", &list, "--serial", "zz",
            ],
            2,
            "zz",
        ),
        (&["cert", "revoke", "--ca", &ca, "--list", &crt], 1, &crt),
        (&["cert", "show", &list], 1, &list),
    ] {
        let output = ssp(arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {output:?}"
        );
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(names), "{names} in {text}");
        assert!(output.stdout.is_empty());
    }
    assert!(!std::path::Path::new("n").exists());
}

#[test]
fn raw_keys_and_certificates_can_be_mixed() {
    let scene = Scene::open(&["alice"]);
    certify(&scene, &["bob"]);
    let mut alice = user(&scene, "alice", "alice.key", &["trust", "ca.crt"]);
    alice.wait_view(&["#alice#n1"]);
    let mut bob = user(&scene, "bob", "bob.pem", &["ca.crt", "trust"]);
    for member in [&mut alice, &mut bob] {
        member.wait_view(&["#alice#n1", "#bob#n1"]);
    }
    bob.type_line("send g hello");
    alice.wait_message("hello");
    scene.close();
}
