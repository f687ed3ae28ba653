//! Comparing what a recorded daemon wrote with what ours writes.

use std::collections::BTreeMap;

use gcs_proto::{
    codec::{Direction, Frame, FrameDecoder},
    name::DaemonName,
};

use super::Line;

const REGULAR_MEMBERSHIP: u32 = 0x1000;
const TRANSITION: u32 = 0x2000;

/// Recorded times and ours.
#[derive(Clone, Default)]
pub(crate) struct Times(BTreeMap<u32, u32>);

impl Times {
    /// Whether this pair of times fits to all before.
    fn same(&mut self, recorded: u32, ours: u32) -> bool {
        let before = *self.0.entry(recorded).or_insert(ours);
        before == ours && self.0.values().is_sorted_by(|one, other| one < other)
    }
}

pub(crate) fn frame(bytes: &[u8]) -> Frame {
    let mut decoder = FrameDecoder::new(Direction::ToClient);
    decoder.push(bytes);
    let frame = decoder.next_frame().unwrap().unwrap();
    assert_eq!(decoder.buffered(), 0);
    frame
}

/// Whether two frames are the same, times of ids aside.
pub(crate) fn is_same_frame(times: &mut Times, recorded: &[u8], ours: &[u8]) -> bool {
    let (recorded, mut ours) = (frame(recorded), frame(ours));
    if ours.word & (REGULAR_MEMBERSHIP | TRANSITION) != 0
        && recorded.body.len() >= 12
        && ours.body.len() >= 12
    {
        let time = |frame: &Frame| u32::from_le_bytes(frame.body[4..8].try_into().unwrap());
        if !times.same(time(&recorded), time(&ours)) {
            return false;
        }
        let mut body = ours.body.to_vec();
        body[4..8].copy_from_slice(&recorded.body[4..8]);
        ours.body = body.into();
    }
    recorded == ours
}

/// Demands that two frames are the same, times of ids aside.
pub(crate) fn same_frame(times: &mut Times, recorded: &[u8], ours: &[u8]) {
    if !is_same_frame(times, recorded, ours) {
        assert_eq!(frame(recorded), frame(ours), "times {:?}", times.0);
        panic!("times of ids are in another order: {:?}", times.0);
    }
}

/// The daemon that a connection of a capture is accepted by.
pub(crate) fn daemon_of(lines: &[Line], conn: &str) -> DaemonName {
    let accept = lines.iter().find_map(|line| match line {
        Line::ToClient(other, bytes) if other == conn && bytes[0] == 1 => Some(bytes),
        _ => None,
    });
    let text = accept.unwrap();
    let at = text.iter().rposition(|byte| *byte == b'#').unwrap();
    DaemonName::new(&text[at + 1..]).unwrap()
}
