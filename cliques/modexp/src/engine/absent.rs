//! In place of the vector engine where it is not compiled: a context that cannot exist.

use alloc::vec::Vec;

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};

use super::{
    Power,
    comb::{self, Comb},
};
use crate::exponent::Exponent;

/// Powers computed at once.
pub(super) const GROUP: usize = 1;

pub(crate) enum Context {}

impl Context {
    pub(super) const fn detect(_: &BoxedMontyParams, _: u32) -> Option<Self> {
        None
    }

    pub(super) const fn pow(&self, _: Power<'_>) -> BoxedMontyForm {
        match *self {}
    }

    pub(super) const fn pow_batch(&self, _: &[Power<'_>]) -> Vec<BoxedMontyForm> {
        match *self {}
    }

    pub(super) const fn product(&self, _: &[Power<'_>]) -> Option<BoxedMontyForm> {
        match *self {}
    }

    pub(super) const fn comb_table(&self, _: &BoxedMontyForm, _: Comb) -> comb::CombTable {
        match *self {}
    }
}

pub(crate) enum CombTable {}

impl CombTable {
    pub(super) const fn pow(&self, _: &Exponent) -> BoxedMontyForm {
        match *self {}
    }

    pub(super) const fn pow_batch(&self, _: &[&Exponent]) -> Vec<BoxedMontyForm> {
        match *self {}
    }
}
