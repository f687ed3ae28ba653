//! `ssp user` at a terminal, as a person sees it.

use std::{
    fs::File,
    io::{Read, Write},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use nix::{
    pty::{Winsize, openpty},
    sys::termios::{LocalFlags, tcgetattr},
};

use crate::support::{Scene, TIME_LIMIT};

const COLUMNS: u16 = 100;
const ROWS: u16 = 24;

/// A terminal with `ssp user` in it.
struct Terminal {
    child: Child,
    keys: File,
    /// Keeps the terminal when the program has ended.
    slave: File,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    /// `name` at the daemon of the scene, in group g, before eyes that see everything.
    fn open(scene: &Scene, name: &str, environment: &[(&str, &str)]) -> Self {
        let terminal = Self::unread(scene, name, environment);
        let mut screen = terminal.keys.try_clone().unwrap();
        let more = Arc::clone(&terminal.seen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length) = screen.read(&mut bytes) {
                more.lock().unwrap().extend_from_slice(&bytes[..length]);
            }
        });
        terminal
    }

    /// The same with a terminal that takes no more than the system keeps for it.
    fn unread(scene: &Scene, name: &str, environment: &[(&str, &str)]) -> Self {
        let size = Winsize {
            ws_row: ROWS,
            ws_col: COLUMNS,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(Some(&size), None).unwrap();
        let slave = File::from(pty.slave);
        let end = || Stdio::from(slave.try_clone().unwrap());
        let child = Command::new(env!("CARGO_BIN_EXE_ssp"))
            .args(["user", "--name", name, "--connect", scene.address()])
            .args(["--identity", &scene.path(&format!("{name}.key"))])
            .args(["--trust", &scene.path("trust"), "--group", "g"])
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .envs(environment.iter().copied())
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        Self {
            child,
            keys: File::from(pty.master),
            slave,
            seen: Arc::default(),
        }
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    fn bytes(&self) -> Vec<u8> {
        self.seen.lock().unwrap().clone()
    }

    /// The rows with something in them.
    fn rows(&self) -> Vec<String> {
        let mut parser = vt100::Parser::new(ROWS, COLUMNS, 0);
        parser.process(&self.bytes());
        let rows = parser.screen().rows(0, COLUMNS);
        let rows = rows.map(|row| row.trim_end().to_owned());
        rows.filter(|row| !row.is_empty()).collect()
    }

    /// Waits until the rows are as wanted.
    fn wait(&self, what: &str, wanted: impl Fn(&[String]) -> bool) {
        let deadline = Instant::now() + TIME_LIMIT;
        loop {
            let rows = self.rows();
            if wanted(&rows) {
                return;
            }
            assert!(Instant::now() < deadline, "no {what}: {rows:#?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn wait_row(&self, beginning: &str) {
        self.wait(beginning, |rows| {
            rows.iter().any(|row| row.starts_with(beginning))
        });
    }

    fn wait_last(&self, last: &str) {
        self.wait(last, |rows| rows.last().is_some_and(|row| row == last));
    }

    /// Whether lines are edited by the system, as programs find it.
    fn is_cooked(&self) -> bool {
        let mode = tcgetattr(&self.slave).unwrap();
        mode.local_flags
            .contains(LocalFlags::ICANON | LocalFlags::ECHO)
    }

    fn signal(&self, signal: &str) {
        let process = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &process]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the end of the program.
    fn end(&mut self) -> Option<i32> {
        let deadline = Instant::now() + TIME_LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn events_leave_what_is_typed_alone() {
    let scene = Scene::open(&["alice", "bob"]);
    let mut alice = Terminal::open(&scene, "alice", &[]);
    alice.wait_last("g>");
    alice.wait_row("[g] * key ");
    assert!(!alice.is_cooked());
    alice.press("half a li");
    alice.wait_last("g> half a li");
    let mut bob = scene.user("bob");
    bob.wait_view(&["#alice#n1", "#bob#n1"]);
    alice.wait_row("[g] * #bob#n1 joined: #alice#n1 #bob#n1");
    bob.type_line("send g hello");
    alice.wait_row("[g] #bob#n1: hello");
    alice.wait_last("g> half a li");
    alice.press("ne\r");
    bob.wait_message("half a line");
    // It is seen once, as the others see it.
    alice.wait_row("[g] #alice#n1: half a line");
    alice.wait_last("g>");
    alice.press("/mem\t\r");
    alice.wait_row("[g] 2 members: #alice#n1 #bob#n1");
    alice.press("/help\r");
    alice.wait_row("sendfile GROUP PATH");
    // The line before the last one comes back, and is changed.
    alice.press("\x1b[A\x1b[A\x1b[A");
    alice.wait_last("g> half a line");
    alice.press("\x17moon\r");
    bob.wait_message("half a moon");
    bob.kill();
    alice.wait_row("[g] * #bob#n1 disconnected: #alice#n1");
    let text = String::from_utf8(alice.bytes()).unwrap();
    assert!(text.contains("\x1b[36m[g] * "), "no colours");
    alice.press("\x04");
    assert_eq!(alice.end(), Some(0));
    alice.wait_last("* closed");
    assert!(alice.is_cooked(), "the terminal is left as it was found");
    scene.close();
}

#[test]
fn the_end_leaves_the_terminal_as_it_was() {
    let mut scene = Scene::open(&["alice"]);
    // By Ctrl-C with a line half typed, by command, by a signal.
    for (keys, signal) in [
        ("half\x03", None),
        ("/quit\r", None),
        ("half", Some("-TERM")),
    ] {
        let mut alice = Terminal::open(&scene, "alice", &[]);
        alice.wait_row("[g] * key ");
        alice.press(keys);
        if let Some(signal) = signal {
            alice.wait_last("g> half");
            alice.signal(signal);
        }
        assert_eq!(alice.end(), Some(0), "{keys:?}");
        alice.wait_last("* closed");
        assert!(alice.is_cooked(), "{keys:?}");
    }
    // By a daemon that is gone, and not waited for.
    let mut alice = Terminal::open(&scene, "alice", &[]);
    alice.wait_row("[g] * key ");
    alice.press("half");
    alice.wait_last("g> half");
    scene.stop_daemon();
    alice.wait_row("! connection lost, trying again: ");
    alice.wait_last("g> half");
    alice.press("\x03");
    assert_eq!(alice.end(), Some(0));
    assert!(alice.is_cooked());
}

#[test]
fn a_file_on_its_way_shows_how_far_it_is() {
    let scene = Scene::open(&["alice"]);
    let mut alice = Terminal::open(&scene, "alice", &[]);
    alice.wait_row("[g] * key ");
    // Long enough for any machine, and no space on the disk.
    let path = scene.path("long");
    let file = File::create(&path).unwrap();
    file.set_len(4 << 30).unwrap();
    alice.press(&format!("/sendfile {path}\rhalf"));
    alice.wait("progress", |rows| match rows {
        [.., bar, last] => bar.starts_with("long [") && bar.contains("MB/s") && last == "g> half",
        _ => false,
    });
    alice.press("\x15/members\r");
    alice.wait_row("[g] 1 member: #alice#n1");
    alice.wait("one bar", |rows| {
        let bars = rows.iter().filter(|row| row.starts_with("long ["));
        bars.count() == 1 && rows.last().is_some_and(|row| row == "g>")
    });
    alice.press("\x03");
    assert_eq!(alice.end(), Some(0));
    alice.wait_last("* closed");
    scene.close();
}

#[test]
fn colours_are_for_those_who_want_them() {
    let scene = Scene::open(&["alice"]);
    let mut alice = Terminal::open(&scene, "alice", &[("NO_COLOR", "1")]);
    alice.wait_row("[g] * key ");
    alice.wait_last("g>");
    alice.press("/quit\r");
    assert_eq!(alice.end(), Some(0));
    let text = String::from_utf8(alice.bytes()).unwrap();
    assert!(!text.contains("\x1b[36m"), "{text}");
    assert!(!text.contains("\x1b[1m"), "{text}");
    drop(alice);
    // A terminal that moves no cursor gets plain lines.
    let mut alice = Terminal::open(&scene, "alice", &[("TERM", "dumb")]);
    alice.wait_row("[g] * key ");
    assert!(alice.is_cooked());
    alice.press("hello\n");
    alice.wait_row("[g] #alice#n1: hello");
    alice.press("/quit\n");
    assert_eq!(alice.end(), Some(0));
    scene.close();
}

#[test]
fn a_terminal_that_takes_nothing_holds_nobody_up() {
    let scene = Scene::open(&["alice", "bob"]);
    let mut alice = Terminal::unread(&scene, "alice", &[]);
    let mut bob = scene.user("bob");
    bob.wait_view(&["#alice#n1", "#bob#n1"]);
    // Far more than the system keeps.
    let text = "x".repeat(1000);
    for _ in 0..200 {
        bob.type_line(&format!("send g {text}"));
    }
    bob.type_line("send g last");
    bob.wait_message("last");
    bob.type_line("refresh g");
    bob.wait_event("refresh");
    alice.signal("-TERM");
    assert_eq!(alice.end(), Some(0));
    assert!(alice.is_cooked());
    let (said, code) = bob.finish();
    assert_eq!(code, Some(0), "{said:#?}");
    scene.close();
}
