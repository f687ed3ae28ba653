//! Counters of a running daemon.

use std::fmt;

use crate::router::Partition;

/// Counters of a running daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Sessions now, those in their handshake included.
    pub sessions: usize,
    /// Groups now, counted once in each component that has members of them.
    pub groups: usize,
    /// Daemons that run, divided as they reach each other.
    pub topology: Partition,
    /// Operations held back by [`Control::hold`](super::Control::hold).
    pub held: usize,
    /// Requests of clients carried out.
    pub requests: u64,
    /// Messages queued towards clients, all in all.
    pub deliveries: u64,
    /// Messages that wait to be written to clients now.
    pub queued_messages: usize,
    /// Bytes of those.
    pub queued_bytes: usize,
    /// Requests that the policy refused and that went back to their senders.
    pub refused: u64,
    /// Sessions closed because they did not read.
    pub too_slow: u64,
    /// Sessions closed because they sent what no client may send.
    pub illegal: u64,
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "sessions={} groups={} held={} requests={} deliveries={} queued-messages={} \
             queued-bytes={} refused={} too-slow={} illegal={} topology={}",
            self.sessions,
            self.groups,
            self.held,
            self.requests,
            self.deliveries,
            self.queued_messages,
            self.queued_bytes,
            self.refused,
            self.too_slow,
            self.illegal,
            self.topology
        )
    }
}

impl Stats {
    /// The counters as one JSON object in one line; the topology is a list of sides, each a list
    /// of names.
    #[must_use]
    pub fn to_json(&self) -> String {
        let sides: Vec<Vec<&str>> = self
            .topology
            .sides
            .iter()
            .map(|side| side.iter().map(|name| name.as_str()).collect())
            .collect();
        serde_json::json!({
            "sessions": self.sessions,
            "groups": self.groups,
            "topology": sides,
            "held": self.held,
            "requests": self.requests,
            "deliveries": self.deliveries,
            "queued_messages": self.queued_messages,
            "queued_bytes": self.queued_bytes,
            "refused": self.refused,
            "too_slow": self.too_slow,
            "illegal": self.illegal,
        })
        .to_string()
    }
}
