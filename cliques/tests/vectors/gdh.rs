//! GDH, with direct joins.

use cliques::{
    Group, KeyAgreement, MemberName, Step, TokenKind, gdh::Gdh, testing::rng::ReplayRng,
};
use serde_json::Value;

use crate::harness::{Event, Numbers, Suite, name, names, put_count, put_name, scenarios};

struct GdhSuite;

impl Suite for GdhSuite {
    const NAME: &'static str = "gdh";

    const KINDS: &'static [(&'static str, TokenKind)] = &[
        ("partial_token", cliques::gdh::PARTIAL_TOKEN),
        ("final_token", cliques::gdh::FINAL_TOKEN),
        ("fact_out", cliques::gdh::FACTOR_OUT),
        ("key_list", cliques::gdh::KEY_LIST),
        ("join_token", cliques::gdh::JOIN_TOKEN),
    ];

    type Machine<G: Group> = Gdh<G>;

    fn machine<G: Group>(group: G, me: MemberName) -> Gdh<G> {
        Gdh::new(group, me)
    }

    fn begin<G: Group>(machine: &mut Gdh<G>, event: &Event<'_>, rng: &mut ReplayRng) -> Step {
        let joined = event.joined();
        let answer = match event.0["mode"].as_str() {
            Some("direct") if joined.contains(machine.me()) => {
                machine.enter_directly(event.members())
            }
            Some("direct") => machine.begin_direct_join(joined[0], rng),
            _ => machine.begin(event.change(&machine.me().clone()), rng),
        };
        answer.unwrap()
    }

    fn body(numbers: Numbers, event: &Event<'_>, kind: TokenKind, body: &Value) -> Vec<u8> {
        let order = names(&body["order"]);
        let mut bytes = Vec::new();
        match kind {
            cliques::gdh::PARTIAL_TOKEN | cliques::gdh::FINAL_TOKEN => {
                put_count(&mut bytes, order.len() - event.joined().len());
                put_count(&mut bytes, order.len());
                order.iter().for_each(|member| put_name(&mut bytes, member));
                bytes.extend(numbers.element(&body["token"]));
            }
            cliques::gdh::FACTOR_OUT => bytes.extend(numbers.element(&body["value"])),
            _ => {
                put_count(&mut bytes, order.len());
                for member in &order {
                    put_name(&mut bytes, member);
                    bytes.extend(numbers.element(&body["values"][&member.to_string()]));
                }
            }
        }
        bytes
    }

    fn check_state<G: Group>(numbers: Numbers, event: &Event<'_>, machine: &Gdh<G>, label: &str) {
        let state = event.state();
        let order = names(&state["order"]);
        assert_eq!(machine.order(), order, "{label}: order");
        let controller = name(&state["controller"]);
        assert_eq!(machine.controller(), Some(&controller), "{label}");
        let partials: Vec<_> = order
            .into_iter()
            .map(|of| {
                let value = numbers.element(&state["partials"][&of.to_string()]);
                (of, value)
            })
            .collect();
        assert_eq!(machine.partial_keys(), partials, "{label}: partial keys");
    }
}

scenarios! {
    GdhSuite;
    "gdh.json": n2 = "n2", n3 = "n3", n4 = "n4", n5 = "n5", n6 = "n6", n7 = "n7", n8 = "n8",
        direct2 = "direct2", direct3 = "direct3", direct5 = "direct5", direct8 = "direct8";
    "big-1024-160.json": big_1024_160 = "big4";
}
