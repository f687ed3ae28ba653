//! The memory of this process.

use serde_json::{Value, json};

/// Growth that is no violation: a part of what there was, and an amount.
const PART: f64 = 0.25;
const KIB: u64 = 32 << 10;

/// Resident memory at moments when nothing is under way, in KiB.
#[derive(Debug, Default)]
pub(super) struct Memory(Vec<u64>);

impl Memory {
    pub(super) fn sample(&mut self) {
        self.0.extend(resident());
    }

    /// What the memory was after the first fifth, and at the end.
    fn ends(&self) -> Option<(u64, u64)> {
        let first = self.0.get(self.0.len() / 5)?;
        let last = self.0.last()?;
        Some((*first, *last))
    }

    /// Growth that should not be.
    pub(super) fn violation(&self) -> Option<String> {
        let (first, last) = self.ends()?;
        let most = first + KIB + (first as f64 * PART) as u64;
        (last > most).then(|| format!("memory grew from {first} KiB to {last} KiB"))
    }

    pub(super) fn report(&self) -> Value {
        let (first, last) = self.ends().unzip();
        json!({ "first": first, "last": last, "most": self.0.iter().max(), "samples": self.0.len() })
    }
}

/// Resident memory in KiB, where the system tells.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_told() {
        let flat = Memory((0..100).map(|number| 100_000 + number % 7).collect());
        assert_eq!(flat.violation(), None);
        let growing = Memory((0..100).map(|number| 50_000 + 2_000 * number).collect());
        assert!(
            growing
                .violation()
                .is_some_and(|text| text.contains("248000"))
        );
        assert_eq!(Memory::default().violation(), None);
    }
}
