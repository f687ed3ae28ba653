//! What a membership means for the agreement: the table of the robust agreement notes, section 5.2,
//! and what sections 7.1 to 7.3 say of the other suites.
//!
//! T is the transitional set of the membership, *chosen* the member that starts
//! ([`Rules::starter`](crate::rules::Rules::starter)).
//!
//! | what survives | from | condition | change | next |
//! |---|---|---|---|---|
//! | any | any | I am alone | found | S |
//! | nothing | CM | I am chosen | restart, everybody else new | FT, or R |
//! | nothing | CM | else | enter | PT, or R |
//! | completed agreements | M | nobody is new to my side | update: leave | KL, or R |
//! | completed agreements | M | one member joins, nobody has left | the suite's join of one member | KL, or R |
//! | completed agreements | M | chosen is in T: my side is the old one | update: merge, leavers deleted first | FT, or R |
//! | completed agreements | M | else | enter | PT, or R |
//! | completed agreements | CM, SJ | | as if nothing survived | |
//! | everything | M | | update | R |
//! | everything | CM | an agreement was interrupted | resume it from what was delivered | R |
//! | everything | CM after FAILED, SJ | | enter, as a tree of one leaf | R |
//!
//! The transitional set alone tells who left: members \ T are new to my side even if they were in my
//! previous view.

use alloc::vec::Vec;

use cliques::{Change, Listed, MemberName, Survival};

use super::state::Awaited;
use crate::{
    algorithm::States,
    environment::{Environment, Start},
    input::Payload,
    rules::Before,
    view::{Cause, View},
};

/// What a member does in the agreement of a view, and what it waits for then.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) start: Start,
    pub(super) awaited: Awaited,
}

impl Plan {
    pub(super) fn of<D: Payload>(view: &View, before: Before, env: &Environment<D>) -> Self {
        let me = env.me();
        if view.members.iter().all(|member| member == me) {
            return Self::new(Change::Found, Awaited::KeyList, env);
        }
        match (env.design().survival, before) {
            (Survival::Completed, Before::Completed) => Self::from_completed(view, env),
            (Survival::Nothing, _)
            | (Survival::Completed, Before::Nothing | Before::Interrupted) => {
                Self::from_scratch(view, env)
            }
            (Survival::Everything, Before::Completed) => {
                let (left, joined) = sides(view, env);
                Self::new(Change::Update { left, joined }, Awaited::SuiteTokens, env)
            }
            (Survival::Everything, Before::Interrupted) if !env.agreement().order().is_empty() => {
                let (left, joined) = sides(view, env);
                Self::new(Change::Resume { left, joined }, Awaited::SuiteTokens, env)
            }
            (Survival::Everything, Before::Nothing | Before::Interrupted) => {
                let members = view.members.clone();
                Self::new(Change::Enter { members }, Awaited::SuiteTokens, env)
            }
        }
    }

    fn new<D: Payload>(change: Change, awaited: Awaited, env: &Environment<D>) -> Self {
        Self::of_start(Start::Change(change), awaited, env)
    }

    fn of_start<D: Payload>(start: Start, awaited: Awaited, env: &Environment<D>) -> Self {
        let awaited = match env.design().states {
            States::Gdh => awaited,
            States::Generic => Awaited::SuiteTokens,
        };
        Self { start, awaited }
    }

    fn from_scratch<D: Payload>(view: &View, env: &Environment<D>) -> Self {
        let chosen = env.rules().starter(view);
        if chosen != Some(env.me()) {
            return Self::as_new(view, env);
        }
        let others = view.members.iter().filter(|member| Some(*member) != chosen);
        let joined = others.cloned().collect();
        Self::new(Change::Restart { joined }, Awaited::FinalToken, env)
    }

    fn from_completed<D: Payload>(view: &View, env: &Environment<D>) -> Self {
        let (left, joined) = sides(view, env);
        if joined.is_empty() {
            return Self::new(Change::Update { left, joined }, Awaited::KeyList, env);
        }
        if let ([], [joined], Cause::Join(joiner)) = (&*left, &*joined, &view.cause)
            && joined == joiner
        {
            return Self::of_start(Start::Join(*joiner), Awaited::KeyList, env);
        }
        let is_mine = |member: &MemberName| !joined.contains(member);
        if env.rules().starter(view).is_some_and(is_mine) {
            Self::new(Change::Update { left, joined }, Awaited::FinalToken, env)
        } else {
            Self::as_new(view, env)
        }
    }

    /// Another side is the old one.
    fn as_new<D: Payload>(view: &View, env: &Environment<D>) -> Self {
        let chosen = env.rules().starter(view);
        let others = view.members.iter().filter(|member| Some(*member) != chosen);
        let members = chosen.into_iter().chain(others).cloned().collect();
        Self::new(Change::Enter { members }, Awaited::PartialToken, env)
    }
}

/// The members of the agreement that have left, and those of the view that are new to it.
fn sides<D: Payload>(view: &View, env: &Environment<D>) -> (Vec<MemberName>, Vec<MemberName>) {
    let mine = env.agreement().order();
    let old = Listed::new(mine);
    let members = Listed::new(&view.members);
    let together = Listed::new(&view.transitional_set);
    // Holds for a transitional set that makes no sense as well.
    let stays = |member: &MemberName| {
        member == env.me() || members.contains(member) && together.contains(member)
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
