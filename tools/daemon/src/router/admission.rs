//! What the policy says of a session or a request.
//!
//! A refused request goes back to its session as a REJECT, unless it asked not to get its own
//! message; then nobody hears of it. Nothing of it is delivered to anybody else. Protocol notes,
//! section 8.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use gcs_proto::{
    codec::{DataMessage, Delivery, Hint, Refusal, RefusedRequest, Request, ServiceWord},
    error::ConnectRefusal,
    gcs::{ByteOrder, Scope, SelfDelivery},
    name::{GroupName, MemberName},
    service::Service,
};
use tracing::debug;

use super::{
    Router,
    session::{Phase, SessionId},
};
use crate::access::{AccessPolicy, Decision, Identity, Origin, Sending, User};

/// The policy of a router.
#[derive(Clone)]
pub(super) struct Policy(pub(super) Arc<dyn AccessPolicy>);

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Policy")
    }
}

impl Router {
    /// Ends the handshake of a session whose client connects from `origin`, authenticated as
    /// `name` if it was by password: from now on it is a target.
    ///
    /// # Errors
    /// [`ConnectRefusal::Authentication`] if the policy refuses it; the session is still to be
    /// [disconnected](Self::disconnect) then.
    pub fn connect_as(
        &mut self,
        session: SessionId,
        origin: Origin,
        name: Option<Vec<u8>>,
    ) -> Result<(), ConnectRefusal> {
        let Some(session) = self.sessions.get_mut(session) else {
            return Ok(());
        };
        session.user.origin = origin;
        session.user.name = name;
        match self.policy.0.connect(&session.user) {
            Decision::Allow => {
                session.phase = Phase::Connected;
                Ok(())
            }
            Decision::Deny(reason) => {
                debug!(member = %session.member, reason, "connection denied");
                Err(ConnectRefusal::Authentication)
            }
        }
    }

    /// Binds an identity to the name of a session, which has proved that it is its own: policies
    /// see it from now on.
    pub fn identify(&mut self, session: SessionId, identity: Identity) {
        if let Some(session) = self.sessions.get_mut(session) {
            session.user.identity = Some(identity);
        }
    }

    /// Sends a join back that somebody in front of the router has refused; nobody else hears of it.
    pub fn refuse_join(&mut self, session: SessionId, group: GroupName) {
        if let Some(requester) = self.connected(session) {
            let refusal = Refusal {
                requester,
                request: RefusedRequest::Join(group),
            };
            self.deliver(vec![session], Delivery::Refused(refusal));
        }
    }

    /// Says something to a session on behalf of its daemon: a FIFO message that names the session
    /// itself as its sender, which nobody else can send.
    pub fn tell(&mut self, session: SessionId, message_type: i16, body: Bytes) {
        if let Some(member) = self.connected(session) {
            let message = DataMessage {
                word: ServiceWord::new(Service::Fifo, SelfDelivery::Deliver, Scope::Named),
                hint: Hint::written_in(ByteOrder::Little, message_type),
                destinations: vec![member.into()],
                body,
            };
            self.deliver(
                vec![session],
                Delivery::Data {
                    sender: member,
                    message,
                },
            );
        }
    }

    fn connected(&self, session: SessionId) -> Option<MemberName> {
        let session = self.sessions.get(session)?;
        (session.phase == Phase::Connected).then_some(session.member)
    }

    /// The request, if the policy permits it; else it goes back.
    pub(super) fn admit(&mut self, id: SessionId, request: Request) -> Option<Request> {
        let user = &self.sessions.get(id)?.user;
        let policy = &self.policy.0;
        let decision = match &request {
            Request::Join(group) => policy.join(user, group),
            Request::Leave(group) => policy.leave(user, group),
            Request::Data(message) => judge(policy.as_ref(), user, message),
            Request::Disconnect => Decision::Allow,
        };
        let reason = match decision {
            Decision::Allow => return Some(request),
            Decision::Deny(reason) => reason,
        };
        let requester = user.member;
        debug!(member = %requester, reason, "request denied");
        let request = match request {
            Request::Join(group) => RefusedRequest::Join(group),
            Request::Leave(group) => RefusedRequest::Leave(group),
            Request::Data(message) => match message.word.self_delivery() {
                SelfDelivery::Deliver => RefusedRequest::Data(message),
                SelfDelivery::Discard => return None,
            },
            Request::Disconnect => return None,
        };
        let refusal = Refusal { requester, request };
        self.deliver(vec![id], Delivery::Refused(refusal));
        None
    }
}

/// Both questions for a message that goes to both kinds of destinations.
fn judge(policy: &dyn AccessPolicy, user: &User, message: &DataMessage) -> Decision {
    let sending = Sending::new(message);
    let mut private = message.destinations.iter().map(|name| name.is_private());
    if private.clone().any(|private| private) {
        match policy.send_private(user, sending) {
            Decision::Allow => {}
            denied @ Decision::Deny(_) => return denied,
        }
    }
    if private.len() == 0 || private.any(|private| !private) {
        return policy.send_to_groups(user, sending);
    }
    Decision::Allow
}
