//! Where a message goes.
//!
//! Destinations are taken in order. `#x#d` names one session; any other name is a group and names
//! its members. Unknown groups, unknown, half-connected or unreachable sessions and malformed
//! private names are skipped silently. Each target gets one copy, however often it is named, with
//! the list of destinations as it was sent. The sender needs to be a member of nothing, and gets a
//! copy only if it is a target and did not ask for [`SelfDelivery::Discard`]. Protocol notes, 6.1.

use gcs_proto::{
    codec::{DataMessage, Delivery},
    gcs::SelfDelivery,
    name::{MemberName, Name},
};

use super::{
    Router,
    component::Component,
    configuration::DaemonIndex,
    session::{Phase, SessionId},
};

impl Router {
    /// Hands a message to all it is for, within the sender's component.
    pub(super) fn multicast(
        &mut self,
        id: SessionId,
        sender: MemberName,
        daemon: DaemonIndex,
        message: DataMessage,
    ) {
        if let Some(component) = self.component_of(daemon) {
            let targets = self.targets(component, id, &message);
            self.deliver(targets, Delivery::Data { sender, message });
        }
    }

    /// Who in a component gets a message of a session, which may be of another one.
    pub(super) fn targets(
        &self,
        component: &Component,
        id: SessionId,
        message: &DataMessage,
    ) -> Vec<SessionId> {
        let mut targets = Vec::new();
        for name in &message.destinations {
            if name.is_private() {
                targets.extend(self.private(component, name));
            } else if let Some(group) = component.groups.get(name) {
                targets.extend(group.members.values().copied());
            }
        }
        // One name names nobody twice.
        if message.destinations.len() > 1 {
            targets.sort_unstable();
            targets.dedup();
        }
        match message.word.self_delivery() {
            SelfDelivery::Deliver => {}
            SelfDelivery::Discard => targets.retain(|target| *target != id),
        }
        targets
    }

    fn private(&self, component: &Component, name: &Name) -> Option<SessionId> {
        let (id, session) = self.sessions.find(name)?;
        let reachable =
            session.phase == Phase::Connected && component.daemons.contains(&session.daemon);
        reachable.then_some(id)
    }
}
