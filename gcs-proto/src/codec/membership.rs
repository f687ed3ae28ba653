//! Body of a regular membership message.
//!
//! | offset | size | content |
//! |---|---|---|
//! | 0 | 12 | group id: three words |
//! | 12 | 4 | number of sets n |
//! | 16 | 4 | offset of the receiver's own set, counted from offset 20 |
//! | 20 | | n sets, each a count k in 4 bytes and k names of 32 bytes |
//!
//! All words are in the byte order of the header they came with. The sets of a network change
//! partition the new members by the membership they come from; of any other change there is one
//! set with the one member that joined, left or disconnected. Daemons of version 3 send one set and
//! neither number nor offset.
//!
//! Source: Spread client protocol, sections 7.1, 7.3 and 7.8 of the protocol notes in `docs/`.

use alloc::vec::Vec;

use bytes::Bytes;

use crate::{
    codec::{endian, reader::Reader, writer::Writer},
    error::DecodeError,
    gcs::{ByteOrder, ViewId},
    limits,
    name::MemberName,
};

/// Where the sets begin.
const SETS: usize = 20;
/// Bytes of a count.
const COUNT: usize = 4;

/// A group id as daemons count it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupId {
    /// Address of the representative of the daemon membership.
    pub representative: u32,
    /// When that daemon membership was formed, in seconds.
    pub time: u32,
    /// 1 when the group comes into being or after a network change, one more at each other change.
    pub index: u32,
}

impl GroupId {
    fn words(self) -> [u32; 3] {
        [self.representative, self.time, self.index]
    }
}

impl From<GroupId> for ViewId {
    fn from(id: GroupId) -> Self {
        let mut bytes = [0; 12];
        for (slot, word) in bytes.chunks_exact_mut(4).zip(id.words()) {
            slot.copy_from_slice(&endian::write(word, ByteOrder::Big));
        }
        Self(bytes)
    }
}

impl From<ViewId> for GroupId {
    fn from(id: ViewId) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = id.0;
        let word = |bytes| endian::read(bytes, ByteOrder::Big);
        Self {
            representative: word([a, b, c, d]),
            time: word([e, f, g, h]),
            index: word([i, j, k, l]),
        }
    }
}

/// Which form the daemon's membership bodies have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Number of sets, offset of the own set, sets: daemons of version 4 and later.
    Sets,
    /// One set: daemons of version 3.
    OneSet,
}

/// Body of a regular membership message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MembershipBody {
    /// Identifier of the new view.
    pub id: ViewId,
    /// Members by where they come from, or the one that the change is about.
    pub sets: Vec<Vec<MemberName>>,
    /// Position in `sets` of the receiver's own; a position that is none makes a body that
    /// receivers refuse.
    pub own: usize,
}

impl MembershipBody {
    /// The body as bytes, all words in `order`.
    pub fn encode(&self, order: ByteOrder) -> Bytes {
        encode(self.id, &self.sets, self.own, order)
    }

    /// Reads a body that came with a header in `order`.
    ///
    /// # Errors
    /// [`DecodeError`] when it is too short or too long, when a count is beyond its bound, or when
    /// the offset is not the start of a set.
    pub fn decode(bytes: &[u8], order: ByteOrder, layout: Layout) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("membership body", bytes);
        let id = read_id(&mut reader, order)?;
        let body = match layout {
            Layout::OneSet => Self {
                id,
                sets: alloc::vec![read_set(&mut reader, order)?],
                own: 0,
            },
            Layout::Sets => {
                let (sets, own) = read_sets(&mut reader, order)?;
                Self { id, sets, own }
            }
        };
        reader.finish()?;
        Ok(body)
    }
}

/// The body as bytes.
pub(super) fn encode<S: AsRef<[MemberName]>>(
    id: ViewId,
    sets: &[S],
    own: usize,
    order: ByteOrder,
) -> Bytes {
    let length = |sets: &[S]| -> usize {
        let names = |set: &S| set.as_ref().len().saturating_mul(limits::NAME_SLOT);
        sets.iter()
            .map(|set| COUNT.saturating_add(names(set)))
            .sum()
    };
    let mut writer = Writer::new(order, SETS + length(sets));
    write_id(&mut writer, id);
    writer.count(sets.len());
    writer.count(length(sets.get(..own).unwrap_or(sets)));
    for set in sets.iter().map(AsRef::as_ref) {
        writer.count(set.len());
        for member in set {
            writer.name(member.as_name());
        }
    }
    writer.finish()
}

fn read_sets(
    reader: &mut Reader<'_>,
    order: ByteOrder,
) -> Result<(Vec<Vec<MemberName>>, usize), DecodeError> {
    let count = reader.count("number of sets", limits::MEMBERSHIP_SETS, order)?;
    let offset = reader.word(order)?;
    let start = reader.position();
    let mut sets = Vec::new();
    let mut own = None;
    for position in 0..count {
        if u32::try_from(reader.position() - start) == Ok(offset) {
            own = Some(position);
        }
        sets.push(read_set(reader, order)?);
    }
    let own = own.ok_or(DecodeError::Illegal {
        what: "offset of own set",
        value: offset,
    })?;
    Ok((sets, own))
}

fn read_set(reader: &mut Reader<'_>, order: ByteOrder) -> Result<Vec<MemberName>, DecodeError> {
    let count = reader.count("members of a set", limits::MEMBERS, order)?;
    reader.names(count)
}

/// Group ids follow the header's byte order on the wire; a [`ViewId`] is always big-endian.
pub(super) fn read_id(reader: &mut Reader<'_>, order: ByteOrder) -> Result<ViewId, DecodeError> {
    Ok(GroupId {
        representative: reader.word(order)?,
        time: reader.word(order)?,
        index: reader.word(order)?,
    }
    .into())
}

pub(crate) fn write_id(writer: &mut Writer, id: ViewId) {
    for word in GroupId::from(id).words() {
        writer.word(word);
    }
}
