//! What all members of a symbolic world share.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};
use std::sync::{Mutex, MutexGuard};

use super::formula::{Atom, Monomial, Polynomial, ShareId};

/// What an encoding stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// g to the power of a polynomial.
    Element(Polynomial),
    /// An exponent: the key of a lone member of a tree suite.
    Exponent(Monomial),
}

#[derive(Debug, Default)]
struct Inner {
    /// Who drew each share.
    owners: Vec<usize>,
    /// Shares that were given numbers by who drew them.
    numbered: BTreeMap<(usize, u32), ShareId>,
    numbers: BTreeMap<ShareId, u32>,
    /// The element of each image.
    images: Vec<Polynomial>,
    image_numbers: BTreeMap<[u8; 32], u32>,
    values: BTreeMap<[u8; 32], Value>,
    /// Exponents and secret elements that exist.
    scalars: usize,
    secrets: usize,
}

/// Shares, images and encodings of a symbolic world, and counts of the secrets that are alive in it.
#[derive(Debug, Default)]
pub struct Algebra(Mutex<Inner>);

impl Algebra {
    /// An algebra without shares.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Number of shares drawn so far, which is the number that the next one gets.
    pub fn drawn(&self) -> ShareId {
        id(self.lock().owners.len())
    }

    /// Who drew a share.
    ///
    /// # Panics
    /// When there is no such share.
    pub fn owner(&self, share: ShareId) -> usize {
        self.lock().owners[index(share)]
    }

    /// The shares that `owner` drew, in the order of drawing.
    pub fn shares_of(&self, owner: usize) -> Vec<ShareId> {
        (0..)
            .zip(&self.lock().owners)
            .filter_map(|(share, drew)| (*drew == owner).then_some(share))
            .collect()
    }

    /// Number of exponents that somebody still holds.
    pub fn alive(&self) -> usize {
        self.lock().scalars
    }

    /// Number of secret elements that somebody still holds.
    pub fn alive_secrets(&self) -> usize {
        self.lock().secrets
    }

    /// The logarithm of an encoded element or secret.
    pub fn polynomial(&self, encoding: &[u8]) -> Option<Polynomial> {
        match self.value(encoding)? {
            Value::Element(polynomial) => Some(polynomial),
            Value::Exponent(_) => None,
        }
    }

    /// The shares in an encoded element or secret, and, where the image of an element is in it, in
    /// that element.
    pub fn shares(&self, encoding: &[u8]) -> Option<BTreeSet<ShareId>> {
        let mut shares = BTreeSet::new();
        let mut images = BTreeSet::new();
        let mut todo: Vec<Atom> = match self.value(encoding)? {
            Value::Element(polynomial) => atoms(&polynomial),
            Value::Exponent(monomial) => monomial.atoms().collect(),
        };
        while let Some(atom) = todo.pop() {
            match atom {
                Atom::Share(share) => {
                    shares.insert(share);
                }
                Atom::Image(image) => {
                    if images.insert(image) {
                        todo.extend(atoms(&self.image(image)));
                    }
                }
            }
        }
        Some(shares)
    }

    /// The element of which an atom is the image.
    pub(super) fn image(&self, image: u32) -> Polynomial {
        self.lock().images[index(image)].clone()
    }

    /// All images made so far.
    pub(super) fn images(&self) -> Vec<(Atom, Polynomial)> {
        (0..)
            .zip(&self.lock().images)
            .map(|(image, element)| (Atom::Image(image), element.clone()))
            .collect()
    }

    pub(super) fn value(&self, encoding: &[u8]) -> Option<Value> {
        let encoding: [u8; 32] = encoding.try_into().ok()?;
        self.lock().values.get(&encoding).cloned()
    }

    pub(super) fn encode(&self, value: &Value) -> [u8; 32] {
        let hash = match value {
            Value::Element(polynomial) => polynomial.hash(),
            Value::Exponent(monomial) => monomial.hash(),
        };
        self.lock()
            .values
            .entry(hash)
            .or_insert_with(|| value.clone());
        hash
    }

    /// A fresh share.
    pub(super) fn draw(&self, owner: usize) -> Atom {
        let mut inner = self.lock();
        let share = id(inner.owners.len());
        inner.owners.push(owner);
        Atom::Share(share)
    }

    /// The share that `owner` draws under a number: the same whenever owner and number are, so that
    /// runs that part and meet again have the same formulas.
    pub(super) fn draw_numbered(&self, owner: usize, number: u32) -> Atom {
        let known = self.lock().numbered.get(&(owner, number)).copied();
        match known {
            Some(share) => Atom::Share(share),
            None => {
                let atom = self.draw(owner);
                if let Atom::Share(share) = atom {
                    let mut inner = self.lock();
                    inner.numbered.insert((owner, number), share);
                    inner.numbers.insert(share, number);
                }
                atom
            }
        }
    }

    /// The number under which a share was drawn, if it has one.
    pub fn number(&self, share: ShareId) -> Option<u32> {
        self.lock().numbers.get(&share).copied()
    }

    /// The image of an element: the same atom whenever the element is the same.
    pub(super) fn image_of(&self, element: &Polynomial) -> Atom {
        let mut inner = self.lock();
        let Inner {
            images,
            image_numbers,
            ..
        } = &mut *inner;
        let image = *image_numbers.entry(element.hash()).or_insert_with(|| {
            images.push(element.clone());
            id(images.len() - 1)
        });
        Atom::Image(image)
    }

    pub(super) fn count_scalars(&self, with: impl FnOnce(usize) -> usize) {
        let mut inner = self.lock();
        inner.scalars = with(inner.scalars);
    }

    pub(super) fn count_secrets(&self, with: impl FnOnce(usize) -> usize) {
        let mut inner = self.lock();
        inner.secrets = with(inner.secrets);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("no panics inside")
    }
}

/// The atoms of a polynomial.
fn atoms(polynomial: &Polynomial) -> Vec<Atom> {
    polynomial
        .terms()
        .flat_map(|(monomial, _)| monomial.atoms())
        .collect()
}

fn id(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than 2^32")
}

fn index(number: u32) -> usize {
    usize::try_from(number).expect("32 bits at least")
}
