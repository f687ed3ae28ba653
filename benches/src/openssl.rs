//! OpenSSL's constant-time exponentiation, which has no safe interface in a crate.
#![allow(unsafe_code, reason = "calls of a C library; see each block")]

use std::ptr;

use openssl_sys::{
    BIGNUM, BN_CTX, BN_CTX_free, BN_CTX_new, BN_bin2bn, BN_free, BN_new, BN_num_bits,
};

/// BN_MONT_CTX, an opaque type of OpenSSL.
#[repr(C)]
struct MontgomeryContext {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    fn BN_MONT_CTX_new() -> *mut MontgomeryContext;
    fn BN_MONT_CTX_free(context: *mut MontgomeryContext);
    fn BN_MONT_CTX_set(
        context: *mut MontgomeryContext,
        modulus: *const BIGNUM,
        scratch: *mut BN_CTX,
    ) -> i32;
    fn BN_mod_exp_mont_consttime(
        result: *mut BIGNUM,
        base: *const BIGNUM,
        exponent: *const BIGNUM,
        modulus: *const BIGNUM,
        scratch: *mut BN_CTX,
        context: *mut MontgomeryContext,
    ) -> i32;
    fn BN_bn2binpad(number: *const BIGNUM, to: *mut u8, len: i32) -> i32;
}

/// One exponentiation, with everything precomputed that can be.
#[derive(Debug)]
pub struct Exponentiation {
    base: *mut BIGNUM,
    exponent: *mut BIGNUM,
    modulus: *mut BIGNUM,
    result: *mut BIGNUM,
    scratch: *mut BN_CTX,
    context: *mut MontgomeryContext,
    len: usize,
}

impl Exponentiation {
    /// Takes big-endian numbers.
    pub fn new(base: &[u8], exponent: &[u8], modulus: &[u8]) -> Self {
        // SAFETY: the pointer and the length are those of a slice.
        let number = |bytes: &[u8]| unsafe {
            BN_bin2bn(bytes.as_ptr(), bytes.len() as i32, ptr::null_mut())
        };
        // SAFETY: none of the three takes an argument.
        let (result, scratch, context) = unsafe { (BN_new(), BN_CTX_new(), BN_MONT_CTX_new()) };
        let this = Self {
            base: number(base),
            exponent: number(exponent),
            modulus: number(modulus),
            result,
            scratch,
            context,
            len: modulus.len(),
        };
        let pointers = [this.base, this.exponent, this.modulus, this.result];
        assert!(!pointers.contains(&ptr::null_mut()) && !this.scratch.is_null());
        assert!(!this.context.is_null());
        // SAFETY: all pointers were just created and are not null.
        let set = unsafe { BN_MONT_CTX_set(this.context, this.modulus, this.scratch) };
        assert_eq!(set, 1);
        this
    }

    /// Computes the power.
    pub fn run(&mut self) {
        // SAFETY: all pointers are valid until drop, and `&mut self` makes this the only use.
        let done = unsafe {
            BN_mod_exp_mont_consttime(
                self.result,
                self.base,
                self.exponent,
                self.modulus,
                self.scratch,
                self.context,
            )
        };
        assert_eq!(done, 1);
    }

    /// The power that [`run`](Self::run) computed, as long as the modulus.
    pub fn result(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len];
        // SAFETY: the number is valid until drop; the buffer has the given length.
        let written = unsafe { BN_bn2binpad(self.result, bytes.as_mut_ptr(), self.len as i32) };
        assert_eq!(written as usize, self.len);
        bytes
    }

    /// Length of the exponent in OpenSSL, in bits.
    pub fn exponent_bits(&self) -> u32 {
        // SAFETY: the number is valid until drop.
        unsafe { BN_num_bits(self.exponent) as u32 }
    }
}

impl Drop for Exponentiation {
    fn drop(&mut self) {
        // SAFETY: each pointer was created by the counterpart of the function that frees it, and is
        // not used again.
        unsafe {
            BN_free(self.base);
            BN_free(self.exponent);
            BN_free(self.modulus);
            BN_free(self.result);
            BN_CTX_free(self.scratch);
            BN_MONT_CTX_free(self.context);
        }
    }
}
