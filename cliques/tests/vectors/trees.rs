//! What the vectors of STR and TGDH have in common.

use cliques::{Change, KeyAgreement, MemberName, keytree::KeyTiming};

use crate::harness::{Event, names};

/// The event as it looks to a member of a tree: members of one tree go on with it.
pub(crate) fn change(machine: &impl KeyAgreement, event: &Event<'_>) -> Change {
    let members = event.members();
    if event.0["event"] == "init" {
        return Change::Found;
    }
    let tree = groups(event)
        .into_iter()
        .find(|tree| tree.contains(machine.me()))
        .unwrap();
    let mut order = machine.order().to_vec();
    let missing = |list: &[MemberName], from: &[MemberName]| -> Vec<MemberName> {
        list.iter()
            .filter(|member| !from.contains(member))
            .cloned()
            .collect()
    };
    order.sort();
    let mut sorted = tree.clone();
    sorted.sort();
    // Who comes back to the group still has what it had when it left.
    match order == sorted {
        false => {
            assert_eq!(tree.len(), 1);
            Change::Enter { members }
        }
        true => Change::Update {
            left: missing(&tree, &members),
            joined: missing(&members, &tree),
        },
    }
}

/// The trees before the event.
fn groups(event: &Event<'_>) -> Vec<Vec<MemberName>> {
    let groups = event.0["groups_before"].as_array().unwrap();
    groups.iter().map(names).collect()
}

/// Members in the order in which the files list their messages: tree by tree.
pub(crate) fn speakers(event: &Event<'_>) -> Vec<MemberName> {
    let members = event.members();
    let before = groups(event).concat();
    match before.is_empty() {
        true => members,
        false => before
            .into_iter()
            .filter(|member| members.contains(member))
            .collect(),
    }
}

/// The suite computes in the order in which costs are counted.
pub(crate) const SEQUENTIAL: u8 = 0;

/// The suite computes as it does unless told otherwise.
pub(crate) const OVERLAPPED: u8 = 1;

pub(crate) fn timing(timing: u8) -> KeyTiming {
    match timing {
        SEQUENTIAL => KeyTiming::Sequential,
        OVERLAPPED => KeyTiming::Overlapped,
        other => panic!("no timing {other}"),
    }
}

/// The recorded number is that of the counted order; whoever computes while others do never needs
/// more.
pub(crate) fn check_serial(timing: KeyTiming, recorded: u64, serial: u64, label: &str) {
    match timing {
        KeyTiming::Sequential => assert_eq!(serial, recorded, "{label}: serial"),
        _ => assert!(
            serial <= recorded,
            "{label}: serial {serial}, not {recorded}"
        ),
    }
}
