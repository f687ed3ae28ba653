//! Installation of a key: of the first one of a view, and of those of its refreshes.

use alloc::vec::Vec;

use cliques::GroupSecret;
use gka_robust::SecureView;

use super::{Environment, SecureGroup};
use crate::{
    epoch::{EpochKeys, ViewKeys},
    event::{GroupFailure, SecureViewEvent, SessionEvent, ViewNumber},
    schedule::{KeyContext, KeySchedule},
};

impl SecureGroup {
    pub(super) fn install(
        &mut self,
        secure: &SecureView,
        secret: GroupSecret,
        environment: &mut Environment<'_>,
    ) {
        if self.present.has_failed() {
            // The application was told that the view has no key, and it stays so.
            return;
        }
        if secure.epoch > 0 && self.present.keys().is_none() {
            return self.fail_internally("refresh without a key", environment);
        }
        if let Some(member) = self.unidentified(&secure.view.members) {
            return self.fail(member, GroupFailure::UnknownIdentity, environment);
        }
        let schedule = self.schedule(secure, secret);
        if !self.history.use_key(schedule.key_id()) {
            // At least one share of each run is fresh, so this is a bug or a replayed view.
            return self.fail(self.me, GroupFailure::KeyRepeated, environment);
        }
        let event = self.secure_view(secure, &schedule, environment);
        self.history.installed = Some(event.clone());
        let index = event.index;
        let keys = EpochKeys::new(schedule, secure.epoch);
        if secure.epoch > 0 {
            self.present.refresh(keys);
            self.stats.refreshes += 1;
            environment
                .events
                .push_back(SessionEvent::KeyRefreshed(event));
        } else {
            self.present.install(ViewKeys::new(
                self.name,
                self.me,
                event.view.members.clone(),
                self.options.record,
                self.config.replay_window,
                keys,
            ));
            self.stats.secure_views += 1;
            environment
                .events
                .push_back(SessionEvent::SecureView(event));
        }
        self.schedule_refresh(index, environment.now);
        self.begin_confirmation(secure, environment);
    }

    fn schedule(&self, secure: &SecureView, secret: GroupSecret) -> KeySchedule {
        let members: Vec<&[u8]> = secure
            .view
            .members
            .iter()
            .map(|name| name.as_bytes())
            .collect();
        KeySchedule::new(
            secret,
            &KeyContext {
                suite: self.options.protocol.as_str(),
                mathematical_group: self.options.mathematical_group.name(),
                group: self.name.as_bytes(),
                view_id: &secure.view.id.0,
                epoch: secure.epoch,
                members: &members,
            },
        )
    }

    /// Describes a new key to the application, and closes the statistics of its agreement.
    fn secure_view(
        &mut self,
        secure: &SecureView,
        schedule: &KeySchedule,
        environment: &Environment<'_>,
    ) -> SecureViewEvent {
        let cost = self.history.cost_since(*self.driver.cost());
        let duration = environment.now.since(self.present.agreement.began);
        let tokens = core::mem::take(&mut self.present.agreement.tokens);
        self.stats.last_key = super::LastKey {
            cost,
            tokens,
            duration,
        };
        let last = self.history.number().0;
        let number = ViewNumber(if secure.epoch > 0 { last } else { last + 1 });
        tracing::info!(
            group = %self.name,
            view = %secure.view.id,
            %number,
            epoch = secure.epoch,
            members = secure.view.members.len(),
            fingerprint = %schedule.fingerprint(),
            "secure view"
        );
        SecureViewEvent {
            group: self.name,
            view: secure.view.clone(),
            number,
            epoch: secure.epoch,
            index: secure.view.index(&self.me).unwrap_or_default(),
            fingerprint: schedule.fingerprint(),
            protocol: self.options.protocol,
            mathematical_group: self.options.mathematical_group.clone(),
            record: self.options.record,
            controller: self.driver.controller().copied(),
            cost,
            tokens,
            duration,
        }
    }
}
