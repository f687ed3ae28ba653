//! TODO

mod message;
mod rules;

pub(crate) use rules::Bushy;

crate::keytree::tree_suite! {
    /// A member's side of TGDH over the mathematical group `G`.
    ///
    /// The [module documentation](crate::tgdh) explains the protocol.
    Tgdh, Bushy
}
