//! What processes do: deliveries, answers, and acting on the outputs of drivers.

use super::*;

impl Simulation {
    /// One random step of some process; false if nobody can do anything.
    pub fn step(&mut self, traffic: Traffic) -> bool {
        if self.install_views() {
            return true;
        }
        let mut names: Vec<MemberName> = self.processes.keys().cloned().collect();
        self.dice.shuffle(&mut names);
        names
            .iter()
            .any(|name| !self.processes[name].held && self.step_of(name, traffic))
    }

    /// One random step of one process; false if it has nothing to do.
    pub fn step_of(&mut self, name: &MemberName, traffic: Traffic) -> bool {
        let process = &self.processes[name];
        if traffic == Traffic::Busy && process.pending.is_none() {
            if self.dice.one_in(6) && self.send_data(name, None) {
                return true;
            }
            if self.dice.one_in(60) && self.request_refresh(name) {
                return true;
            }
        }
        let process = &self.processes[name];
        let mut deliveries = match (&process.pending, process.branch) {
            (Some(_), _) => {
                self.take_membership(name);
                return true;
            }
            (None, None) => Vec::new(),
            (None, Some(branch)) => self.branches[branch].deliveries(name, &process.position),
        };
        // The application may take its time.
        if process.application.consent_due
            && !process.application.withholds
            && (deliveries.is_empty() || self.dice.one_in(4))
        {
            self.permit(name);
            return true;
        }
        if deliveries.is_empty() {
            return false;
        }
        let chosen = deliveries.swap_remove(self.dice.below(deliveries.len()));
        self.deliver(name, &chosen);
        true
    }

    /// Steps until nothing is left to do; false if that takes too long.
    pub fn settle(&mut self) -> bool {
        (0..200_000).any(|_| !self.step(Traffic::Quiet))
    }

    /// Keeps a process from doing anything, or lets it go on.
    pub fn hold(&mut self, name: &MemberName, held: bool) {
        live(&mut self.processes, name).held = held;
    }

    /// Keeps an application from answering secure flush requests, or lets it answer.
    pub fn withhold(&mut self, name: &MemberName, withholds: bool) {
        live(&mut self.processes, name).application.withholds = withholds;
    }

    /// Delivers the next entry of the log to a process, with what it comes behind; false if there
    /// is none.
    pub fn deliver_log(&mut self, name: &MemberName) -> bool {
        for _ in 0..10_000 {
            let process = &self.processes[name];
            let Some(branch) = process.branch else {
                return false;
            };
            let deliveries = self.branches[branch].deliveries(name, &process.position);
            if let Some(log) = deliveries.iter().find(|d| matches!(d, Delivery::Log)) {
                let log = log.clone();
                self.deliver(name, &log);
                return true;
            }
            let Some(first) = deliveries.first().cloned() else {
                return false;
            };
            self.deliver(name, &first);
        }
        false
    }

    pub(super) fn take_membership(&mut self, name: &MemberName) {
        let process = live(&mut self.processes, name);
        let Some(pending) = process.pending.take() else {
            return;
        };
        process.branch = Some(pending.branch);
        process.position = Position::default();
        process.flushed = false;
        process.round = 0;
        process.asked = false;
        // Shares are numbered by the view they are drawn in: the same in every history that leads
        // there.
        if let Some(tape) = &process.tape {
            tape.number_from(pending.changes << 10);
        }
        let shares = pending.changes << 10;
        let branch = &self.branches[pending.branch];
        let view = View {
            id: branch.view,
            members: branch.members.clone(),
            transitional_set: pending.transitional_set,
            cause: pending.cause,
        };
        let state = process.driver.state_name();
        self.note(
            name,
            Entry::Membership {
                view: view.clone(),
                state,
                shares,
            },
        );
        self.give(name, Input::Membership(view));
        let alive = self.alive(name);
        let algorithm = self.options.algorithm;
        let check = |algebra: &Arc<Algebra>| check_fresh_start(algebra, algorithm, &alive, shares);
        if let Some(what) = self.algebra().and_then(check) {
            self.violation("I26", format!("{name}: {what}"));
        }
    }

    pub(super) fn deliver(&mut self, name: &MemberName, delivery: &Delivery) {
        let process = live(&mut self.processes, name);
        let branch = process
            .branch
            .expect("a process with deliveries has a branch");
        let Some(entry) = self.branches[branch].deliver(delivery, name, &mut process.position)
        else {
            return;
        };
        match entry {
            LogEntry::FlushRequest => {
                process.asked = true;
                self.note(name, Entry::FlushRequest);
                self.give(name, Input::FlushRequest);
            }
            LogEntry::Signal => {
                self.note(name, Entry::Signal);
                self.give(name, Input::TransitionalSignal);
            }
            LogEntry::Message(message) => {
                match &message.body {
                    Body::Token { kind, bytes } => {
                        let round = self.origins.get(bytes).map_or(0, |origin| origin.round);
                        let process = live(&mut self.processes, name);
                        process.round = process.round.max(round);
                        let late =
                            |driver: &RobustDriver<Parcel>| driver.stats().token_drops.wrong_epoch;
                        let before = late(&self.processes[name].driver);
                        self.give(
                            name,
                            Input::Token {
                                sender: message.sender,
                                kind: Some(*kind),
                                bytes: bytes.clone(),
                            },
                        );
                        // A refresh that this member does not take part in, nothing else.
                        let driver = &self.processes[name].driver;
                        let run = self.origins.get(bytes).map_or(0, |origin| origin.run);
                        let of_refresh = *kind == TokenKind::REFRESH_REQUEST || run > 0;
                        if late(driver) > before && !of_refresh {
                            self.violation(
                                "I17",
                                format!(
                                    "{name} in {}: {kind} of another epoch",
                                    self.processes[name].driver.state_name()
                                ),
                            );
                        }
                    }
                    Body::Data(parcel) => self.receive_data(name, parcel.clone()),
                }
            }
        }
    }

