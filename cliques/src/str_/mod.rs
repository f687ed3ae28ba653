//! TODO

mod message;
mod rules;

pub(crate) use rules::Skinny;

crate::keytree::tree_suite! {
    /// A member's side of STR over the mathematical group `G`.
    ///
    /// The [module documentation](crate::str_) explains the protocol.
    Str, Skinny
}
