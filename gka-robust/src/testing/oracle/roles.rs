//! Who sends what, and how much of it: I24, I25.

use cliques::{bd, ckd, gdh, str_, tgdh};

use super::*;

/// The most tokens of one kind that a run may have.
#[derive(Clone, Copy)]
enum Most {
    /// One in all.
    One,
    /// One of each member.
    PerMember,
}

/// What holds for a kind in the run of a membership.
fn most(kind: TokenKind) -> Option<Most> {
    match kind {
        gdh::FINAL_TOKEN | gdh::KEY_LIST | ckd::NEW_CONTROLLER | ckd::OLD_CONTROLLER | ckd::KEY => {
            Some(Most::One)
        }
        // A tree of each component. A side of the view may have several, if the agreement that was
        // to join them was cut off; that they are disjoint is checked by the suite, and a failure
        // would be seen (I17).
        str_::TREE
        | tgdh::TREE
        | bd::BLINDED_SHARE
        | bd::QUOTIENT
        | ckd::RESPONSE
        | gdh::FACTOR_OUT => Some(Most::PerMember),
        // Looked at one by one, or bounded in all only, as are the kinds of other suites.
        _ => None,
    }
}

impl Checker<'_> {
    /// I24: one initiator, controller or representative for each side of a view; for GDH one chain
    /// of partial tokens, one final token, one key list. I25: no more tokens for a view than its
    /// suite needs.
    pub(super) fn roles(&mut self) {
        let mut by_run: BTreeMap<(ViewId, u32), Vec<&TokenSent>> = BTreeMap::new();
        for token in &self.trace.tokens {
            if token.kind != TokenKind::REFRESH_REQUEST {
                let run = (token.view, token.run);
                by_run.entry(run).or_default().push(token);
            }
        }
        let mut sizes: BTreeMap<ViewId, usize> = BTreeMap::new();
        for entry in self.trace.lives.iter().flat_map(|life| &life.entries) {
            if let Entry::Membership { view, .. } = entry {
                sizes.insert(view.id, view.members.len());
            }
        }
        let mut found = Vec::new();
        for ((view, run), tokens) in by_run {
            let members = sizes.get(&view).copied().unwrap_or(0);
            if let Some(what) = self.excess(&tokens, members) {
                found.push(("I24", format!("{view:?}, run {run}: {what}")));
            }
            let is_tree = |kind| matches!(kind, str_::TREE | tgdh::TREE);
            let trees = tokens.iter().filter(|token| is_tree(token.kind)).count();
            let bound = self.bound(run, members, trees);
            if tokens.len() > bound {
                found.push((
                    "I25",
                    format!("{view:?}, run {run}: {} tokens, not {bound}", tokens.len()),
                ));
            }
        }
        found
            .into_iter()
            .for_each(|(invariant, message)| self.fail(invariant, message));
    }

    /// What there is too much of in a run.
    fn excess(&self, tokens: &[&TokenSent], members: usize) -> Option<String> {
        let of = |kind: TokenKind| tokens.iter().filter(move |token| token.kind == kind);
        for kind in Protocol::all_kinds() {
            let count = of(kind).count();
            let senders: BTreeSet<usize> = of(kind).map(|token| token.life).collect();
            let (allowed, once_each) = match most(kind) {
                Some(Most::One) => (1, true),
                Some(Most::PerMember) => (members, true),
                None => (usize::MAX, false),
            };
            if count > allowed || (once_each && senders.len() != count) {
                return Some(format!("{count} of {kind}, by {} members", senders.len()));
            }
        }
        // One chain: each receiver once, one member that sends without having received.
        let partials: Vec<_> = of(gdh::PARTIAL_TOKEN).collect();
        let receivers: BTreeSet<String> = partials
            .iter()
            .map(|token| format!("{:?}", token.to))
            .collect();
        let starters = partials
            .iter()
            .filter(|token| {
                let sender = &self.trace.lives[token.life].member;
                let to_sender = cliques::Recipient::Member(*sender);
                !partials.iter().any(|other| other.to == to_sender)
            })
            .count();
        (receivers.len() != partials.len() || starters > 1)
            .then(|| String::from("more than one chain of partial tokens"))
    }

    /// The bound of section 8. The height of a tree is taken as what it can be at most; the messages
    /// of a refresh are those of an event that changes nothing.
    fn bound(&self, run: u32, members: usize, trees: usize) -> usize {
        let refresh = run > 0;
        if self.protocol == Protocol::GDH && refresh {
            return 1;
        }
        if self.protocol == Protocol::STR {
            return trees + 1;
        }
        // GDH: n + 2m + 1 with n old members, which is most for n = 1, twice the new size.
        2 * members + trees
    }
}
