//! Rules common to all suites: lists of members, blame, unexpected tokens.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use gcs_view::MemberName;

use crate::{
    error::{Error, PeerFault},
    token::TokenKind,
};

/// Most members a group can have: lists have 16-bit counts.
pub(crate) const MEMBERS_MAX: usize = 65_535;

/// A change without a group.
pub(crate) const NO_GROUP: Error = Error::ApiMisuse("no completed agreement to update");

/// `culprit` broke the protocol.
pub(crate) fn peer(culprit: &MemberName, fault: PeerFault) -> Error {
    Error::Peer {
        culprit: *culprit,
        fault,
    }
}

/// The same member twice in a caller's list.
pub(crate) const LISTED_TWICE: Error = Error::ApiMisuse("a member is listed twice");

/// More members than a token can list.
pub(crate) const TOO_MANY: Error = Error::ApiMisuse("more than 65535 members");

/// A token of a kind that the present state does not expect.
pub(crate) fn unexpected(sender: &MemberName, kind: TokenKind) -> Error {
    Error::Unexpected {
        sender: *sender,
        kind,
    }
}

/// Checks a caller's list of members: no member twice, not too many.
pub(crate) fn check_members<'a>(
    members: impl Iterator<Item = &'a MemberName>,
) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for member in members {
        if !seen.insert(member) {
            return Err(LISTED_TWICE);
        }
    }
    if seen.len() > MEMBERS_MAX {
        return Err(TOO_MANY);
    }
    Ok(())
}

/// Checks the membership that `me` enters as a new member.
pub(crate) fn check_entry(me: &MemberName, members: &[MemberName]) -> Result<(), Error> {
    check_members(members.iter())?;
    if !members.contains(me) {
        return Err(Error::ApiMisuse("entering a group without being a member"));
    }
    if members.len() < 2 {
        return Err(Error::ApiMisuse(
            "entering a group that has no other member",
        ));
    }
    Ok(())
}

/// The members of `order` without `left`, in their order. `me` must stay.
pub(crate) fn remaining(
    order: &[MemberName],
    left: &[MemberName],
    me: &MemberName,
) -> Result<Vec<MemberName>, Error> {
    check_members(left.iter())?;
    if left.contains(me) {
        return Err(Error::ApiMisuse("this member is among those who left"));
    }
    if left.iter().any(|name| !order.contains(name)) {
        return Err(Error::ApiMisuse("a member left that was not in the group"));
    }
    Ok(order
        .iter()
        .filter(|name| !left.contains(name))
        .cloned()
        .collect())
}

/// Whether `names` are the names of the members of `order`, in that order.
pub(crate) fn same_names<'a>(
    names: impl ExactSizeIterator<Item = &'a [u8]>,
    order: &[MemberName],
) -> bool {
    names.len() == order.len()
        && names
            .zip(order)
            .all(|(name, member)| name == member.as_bytes())
}

/// The members in the order of `names`, if these are the names of all of them, each once.
pub(crate) fn permutation(members: &[MemberName], names: &[&[u8]]) -> Option<Vec<MemberName>> {
    let mut left: BTreeMap<&[u8], &MemberName> = members
        .iter()
        .map(|member| (member.as_bytes(), member))
        .collect();
    let order: Option<Vec<MemberName>> = names
        .iter()
        .map(|name| left.remove(name).cloned())
        .collect();
    order.filter(|_| left.is_empty())
}
