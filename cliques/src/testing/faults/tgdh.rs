//! Hostile tokens of TGDH.

use alloc::{vec, vec::Vec};

use super::{Altered, Elements, Faults, Refusal, cut_and_extended};
use crate::{
    MemberName, PeerFault, Protocol, TokenKind,
    codec::Writer,
    keytree::{Rules, Update, write_optional},
    testing::bus::Delivery,
    tgdh::Bushy,
};

/// TGDH.
#[derive(Clone, Copy, Debug)]
pub struct TgdhFaults;

/// A node of a tree as it is encoded.
#[derive(Clone, Debug)]
struct Node {
    tag: u8,
    name: Option<Vec<u8>>,
    key: Option<Vec<u8>>,
}

fn encode_tree(nodes: &[Node]) -> Vec<u8> {
    let mut writer = Writer::new(b"");
    for node in nodes {
        writer.u8(node.tag);
        if let Some(name) = &node.name {
            writer.enc16(name);
        }
        write_optional(&mut writer, node.key.as_deref());
    }
    writer.into_vec()
}

type Push<'a> = &'a mut dyn FnMut(&str, Vec<u8>, Refusal);

/// Alters a tree. The last member of the view, in the events of these tests, comes to stand right
/// below the root, so that everybody uses its blinded key.
fn alter_tree(delivery: &Delivery<'_>, order: &[MemberName], elements: &Elements, push: Push<'_>) {
    let fault = Refusal::Fault;
    let inconsistent = fault(PeerFault::Inconsistent);
    let wire = Bushy::decode_tree(&delivery.sent.token.body, elements.good.len());
    let honest: Vec<Node> = wire
        .expect("an honest body")
        .into_iter()
        .map(|node| Node {
            tag: u8::from(node.name.is_none()),
            name: node.name.map(Into::into),
            key: node.blinded.map(Into::into),
        })
        .collect();
    let is_of = |node: &Node, member: &MemberName| node.name.as_deref() == Some(member.as_bytes());
    let own = honest.iter().any(|node| is_of(node, delivery.to));
    let with = |place: usize, change: &dyn Fn(&mut Node)| {
        let mut nodes = honest.clone();
        change(&mut nodes[place]);
        encode_tree(&nodes)
    };
    for (place, node) in honest.iter().enumerate() {
        push(
            "tag",
            with(place, &|node| node.tag = 2),
            Refusal::Undecodable,
        );
        let refreshed = is_of(node, &delivery.sent.from);
        if node.name.is_some() {
            let named = |name: &[u8]| with(place, &|node| node.name = Some(name.into()));
            let mismatch = fault(PeerFault::MemberListMismatch);
            push("stranger", named(b"m99"), mismatch);
            push("no name", named(b""), Refusal::Undecodable);
            push("long name", named(&[b'x'; 256]), Refusal::Undecodable);
            let next = order
                .iter()
                .position(|member| is_of(node, member))
                .unwrap_or(0)
                + 1;
            let other = match own {
                true => &order[next % order.len()],
                false => delivery.to,
            };
            push("somebody else", named(other.as_bytes()), mismatch);
            push("no key", with(place, &|node| node.key = None), inconsistent);
        } else if own || place > 0 {
            push("no key", with(place, &|node| node.key = None), inconsistent);
        }
        // The path of the representative is new; it stands behind all that it is an ancestor of.
        let new = refreshed || node.name.is_none() && is_above(&honest, place, &delivery.sent.from);
        let used = node.name.is_some() && order.last() == Some(&delivery.sent.from);
        for bad in &elements.bad {
            let refusal = match (bad.parses, own && !new) {
                (false, _) => fault(bad.fault),
                (true, true) => inconsistent,
                (true, false) if used => Refusal::Late(bad.fault),
                (true, false) => continue,
            };
            let body = with(place, &|node| node.key = Some(bad.encoding.clone()));
            push("element", body, refusal);
        }
        if own && !new {
            let body = with(place, &|node| node.key = Some(elements.good.clone()));
            push("key of another", body, inconsistent);
        }
    }
    if own {
        let mut swapped = honest.clone();
        let leaves: Vec<usize> = (0..honest.len())
            .filter(|place| honest[*place].tag == 0)
            .collect();
        if let [first, second, ..] = leaves[..] {
            swapped.swap(first, second);
            let mismatch = fault(PeerFault::MemberListMismatch);
            push("order", encode_tree(&swapped), mismatch);
        }
        if let [root, left, a, b, c] = &honest[..] {
            // ((a b) c) as (a (b c)).
            let turned = [root, a, left, b, c].map(Clone::clone);
            push("shape", encode_tree(&turned), inconsistent);
        }
    }
    // Deeper than any tree may be.
    let deep = vec![
        Node {
            tag: 1,
            name: None,
            key: None
        };
        257
    ];
    push("depth", encode_tree(&deep), Refusal::Undecodable);
}

