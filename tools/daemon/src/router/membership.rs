//! Join, leave, disconnect, and what the members hear of them.
//!
//! | event | who changed hears | the others hear |
//! |---|---|---|
//! | join | membership by JOIN, its first word of the group | the same |
//! | leave | self-leave, before the others | membership by LEAVE |
//! | disconnect | stream closed | membership by DISCONNECT |
//! | network | (network change) signal where the group lost members, membership by NETWORK | the same |
//!
//! The one set of a membership by JOIN, LEAVE or DISCONNECT is the member that changed, not those
//! who stayed (protocol notes, 7.3). In a transitional period every change of a group that has lost
//! members looks like one by the network (7.6). Sessions that asked for data only hear nothing of all this.

use gcs_proto::{
    codec::{Change, Delivery, MembershipMessage},
    gcs::ViewId,
    name::{GroupName, MemberName},
};

use super::{
    Router,
    group::{Group, GroupId, Members, Place},
    output::{CloseCause, Output},
    session::{GROUPS_OF_SESSION, Phase, Session, SessionId},
};

impl Router {
    /// A session joins a group; one that is in it already is ignored.
    pub(super) fn join(&mut self, id: SessionId, name: GroupName) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if session.groups.contains(&name) {
            return;
        }
        if session.groups.len() >= GROUPS_OF_SESSION {
            self.disconnect(id, CloseCause::TooManyGroups);
            return;
        }
        session.groups.insert(name);
        let place = Place {
            daemon: session.daemon,
            member: session.member,
        };
        let Some(component) = self.component_of_mut(place.daemon) else {
            return;
        };
        let pair = component.pair;
        let group = component
            .groups
            .entry(name)
            .and_modify(|group| group.id = group.id.next())
            .or_insert_with(|| Group::new(GroupId::first(pair)));
        group.members.insert(place, id);
        let group = group.clone();
        self.changed(name, &group, Change::Join(place.member));
    }

    /// A session leaves a group; one that is not in it is ignored.
    pub(super) fn leave(&mut self, id: SessionId, name: GroupName) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        if !session.groups.remove(&name) {
            return;
        }
        let place = Place {
            daemon: session.daemon,
            member: session.member,
        };
        let to = self.to_be_told([id]);
        self.deliver(to, Delivery::SelfLeave { group: name });
        self.remove_member(place, name, Change::Leave(place.member));
    }

    /// Removes a session that is over from all its groups.
    pub(super) fn withdraw(&mut self, session: &Session) {
        let place = Place {
            daemon: session.daemon,
            member: session.member,
        };
        for name in &session.groups {
            self.remove_member(place, *name, Change::Disconnect(place.member));
        }
    }

    fn remove_member(&mut self, place: Place, name: GroupName, change: Change) {
        let Some(component) = self.component_of_mut(place.daemon) else {
            return;
        };
        let Some(group) = component.groups.get_mut(&name) else {
            return;
        };
        group.members.remove(&place);
        group.id = group.id.next();
        if group.members.is_empty() {
            // One that has members out of reach is there until they are given up.
            if group.lost.is_empty() {
                component.groups.remove(&name);
            }
            return;
        }
        let group = group.clone();
        self.changed(name, &group, change);
    }

    /// Tells all members of a change that is about one member.
    fn changed(&mut self, name: GroupName, group: &Group, change: Change) {
        if group.lost.is_empty() {
            let to = self.to_be_told(group.members.values().copied());
            self.announce(to, name, group, change);
        } else {
            self.changed_in_transition(name, group, &change);
        }
    }

    /// Tells of a change that falls between the signal of a lost member and the next membership.
    ///
    /// It counts as one by the network, and a signal follows at once. The sets are those who are
    /// still together, those out of reach daemon by daemon, and the member that joins, alone
    /// (protocol notes, 7.6).
    fn changed_in_transition(&mut self, name: GroupName, group: &Group, change: &Change) {
        let joiner = match change {
            Change::Join(member) => Some(*member),
            Change::Leave(_) | Change::Disconnect(_) | Change::Network { .. } => None,
        };
        let (new, together): (Members, Members) = group
            .members
            .iter()
            .partition(|(place, _)| Some(place.member) == joiner);
        let names = |members: &Members| members.keys().map(|place| place.member).collect();
        let mut sets: Vec<Vec<MemberName>> = vec![names(&together)];
        let lost: Vec<&Place> = group.lost.keys().collect();
        let daemons = lost.chunk_by(|one, other| one.daemon == other.daemon);
        sets.extend(daemons.map(|places| places.iter().map(|place| place.member).collect()));
        if !new.is_empty() {
            sets.push(names(&new));
        }
        self.network_membership(name, group, &sets, 0, &together);
        self.network_membership(name, group, &sets, sets.len() - 1, &new);
        self.signal(name, group.id.view_id(), &group.members);
    }

    /// Tells the members of one set of a change by the network.
    pub(super) fn network_membership(
        &mut self,
        name: GroupName,
        group: &Group,
        sets: &[Vec<MemberName>],
        own: usize,
        set: &Members,
    ) {
        let to = self.to_be_told(set.values().copied());
        let sets = sets.to_vec();
        self.announce(to, name, group, Change::Network { sets, own });
    }

    fn announce(&mut self, to: Vec<SessionId>, name: GroupName, group: &Group, change: Change) {
        let message = MembershipMessage {
            group: name,
            id: group.id.view_id(),
            members: group.names(),
            change,
        };
        self.deliver(to, Delivery::Membership(message));
    }

    /// Tells members that the view they are in is ending.
    pub(super) fn signal(&mut self, group: GroupName, id: ViewId, members: &Members) {
        let to = self.to_be_told(members.values().copied());
        self.deliver(to, Delivery::Transition { group, id });
    }

    pub(super) fn deliver(&mut self, mut to: Vec<SessionId>, delivery: Delivery) {
        if self.sessions.has_ending() {
            to.retain(|id| {
                self.sessions
                    .get(*id)
                    .is_some_and(|session| session.phase == Phase::Connected)
            });
        }
        if !to.is_empty() {
            self.outputs.push_back(Output::Deliver { to, delivery });
        }
    }
}
