//! Members of a group.

use alloc::{string::String, sync::Arc, vec::Vec};
use core::{
    cell::{Cell, OnceCell},
    fmt,
};

/// Longest member identifier, in bytes.
pub const MEMBER_ID_MAX: usize = 255;

/// A member: an opaque byte string of 1 to 255 bytes, unique in its group, ordered bytewise.
///
/// Cheap to clone. Over a Spread engine it is the member's private group, `#alice#n1`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemberId(Arc<[u8]>);

/// A byte string that is no member identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("member identifier of {0} bytes, 1 to 255 allowed")]
pub struct IllegalMemberId(pub usize);

impl MemberId {
    /// Checks the length.
    ///
    /// # Errors
    /// [`IllegalMemberId`] when `bytes` is empty or longer than [`MEMBER_ID_MAX`].
    pub fn new(bytes: &[u8]) -> Result<Self, IllegalMemberId> {
        if bytes.is_empty() || bytes.len() > MEMBER_ID_MAX {
            return Err(IllegalMemberId(bytes.len()));
        }
        Ok(Self(bytes.into()))
    }

    /// The identifier.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The first eight bytes as a number, which is in the order of the identifiers.
    fn start(&self) -> u64 {
        match self.0.first_chunk::<8>() {
            Some(start) => u64::from_be_bytes(*start),
            None => {
                let mut start = [0; 8];
                start
                    .iter_mut()
                    .zip(&*self.0)
                    .for_each(|(to, from)| *to = *from);
                u64::from_be_bytes(start)
            }
        }
    }
}

impl TryFrom<&str> for MemberId {
    type Error = IllegalMemberId;

    fn try_from(text: &str) -> Result<Self, IllegalMemberId> {
        Self::new(text.as_bytes())
    }
}

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match core::str::from_utf8(&self.0) {
            Ok(text) => f.pad(text),
            Err(_) => f.pad(&String::from_utf8_lossy(&self.0)),
        }
    }
}

impl fmt::Debug for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

/// A list of members in which others are looked up.
///
/// Lists of a membership service keep their order from one view to the next, so each lookup tries
/// first what follows the member found last; whoever is not there is searched for.
///
/// ```
/// use cliques::{Listed, MemberId};
///
/// let list = ["a", "c", "b"].map(|name| MemberId::try_from(name).unwrap());
/// let listed = Listed::new(&list);
/// assert!(list.iter().all(|member| listed.contains(member)));
/// assert!(!listed.contains(&MemberId::try_from("d").unwrap()));
/// ```
#[derive(Debug)]
pub struct Listed<'a> {
    list: &'a [MemberId],
    next: Cell<usize>,
    sorted: OnceCell<Vec<Entry<'a>>>,
}

/// A member, with what tells most names apart in front, and its place in the list.
type Entry<'a> = (u64, &'a MemberId, usize);

impl<'a> Listed<'a> {
    /// Looks up in this list.
    pub const fn new(list: &'a [MemberId]) -> Self {
        Self {
            list,
            next: Cell::new(0),
            sorted: OnceCell::new(),
        }
    }

    /// Whether the member is in the list.
    pub fn contains(&self, member: &MemberId) -> bool {
        let next = match self.next.get() {
            end if end >= self.list.len() => 0,
            next => next,
        };
        let place = match self.list.get(next) == Some(member) {
            true => Some(next),
            false => self.search(member),
        };
        if let Some(place) = place {
            self.next.set(place + 1);
        }
        place.is_some()
    }

    /// Whether a member is in the list twice.
    pub fn has_twins(&self) -> bool {
        let mut pairs = self.sorted().windows(2);
        pairs.any(|pair| match pair {
            [(_, first, _), (_, second, _)] => first == second,
            _ => false,
        })
    }

    fn search(&self, member: &MemberId) -> Option<usize> {
        let sorted = self.sorted();
        let wanted = (member.start(), member);
        let found = sorted.binary_search_by(|(start, listed, _)| (*start, *listed).cmp(&wanted));
        sorted.get(found.ok()?).map(|(_, _, place)| *place)
    }

    fn sorted(&self) -> &[Entry<'a>] {
        self.sorted.get_or_init(|| {
            let places = self.list.iter().enumerate();
            let mut sorted: Vec<_> = places
                .map(|(place, member)| (member.start(), member, place))
                .collect();
            sorted.sort_unstable();
            sorted
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::{collections::BTreeSet, vec::Vec};

    use proptest::prelude::*;

    use super::*;

    fn member() -> impl Strategy<Value = MemberId> {
        // Short ones, and some that differ behind the eighth byte only.
        let short = prop::collection::vec(0_u8..3, 1..4);
        let long = prop::collection::vec(0_u8..3, 1..3)
            .prop_map(|tail| [b"01234567".as_slice(), &tail].concat());
        prop_oneof![short, long].prop_map(|bytes| MemberId::new(&bytes).expect("a name"))
    }

    proptest! {
        #[test]
        fn listed_are_those_in_the_list(
            list in prop::collection::vec(member(), 0..12),
            others in prop::collection::vec(member(), 0..12),
        ) {
            let listed = Listed::new(&list);
            for member in list.iter().chain(&others).chain(&list) {
                prop_assert_eq!(listed.contains(member), list.contains(member), "{:?}", member);
            }
            let different: BTreeSet<_> = list.iter().collect();
            prop_assert_eq!(listed.has_twins(), different.len() < list.len());
        }

        #[test]
        fn starts_are_in_the_order_of_members(one in member(), other in member()) {
            let ordered = (one.start(), &one).cmp(&(other.start(), &other));
            prop_assert_eq!(ordered, one.cmp(&other));
        }
    }

    #[test]
    fn identifiers_have_1_to_255_bytes() {
        let of = |length: usize| MemberId::new(&Vec::from_iter(core::iter::repeat_n(b'a', length)));
        assert_eq!(of(0), Err(IllegalMemberId(0)));
        assert!(of(1).is_ok() && of(MEMBER_ID_MAX).is_ok());
        assert_eq!(of(256), Err(IllegalMemberId(256)));
    }
}
