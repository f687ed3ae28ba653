//! Associated data: what a sealed message authenticates without containing it.

use gcs_proto::{limits, name::MemberName, service::Service};

use super::HEADER_LENGTH;
use crate::schedule::length16;

/// enc16(group), enc16(sender), service bit, and room for the header behind them.
const ROOM: usize = 2 + limits::GROUP_NAME + 2 + limits::MEMBER_NAME + 4 + HEADER_LENGTH;

/// `enc16(group) || enc16(sender) || u32 service bit`, without allocation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AssociatedData {
    bytes: [u8; ROOM],
    length: usize,
}

impl AssociatedData {
    pub(crate) fn new(group: &[u8], sender: &MemberName, service: Service) -> Self {
        let mut aad = Self {
            bytes: [0; ROOM],
            length: 0,
        };
        for name in [group, sender.as_bytes()] {
            aad.put(&length16(name.len()));
            aad.put(name);
        }
        aad.put(&service.bit().to_be_bytes());
        aad
    }

    /// The same with the header behind it, for AEAD suites.
    pub(super) fn with_header(mut self, header: &[u8; HEADER_LENGTH]) -> Self {
        self.put(header);
        self
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Names are never longer than the buffer allows for.
    fn put(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        if let Some(room) = self.bytes.get_mut(self.length..end) {
            room.copy_from_slice(bytes);
            self.length = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_names_fit() {
        let sender: MemberName = "#0123456789#0123456789012345678".parse().unwrap();
        let group = [b'g'; 31];
        let aad = AssociatedData::new(&group, &sender, Service::Agreed);
        assert_eq!(aad.as_slice().len(), 2 + 31 + 2 + 31 + 4);
        assert_eq!(aad.as_slice()[..3], [0, 31, b'g']);
        assert_eq!(aad.as_slice()[66..], [0, 0, 0, 0x10]);
        let with = aad.with_header(&[7; HEADER_LENGTH]);
        assert_eq!(with.as_slice().len(), ROOM);
        assert_eq!(with.as_slice()[70..], [7; HEADER_LENGTH]);
    }
}
