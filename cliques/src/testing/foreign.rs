//! A suite as another crate would bring it.

use rand_core::CryptoRng;

use crate::{
    Change, Cost, Error, Group, KeyAgreement, MemberName, Step, Suite, TokenKind,
    bd::{self, Bd},
    constructor,
    suite::{Protocol, Survival},
};

/// A suite that is in no list: BD with a name, a number and kinds of its own. Drivers and sessions must
/// run it like those of this crate.
pub const FOREIGN: Protocol = Protocol::of(&SUITE);

const SUITE: Suite = Suite {
    name: "foreign",
    number: 200,
    kinds: &[BLINDED_SHARE, QUOTIENT],
    survival: Survival::Nothing,
    member: constructor!(Foreign::new),
};

const BLINDED_SHARE: TokenKind =
    TokenKind::new(0xc801, "foreign-share", bd::BLINDED_SHARE.service());
const QUOTIENT: TokenKind = TokenKind::new(0xc802, "foreign-quotient", bd::QUOTIENT.service());

/// The kinds, and those of BD that they stand for.
const KINDS: [(TokenKind, TokenKind); 2] =
    [(BLINDED_SHARE, bd::BLINDED_SHARE), (QUOTIENT, bd::QUOTIENT)];

#[derive(Debug)]
struct Foreign<G: Group>(Bd<G>);

impl<G: Group> Foreign<G> {
    fn new(group: G, me: MemberName) -> Self {
        Self(Bd::new(group, me))
    }
}

/// The same step with the kinds of this suite.
fn renamed(mut step: Step) -> Step {
    for token in &mut step.send {
        let own = KINDS.iter().find(|(_, of_bd)| *of_bd == token.kind);
        token.kind = own.expect("a kind of BD").0;
    }
    step
}

impl<G: Group> KeyAgreement for Foreign<G> {
    fn group_name(&self) -> &str {
        self.0.group_name()
    }

    fn me(&self) -> &MemberName {
        self.0.me()
    }

    fn begin(&mut self, change: Change, rng: &mut dyn CryptoRng) -> Result<Step, Error> {
        self.0.begin(change, rng).map(renamed)
    }

    fn process(
        &mut self,
        sender: &MemberName,
        kind: TokenKind,
        body: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, Error> {
        let of_bd = KINDS.iter().find(|(own, _)| *own == kind);
        let (_, of_bd) = of_bd.ok_or(Error::Unexpected {
            sender: *sender,
            kind,
        })?;
        self.0.process(sender, *of_bd, body, rng).map(renamed)
    }

    fn abandon(&mut self) {
        self.0.abandon();
    }

    fn reset(&mut self) {
        self.0.reset();
    }

    fn order(&self) -> &[MemberName] {
        self.0.order()
    }

    fn controller(&self) -> Option<&MemberName> {
        self.0.controller()
    }

    fn take_cost(&mut self) -> Cost {
        self.0.take_cost()
    }
}
