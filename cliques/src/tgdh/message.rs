//! Bodies of TGDH tokens.
//!
//! | kind | body |
//! |---|---|
//! | tree | nodes in pre-order: u8 0, name, u8 has bk, \[bk\] for a leaf; u8 1, u8 has bk, \[bk\] for an internal node, then its left and right subtrees |
//! | update | u8 has leaf, \[leaf bk\], u16 count, (path, bk) from the lowest node up; path: u8 length in bits, then the bits, most significant first, 0 is left |
//!
//! Source: key agreement notes, sections 2.4 and 7.5. [`crate::keytree`]
//! decodes the update.

use alloc::vec::Vec;

use crate::{
    codec::{NAME, Reader, Writer},
    error::DecodeError,
    group::Group,
    keytree::{Tree, WireNode, optional, write_optional},
    rules::MEMBERS_MAX,
};

/// Greatest depth of a leaf: paths of internal nodes have at most 255 bits.
pub(crate) const DEPTH_MAX: usize = 256;

/// First byte of an encoded leaf.
const LEAF: u8 = 0;

/// First byte of an encoded internal node.
const INTERNAL: u8 = 1;

/// Encodes a tree with its known blinded keys.
pub(crate) fn encode_tree<G: Group>(tree: &Tree<G>) -> Vec<u8> {
    let mut writer = Writer::new(b"");
    for id in tree.pre_order() {
        match tree.member(id) {
            Some(member) => writer.u8(LEAF).enc16(member.as_bytes()),
            None => writer.u8(INTERNAL),
        };
        let blinded = tree.blinded(id).map(|blinded| blinded.encoding());
        write_optional(&mut writer, blinded);
    }
    writer.into_vec()
}

/// Decodes a tree of at most [`DEPTH_MAX`] levels and [`MEMBERS_MAX`] leaves.
pub(crate) fn decode_tree(
    body: &[u8],
    element_len: usize,
) -> Result<Vec<WireNode<'_>>, DecodeError> {
    let mut reader = Reader::new(body);
    let mut nodes = Vec::new();
    let mut leaves: usize = 0;
    // For each ancestor of the next node: whether that node is in its right subtree.
    let mut above = Vec::new();
    loop {
        let name = match reader.u8("kind of a node")? {
            LEAF => Some(reader.name(NAME)?),
            INTERNAL => None,
            value => {
                return Err(DecodeError::Unknown {
                    what: "kind of a node",
                    value: value.into(),
                });
            }
        };
        let blinded = optional(&mut reader, element_len)?;
        nodes.push(WireNode { name, blinded });
        if name.is_none() {
            above.push(false);
            at_most("depth of a tree", above.len(), DEPTH_MAX)?;
            continue;
        }
        leaves += 1;
        at_most("leaves of a tree", leaves, MEMBERS_MAX)?;
        while above.pop_if(|right| *right).is_some() {}
        match above.last_mut() {
            Some(right) => *right = true,
            None => break,
        }
    }
    reader.finish()?;
    Ok(nodes)
}

fn at_most(what: &'static str, value: usize, max: usize) -> Result<(), DecodeError> {
    match value <= max {
        true => Ok(()),
        false => Err(DecodeError::TooLarge {
            what,
            value: u64::try_from(value).unwrap_or(u64::MAX),
            max: u64::try_from(max).unwrap_or(u64::MAX),
        }),
    }
}

/// Encodes a path of at most 255 steps from the root: true is right.
pub(crate) fn path(steps: &[bool]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(1 + steps.len().div_ceil(8));
    encoded.push(u8::try_from(steps.len()).unwrap_or(u8::MAX));
    for byte in steps.chunks(8) {
        let bits = (0..8).map(|place| byte.get(place) == Some(&true));
        encoded.push(bits.fold(0, |byte, bit| byte << 1 | u8::from(bit)));
    }
    encoded
}

