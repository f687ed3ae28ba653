//! Looking members up in a list.

use alloc::vec::Vec;
use core::cell::{Cell, OnceCell};

use crate::name::MemberName;

/// A list of members in which others are looked up.
///
/// Lists of a membership service keep their order from one view to the next, so each lookup tries
/// first what follows the member found last; whoever is not there is searched for.
///
/// ```
/// use gcs_view::{Listed, MemberName};
///
/// let list = ["a", "c", "b"].map(|name| MemberName::try_from(name).unwrap());
/// let listed = Listed::new(&list);
/// assert!(list.iter().all(|member| listed.contains(member)));
/// assert!(!listed.contains(&MemberName::try_from("d").unwrap()));
/// ```
#[derive(Debug)]
pub struct Listed<'a> {
    list: &'a [MemberName],
    next: Cell<usize>,
    /// The members with their places in the list.
    sorted: OnceCell<Vec<(&'a MemberName, usize)>>,
}

impl<'a> Listed<'a> {
    /// Looks up in this list.
    pub const fn new(list: &'a [MemberName]) -> Self {
        Self {
            list,
            next: Cell::new(0),
            sorted: OnceCell::new(),
        }
    }

    /// Whether the member is in the list.
    pub fn contains(&self, member: &MemberName) -> bool {
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
            [(first, _), (second, _)] => first == second,
            _ => false,
        })
    }

    fn search(&self, member: &MemberName) -> Option<usize> {
        let sorted = self.sorted();
        let found = sorted.binary_search_by(|(listed, _)| (*listed).cmp(member));
        sorted.get(found.ok()?).map(|(_, place)| *place)
    }

    fn sorted(&self) -> &[(&'a MemberName, usize)] {
        self.sorted.get_or_init(|| {
            let mut sorted: Vec<_> = self.list.iter().zip(0..).collect();
            sorted.sort_unstable();
            sorted
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn member() -> impl Strategy<Value = MemberName> {
        // Short ones, and some with a common beginning.
        let short = prop::collection::vec(b'a'..b'd', 1..4);
        let long = prop::collection::vec(b'a'..b'd', 1..3)
            .prop_map(|tail| [b"01234567".as_slice(), &tail].concat());
        prop_oneof![short, long].prop_map(|bytes| MemberName::new(&bytes).expect("a name"))
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
    }
}
