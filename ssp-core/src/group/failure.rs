//! Failures: views that get no key, and who may be to blame.

use alloc::{vec, vec::Vec};

use gcs_proto::name::MemberName;
use gka_robust::{Failure, FailureReason};

use super::{Environment, SecureGroup};
use crate::event::{GroupFailure, SessionEvent};

impl SecureGroup {
    /// A bug was found: the view has no key.
    pub(super) fn fail_internally(
        &mut self,
        what: &'static str,
        environment: &mut Environment<'_>,
    ) {
        self.fail(self.me, GroupFailure::Internal(what), environment);
    }

    /// This member alone knows that the view has no key; `suspect` is to blame, or this member where
    /// nobody else is.
    pub(super) fn fail(
        &mut self,
        suspect: MemberName,
        reason: GroupFailure,
        environment: &mut Environment<'_>,
    ) {
        self.present.fail();
        self.report_failure(vec![suspect], reason, environment);
    }

    /// The driver reports a failure. The view may have a key all the same.
    pub(super) fn failed(&mut self, failure: Failure, environment: &mut Environment<'_>) {
        let Failure { suspects, reason } = failure;
        let reason = match reason {
            FailureReason::UnknownIdentity => GroupFailure::UnknownIdentity,
            FailureReason::BadSignature => GroupFailure::BadSignature,
            FailureReason::Protocol(fault) => GroupFailure::Protocol(fault),
            FailureReason::Contradiction => GroupFailure::Contradiction,
            FailureReason::DegenerateKey => GroupFailure::DegenerateKey,
            FailureReason::SuiteMismatch(field) => GroupFailure::SuiteMismatch(field),
        };
        if self.driver.has_failed() {
            // A refresh that fails takes the key with it that it was to replace.
            self.present.fail();
        }
        self.report_failure(suspects, reason, environment);
    }

    pub(super) fn report_failure(
        &self,
        suspects: Vec<MemberName>,
        reason: GroupFailure,
        environment: &mut Environment<'_>,
    ) {
        tracing::warn!(group = %self.name, ?suspects, %reason, "group failed");
        environment.events.push_back(SessionEvent::GroupFailed {
            group: self.name,
            suspects,
            reason,
        });
    }
}
