//! Events as `ssp user` prints them, whatever layer they come from.

use gcs_proto::{
    gcs::{Cause, CloseReason, Refused, ViewId},
    name::{GroupName, MemberName},
    service::Service,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use ssp_core::access::Action;

use super::{FILE, split_file};
use crate::{output::Event, printable::printable};

pub(super) fn names(members: &[MemberName]) -> Value {
    members
        .iter()
        .map(|member| Value::from(member.as_str()))
        .collect()
}

pub(super) fn list(members: &[MemberName]) -> String {
    members
        .iter()
        .map(MemberName::as_str)
        .collect::<Vec<_>>()
        .join(" ")
}

pub(super) fn connected(me: &MemberName, layer: &str) -> Event {
    Event::new("connected", format!("* connected as {me} ({layer})"))
        .with("private_group", me.as_str())
        .with("mode", layer)
}

/// What changed, for people: `alice joined`.
pub(super) fn change(cause: &Cause) -> String {
    match cause {
        Cause::Join(member) => format!("{member} joined"),
        Cause::Leave(member) => format!("{member} left"),
        Cause::Disconnect(member) => format!("{member} disconnected"),
        Cause::Network => "network changed".into(),
    }
}

/// Fields that every kind of view has.
pub(super) fn view(
    name: &str,
    text: String,
    group: &GroupName,
    id: &ViewId,
    members: &[MemberName],
    cause: &Cause,
) -> Event {
    let mut event = Event::new(name, text)
        .with("group", group.as_str())
        .with("view", id.to_string())
        .with("members", names(members))
        .with("cause", cause.as_str());
    if let Some(member) = cause.member() {
        event = event.with("member", member.as_str());
    }
    event
}

pub(super) fn message(
    group: Option<&GroupName>,
    sender: &MemberName,
    service: Service,
    message_type: i16,
    body: &[u8],
) -> Event {
    let place = group.map_or_else(|| "private".to_owned(), |group| group.as_str().to_owned());
    let split = (message_type == FILE).then(|| split_file(body)).flatten();
    let mut event = match split {
        Some((name, content)) => {
            let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
            file(&place, sender, &name, size, &Sha256::digest(content).into())
        }
        None => {
            let text = String::from_utf8_lossy(body);
            let text = format!("[{place}] {sender}: {}", printable(&text));
            Event::new("message", text).with_data(body)
        }
    };
    if let Some(group) = group {
        event = event.with("group", group.as_str());
    }
    event
        .with("from", sender.as_str())
        .with("type", message_type)
        .with("service", service.as_str())
}

/// A file that arrived.
pub(super) fn file(
    place: &str,
    sender: &MemberName,
    name: &str,
    size: u64,
    sha256: &[u8; 32],
) -> Event {
    let digest = hex::encode(sha256);
    let text = format!(
        "[{place}] {sender} sent file {}, {size} bytes, sha256 {digest}",
        printable(name)
    );
    Event::new("file", text)
        .with("name", name)
        .with("size", size)
        .with("sha256", digest)
}

pub(super) fn transitional(group: &GroupName) -> Event {
    Event::new(
        "transitional",
        format!("[{group}] * members are gone, view change to come"),
    )
    .with("group", group.as_str())
}

pub(super) fn flush_request(group: &GroupName) -> Event {
    Event::new(
        "flush_request",
        format!("[{group}] * view change asked for: flush {group}"),
    )
    .with("group", group.as_str())
}

pub(super) fn blocked(group: &GroupName, members: &[MemberName]) -> Event {
    let text = format!("[{group}] ! view change held up by {}", list(members));
    Event::new("blocked", text)
        .with("group", group.as_str())
        .with("members", names(members))
}

pub(super) fn self_leave(group: &GroupName) -> Event {
    Event::new("self_leave", format!("[{group}] * left")).with("group", group.as_str())
}

pub(super) fn refused(refused: &Refused) -> Event {
    let (what, group) = match refused {
        Refused::Join(group) => ("join", group.as_str().to_owned()),
        Refused::Leave(group) => ("leave", group.as_str().to_owned()),
        Refused::Multicast(message) => {
            let to: Vec<_> = message
                .destinations
                .iter()
                .map(ToString::to_string)
                .collect();
            ("send", to.join(" "))
        }
    };
    Event::new("refused", format!("[{group}] ! daemon refused {what}"))
        .with("group", group)
        .with("request", what)
}

pub(super) fn sent(group: &GroupName, bytes: usize) -> Event {
    Event::new("sent", "")
        .with("group", group.as_str())
        .with("size", bytes)
}

pub(super) fn members(group: &GroupName, members: &[MemberName]) -> Event {
    let count = match members.len() {
        1 => "1 member".to_owned(),
        more => format!("{more} members"),
    };
    let text = format!("[{group}] {count}: {}", list(members));
    Event::new("members", text)
        .with("group", group.as_str())
        .with("members", names(members))
}

/// A member does or is what the group cannot use.
pub(super) fn trouble(
    event: &str,
    group: &GroupName,
    member: &MemberName,
    text: &str,
    reason: &dyn std::fmt::Display,
) -> Event {
    // A reason may quote what the member has sent, and is one line all the same.
    Event::new(event, format!("[{group}] ! {}", printable(text)))
        .with("group", group.as_str())
        .with("member", member.as_str())
        .with("reason", reason.to_string())
}

/// The view has no key, or nearly had none, because of one of these members.
pub(super) fn failure(
    group: &GroupName,
    suspects: &[MemberName],
    reason: &dyn std::fmt::Display,
) -> Event {
    let names: Vec<&str> = suspects.iter().map(MemberName::as_str).collect();
    let text = format!("[{group}] ! no key with {}: {reason}", names.join(" or "));
    Event::new("failure", text)
        .with("group", group.as_str())
        .with("member", names.first().copied().unwrap_or_default())
        .with("suspects", names)
        .with("reason", reason.to_string())
}

/// The access policy does not allow it.
pub(super) fn denied(
    group: &GroupName,
    member: &MemberName,
    action: Action,
    reason: &str,
) -> Event {
    let text = match action {
        Action::Join => format!("{member} may not join"),
        Action::Admit => format!("{member} is not admitted, no key while it is there"),
        Action::Send => format!("{member} may not send"),
        Action::Receive => format!("{member} is not heard, a message was dropped"),
    };
    trouble(
        "denied",
        group,
        member,
        &format!("{text}: {reason}"),
        &reason,
    )
    .with("action", action.as_str())
}

pub(super) fn confirmed(group: &GroupName, epoch: u32) -> Event {
    let text = format!("[{group}] * all members have confirmed the key");
    Event::new("confirmed", text)
        .with("group", group.as_str())
        .with("epoch", epoch)
}

/// The connection is lost, and another is tried for.
pub(super) fn lost(reason: &CloseReason) -> Event {
    let reason = close_reason(reason).unwrap_or_else(|| "connection is over".into());
    let text = format!("! connection lost, trying again: {reason}");
    Event::new("lost", text).with("reason", reason)
}

pub(super) fn rejoining(group: &GroupName, me: &MemberName) -> Event {
    Event::new("rejoining", format!("[{group}] * joining again as {me}"))
        .with("group", group.as_str())
        .with("private_group", me.as_str())
}

/// The end; with a reason if it was not our own doing, of which people read on standard error.
pub(super) fn closed(reason: Option<&str>) -> Event {
    match reason {
        None => Event::new("closed", "* closed"),
        Some(reason) => Event::new("closed", "").with("reason", reason),
    }
}

/// How a connection ended; `None` when it was our own doing.
pub(super) fn close_reason(reason: &CloseReason) -> Option<String> {
    match reason {
        CloseReason::Disconnected => None,
        CloseReason::EndOfStream => Some("daemon closed the connection".into()),
        CloseReason::Decode(error) => Some(format!("daemon sent what cannot be read: {error}")),
        CloseReason::Limit(what) => Some(format!("limit reached: {what}")),
    }
}