/// Reads an encoded path. Unused bits must be 0.
pub(crate) fn read_path<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let mut ahead = reader.clone();
    let bits = usize::from(ahead.u8("length of a path")?);
    let steps = ahead.bytes(bits.div_ceil(8), "path")?;
    let unused = (8 - bits % 8) % 8;
    match steps.last() {
        Some(last) if last.trailing_zeros() < u32::try_from(unused).unwrap_or(0) => {
            Err(DecodeError::Unknown {
                what: "unused bits of a path",
                value: u64::from(last & ((1 << unused) - 1)),
            })
        }
        Some(_) | None => reader.bytes(1 + steps.len(), "path"),
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use proptest::prelude::*;

    fn leaf(name: &str) -> Vec<u8> {
        let mut writer = Writer::new(&[LEAF]);
        writer.enc16(name.as_bytes()).u8(1).raw(&[7]);
        writer.into_vec()
    }

    /// A tree of as many levels below the root, leaning to one side.
    fn leaning(levels: usize, left: bool) -> Vec<u8> {
        let mut front = Vec::new();
        let mut back = Vec::new();
        for level in 0..levels {
            front.extend([INTERNAL, 0]);
            let member = leaf(&format!("m{level}"));
            if left {
                back.extend(member);
            } else {
                front.extend(member);
            }
        }
        [front, leaf("last"), back].concat()
    }

    #[test]
    fn trees_have_a_greatest_depth() {
        for left in [true, false] {
            let nodes = decode_tree(&leaning(256, left), 1).map(|nodes| nodes.len());
            assert_eq!(nodes, Ok(2 * 256 + 1));
            let deep = DecodeError::TooLarge {
                what: "depth of a tree",
                value: 257,
                max: 256,
            };
            assert_eq!(decode_tree(&leaning(257, left), 1), Err(deep));
        }
    }

    #[test]
    fn trees_end_with_their_last_leaf() {
        let whole = leaning(2, true);
        let more = [&whole[..], &leaf("more")].concat();
        assert!(decode_tree(&whole, 1).is_ok());
        let left = leaf("more").len();
        assert_eq!(decode_tree(&more, 1), Err(DecodeError::Trailing(left)));
        for cut in 0..whole.len() {
            let short = decode_tree(&whole[..cut], 1);
            assert!(matches!(short, Err(DecodeError::Truncated(_))), "{cut}");
        }
    }

    #[test]
    fn paths_are_packed_from_the_front() {
        assert_eq!(path(&[]), [0]);
        assert_eq!(path(&[true, false, true]), [3, 0b1010_0000]);
        assert_eq!(path(&[true; 9]), [9, 0xff, 0x80]);
        assert_eq!(path(&[false; 255]).len(), 1 + 32);
    }

    proptest! {
        #[test]
        fn paths_are_read_as_they_are_written(steps in prop::collection::vec(any::<bool>(), 0..=255)) {
            let encoded = path(&steps);
            let mut reader = Reader::new(&encoded);
            prop_assert_eq!(read_path(&mut reader), Ok(&encoded[..]));
            prop_assert_eq!(reader.finish(), Ok(()));
        }

        #[test]
        fn a_path_has_one_encoding(bits in 0_u8..=16, bytes: [u8; 2]) {
            let length = usize::from(bits).div_ceil(8);
            let encoded = [&[bits][..], &bytes[..length]].concat();
            let steps: Vec<bool> = (0..usize::from(bits))
                .map(|place| bytes[place / 8] >> (7 - place % 8) & 1 == 1)
                .collect();
            let read = read_path(&mut Reader::new(&encoded)).is_ok();
            prop_assert_eq!(read, path(&steps) == encoded);
        }

        #[test]
        fn any_bytes_are_a_tree_or_an_error(body in prop::collection::vec(0_u8..4, 0..60)) {
            if let Ok(nodes) = decode_tree(&body, 1) {
                let leaves = nodes.iter().filter(|node| node.name.is_some()).count();
                prop_assert_eq!(nodes.len(), 2 * leaves - 1);
            }
        }
    }
}
