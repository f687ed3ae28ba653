//! What every member saw, kept aside in the clear, and the checks on it.
//!
//! A message carries its number, and the view its sender held. Checked as it happens:
//!
//! - a key belongs to one view and epoch; members that name each other in a view and epoch have the
//!   same key and the same list of members;
//! - a message is delivered in the view it was sent in, once, and in its sender's order without gap.
//!
//! Checked when all are together again, for every view that was replaced:
//!
//! - what a member sent in a view it was given in that view;
//! - members that moved on together were given the same messages.

use std::collections::{BTreeMap, BTreeSet};

use gcs_proto::{gcs::ViewId, name::MemberName};
use ssp_core::{Fingerprint, SecureViewEvent};

/// Violations that are kept; of more only the number.
const KEPT: usize = 50;

/// Bytes of a message: number, view.
const MESSAGE: usize = 8 + 12;

/// A view and the number of a key in it.
type KeyOf = (ViewId, u32);

/// A key by its fingerprint, and who has it.
type Shared = ([u8; 16], Vec<MemberName>);

/// A message by its sender and number.
type Given = (MemberName, u64);

/// What a member saw of a view.
#[derive(Debug, Default)]
struct Seen {
    given: Vec<Given>,
    sent: Vec<u64>,
}

/// A view that a member has left behind, and where it went.
#[derive(Debug)]
struct Closed {
    view: ViewId,
    next: ViewId,
    together: Vec<MemberName>,
    seen: Seen,
}

/// A member from its join to its end.
#[derive(Debug, Default)]
struct Witness {
    current: Option<(ViewId, Vec<MemberName>)>,
    seen: Seen,
    closed: Vec<Closed>,
    /// Number of the last message that was given of each sender.
    last: BTreeMap<MemberName, u64>,
    next_number: u64,
}

/// A key that a member installed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Installed<'a> {
    id: ViewId,
    epoch: u32,
    fingerprint: Fingerprint,
    members: &'a [MemberName],
    /// Who moved here with the member.
    together: &'a [MemberName],
}

impl<'a> From<&'a SecureViewEvent> for Installed<'a> {
    fn from(view: &'a SecureViewEvent) -> Self {
        Self {
            id: view.view.id,
            epoch: view.epoch,
            fingerprint: view.fingerprint,
            members: &view.view.members,
            together: &view.view.transitional_set,
        }
    }
}

/// Counts of a run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) views: u64,
    pub(super) refreshes: u64,
    pub(super) sent: u64,
    pub(super) delivered: u64,
    /// Comparisons of what two members were given in a view.
    pub(super) compared: u64,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    witnesses: BTreeMap<MemberName, Witness>,
    keys: BTreeMap<[u8; 16], KeyOf>,
    /// Keys and members of the views; more than one where an identifier came back after the group
    /// was empty, as Spread's do.
    views: BTreeMap<KeyOf, Vec<Shared>>,
    pub(super) counts: Counts,
    violations: Vec<String>,
    violation_count: usize,
}

/// What a message says.
pub(super) fn write(number: u64, view: &ViewId) -> Vec<u8> {
    [&number.to_be_bytes()[..], &view.0].concat()
}

fn list(members: &[MemberName]) -> String {
    let names: Vec<_> = members.iter().map(MemberName::as_str).collect();
    names.join(" ")
}

fn read(payload: &[u8]) -> Option<(u64, ViewId)> {
    let payload: [u8; MESSAGE] = payload.try_into().ok()?;
    let (number, view) = payload.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*number), ViewId(view.try_into().ok()?)))
}

impl Ledger {
    pub(super) fn violation(&mut self, text: String) {
        self.violation_count += 1;
        if self.violations.len() < KEPT {
            self.violations.push(text);
        }
    }

    pub(super) fn violations(&self) -> (&[String], usize) {
        (&self.violations, self.violation_count)
    }

