//! The layer that is measured.

use super::security::Security;

/// The layer that is measured, with what its clients need.
#[derive(Clone, Debug)]
pub(super) enum Layer {
    Plain,
    Flush,
    Secure(Security),
}
