//! What was measured, as one line for people and one object for programs.

use std::time::Duration;

use serde_json::{Value, json};
use ssp_core::{GroupOptions, Padding, Signing};

use super::Mode;
use crate::output::Event;

/// Messages in a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Throughput {
    pub(super) messages: u64,
    pub(super) bytes: u64,
    pub(super) time: Duration,
}

impl Throughput {
    fn messages_per_second(&self) -> f64 {
        self.messages as f64 / self.time.as_secs_f64()
    }

    fn bytes_per_second(&self) -> f64 {
        self.bytes as f64 / self.time.as_secs_f64()
    }
}

/// Times of single messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct RoundTrip {
    pub(super) p50: Duration,
    pub(super) p99: Duration,
}

impl RoundTrip {
    /// From at least one time.
    pub(super) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |part: usize| {
            let last = times.len().saturating_sub(1);
            let position = times.len().saturating_mul(part) / 100;
            times.get(position.min(last)).copied().unwrap_or_default()
        };
        Self {
            p50: at(50),
            p99: at(99),
        }
    }
}

/// Time until the view of this many members was installed at the one who joined.
#[derive(Clone, Copy, Debug)]
pub(super) struct Join {
    /// Layer or suite.
    pub(super) layer: &'static str,
    pub(super) members: usize,
    /// Median over the rounds.
    pub(super) time: Duration,
}

/// All that was measured in one run.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) mode: Mode,
    pub(super) size: usize,
    pub(super) count: u64,
    pub(super) receivers: u16,
    pub(super) throughput: Throughput,
    /// Of bare messages in the same run.
    pub(super) plain: Option<Throughput>,
    /// How the messages were secured, if they were.
    pub(super) security: GroupOptions,
    pub(super) round_trip: RoundTrip,
    pub(super) echo: (Throughput, RoundTrip),
    pub(super) joins: Vec<Join>,
}

impl Report {
    pub(super) fn event(&self) -> Event {
        let (echo, echo_trip) = &self.echo;
        let rate = self.throughput.messages_per_second();
        let bytes = self.throughput.bytes_per_second();
        let mut text = format!(
            "{} messages of {} bytes to {}, {}\n\
             throughput  {rate:.0} messages/s, {:.3} GB/s, {:.2} of a plain echo\n\
             round trip  p50 {:.1} us, p99 {:.1} us, {:.2} of a plain echo",
            self.count,
            self.size,
            match self.receivers {
                0 => "the sender itself".to_owned(),
                1 => "1 receiver".to_owned(),
                many => format!("{many} receivers"),
            },
            self.mode.as_str(),
            bytes / 1e9,
            bytes / echo.bytes_per_second(),
            micros(self.round_trip.p50),
            micros(self.round_trip.p99),
            micros(self.round_trip.p50) / micros(echo_trip.p50),
        );
        let added = self.plain.map(|plain| self.added_micros(&plain));
        if let (Some(plain), Some(added)) = (&self.plain, added) {
            text.push_str(&format!(
                "\nsealing     {} adds {added:.2} us a message to {:.2} us, medians by turns",
                self.sealing(),
                micros(plain.time) / plain.messages as f64,
            ));
        }
        for join in &self.joins {
            text.push_str(&format!(
                "\njoin        {} members {:.3} ms, {}{}",
                join.members,
                join.time.as_secs_f64() * 1e3,
                join.layer,
                match self.to_flush(join) {
                    Some(ratio) if join.layer != "flush" => {
                        format!(", {ratio:.2} of the flush layer's")
                    }
                    _ => String::new(),
                }
            ));
        }
        let event = Event::new("flood", text)
            .with("mode", self.mode.as_str())
            .with("size", self.size)
            .with("count", self.count)
            .with("receivers", self.receivers)
            .with("seconds", self.throughput.time.as_secs_f64())
            .with("messages_per_second", rate.round())
            .with("bytes_per_second", bytes.round())
            .with("round_trip_us_p50", micros(self.round_trip.p50))
            .with("round_trip_us_p99", micros(self.round_trip.p99))
            .with(
                "echo_messages_per_second",
                echo.messages_per_second().round(),
            )
            .with("echo_bytes_per_second", echo.bytes_per_second().round())
            .with("echo_round_trip_us_p50", micros(echo_trip.p50))
            .with("echo_round_trip_us_p99", micros(echo_trip.p99))
            .with("throughput_to_echo", bytes / echo.bytes_per_second())
            .with(
                "round_trip_to_echo",
                micros(self.round_trip.p50) / micros(echo_trip.p50),
            );
        let event = match (&self.plain, added) {
            (Some(plain), Some(added)) => event
                .with("protocol", self.security.protocol.as_str())
                .with("group_params", self.security.mathematical_group.to_string())
                .with("record", self.security.record.as_str())
                .with("signed", self.is_signed())
                .with("padded", self.is_padded())
                .with(
                    "plain_messages_per_second",
                    plain.messages_per_second().round(),
                )
                .with("added_us_per_message", added),
            _ => event,
        };
        if self.joins.is_empty() {
            return event;
        }
        let joins: Vec<Value> = self
            .joins
            .iter()
            .map(|join| {
                json!({
                    "layer": join.layer,
                    "members": join.members,
                    "ms": join.time.as_secs_f64() * 1e3,
                    "to_flush": self.to_flush(join),
                })
            })
            .collect();
        event.with("joins", joins)
    }
}

impl Report {
    fn is_signed(&self) -> bool {
        self.security.protection.signing != Signing::Off
    }

    fn is_padded(&self) -> bool {
        self.security.protection.padding != Padding::None
    }

    /// How messages were sealed.
    fn sealing(&self) -> String {
        let mut text = self.security.record.to_string();
        if self.is_signed() {
            text.push_str(", signed,");
        }
        if self.is_padded() {
            text.push_str(", padded,");
        }
        text
    }

    /// What a message takes longer than a bare one.
    fn added_micros(&self, plain: &Throughput) -> f64 {
        let each = |one: &Throughput| micros(one.time) / one.messages as f64;
        each(&self.throughput) - each(plain)
    }

    /// A join in terms of that of the flush layer with as many members.
    fn to_flush(&self, join: &Join) -> Option<f64> {
        let flush = self
            .joins
            .iter()
            .find(|other| other.layer == "flush" && other.members == join.members)?;
        Some(join.time.as_secs_f64() / flush.time.as_secs_f64())
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_times() {
        let times = (1..=200).rev().map(Duration::from_micros).collect();
        let trip = RoundTrip::of(times);
        assert_eq!(trip.p50, Duration::from_micros(101));
        assert_eq!(trip.p99, Duration::from_micros(199));
        let one = RoundTrip::of(vec![Duration::from_micros(7)]);
        assert_eq!((one.p50, one.p99), (one.p99, Duration::from_micros(7)));
    }
}