/// Whether the node at `place`, in pre-order, is above the leaf of `member`.
fn is_above(nodes: &[Node], place: usize, member: &MemberName) -> bool {
    let mut open = 1;
    for node in &nodes[place..] {
        if node.name.as_deref() == Some(member.as_bytes()) {
            return true;
        }
        open = if node.tag == 1 { open + 1 } else { open - 1 };
        if open == 0 {
            return false;
        }
    }
    false
}

/// Alters an update. In the events of these tests the left subtree of the root is used by the last
/// member alone, its right one by the first two members, and a refreshed leaf by everybody.
fn alter_update(
    delivery: &Delivery<'_>,
    order: &[MemberName],
    elements: &Elements,
    push: Push<'_>,
) {
    let body = &delivery.sent.token.body;
    let fault = Refusal::Fault;
    let honest = Update::decode::<Bushy>(body, elements.good.len()).expect("an honest body");
    let encode = |leaf: Option<&[u8]>, nodes: &[(&[u8], &[u8])]| {
        Update::encode(
            leaf,
            nodes.iter().map(|(place, key)| (place.to_vec(), *key)),
        )
    };
    let good: &[u8] = &elements.good;
    match honest.leaf {
        Some(_) => {
            let body = encode(None, &honest.nodes);
            push("no leaf", body, fault(PeerFault::NotController));
            for bad in &elements.bad {
                push(
                    "leaf",
                    encode(Some(&bad.encoding), &honest.nodes),
                    bad.lazily(),
                );
            }
        }
        None => {
            let body = encode(Some(good), &honest.nodes);
            push("a leaf", body, fault(PeerFault::NotController));
        }
    }
    let mut has = body.clone();
    has[0] = 2;
    push("has a leaf", has, Refusal::Undecodable);
    let inconsistent = fault(PeerFault::Inconsistent);
    let place_of = |member: &MemberName| order.iter().position(|it| it == member).unwrap_or(0);
    for (place, (path, _)) in honest.nodes.iter().enumerate() {
        let with = |node: (&[u8], &[u8])| {
            let mut nodes = honest.nodes.clone();
            nodes[place] = node;
            encode(honest.leaf, &nodes)
        };
        let key = honest.nodes[place].1;
        // The root, its children, nodes that are not there or not above the sender, a leaf.
        for wrong in [
            &[0][..],
            &[1, 0x00],
            &[1, 0x80],
            &[2, 0xc0],
            &[9, 0, 0],
            &[3, 0x20],
        ] {
            if wrong != *path {
                push("path", with((wrong, key)), inconsistent);
            }
        }
        push("unused bits", with((&[1, 0x40], key)), Refusal::Undecodable);
        push("unused bits", with((&[1, 0x01], key)), Refusal::Undecodable);
        let mut fewer = honest.nodes.clone();
        fewer.remove(place);
        push("a node fewer", encode(honest.leaf, &fewer), inconsistent);
        let used = match *path {
            [1, 0] => place_of(delivery.to) + 1 == order.len(),
            [2, 0x40] => place_of(delivery.to) < 2,
            _ => false,
        };
        for bad in elements.bad.iter().filter(|bad| used || !bad.parses) {
            push("element", with((*path, &bad.encoding)), bad.lazily());
        }
    }
    for extra in [&[0][..], &[1, 0x80]] {
        let mut more = honest.nodes.clone();
        more.push((extra, good));
        push("a node more", encode(honest.leaf, &more), inconsistent);
    }
}

impl Faults for TgdhFaults {
    fn protocol(&self) -> Protocol {
        Protocol::TGDH
    }

    fn alter(
        &self,
        delivery: &Delivery<'_>,
        order: &[MemberName],
        elements: &Elements,
    ) -> Vec<Altered> {
        let mut altered = Vec::new();
        let mut push = |what: &str, body: Vec<u8>, refusal| {
            altered.push(Altered {
                what: what.into(),
                body,
                refusal,
            });
        };
        let token = &delivery.sent.token;
        cut_and_extended(&token.body, &mut push);
        match token.kind {
            crate::tgdh::TREE => alter_tree(delivery, order, elements, &mut push),
            crate::tgdh::UPDATE => alter_update(delivery, order, elements, &mut push),
            other => unreachable!("{other} is no kind of TGDH"),
        }
        altered
    }

    fn has_role(&self, kind: TokenKind) -> bool {
        kind == crate::tgdh::UPDATE
    }
}
