//! Bodies of STR tokens.
//!
//! | kind | body |
//! |---|---|
//! | tree | u16 count, (name, br) from the bottom up; u16 count, (u16 level, bk) from level 1 to the top |
//! | update | u8 has br, \[br\], u16 count, (u16 level, bk) from the lowest level up |
//!
//! Source: key agreement notes, section 2.4. [`crate::keytree`] decodes the update.

use alloc::vec::Vec;

use crate::{
    codec::{NAME, NAME_LEAST, Reader, Writer},
    error::{DecodeError, PeerFault},
    group::Group,
    keytree::{BadBody, Tree, WireNode},
};

/// Bytes of an encoded level.
pub(crate) const LEVEL_LEN: usize = 2;

/// Encodes a level.
pub(crate) fn level(level: usize) -> Vec<u8> {
    u16::try_from(level)
        .unwrap_or(u16::MAX)
        .to_be_bytes()
        .into()
}

/// Reads an encoded level.
pub(crate) fn read_level<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    reader.bytes(LEVEL_LEN, "level")
}

/// Encodes a tree without missing blinded keys, that of the root included.
pub(crate) fn encode_tree<G: Group>(tree: &Tree<G>) -> Vec<u8> {
    let mut writer = Writer::new(b"");
    let leaves = tree.leaves();
    writer.count(leaves.len());
    for leaf in &leaves {
        let name = tree
            .member(*leaf)
            .map_or(&b""[..], |member| member.as_bytes());
        writer.enc16(name);
        writer.raw(
            tree.blinded(*leaf)
                .map_or(&[], |blinded| blinded.encoding()),
        );
    }
    let levels: Vec<_> = leaves
        .first()
        .into_iter()
        .flat_map(|bottom| [*bottom].into_iter().chain(tree.ancestors(*bottom)))
        .filter_map(|id| tree.blinded(id))
        .collect();
    writer.count(levels.len());
    for (number, blinded) in (1..).zip(levels) {
        writer.raw(&level(number)).raw(blinded.encoding());
    }
    writer.into_vec()
}

/// Decodes a tree. It must have all its blinded keys, and bk_1 = br_1.
pub(crate) fn decode_tree(body: &[u8], element_len: usize) -> Result<Vec<WireNode<'_>>, BadBody> {
    let mut reader = Reader::new(body);
    let leaves = reader.list(NAME_LEAST.saturating_add(element_len), "members", |item| {
        Ok((item.name(NAME)?, item.bytes(element_len, "blinded share")?))
    })?;
    let levels = reader.list(LEVEL_LEN.saturating_add(element_len), "levels", |item| {
        Ok((item.u16("level")?, item.bytes(element_len, "blinded key")?))
    })?;
    reader.finish()?;
    let Some((_, bottom)) = leaves.first() else {
        return Err(BadBody::Fault(PeerFault::MemberListMismatch));
    };
    let numbers = levels.iter().map(|(number, _)| usize::from(*number));
    if !numbers.eq(1..=leaves.len()) || levels.first().map(|(_, key)| key) != Some(bottom) {
        return Err(BadBody::Fault(PeerFault::Inconsistent));
    }
    // From the root down to level 2, then the leaves from the bottom up.
    let internal = levels.iter().skip(1).rev().map(|(_, key)| WireNode {
        name: None,
        blinded: Some(key),
    });
    let leaves = leaves.iter().map(|(name, key)| WireNode {
        name: Some(name),
        blinded: Some(key),
    });
    Ok(internal.chain(leaves).collect())
}
