//! BD.

use cliques::{Group, KeyAgreement, MemberName, TokenKind, bd::Bd};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::harness::{Event, Numbers, Suite, names, put_count, put_name, scenarios};

struct BdSuite;

impl Suite for BdSuite {
    const NAME: &'static str = "bd";

    const KINDS: &'static [(&'static str, TokenKind)] = &[
        ("bd_z", cliques::bd::BLINDED_SHARE),
        ("bd_x", cliques::bd::QUOTIENT),
    ];

    type Machine<G: Group> = Bd<G>;

    fn machine<G: Group>(group: G, me: MemberName) -> Bd<G> {
        Bd::new(group, me)
    }

    fn body(numbers: Numbers, _: &Event<'_>, kind: TokenKind, body: &Value) -> Vec<u8> {
        if kind == cliques::bd::QUOTIENT {
            return numbers.element(&body["x"]);
        }
        let order = names(&body["order"]);
        let mut list = Vec::new();
        put_count(&mut list, order.len());
        order.iter().for_each(|member| put_name(&mut list, member));
        [&Sha256::digest(&list)[..], &numbers.element(&body["z"])].concat()
    }

    /// Nothing but the order outlives a run; what else is recorded is what went over the wire.
    fn check_state<G: Group>(numbers: Numbers, event: &Event<'_>, machine: &Bd<G>, label: &str) {
        let state = event.state();
        let order = names(&state["order"]);
        assert_eq!(order, event.members(), "{label}");
        assert_eq!(machine.order(), order, "{label}: order");
        assert_eq!(machine.controller(), None, "{label}");
        for message in event.0["messages"].as_array().unwrap() {
            let (field, body) = match message["kind"].as_str().unwrap() {
                "bd_z" => ("z", &message["body"]["z"]),
                _ => ("x", &message["body"]["x"]),
            };
            let recorded = &state[field][message["from"].as_str().unwrap()];
            assert_eq!(numbers.element(recorded), numbers.element(body), "{label}");
        }
    }
}

scenarios! {
    BdSuite;
    "bd.json": n2 = "n2", n3 = "n3", n4 = "n4", n5 = "n5", n6 = "n6", n7 = "n7", n8 = "n8";
    "big-1024-160.json": big_1024_160 = "big4";
}
