//! What the suites have in common that keep one completed agreement while the next one is staged.

use alloc::vec::Vec;

use crate::{
    error::{Error, Rejected},
    rules::unexpected,
    token::TokenKind,
};

/// A handler ran without an agreement under way.
pub(crate) const NOTHING_STAGED: Error = Error::Internal("no agreement under way");

/// An agreement, completed or under way, with its members in the order of the suite.
pub(crate) trait Ordered {
    fn order(&self) -> &[MemberName];
}

impl Ordered for Vec<MemberName> {
    fn order(&self) -> &[MemberName] {
        self
    }
}

/// The agreement under way, if it is one that `sender` takes part in.
pub(crate) fn admit<'a, S: Ordered>(
    staged: Option<&'a mut S>,
    sender: &MemberName,
    kind: TokenKind,
) -> Result<&'a mut S, Error> {
    let staged = staged.ok_or_else(|| unexpected(sender, kind))?;
    match staged.order().contains(sender) {
        true => Ok(staged),
        false => Err(Rejected::NotInView(*sender).into()),
    }
}

/// The methods of [`KeyAgreement`](crate::KeyAgreement) that are the same in these suites, which have the
/// fields `me`, `arithmetic`, `completed` and `staged`.
macro_rules! staged_agreement {
    () => {
        fn group_name(&self) -> &str {
            self.arithmetic.group().name()
        }

        fn me(&self) -> &MemberName {
            &self.me
        }

        fn abandon(&mut self) {
            self.staged = None;
        }

        fn reset(&mut self) {
            self.staged = None;
            self.completed = None;
        }

        fn order(&self) -> &[MemberName] {
            match (&self.staged, &self.completed) {
                (Some(staged), _) => $crate::staged::Ordered::order(staged),
                (None, Some(completed)) => $crate::staged::Ordered::order(completed),
                (None, None) => &[],
            }
        }

        fn take_cost(&mut self) -> Cost {
            self.arithmetic.take_cost()
        }
    };
}
use gcs_view::MemberName;
pub(crate) use staged_agreement;
