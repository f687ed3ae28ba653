//! CKD in mode 0.

use cliques::{Group, KeyAgreement, MemberName, TokenKind, ckd::Ckd};
use serde_json::Value;

use crate::harness::{Event, Numbers, Suite, name, names, put_count, put_name, scenarios};

struct CkdSuite;

impl Suite for CkdSuite {
    const NAME: &'static str = "ckd";

    const KINDS: &'static [(&'static str, TokenKind)] = &[
        ("ckd_new", cliques::ckd::NEW_CONTROLLER),
        ("ckd_old", cliques::ckd::OLD_CONTROLLER),
        ("ckd_resp", cliques::ckd::RESPONSE),
        ("ckd_key", cliques::ckd::KEY),
    ];

    type Machine<G: Group> = Ckd<G>;

    fn machine<G: Group>(group: G, me: MemberName) -> Ckd<G> {
        Ckd::new(group, me)
    }

    fn body(numbers: Numbers, _: &Event<'_>, kind: TokenKind, body: &Value) -> Vec<u8> {
        let order = names(&body["order"]);
        let mut bytes = Vec::new();
        match kind {
            cliques::ckd::RESPONSE => bytes.extend(numbers.element(&body["z"])),
            cliques::ckd::KEY => {
                bytes.push(0);
                put_count(&mut bytes, order.len() - 1);
                for member in &order[1..] {
                    put_name(&mut bytes, member);
                    bytes.extend(numbers.element(&body["values"][&member.to_string()]));
                }
            }
            _ => {
                put_count(&mut bytes, order.len());
                order.iter().for_each(|member| put_name(&mut bytes, member));
                bytes.extend(numbers.element(&body["z"]));
            }
        }
        bytes
    }

    /// Pairs are secret; the next key shows that they are the recorded ones.
    fn check_state<G: Group>(numbers: Numbers, event: &Event<'_>, machine: &Ckd<G>, label: &str) {
        let state = event.state();
        assert_eq!(machine.order(), names(&state["order"]), "{label}: order");
        let controller = name(&state["controller"]);
        assert_eq!(machine.controller(), Some(&controller), "{label}");
        let public = numbers.element(&state["controller_public"]);
        assert_eq!(machine.controller_public(), Some(public), "{label}");
    }
}

scenarios! {
    CkdSuite;
    "ckd.json": n2 = "n2", n3 = "n3", n4 = "n4", n5 = "n5", n6 = "n6", n7 = "n7", n8 = "n8",
        abs5 = "abs5";
    "big-1024-160.json": big_1024_160 = "big4";
}
