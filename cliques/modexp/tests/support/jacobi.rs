//! The Jacobi symbol by quadratic reciprocity on whole numbers, for tests and examples.

use cliques_modexp::Jacobi;
use num_bigint::BigUint;

/// (a / n) for an odd n.
pub(crate) fn jacobi(a: &BigUint, n: &BigUint) -> Jacobi {
    let low = |x: &BigUint| x.iter_u64_digits().next().unwrap_or(0);
    let (mut a, mut n, mut plus) = (a % n, n.clone(), true);
    while let Some(zeros) = a.trailing_zeros() {
        a >>= zeros;
        plus ^= zeros % 2 == 1 && matches!(low(&n) % 8, 3 | 5);
        plus ^= low(&a) % 4 == 3 && low(&n) % 4 == 3;
        (a, n) = (&n % &a, a);
    }
    match (n == BigUint::from(1_u8), plus) {
        (false, _) => Jacobi::Zero,
        (true, true) => Jacobi::One,
        (true, false) => Jacobi::MinusOne,
    }
}
