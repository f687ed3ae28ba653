//! Signed tokens on the bus.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use core::fmt;

use super::Sent;
use crate::{
    Cost, Envelope, Expected, MemberName, Protocol, ReceivedToken, Signer, TokenBinding, Verifier,
};

/// Seals the members' tokens in signed envelopes, and opens them.
///
/// The bus only counts the cost; machines get the bodies with or without it.
pub struct Notary {
    signers: BTreeMap<MemberName, Box<dyn Signer>>,
    verifier: Box<dyn Verifier>,
    binding: TokenBinding,
    sealed: BTreeMap<usize, Vec<u8>>,
    verified: BTreeSet<(usize, MemberName)>,
}

impl Notary {
    /// A notary for these members.
    pub fn new(
        protocol: Protocol,
        group_name: &str,
        signers: BTreeMap<MemberName, Box<dyn Signer>>,
        verifier: Box<dyn Verifier>,
    ) -> Self {
        Self {
            signers,
            verifier,
            binding: TokenBinding {
                protocol,
                group_name: String::from(group_name),
                group: b"group".to_vec(),
                view_id: [0; 12],
                view_hash: [0; 16],
            },
            sealed: BTreeMap::new(),
            verified: BTreeSet::new(),
        }
    }

    /// A new view.
    pub(super) fn clear(&mut self, view: &[MemberName]) {
        self.binding.view_hash = TokenBinding::view_hash(view);
        self.sealed.clear();
        self.verified.clear();
    }

    /// Seals a token; its sender signs.
    ///
    /// # Panics
    /// When the sender has no signer.
    pub(super) fn sign(&mut self, number: usize, sent: &Sent) -> Cost {
        let envelope = Envelope {
            kind: sent.token.kind,
            epoch: 0,
            timestamp: 0,
            sender: sent.from,
            recipient: sent.token.to.clone(),
            body: sent.token.body.clone(),
        };
        let signer = self.signers.get(&sent.from).expect("a signer");
        let bytes = envelope.seal(&self.binding, signer.as_ref());
        self.sealed.insert(number, bytes);
        let mut cost = Cost::default();
        cost.signatures += 1;
        cost
    }

    pub(super) fn has_verified(&self, number: usize, receiver: &MemberName) -> bool {
        self.verified.contains(&(number, *receiver))
    }

    /// Opens envelopes that came together.
    ///
    /// # Panics
    /// When one of them does not open.
    pub(super) fn verify(&mut self, receiver: &MemberName, numbers: &[usize]) -> Cost {
        let received: Vec<ReceivedToken> = numbers
            .iter()
            .map(|number| {
                let token = ReceivedToken::decode(&self.sealed[number], self.binding.protocol)
                    .expect("a sealed token");
                let expected = Expected {
                    binding: &self.binding,
                    epoch: 0,
                    sender: token.sender(),
                    me: receiver,
                    kind: None,
                };
                token.check(&expected).expect("a token of this view");
                token
            })
            .collect();
        let mut cost = Cost::default();
        cost.verifications += u64::try_from(received.len()).unwrap_or(u64::MAX);
        for result in ReceivedToken::verify_all(received, self.verifier.as_ref()) {
            result.expect("an authentic token");
        }
        let verified = numbers.iter().map(|number| (*number, *receiver));
        self.verified.extend(verified);
        cost
    }
}

impl fmt::Debug for Notary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notary")
            .field("signers", &self.signers.len())
            .finish_non_exhaustive()
    }
}
