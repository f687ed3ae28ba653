//! Names of the clients of a measurement.

/// Name of who measures round trips.
pub(super) const TRIP: &str = "trip";

/// Name of the sender of a turn.
pub(super) fn sender(turn: usize) -> String {
    format!("s{turn}")
}

/// Name of a receiver of a turn.
pub(super) fn receiver(turn: usize, number: u16) -> String {
    format!("r{turn}x{number}")
}