    pub(super) fn keys(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn enter(&mut self, me: MemberName) {
        self.witnesses.insert(me, Witness::default());
    }

    /// A member is gone, by its own wish or not: nothing is expected of it any more, but what it saw
    /// before still counts.
    pub(super) fn end(&mut self, me: &MemberName) {
        if let Some(witness) = self.witnesses.get_mut(me) {
            witness.current = None;
            witness.seen = Seen::default();
        }
    }

    /// The number of the next message.
    pub(super) fn next_number(&self, me: &MemberName) -> u64 {
        self.witnesses
            .get(me)
            .map_or(0, |witness| witness.next_number)
    }

    /// A message was sent in the view that the member has.
    pub(super) fn sent(&mut self, me: &MemberName, number: u64) {
        self.counts.sent += 1;
        if let Some(witness) = self.witnesses.get_mut(me) {
            witness.seen.sent.push(number);
            witness.next_number = number + 1;
        }
    }

    /// A key was installed.
    pub(super) fn key(&mut self, me: &MemberName, view: &Installed<'_>) {
        let key = (view.id, view.epoch);
        let print = view.fingerprint.0;
        let first = *self.keys.entry(print).or_insert(key);
        if first != key {
            self.violation(format!(
                "{me}: key {} of view {} epoch {} was that of view {} epoch {}",
                view.fingerprint, key.0, key.1, first.0, first.1
            ));
        }
        let known = self.views.entry(key).or_default();
        let met = known
            .iter()
            .find(|(_, members)| members.iter().any(|member| view.members.contains(member)));
        match met {
            None => known.push((print, view.members.to_vec())),
            Some((first, members)) if (*first, &members[..]) != (print, view.members) => {
                let text = format!(
                    "{me}: view {} epoch {} has key {} and members {}, elsewhere key {} and \
                     members {}",
                    key.0,
                    key.1,
                    view.fingerprint,
                    list(view.members),
                    Fingerprint(*first),
                    list(members),
                );
                self.violation(text);
            }
            Some(_) => {}
        }
        if view.epoch > 0 {
            self.counts.refreshes += 1;
            return;
        }
        self.counts.views += 1;
        let Some(witness) = self.witnesses.get_mut(me) else {
            return;
        };
        let seen = std::mem::take(&mut witness.seen);
        let before = witness
            .current
            .replace((view.id, view.members.to_vec()))
            .map(|(before, _)| before);
        let lost = seen
            .sent
            .iter()
            .find(|number| !seen.given.contains(&(*me, **number)));
        let lost = lost.map(|number| {
            format!(
                "{me}: message {number} was sent in the view before {} and never came back",
                view.id
            )
        });
        if let Some(before) = before {
            witness.closed.push(Closed {
                view: before,
                next: view.id,
                together: view.together.to_vec(),
                seen,
            });
        }
        if let Some(lost) = lost {
            self.violation(lost);
        }
    }

    /// A message was delivered.
    pub(super) fn message(&mut self, me: &MemberName, sender: MemberName, payload: &[u8]) {
        self.counts.delivered += 1;
        let Some((number, view)) = read(payload) else {
            return self.violation(format!("{me}: message of {sender} is not what was sent"));
        };
        let Some(witness) = self.witnesses.get_mut(me) else {
            return;
        };
        let current = witness.current.as_ref().map(|(view, _)| *view);
        let last = witness.last.insert(sender, number);
        let begins = !witness.seen.given.iter().any(|(from, _)| *from == sender);
        witness.seen.given.push((sender, number));
        if current != Some(view) {
            self.violation(format!(
                "{me}: message {number} of {sender}, sent in view {view}, came in another"
            ));
        }
        match last {
            Some(last) if number <= last => self.violation(format!(
                "{me}: message {number} of {sender} came after {last}"
            )),
            Some(last) if !begins && number != last + 1 => self.violation(format!(
                "{me}: message {number} of {sender} came right after {last}"
            )),
            Some(_) | None => {}
        }
    }

    /// Who of `members` does not hold the view of exactly them.
    pub(super) fn apart(&self, members: &BTreeSet<MemberName>) -> Vec<MemberName> {
        let together = |name: &&MemberName| {
            let current = self
                .witnesses
                .get(*name)
                .and_then(|witness| witness.current.as_ref());
            current.is_none_or(|(_, listed)| {
                listed.len() != members.len() || !listed.iter().all(|name| members.contains(name))
            })
        };
        members.iter().filter(together).copied().collect()
    }

    /// All of `live` are in one view: compares what was given in the views before, and forgets it.
    pub(super) fn compare(&mut self, live: &BTreeSet<MemberName>) {
        let mut found = Vec::new();
        // Sorted once each, so that comparing is cheap.
        for witness in self.witnesses.values_mut() {
            for closed in &mut witness.closed {
                closed.seen.given.sort_unstable();
            }
        }
        for (me, witness) in &self.witnesses {
            for closed in &witness.closed {
                for other in closed.together.iter().filter(|other| *other > me) {
                    let theirs = self.witnesses.get(other).and_then(|witness| {
                        let same = |theirs: &&Closed| {
                            (theirs.view, theirs.next) == (closed.view, closed.next)
                        };
                        witness.closed.iter().find(same)
                    });
                    let Some(theirs) = theirs else { continue };
                    self.counts.compared += 1;
                    if theirs.seen.given != closed.seen.given {
                        found.push(format!(
                            "{me} and {other} moved from view {} to {} with different messages: \
                             {} and {}",
                            closed.view,
                            closed.next,
                            closed.seen.given.len(),
                            theirs.seen.given.len()
                        ));
                    }
                }
            }
        }
        for text in found {
            self.violation(text);
        }
        self.witnesses.retain(|name, _| live.contains(name));
        for witness in self.witnesses.values_mut() {
            witness.closed.clear();
            witness.last.retain(|name, _| live.contains(name));
        }
        let current: BTreeSet<ViewId> = self
            .witnesses
            .values()
            .filter_map(|witness| witness.current.as_ref().map(|(view, _)| *view))
            .collect();
        // Keys are kept for good, so that none comes back unseen.
        self.views.retain(|(view, _), _| current.contains(view));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> MemberName {
        format!("#{text}#n1").parse().unwrap()
    }

    fn view(number: u8) -> ViewId {
        ViewId([number; 12])
    }

    /// Two members in the view 1, which say things and move to the view 2.
    struct Scene {
        ledger: Ledger,
        both: [MemberName; 2],
    }

    impl Scene {
        fn open() -> Self {
            let both = [name("a"), name("b")];
            let mut scene = Self {
                ledger: Ledger::default(),
                both,
            };
            for me in &both {
                scene.ledger.enter(*me);
                scene.install(me, 1, 0, 1);
            }
            scene
        }

        fn install(&mut self, me: &MemberName, id: u8, epoch: u32, print: u8) {
            self.ledger.key(
                me,
                &Installed {
                    id: view(id),
                    epoch,
                    fingerprint: Fingerprint([print; 16]),
                    members: &self.both,
                    together: &self.both,
                },
            );
        }

        fn say(&mut self, from: usize, number: u64, to: &[usize]) {
            let sender = self.both[from];
            self.ledger.sent(&sender, number);
            for to in to {
                let payload = write(number, &view(1));
                self.ledger.message(&self.both[*to], sender, &payload);
            }
        }

        fn end(mut self) -> Vec<String> {
            for me in self.both {
                self.install(&me, 2, 0, 2);
            }
            let live = self.both.into();
            assert!(self.ledger.apart(&live).is_empty());
            self.ledger.compare(&live);
            self.ledger.violations().0.to_vec()
        }
    }

    fn check(words: &str, misbehave: impl FnOnce(&mut Scene)) {
        let mut scene = Scene::open();
        scene.say(0, 0, &[0, 1]);
        misbehave(&mut scene);
        let found = scene.end();
        if words.is_empty() {
            assert_eq!(found, [""; 0]);
        } else {
            assert!(found.iter().any(|one| one.contains(words)), "{found:?}");
        }
    }

    #[test]
    fn what_is_right_is_no_violation() {
        check("", |_| {});
        check("", |scene| scene.say(0, 1, &[1, 0]));
        check("", |scene| {
            for me in scene.both {
                scene.install(&me, 1, 1, 9);
            }
            scene.say(1, 0, &[0, 1]);
        });
    }

    #[test]
    fn every_violation_is_found() {
        check("different messages", |scene| scene.say(0, 1, &[0]));
        check("never came back", |scene| scene.say(0, 1, &[1]));
        check("came after", |scene| scene.say(0, 0, &[1]));
        check("came right after", |scene| scene.say(0, 2, &[0, 1]));
        check("was that of view", |scene| {
            let me = scene.both[0];
            scene.install(&me, 1, 1, 1);
        });
        check("elsewhere key", |scene| {
            let [first, second] = scene.both;
            scene.install(&first, 1, 1, 7);
            scene.install(&second, 1, 1, 8);
        });
        check("came in another", |scene| {
            let [me, sender] = scene.both;
            let payload = write(0, &view(7));
            scene.ledger.message(&me, sender, &payload);
        });
        check("not what was sent", |scene| {
            let [me, sender] = scene.both;
            scene.ledger.message(&me, sender, b"?");
        });
    }

    #[test]
    fn an_identifier_may_come_back_after_the_group_was_empty() {
        check("", |scene| {
            let other = [name("c")];
            scene.ledger.enter(other[0]);
            scene.ledger.key(
                &other[0],
                &Installed {
                    id: view(1),
                    epoch: 0,
                    fingerprint: Fingerprint([77; 16]),
                    members: &other,
                    together: &other,
                },
            );
        });
        check("members #a#n1, elsewhere", |scene| {
            let alone = [scene.both[0]];
            scene.ledger.key(
                &alone[0],
                &Installed {
                    id: view(1),
                    epoch: 0,
                    fingerprint: Fingerprint([78; 16]),
                    members: &alone,
                    together: &alone,
                },
            );
        });
    }

    #[test]
    fn who_is_elsewhere_is_named() {
        let mut scene = Scene::open();
        let me = scene.both[0];
        scene.ledger.end(&me);
        assert_eq!(scene.ledger.apart(&scene.both.into()), [me]);
    }
}
