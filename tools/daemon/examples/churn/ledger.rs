//! What all clients together were told.

use std::collections::{HashMap, hash_map::Entry};

use gcs_proto::{
    gcs::ViewId,
    name::{GroupName, MemberName},
};

/// A view as one client saw it, from its membership to the next one or to the client's own end.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) id: ViewId,
    pub(crate) members: Vec<MemberName>,
    /// Numbers of the messages in it, in order.
    pub(crate) messages: Vec<u64>,
}

/// How a client came to the end of a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The next view came: this client has seen all of it.
    Replaced,
    /// The client left; others may have seen more.
    Left,
}

#[derive(Debug)]
struct View {
    members: Vec<MemberName>,
    messages: Vec<u64>,
    end: End,
}

/// Views by group and id. Every group keeps one member all the time, so ids do not come back.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    views: HashMap<(GroupName, ViewId), View>,
    pub(crate) checks: u64,
    pub(crate) messages: u64,
}

impl Ledger {
    /// Compares a view with what others saw of it: the same members, and the same messages in the
    /// same order, all of them if neither left before its end.
    pub(crate) fn enter(&mut self, group: GroupName, seen: Seen, end: End) -> Result<(), String> {
        self.messages += seen.messages.len() as u64;
        let mut known = match self.views.entry((group, seen.id)) {
            Entry::Vacant(vacant) => {
                vacant.insert(View {
                    members: seen.members,
                    messages: seen.messages,
                    end,
                });
                return Ok(());
            }
            Entry::Occupied(known) => known,
        };
        let known = known.get_mut();
        self.checks += 1;
        let named = |what: &str| format!("group {group}, view {}: {what}", seen.id);
        if known.members != seen.members {
            return Err(named("two clients see different members"));
        }
        let both = known.messages.len().min(seen.messages.len());
        if known.messages.get(..both) != seen.messages.get(..both) {
            return Err(named("two clients see different messages or orders"));
        }
        let (longer, shorter_end) = if known.messages.len() >= seen.messages.len() {
            (known.messages.len(), end)
        } else {
            (seen.messages.len(), known.end)
        };
        if shorter_end == End::Replaced && longer > both {
            return Err(named("a client has missed messages"));
        }
        if seen.messages.len() > both {
            known.messages = seen.messages;
        }
        if end == End::Replaced {
            known.end = End::Replaced;
        }
        Ok(())
    }

    /// Views that somebody saw.
    pub(crate) fn len(&self) -> usize {
        self.views.len()
    }
}
