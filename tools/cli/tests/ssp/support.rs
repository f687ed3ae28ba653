//! Runs the `ssp` command as processes and talks to them.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, Command, Output, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::schema;

/// Guard against a process that says nothing; no test waits for it to pass.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Runs the command to its end.
pub(crate) fn ssp(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ssp"))
        .args(arguments)
        .output()
        .unwrap()
}

/// A running `ssp --json`.
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    /// With them, whether they are of a user.
    events: mpsc::Receiver<(Value, bool)>,
    /// Everything it has said so far.
    pub(crate) said: Vec<Value>,
}

impl Process {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ssp"))
            .arg("--json")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, events) = mpsc::channel();
        let is_user = arguments.first() == Some(&"user");
        std::thread::spawn(move || {
            for line in output.lines() {
                let Ok(line) = line else { return };
                let event = serde_json::from_str(&line)
                    .unwrap_or_else(|error| panic!("\"{line}\" is no JSON: {error}"));
                let event = (event, is_user);
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            input,
            events,
            said: Vec::new(),
        }
    }

    pub(crate) fn type_line(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{line}").unwrap();
        input.flush().unwrap();
    }

    /// Waits for an event that `wanted` accepts, from here on.
    pub(crate) fn wait(&mut self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + TIME_LIMIT;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok((event, is_user)) => {
                    if is_user {
                        schema::check(&event);
                    }
                    self.said.push(event.clone());
                    if wanted(&event) {
                        return event;
                    }
                }
                Err(error) => panic!("no {what}: {error}; said {:#?}", self.said),
            }
        }
    }

    pub(crate) fn wait_event(&mut self, name: &str) -> Value {
        self.wait(name, |event| event["event"] == name)
    }

    /// Waits for a view of exactly these members, `["#alice#n1", ..]`.
    pub(crate) fn wait_view(&mut self, members: &[&str]) -> Value {
        self.wait("view", |event| {
            event["event"] == "view" && has_members(event, members)
        })
    }

    pub(crate) fn wait_message(&mut self, data: &str) -> Value {
        self.wait(data, |event| {
            event["event"] == "message" && event["data"] == data
        })
    }

    /// Ends its input and waits for its end; tells what it said last and its exit code.
    pub(crate) fn finish(mut self) -> (Vec<Value>, Option<i32>) {
        self.type_line("quit");
        self.input = None;
        let code = self.child.wait().unwrap().code();
        for (event, is_user) in &self.events {
            if is_user {
                schema::check(&event);
            }
            self.said.push(event);
        }
        (std::mem::take(&mut self.said), code)
    }

    /// Waits for its end without a word to it; tells what it said last and its exit code.
    pub(crate) fn end(mut self) -> (Vec<Value>, Option<i32>) {
        let code = self.child.wait().unwrap().code();
        for (event, is_user) in &self.events {
            if is_user {
                schema::check(&event);
            }
            self.said.push(event);
        }
        (std::mem::take(&mut self.said), code)
    }

    /// Types bytes that are no line of text.
    #[cfg(unix)]
    pub(crate) fn type_bytes(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }

    /// Sends it a signal, such as `-INT`.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: &str) {
        let process = self.child.id().to_string();
        let status = Command::new("kill").args([signal, &process]).status();
        assert!(status.unwrap().success());
    }

    /// Ends it without goodbye.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn has_members(event: &Value, members: &[&str]) -> bool {
    let listed: Vec<&str> = event["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    listed == members
}

/// A daemon process and the files of its users, in a folder that goes with it.
pub(crate) struct Scene {
    pub(crate) folder: tempfile::TempDir,
    daemon: Process,
    address: String,
}

impl Scene {
    /// Starts a daemon and gives these users a key each, known to all.
    pub(crate) fn open(users: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut daemon = Process::start(&["daemon", "--listen", "127.0.0.1:0"]);
        let listening = daemon.wait_event("listening");
        let address = listening["address"].as_str().unwrap().to_owned();
        let scene = Self {
            folder,
            daemon,
            address,
        };
        for user in users {
            scene.make_key(user);
        }
        scene.write_trust("trust", users);
        scene
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub(crate) fn make_key(&self, user: &str) {
        let made = ssp(&["identity", "new", &self.path(&format!("{user}.key"))]);
        assert!(made.status.success(), "{made:?}");
    }

    pub(crate) fn write_trust(&self, file: &str, users: &[&str]) {
        let mut trust = Vec::new();
        for user in users {
            let key = self.path(&format!("{user}.key"));
            let shown = ssp(&["identity", "show", &key, "--name", user]);
            assert!(shown.status.success(), "{shown:?}");
            trust.extend(shown.stdout);
        }
        std::fs::write(Path::new(&self.path(file)), trust).unwrap();
    }

    /// A secure user at `address` who signs with `<key>.key`.
    fn secure_user(&self, address: &str, name: &str, key: &str, options: &[&str]) -> Process {
        let key = self.path(&format!("{key}.key"));
        let trust = self.path("trust");
        let usual = [
            "user",
            "--connect",
            address,
            "--name",
            name,
            "--identity",
            &key,
            "--trust",
            &trust,
            "--group",
            "g",
        ];
        let mut user = Process::start(&[&usual[..], options].concat());
        user.wait_event("connected");
        user
    }

    pub(crate) fn user_at(&self, address: &str, name: &str) -> Process {
        self.secure_user(address, name, name, &[])
    }

    pub(crate) fn user_with_key(&self, name: &str, key: &str) -> Process {
        self.secure_user(&self.address, name, key, &[])
    }

    /// With further options.
    pub(crate) fn user_with(&self, name: &str, options: &[&str]) -> Process {
        self.secure_user(&self.address, name, name, options)
    }

    pub(crate) fn user(&self, name: &str) -> Process {
        self.user_with_key(name, name)
    }

    /// A user of a layer without keys, `--plain` or `--flush`.
    pub(crate) fn keyless(&self, layer: &str, name: &str) -> Process {
        let mut user = Process::start(&[
            "user",
            "--connect",
            &self.address,
            "--name",
            name,
            layer,
            "--group",
            "g",
        ]);
        user.wait_event("connected");
        user
    }

    /// A user without keys who is asked before a view changes.
    pub(crate) fn flush_by_hand(&self, name: &str) -> Process {
        let mut user = Process::start(&[
            "user",
            "--connect",
            &self.address,
            "--name",
            name,
            "--flush",
            "--manual-flush",
            "--group",
            "g",
        ]);
        user.wait_event("connected");
        user
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn daemon(&mut self) -> &mut Process {
        &mut self.daemon
    }

    pub(crate) fn into_daemon(self) -> Process {
        self.daemon
    }

    /// Ends the daemon without goodbye.
    pub(crate) fn stop_daemon(&mut self) {
        self.daemon.child.kill().unwrap();
        self.daemon.child.wait().unwrap();
    }

    /// Starts a daemon where the one before was.
    pub(crate) fn start_daemon_again(&mut self) {
        self.daemon = Process::start(&["daemon", "--listen", &self.address]);
        self.daemon.wait_event("listening");
    }

    /// The daemon is still there.
    pub(crate) fn close(self) {
        drop(self.daemon);
    }
}
