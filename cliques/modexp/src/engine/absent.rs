//! In place of the vector engine where it is not compiled: a context that cannot exist.

use alloc::vec::Vec;

use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};

use super::Power;

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
}
