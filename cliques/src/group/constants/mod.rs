//! Parameters of the named MODP groups, as 64-bit limbs with the most significant first.

use alloc::vec::Vec;

use super::modp::Modp;

pub(super) mod ffdhe;
#[cfg(feature = "test-util")]
pub(super) mod insecure;
pub(super) mod modp;
pub(super) mod schnorr;

impl Modp {
    /// The squares modulo a constant p = 2q + 1.
    #[expect(
        clippy::expect_used,
        reason = "constants; a test makes every named group"
    )]
    pub(super) fn constant_squares(name: &str, p: &[u64], generator: u64) -> Self {
        Self::squares(name, &bytes(p), &bytes(&half(p)), &bytes(&[generator]))
            .expect("a constant prime is a legal modulus")
    }

    /// The group of constant order q modulo a constant p.
    #[expect(
        clippy::expect_used,
        reason = "constants; a test makes every named group"
    )]
    pub(super) fn constant_subgroup(name: &str, p: &[u64], q: &[u64], g: &[u64]) -> Self {
        Self::subgroup(name, &bytes(p), &bytes(q), &bytes(g))
            .expect("a constant prime is a legal modulus")
    }
}

fn bytes(limbs: &[u64]) -> Vec<u8> {
    limbs.iter().flat_map(|limb| limb.to_be_bytes()).collect()
}

fn half(limbs: &[u64]) -> Vec<u64> {
    let mut carried = 0;
    let halve = |limb: &u64| {
        let halved = limb >> 1 | carried;
        carried = limb << 63;
        halved
    };
    limbs.iter().map(halve).collect()
}
