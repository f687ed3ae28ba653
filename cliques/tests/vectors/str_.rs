//! STR, both as costs are counted and as it runs.

use std::collections::BTreeMap;

use cliques::{Change, Group, KeyAgreement, MemberName, TokenKind, str_::Str};
use serde_json::Value;

use crate::{
    harness::{Event, Numbers, Suite, name, names, put_count, put_name, scenarios},
    trees::{self, OVERLAPPED, SEQUENTIAL, timing},
};

struct StrSuite<const TIMING: u8>;

impl<const TIMING: u8> Suite for StrSuite<TIMING> {
    const NAME: &'static str = "str";

    const KINDS: &'static [(&'static str, TokenKind)] = &[
        ("str_tree", cliques::str_::TREE),
        ("str_update", cliques::str_::UPDATE),
        ("str_bkeys", cliques::str_::UPDATE),
    ];

    type Machine<G: Group> = Str<G>;

    fn machine<G: Group>(group: G, me: MemberName) -> Str<G> {
        Str::new(group, me).with_timing(timing(TIMING))
    }

    fn change<G: Group>(machine: &Str<G>, event: &Event<'_>) -> Change {
        trees::change(machine, event)
    }

    fn speakers(event: &Event<'_>) -> Vec<MemberName> {
        trees::speakers(event)
    }

    fn check_serial(recorded: u64, serial: u64, label: &str) {
        trees::check_serial(timing(TIMING), recorded, serial, label);
    }

    fn body(numbers: Numbers, _: &Event<'_>, kind: TokenKind, body: &Value) -> Vec<u8> {
        let mut bytes = Vec::new();
        match kind {
            cliques::str_::TREE => {
                let order = names(&body["order"]);
                put_count(&mut bytes, order.len());
                for member in &order {
                    put_name(&mut bytes, member);
                    bytes.extend(numbers.element(&body["br"][&member.to_string()]));
                }
            }
            _ => match body["br"].as_object().and_then(|br| br.values().next()) {
                Some(share) => {
                    bytes.push(1);
                    bytes.extend(numbers.element(share));
                }
                None => bytes.push(0),
            },
        }
        let levels = levels(numbers, &body["bk"]);
        put_count(&mut bytes, levels.len());
        for (level, key) in levels {
            put_count(&mut bytes, level);
            bytes.extend(key);
        }
        bytes
    }

    fn check_state<G: Group>(numbers: Numbers, event: &Event<'_>, machine: &Str<G>, label: &str) {
        let state = event.state();
        let order = names(&state["order"]);
        assert_eq!(machine.order(), order, "{label}: order");
        let nodes = machine.nodes();
        let shares: BTreeMap<_, _> = nodes
            .iter()
            .filter_map(|node| Some((node.member?, node.blinded_key.clone()?)))
            .collect();
        let recorded: BTreeMap<_, _> = state["br"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(member, share)| (name(&member.as_str().into()), numbers.element(share)))
            .collect();
        assert_eq!(shares, recorded, "{label}: blinded shares");
        // Level j has n - j nodes above it, and level 1 is the bottom leaf.
        let n = order.len();
        let keys: BTreeMap<_, _> = nodes
            .iter()
            .filter(|node| node.path.iter().all(|right| !right) && n > 1)
            .filter_map(|node| Some((n - node.path.len(), node.blinded_key.clone()?)))
            .collect();
        assert_eq!(keys, levels(numbers, &state["bk"]), "{label}: blinded keys");
    }
}

/// Blinded keys by level.
fn levels(numbers: Numbers, keys: &Value) -> BTreeMap<usize, Vec<u8>> {
    keys.as_object()
        .unwrap()
        .iter()
        .map(|(level, key)| (level.parse().unwrap(), numbers.element(key)))
        .collect()
}

mod sequential {
    super::scenarios! {
        super::StrSuite<{ super::SEQUENTIAL }>;
        "str.json": n2 = "n2", n3 = "n3", n4 = "n4", n5 = "n5", n6 = "n6", n7 = "n7", n8 = "n8",
            abs5 = "abs5";
        "big-1024-160.json": big_1024_160 = "big4";
    }
}

mod overlapped {
    super::scenarios! {
        super::StrSuite<{ super::OVERLAPPED }>;
        "str.json": n2 = "n2", n3 = "n3", n4 = "n4", n5 = "n5", n6 = "n6", n7 = "n7", n8 = "n8",
            abs5 = "abs5";
        "big-1024-160.json": big_1024_160 = "big4";
    }
}