    pub(super) fn receive_data(&mut self, name: &MemberName, parcel: Parcel) {
        let known = self.processes[name].application.keys.contains(&parcel.key);
        let input = if known {
            Input::Data(parcel)
        } else {
            Input::EarlyData(parcel)
        };
        self.give(name, input);
    }

    /// Gives an arbitrary input to a process, as hostile tests do, and acts on the outputs.
    pub fn give(&mut self, name: &MemberName, input: Input<Parcel>) {
        let origin = match &input {
            Input::Token { bytes, .. } => self.origins.get(bytes).map(|origin| origin.view),
            Input::Membership(_)
            | Input::FlushRequest
            | Input::TransitionalSignal
            | Input::Data(_)
            | Input::EarlyData(_)
            | Input::SecureFlushOk
            | Input::RequestRefresh
            | Input::Fail(_) => None,
        };
        let process = live(&mut self.processes, name);
        let accepted = process.driver.stats().tokens_accepted;
        let result = process.driver.handle(input, 1_000, self.dice.rng());
        if process.driver.stats().tokens_accepted > accepted
            && origin != process.driver.view().map(|view| view.id)
        {
            self.violation("I18", format!("{name} accepted a token of {origin:?}"));
        }
        if let Err(error) = result {
            self.violation("I17", format!("{name}: {error}"));
        }
        self.act_on_outputs(name);
    }

    /// Passes on what an application asks; returns the error.
    pub(super) fn ask(&mut self, name: &MemberName, input: Input<Parcel>) -> Result<(), Error> {
        let process = live(&mut self.processes, name);
        let result = process.driver.handle(input, 1_000, self.dice.rng());
        self.act_on_outputs(name);
        result.map(|_| ())
    }

    pub(super) fn act_on_outputs(&mut self, name: &MemberName) {
        loop {
            let process = live(&mut self.processes, name);
            let Some(output) = process.driver.poll_output() else {
                break;
            };
            self.output(name, output);
        }
        let process = &self.processes[name];
        self.trace.lives[process.life].stats = process.driver.stats().clone();
    }

    /// Encodings of the secrets that a process has in memory.
    fn alive(&self, name: &MemberName) -> Vec<[u8; 32]> {
        let tape = self.processes[name].tape.as_ref();
        tape.map_or_else(Vec::new, |tape| tape.group().alive())
    }

    pub(super) fn output(&mut self, name: &MemberName, output: Output<Parcel>) {
        let process = live(&mut self.processes, name);
        match output {
            Output::Send(transmission) => self.send_token(name, transmission),
            Output::FlushOk => {
                let asked = core::mem::replace(&mut process.asked, false);
                process.flushed = true;
                self.note(name, Entry::FlushOk);
                if !asked {
                    self.violation("I16", format!("{name}: Flush_Ok without a request"));
                }
            }
            Output::Install { view, secret } => {
                let key = secret.expose().to_vec();
                if view.epoch == 0 {
                    process.application.keys.clear();
                    process.application.sent_in_view = 0;
                    process.application.seen.clear();
                }
                process.application.keys.push(key.clone());
                process.application.past_keys.push(key.clone());
                process.application.secure = Some(view.clone());
                let members = view.view.members.len();
                self.note(name, Entry::Install { view, key });
                let alive = self.alive(name);
                let keys = &self.processes[name].application.past_keys;
                let protocol = self.options.protocol;
                let check = |algebra: &Arc<Algebra>| {
                    check_installed(algebra, protocol, &alive, keys, members)
                };
                if let Some(what) = self.algebra().and_then(check) {
                    self.violation("I26", format!("{name}: {what}"));
                }
            }
            Output::SecureFlushRequest => {
                process.application.consent_due = true;
                self.note(name, Entry::SecureFlushRequest);
            }
            Output::SecureTransitionalSignal => self.note(name, Entry::SecureSignal),
            Output::Deliver(parcel) => {
                if process.application.keys.contains(&parcel.key) {
                    let record = &self.trace.data[&parcel.id];
                    process
                        .application
                        .seen
                        .insert(record.life, record.index + 1);
                    self.note(name, Entry::Delivered(parcel.id));
                } else if process.driver.keeps_early_data()
                    && self.options.fault != Some(Fault::DeliverEarly)
                {
                    // Ahead by more than one refresh.
                    self.give(name, Input::EarlyData(parcel));
                } else {
                    self.violation("I5", format!("{name} cannot open message {}", parcel.id));
                }
            }
            Output::Failed(failure) => {
                let suspects = failure.suspects.iter().map(|one| format!("{one}"));
                let suspects = suspects.collect::<Vec<_>>().join(", ");
                self.tell(format!("{name}: {} of {suspects}", failure.reason));
            }
        }
    }
}
