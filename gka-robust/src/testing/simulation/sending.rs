//! What processes send.

use super::*;

impl Simulation {
    pub(super) fn send_token(&mut self, name: &MemberName, transmission: Transmission) {
        let Transmission {
            to,
            service,
            kind,
            bytes,
        } = transmission;
        let process = &self.processes[name];
        let Some(branch) = process.branch.filter(|_| !process.flushed) else {
            return self.violation("I15", format!("{name} sent {kind} after Flush_Ok"));
        };
        let bytes = Bytes::from(bytes);
        let view = self.branches[branch].view;
        Rc::make_mut(&mut self.overheard).push((*name, kind, bytes.clone()));
        let round = process.round + 1;
        let run = match ReceivedToken::decode(&bytes, self.options.protocol) {
            // Carries the epoch to be replaced.
            Ok(token) if kind != TokenKind::REFRESH_REQUEST => token.epoch(),
            Ok(_) | Err(_) => 0,
        };
        Rc::make_mut(&mut self.origins).insert(bytes.clone(), Origin { view, run, round });
        self.trace.tokens.push(TokenSent {
            life: process.life,
            view,
            kind,
            run,
            to: to.clone(),
            round,
        });
        let agreed = service == TokenService::Agreed;
        let body = Body::Token { kind, bytes };
        Rc::make_mut(&mut self.branches[branch]).send(name, to, agreed, &process.position, body);
    }

    /// Lets an application send; a random service unless told. False if it may not.
    pub fn send_data(&mut self, name: &MemberName, service: Option<TokenService>) -> bool {
        let agreed = match service {
            Some(service) => service == TokenService::Agreed,
            None => self.dice.one_in(2),
        };
        let process = live(&mut self.processes, name);
        let (Ok(()), Some(branch), Some(secure)) = (
            process.driver.send_permission(),
            process.branch,
            &process.application.secure,
        ) else {
            return false;
        };
        let id = self.parcels;
        let index = process.application.sent_in_view;
        process.application.sent_in_view += 1;
        self.parcels += 1;
        let order = agreed.then_some(self.orders);
        self.orders += 1;
        let parcel = Parcel {
            id,
            key: process.application.keys.last().cloned().unwrap_or_default(),
        };
        self.trace.data.insert(
            id,
            DataSent {
                life: process.life,
                view: secure.view.id,
                index,
                order,
                behind: process.application.seen.clone(),
            },
        );
        let flushed = process.flushed;
        let body = Body::Data(parcel);
        let process = &self.processes[name];
        Rc::make_mut(&mut self.branches[branch]).send(
            name,
            Recipient::Group,
            agreed,
            &process.position,
            body,
        );
        self.note(name, Entry::Sent(id));
        if flushed {
            self.violation("I15", format!("{name} sent data after Flush_Ok"));
        }
        true
    }

    /// Lets an application ask for a refresh; false if it may not.
    pub fn request_refresh(&mut self, name: &MemberName) -> bool {
        self.ask(name, Input::RequestRefresh).is_ok()
    }

    /// Lets the application answer, if it was asked.
    pub fn permit(&mut self, name: &MemberName) {
        let process = live(&mut self.processes, name);
        if core::mem::replace(&mut process.application.consent_due, false) {
            self.note(name, Entry::SecureFlushOk);
            if let Err(error) = self.ask(name, Input::SecureFlushOk) {
                self.violation(
                    "I14",
                    format!("{name}: {error} after a secure flush request"),
                );
            }
        }
    }

    /// Whether the application owes an answer.
    pub fn consent_due(&self, name: &MemberName) -> bool {
        self.processes
            .get(name)
            .is_some_and(|process| process.application.consent_due)
    }
}
