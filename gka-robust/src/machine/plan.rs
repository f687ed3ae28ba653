//! What a membership means for the agreement: the table of the robust agreement notes, section 5.2,
//! and what sections 7.1 to 7.3 say of the other suites.
//!
//! T is the transitional set of the membership, *chosen* the member that
//! [`choose`](crate::choose::choose) gives.
//!
//! | what goes on | from | condition | change | next |
//! |---|---|---|---|---|
//! | any | any | I am alone | found | S |
//! | nothing | CM | I am chosen | restart, everybody else new | FT, or R |
//! | nothing | CM | else | enter | PT, or R |
//! | completed agreements | M | nobody is new to my side | update: leave | KL, or R |
//! | completed agreements | M | one member joins, nobody is gone | the suite's join of one member | KL, or R |
//! | completed agreements | M | chosen is in T: my side is the old one | update: merge, leavers deleted first | FT, or R |
//! | completed agreements | M | else | enter | PT, or R |
//! | completed agreements | CM, SJ | | as if nothing went on | |
//! | everything | M | | update | R |
//! | everything | CM | an agreement was interrupted | resume from what was delivered of it | R |
//! | everything | CM after FAILED, SJ | | enter, as a tree of one leaf | R |
//!
//! Who left is always told by the transitional set: members \ T are new to my side even if they were
//! in my previous view.

use alloc::vec::Vec;

use cliques::{Change, Listed, MemberName};

use super::Then;
use crate::{
    algorithm::{Carry, States},
    choose::choose,
    context::Context,
    fault::Fault,
    input::Payload,
    view::{Cause, View},
};

/// What precedes a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// No view at all (SJ).
    Nothing,
    /// A secure view (M).
    Completed,
    /// An agreement that was cut off (CM), or, where nothing goes on, anything.
    Interrupted,
}

/// What a member does in the agreement of a view.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) start: Start,
    pub(super) then: Then,
}

/// How an agreement is begun.
#[derive(Debug)]
pub(crate) enum Start {
    /// One member joins those of a completed agreement.
    Join(MemberName),
    /// Anything else.
    Change(Change),
}

impl Plan {
    pub(super) fn of<D: Payload>(view: &View, before: Before, context: &Context<D>) -> Self {
        let me = context.me();
        if view.members.iter().all(|member| member == me) {
            return Self::new(Change::Found, Then::KeyList, context);
        }
        let before = if context.deviates(Fault::KeepInterrupted) && before == Before::Interrupted {
            Before::Completed
        } else {
            before
        };
        match (context.design().carry, before) {
            (Carry::Completed, Before::Completed) => Self::from_completed(view, before, context),
            (Carry::Nothing, _) | (Carry::Completed, Before::Nothing | Before::Interrupted) => {
                Self::from_scratch(view, before, context)
            }
            (Carry::Everything, Before::Completed) => {
                let (left, joined) = sides(view, context);
                Self::new(Change::Update { left, joined }, Then::Running, context)
            }
            (Carry::Everything, Before::Interrupted) if !context.agreement().order().is_empty() => {
                let (left, joined) = sides(view, context);
                Self::new(Change::Resume { left, joined }, Then::Running, context)
            }
            (Carry::Everything, Before::Nothing | Before::Interrupted) => {
                let members = view.members.clone();
                Self::new(Change::Enter { members }, Then::Running, context)
            }
        }
    }

    fn new<D: Payload>(change: Change, then: Then, context: &Context<D>) -> Self {
        Self::of_start(Start::Change(change), then, context)
    }

    fn of_start<D: Payload>(start: Start, then: Then, context: &Context<D>) -> Self {
        let then = match context.design().states {
            States::Gdh => then,
            States::Generic => Then::Running,
        };
        Self { start, then }
    }

    fn from_scratch<D: Payload>(view: &View, before: Before, context: &Context<D>) -> Self {
        let chosen = chosen(view, before, context);
        let others = view.members.iter().filter(|member| Some(*member) != chosen);
        if chosen == Some(context.me()) {
            let joined = others.cloned().collect();
            Self::new(Change::Restart { joined }, Then::FinalToken, context)
        } else {
            Self::as_new(view, before, context)
        }
    }

    fn from_completed<D: Payload>(view: &View, before: Before, context: &Context<D>) -> Self {
        let (left, joined) = sides(view, context);
        let mine = |member: &MemberName| !joined.contains(member);
        if joined.is_empty() {
            return Self::new(Change::Update { left, joined }, Then::KeyList, context);
        }
        match (left.as_slice(), joined.as_slice(), &view.cause) {
            ([], [joined], Cause::Join(joiner)) if joined == joiner => {
                return Self::of_start(Start::Join(*joiner), Then::KeyList, context);
            }
            _ => {}
        }
        if chosen(view, before, context).is_some_and(mine) {
            Self::new(Change::Update { left, joined }, Then::FinalToken, context)
        } else {
            Self::as_new(view, before, context)
        }
    }

    /// Another side is the old one.
    fn as_new<D: Payload>(view: &View, before: Before, context: &Context<D>) -> Self {
        let chosen = chosen(view, before, context);
        let others = view.members.iter().filter(|member| Some(*member) != chosen);
        let members = chosen.into_iter().chain(others).cloned().collect();
        Self::new(Change::Enter { members }, Then::PartialToken, context)
    }
}

fn chosen<'a, D: Payload>(
    view: &'a View,
    before: Before,
    context: &Context<D>,
) -> Option<&'a MemberName> {
    if context.deviates(Fault::LocalChoice) {
        return view
            .members
            .iter()
            .find(|member| view.transitional_set.contains(member));
    }
    if context.deviates(Fault::ChoiceByState) {
        // The last one, but for who has just come or was interrupted.
        return match before {
            Before::Completed => view.members.last(),
            Before::Nothing | Before::Interrupted => match &view.cause {
                Cause::Join(joiner) if joiner == context.me() => view.members.last(),
                Cause::Join(_) | Cause::Leave(_) | Cause::Disconnect(_) | Cause::Network => {
                    view.members.first()
                }
            },
        };
    }
    choose(view)
}

/// Those of the suite's members who are gone, and those who are new to it.
fn sides<D: Payload>(view: &View, context: &Context<D>) -> (Vec<MemberName>, Vec<MemberName>) {
    let mine = context.agreement().order();
    let old = Listed::new(mine);
    let members = Listed::new(&view.members);
    let together = Listed::new(&view.transitional_set);
    // The flush service is not relied on for a set that makes sense.
    let stays = |member: &MemberName| {
        member == context.me()
            || members.contains(member)
                && (context.deviates(Fault::PruneByList) || together.contains(member))
    };
    let left = mine
        .iter()
        .filter(|member| !stays(member))
        .cloned()
        .collect();
    let joined = view
        .members
        .iter()
        .filter(|member| !(stays(member) && old.contains(member)))
        .cloned()
        .collect();
    (left, joined)
}
