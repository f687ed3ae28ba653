//! View synchrony over extended virtual synchrony.
//!
//! An engine tells of a membership when it has changed. Above it, this layer closes the old view
//! only with the permission of every surviving member, so that each message is delivered in the
//! view in which it was sent. It uses plain messages of the group and is compatible with the
//! Flush library of the Spread toolkit; the engine knows nothing of it.
//!
//! ```text
//!  wire                              a (member)                    b (joins)
//!  b joins: membership {a, b}        FlushRequest                  (joining: agrees by itself)
//!                                    may still send                ignores what a sends
//!  a: FLUSH_OK                       flush_ok(), then blocked
//!  both FLUSH_OK seen                View {a, b}                   View {a, b}
//!  both send FLUSH_RECV              may send, FIFO and weaker carry a tag with the view's id
//!  both FLUSH_RECV seen              may send without tags
//! ```
//!
//! # What a view change costs
//!
//! Two multicasts of 12 bytes for each member and view, and one round until the new view is
//! installed. Messages of FIFO and weaker services could overtake the acknowledgements that lead
//! to a view, so they name their view (14 bytes more) until all members have confirmed it; a
//! receiver that is behind keeps them back.
//!
//! # Several changes at once
//!
//! Changes queue up and are agreed one after the other. A change that can no longer be agreed,
//! because one of its members left without acknowledging it, is dropped into the next one, whose
//! cause becomes [`Cause::Network`](crate::gcs::Cause::Network). A member that had acknowledged
//! and then died still gets its view installed, directly followed by a flush request and a signal.
//!
//! # Guarantees
//!
//! For members that move together from a view to the next:
//!
//! - the same view id, the same ordered members, the same cause, the same transitional set (among
//!   those who are in it);
//! - the same FIFO-or-stronger messages in the old view, each between the two views;
//! - exactly one flush request between the views, none before a first view, at the same place
//!   among the CAUSAL, AGREED and SAFE messages at all of them;
//! - at most one transitional signal in a view, and one if a member of it does not go on to the
//!   next; it is given as soon as somebody is gone, whatever acknowledgements are missing. Its
//!   place among those messages is the same at all members that the engine keeps together until
//!   they have installed the next view. Members that are cut off from each other between the
//!   agreement on a view and its installation may see it at different places, but only behind the
//!   flush request: what comes before both is the same at all.
//!
//! Nobody outside the view gets a message in. Messages to private groups bypass all this, and a
//! member of the group that does not run this layer holds up every view change
//! ([`FlushLayer::missing_flush`] names it).
//!
//! # Bare groups
//!
//! A group may also be joined without all this ([`FlushLayer::join_bare`]): the connection then has
//! groups of both kinds, and what the engine tells of a bare one goes up as it comes
//! ([`FlushLayer::poll_bare_event`]). Nothing that is sent outside of views
//! ([`FlushLayer::multicast_bare`]) gets into a view-synchronous group of this member, not even as
//! a subset cast, nor with one of the layer's own types into a group that it is not in. The same
//! member may have a name as a view-synchronous group at one time and as a bare one at another.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use gcs_proto::flush::{FlushEvent, FlushLayer};
//! use gcs_proto::gcs::*;
//! use gcs_proto::name::{GroupName, MemberName};
//! use gcs_proto::service::Service;
//!
//! let (me, group): (MemberName, GroupName) = ("#alice#n1".parse()?, "chat".parse()?);
//! let mut layer = FlushLayer::new(me);
//! layer.join(group)?;
//! assert_eq!(layer.poll_command(), Some(GcsCommand::Join(group)));
//!
//! // The engine answers with a membership; the layer agrees to it by a message to the group.
//! layer.handle_event(GcsEvent::Membership(Membership {
//!     group,
//!     view: View {
//!         id: ViewId([1; 12]),
//!         members: vec![me],
//!         cause: Cause::Join(me),
//!         transitional_set: vec![me],
//!     },
//! }));
//! let Some(GcsCommand::Multicast(agreed)) = layer.poll_command() else { panic!() };
//!
//! // Its own acknowledgement comes back and installs the view.
//! layer.handle_event(GcsEvent::Message(Message {
//!     sender: me,
//!     destinations: agreed.destinations,
//!     service: agreed.service,
//!     self_delivery: agreed.self_delivery,
//!     scope: agreed.scope,
//!     message_type: agreed.message_type,
//!     order: ByteOrder::Little,
//!     body: agreed.body,
//! }));
//! let Some(FlushEvent::View(view)) = layer.poll_event() else { panic!() };
//! assert_eq!(view.view.members, [me]);
//! layer.multicast(group, Service::Agreed, SelfDelivery::Deliver, 1, Bytes::from_static(b"hi"))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Source: flush layer of the protocol notes; the rules of its section 7.1 win over section 5.

mod bare;
mod bare_calls;
mod calls;
mod change;
mod codec;
mod early;
mod event;
mod group;
mod layer;
mod outbox;
mod progress;
mod receive;
mod state;
mod stats;

pub use bare::BareEvent;
pub use codec::original;
pub use event::{FlushEvent, ViewMessage, VsView};
pub use layer::FlushLayer;
pub use stats::Stats;
