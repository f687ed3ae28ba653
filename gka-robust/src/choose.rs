//! Who starts the agreement of a view.
//!
//! The function must give the same result at all members, so it uses only what the flush service gives
//! to all of them alike: the ordered list and the cause. With local knowledge, such as who is new to
//! this member, two members would start, or none.
//!
//! Within this limit, a member of the larger old side is the better choice: where one member
//! joins, the first listed other than the joiner; else the first listed (robust agreement notes,
//! section 5.4).

use cliques::MemberName;

use crate::view::{Cause, View};

/// The member that starts, none for a view without members.
pub(crate) fn choose(view: &View) -> Option<&MemberName> {
    match &view.cause {
        Cause::Join(joiner) => view
            .members
            .iter()
            .find(|member| *member != joiner)
            .or_else(|| view.members.first()),
        Cause::Leave(_) | Cause::Disconnect(_) | Cause::Network => view.members.first(),
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;
    use crate::view::ViewId;

    fn member(name: &str) -> MemberName {
        MemberName::try_from(name).unwrap()
    }

    fn chosen(members: &[&str], cause: Cause) -> Option<MemberName> {
        let members: Vec<_> = members.iter().copied().map(member).collect();
        choose(&View {
            id: ViewId([0; 12]),
            transitional_set: members.clone(),
            members,
            cause,
        })
        .cloned()
    }

    #[test]
    fn joiner_is_chosen_only_when_alone() {
        assert_eq!(
            chosen(&["j", "a", "b"], Cause::Join(member("j"))),
            Some(member("a"))
        );
        assert_eq!(
            chosen(&["a", "j"], Cause::Join(member("j"))),
            Some(member("a"))
        );
        assert_eq!(chosen(&["j"], Cause::Join(member("j"))), Some(member("j")));
    }

    #[test]
    fn first_listed_is_chosen_otherwise() {
        for cause in [
            Cause::Network,
            Cause::Leave(member("x")),
            Cause::Disconnect(member("x")),
        ] {
            assert_eq!(chosen(&["b", "a"], cause), Some(member("b")));
        }
        assert_eq!(chosen(&[], Cause::Network), None);
    }
}
