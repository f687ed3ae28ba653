//! TGDH, both as costs are counted and as it runs.

use std::collections::BTreeMap;

use cliques::{Change, Group, KeyAgreement, MemberName, TokenKind, tgdh::Tgdh};
use serde_json::Value;

use crate::{
    harness::{Event, Numbers, Suite, put_count, put_name, scenarios},
    trees::{self, OVERLAPPED, SEQUENTIAL, timing},
};

struct TgdhSuite<const TIMING: u8>;

impl<const TIMING: u8> Suite for TgdhSuite<TIMING> {
    const NAME: &'static str = "tgdh";

    const KINDS: &'static [(&'static str, TokenKind)] = &[
        ("tgdh_tree", cliques::tgdh::TREE),
        ("tgdh_update", cliques::tgdh::UPDATE),
    ];

    type Machine<G: Group> = Tgdh<G>;

    fn machine<G: Group>(group: G, me: MemberName) -> Tgdh<G> {
        Tgdh::new(group, me).with_timing(timing(TIMING))
    }

    fn change<G: Group>(machine: &Tgdh<G>, event: &Event<'_>) -> Change {
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
            cliques::tgdh::TREE => {
                put_tree(numbers, &mut bytes, body);
            }
            _ => {
                match body.get("leaf") {
                    Some(leaf) => {
                        bytes.push(1);
                        bytes.extend(numbers.element(leaf));
                    }
                    None => bytes.push(0),
                }
                let keys = body["bkeys"].as_object().unwrap();
                put_count(&mut bytes, keys.len());
                for (path, key) in keys {
                    bytes.push(u8::try_from(path.len()).unwrap());
                    for bits in path.as_bytes().chunks(8) {
                        let bits = std::str::from_utf8(bits).unwrap();
                        bytes.push(u8::from_str_radix(&format!("{bits:0<8}"), 2).unwrap());
                    }
                    bytes.extend(numbers.element(key));
                }
            }
        }
        bytes
    }

    fn check_state<G: Group>(numbers: Numbers, event: &Event<'_>, machine: &Tgdh<G>, label: &str) {
        let state = event.state();
        assert_eq!(machine.order(), event.members(), "{label}: order");
        let tree = machine.tree();
        assert_eq!(tree.as_deref(), state["tree"].as_str(), "{label}: tree");
        let keys: BTreeMap<_, _> = machine
            .nodes()
            .into_iter()
            .filter_map(|node| {
                let path: String = (node.path.iter())
                    .map(|right| if *right { '1' } else { '0' })
                    .collect();
                Some((path, node.blinded_key?))
            })
            .collect();
        let recorded: BTreeMap<_, _> = state["nodes"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(path, key)| (path.clone(), numbers.element(key)))
            .collect();
        assert_eq!(keys, recorded, "{label}: blinded keys");
    }
}

/// Encodes a tree from its text and the blinded keys of its nodes.
fn put_tree(numbers: Numbers, bytes: &mut Vec<u8>, body: &Value) {
    let mut path = String::new();
    let mut rest = body["tree"].as_str().unwrap();
    let key = |bytes: &mut Vec<u8>, path: &str| match body["nodes"].get(path) {
        Some(key) => {
            bytes.push(1);
            bytes.extend(numbers.element(key));
        }
        None => bytes.push(0),
    };
    while !rest.is_empty() {
        let next = rest.find(['(', ' ', ')']).unwrap_or(rest.len());
        match rest.split_at(next.max(1)) {
            ("(", tail) => {
                bytes.push(1);
                key(bytes, &path);
                path.push('0');
                rest = tail;
            }
            (" ", tail) => {
                path.pop();
                path.push('1');
                rest = tail;
            }
            (")", tail) => {
                path.pop();
                rest = tail;
            }
            (member, tail) => {
                bytes.push(0);
                put_name(bytes, &MemberName::try_from(member).unwrap());
                key(bytes, &path);
                rest = tail;
            }
        }
    }
}

mod sequential {
    super::scenarios! {
        super::TgdhSuite<{ super::SEQUENTIAL }>;
        "tgdh.json": n2 = "n2", n3 = "n3", n4 = "n4", n5 = "n5", n6 = "n6", n7 = "n7", n8 = "n8",
            abs5 = "abs5";
        "big-1024-160.json": big_1024_160 = "big4";
    }
}

mod overlapped {
    super::scenarios! {
        super::TgdhSuite<{ super::OVERLAPPED }>;
        "tgdh.json": n2 = "n2", n3 = "n3", n4 = "n4", n5 = "n5", n6 = "n6", n7 = "n7", n8 = "n8",
            abs5 = "abs5";
        "big-1024-160.json": big_1024_160 = "big4";
    }
}
