//! Hostile tokens of STR.

use alloc::vec::Vec;

use super::{Altered, Elements, Faults, Refusal, cut_and_extended};
use crate::{
    MemberName, PeerFault, Protocol, TokenKind,
    codec::{Reader, Writer},
    testing::bus::Delivery,
};

/// STR.
#[derive(Clone, Copy, Debug)]
pub struct StrFaults;

/// The body of a tree or update, taken apart.
#[derive(Clone, Debug)]
struct Body {
    /// Names and blinded shares of a tree.
    members: Option<Vec<(Vec<u8>, Vec<u8>)>>,
    /// The blinded share of an update.
    share: Option<Vec<u8>>,
    levels: Vec<(u16, Vec<u8>)>,
}

impl Body {
    fn decode(kind: TokenKind, body: &[u8], len: usize) -> Self {
        let mut reader = Reader::new(body);
        let read = |reader: &mut Reader<'_>| {
            let (members, share) = match kind {
                crate::str_::TREE => {
                    let members = reader.list(1, "members", |item| {
                        Ok((item.name("name")?.to_vec(), item.bytes(len, "br")?.to_vec()))
                    })?;
                    (Some(members), None)
                }
                _ => match reader.u8("has br")? {
                    0 => (None, None),
                    _ => (None, Some(reader.bytes(len, "br")?.to_vec())),
                },
            };
            let levels = reader.list(1, "levels", |item| {
                Ok((item.u16("level")?, item.bytes(len, "bk")?.to_vec()))
            })?;
            Ok::<_, crate::DecodeError>(Self {
                members,
                share,
                levels,
            })
        };
        read(&mut reader).expect("an honest body")
    }

    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new(b"");
        match (&self.members, &self.share) {
            (Some(members), _) => {
                writer.count(members.len());
                for (name, share) in members {
                    writer.enc16(name).raw(share);
                }
            }
            (None, Some(share)) => drop(writer.u8(1).raw(share)),
            (None, None) => drop(writer.u8(0)),
        }
        writer.count(self.levels.len());
        for (level, key) in &self.levels {
            writer.u16(*level).raw(key);
        }
        writer.into_vec()
    }

    fn with(&self, change: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut body = self.clone();
        change(&mut body);
        body.encode()
    }
}

impl Faults for StrFaults {
    fn protocol(&self) -> Protocol {
        Protocol::STR
    }

    /// In the events of these tests the order of the view is that of the levels from the start.
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
        let honest = Body::decode(token.kind, &token.body, elements.good.len());
        cut_and_extended(&token.body, &mut push);
        let fault = Refusal::Fault;
        let level_of =
            |member: &MemberName| order.iter().position(|it| it == member).unwrap_or(0) + 1;
        let (from, to) = (level_of(&delivery.sent.from), level_of(delivery.to));
        // Whom the tree is that of, and who computes with what.
        let of_receiver = |body: &Body| {
            body.members
                .iter()
                .flatten()
                .any(|(name, _)| name == delivery.to.as_bytes())
        };
        let uses_share = |level: usize| level > to || (level == 1 && to == 2);
        let uses_key = |level: usize| level + 1 == to;

        for place in 0..honest.members.as_ref().map_or(0, Vec::len) {
            let own = of_receiver(&honest);
            let named = |name: &[u8]| {
                honest.with(|body| body.members.as_mut().expect("a tree")[place].0 = name.into())
            };
            let mismatch = fault(PeerFault::MemberListMismatch);
            push("stranger", named(b"m99"), mismatch);
            push("no name", named(b""), Refusal::Undecodable);
            push("long name", named(&[b'x'; 256]), Refusal::Undecodable);
            let other = match own {
                true => order[(place + 1) % order.len()].as_bytes(),
                false => delivery.to.as_bytes(),
            };
            push("somebody else", named(other), mismatch);
            let share = |bytes: &[u8]| {
                honest.with(|body| {
                    body.members.as_mut().expect("a tree")[place].1 = bytes.into();
                    if place == 0 {
                        body.levels[0].1 = bytes.into();
                    }
                })
            };
            let members = honest.members.as_ref().expect("a tree");
            let level = level_of(&MemberName::new(&members[place].0).expect("a name"));
            let refreshed = level == from;
            for bad in &elements.bad {
                let refusal = match (bad.parses, own && !refreshed) {
                    (false, _) => fault(bad.fault),
                    (true, true) => fault(PeerFault::Inconsistent),
                    (true, false) if uses_share(level) => Refusal::Late(bad.fault),
                    (true, false) => continue,
                };
                push("blinded share", share(&bad.encoding), refusal);
            }
            if own && !refreshed {
                let body = share(&elements.good);
                push("share of another", body, fault(PeerFault::Inconsistent));
            }
        }
        if honest.members.is_some() {
            let inconsistent = fault(PeerFault::Inconsistent);
            let fewer = honest.with(|body| drop(body.levels.pop()));
            push("a level fewer", fewer, inconsistent);
            let bottom = honest.with(|body| body.levels[0].1.clone_from(&elements.good));
            push("another bottom", bottom, inconsistent);
            let nobody = honest.with(|body| {
                body.members = Some(Vec::new());
                body.levels.clear();
            });
            push("nobody", nobody, fault(PeerFault::MemberListMismatch));
        } else {
            match honest.share {
                Some(_) => {
                    let without = honest.with(|body| body.share = None);
                    push("no share", without, fault(PeerFault::NotController));
                    for bad in &elements.bad {
                        let body = honest.with(|body| body.share = Some(bad.encoding.clone()));
                        if !bad.parses || uses_share(from) {
                            push("share", body, bad.lazily());
                        }
                    }
                }
                None => {
                    let with = honest.with(|body| body.share = Some(elements.good.clone()));
                    push("a share", with, fault(PeerFault::NotController));
                }
            }
            let mut has = token.body.clone();
            has[0] = 2;
            push("has a share", has, Refusal::Undecodable);
        }
        for place in 0..honest.levels.len() {
            let level = honest.levels[place].0;
            for wrong in [0, level + 1, u16::MAX] {
                let body = honest.with(|body| body.levels[place].0 = wrong);
                push("level", body, fault(PeerFault::Inconsistent));
            }
            if honest.members.is_some() && place == 0 {
                continue;
            }
            for bad in &elements.bad {
                let refusal = match bad.parses {
                    false => fault(bad.fault),
                    true if uses_key(level.into()) => Refusal::Late(bad.fault),
                    true => continue,
                };
                let body = honest.with(|body| body.levels[place].1.clone_from(&bad.encoding));
                // What is below the refreshed level is known.
                let known = usize::from(level) < from;
                match (of_receiver(&honest) && known, bad.parses) {
                    (true, true) => push("known key", body, fault(PeerFault::Inconsistent)),
                    _ => push("blinded key", body, refusal),
                }
            }
        }
        let more = honest.with(|body| {
            let above = body.levels.last().map_or(1, |(level, _)| level + 1);
            body.levels.push((above, elements.good.clone()));
        });
        push("a level more", more, fault(PeerFault::Inconsistent));
        altered
    }

    fn has_role(&self, kind: TokenKind) -> bool {
        kind == crate::str_::UPDATE
    }
}
