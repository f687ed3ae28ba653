//! Messages as bytes, in both directions.
//!
//! After the handshake both directions of a connection carry messages of one form:
//!
//! | offset | size | content |
//! |---|---|---|
//! | 0 | 4 | type word ([`word`]): service and kind, and the byte order of this header ([`endian`]) |
//! | 4 | 32 | name: the sender's private group, or the group concerned |
//! | 36 | 4 | number n of names that follow |
//! | 40 | 4 | [`Hint`]: 16-bit message type and the byte order of the author |
//! | 44 | 4 | length of the body |
//! | 48 | 4 | only if the type is REJECT: the type word of the refused request |
//! | 48 or 52 | 32 n | names |
//! | behind | length | body |
//!
//! A name slot holds a name, NUL behind it, and then anything: writers pad with zeros, readers stop
//! at the first NUL. There is no padding, no trailer and no checksum.
//!
//! The layers here follow the data: [`FrameDecoder`] cuts a byte stream into [`Frame`]s and knows
//! sizes only; [`Request`] (client to daemon) and [`Delivery`] (daemon to client) know what a frame
//! means. Neither trusts a length before its bytes are there, and neither copies a body. On the way
//! out each of them appends itself to a buffer that many messages share (`encode_into`), or gives
//! an [`Encoded`] message whose body many receivers share (`encode_parts`).
//!
//! Source: Spread client protocol, sections 4, 5, 7 and 8 of the protocol notes in `docs/`.

mod data;
mod decoder;
mod delivery;
mod encoded;
pub mod endian;
mod frame;
mod header;
mod hint;
mod membership;
mod reader;
mod refusal;
mod request;
mod resync;
#[cfg(test)]
mod tests;
pub mod word;
mod writer;

pub use data::DataMessage;
pub use decoder::FrameDecoder;
pub use delivery::{Change, Delivery, MembershipMessage};
pub use encoded::Encoded;
pub use frame::Frame;
pub use header::{Direction, Header};
pub use hint::Hint;
pub(crate) use membership::write_id;
pub use membership::{GroupId, Layout, MembershipBody};
pub(crate) use reader::Reader;
pub use refusal::{Refusal, RefusedRequest};
pub use request::Request;
pub use word::ServiceWord;
pub(crate) use writer::Writer;
