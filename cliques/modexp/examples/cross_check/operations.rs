//! The operations, as this crate and as num-bigint compute them.

use cliques_modexp::{Exponent, FixedBase, Jacobi, Order, Residue, SecretResidue};
use num_bigint::BigUint;

use crate::{cases::Operands, jacobi::jacobi};

/// What a case computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Power,
    PowerOfSecret,
    PowerVartime,
    OneExponent,
    Pairs,
    OneSecretBase,
    FixedBase,
    FixedBaseBatch,
    Product,
    ProductVartime,
    Multiply,
    Inverse,
    Inverses,
    Jacobi,
    OrderArithmetic,
}

impl Operation {
    pub(crate) const ALL: [Self; 15] = [
        Self::Power,
        Self::PowerOfSecret,
        Self::PowerVartime,
        Self::OneExponent,
        Self::Pairs,
        Self::OneSecretBase,
        Self::FixedBase,
        Self::FixedBaseBatch,
        Self::Product,
        Self::ProductVartime,
        Self::Multiply,
        Self::Inverse,
        Self::Inverses,
        Self::Jacobi,
        Self::OrderArithmetic,
    ];

    /// The numbers of pairs of operands that it is tested with, equally often.
    pub(crate) const fn counts(self) -> &'static [usize] {
        match self {
            Self::Power
            | Self::PowerOfSecret
            | Self::PowerVartime
            | Self::FixedBase
            | Self::Inverse
            | Self::Jacobi => &[1],
            Self::Multiply | Self::OrderArithmetic => &[2],
            Self::OneExponent | Self::Pairs | Self::OneSecretBase | Self::FixedBaseBatch => {
                &[2, 5, 6, 8, 8, 9, 17]
            }
            Self::Product | Self::ProductVartime | Self::Inverses => &[1, 2, 4, 6, 9, 33],
        }
    }
}

/// The result of an operation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Numbers(Vec<BigUint>),
    NoInverse,
    Symbol(Jacobi),
}

fn numbers(results: &[SecretResidue]) -> Output {
    let number = |result: &SecretResidue| BigUint::from_bytes_be(&result.to_be_bytes());
    Output::Numbers(results.iter().map(number).collect())
}

fn public(results: &[Residue]) -> Output {
    let number = |result: &Residue| BigUint::from_bytes_be(&result.to_be_bytes());
    Output::Numbers(results.iter().map(number).collect())
}

/// A residue as a secret.
fn secret(residue: &Residue) -> SecretResidue {
    residue.pow(&Exponent::from_be_bytes(&[1], 1))
}

pub(crate) fn ours(operation: Operation, operands: &Operands) -> Output {
    let Operands {
        modulus,
        width,
        bases,
        exponents,
        ..
    } = operands;
    let bytes: Vec<Vec<u8>> = operands
        .exponent_numbers
        .iter()
        .map(BigUint::to_bytes_be)
        .collect();
    let all_bases: Vec<_> = bases.iter().collect();
    let all_exponents: Vec<_> = exponents.iter().collect();
    let pairs: Vec<_> = bases.iter().zip(exponents).collect();
    let public_pairs: Vec<_> = bases.iter().zip(bytes.iter().map(|e| &e[..])).collect();
    let (base, exponent) = (&bases[0], &exponents[0]);
    match operation {
        Operation::Power => numbers(&[base.pow(exponent)]),
        Operation::PowerOfSecret => numbers(&[secret(base).pow(exponent)]),
        Operation::PowerVartime => public(&[base.pow_vartime(&bytes[0])]),
        Operation::OneExponent => numbers(&Residue::pow_each(&all_bases, exponent)),
        Operation::Pairs => numbers(&Residue::pow_pairs(&pairs)),
        Operation::OneSecretBase => numbers(&secret(base).pow_each(&all_exponents)),
        Operation::FixedBase => numbers(&[FixedBase::new(base, *width).pow(exponent)]),
        Operation::FixedBaseBatch => {
            numbers(&FixedBase::new(base, *width).pow_each(&all_exponents))
        }
        Operation::Product => numbers(&[modulus.product_of_powers(&pairs)]),
        Operation::ProductVartime => public(&[modulus.product_of_powers_vartime(&public_pairs)]),
        Operation::Multiply => {
            let (secret, other) = (secret(base), &bases[1]);
            let of_secrets = secret.multiply_secret(&self::secret(other));
            numbers(&[secret.multiply(other), of_secrets])
        }
        Operation::Inverse => base
            .invert_vartime()
            .map_or(Output::NoInverse, |inverse| public(&[inverse])),
        Operation::Inverses => Residue::invert_each_vartime(&all_bases)
            .map_or(Output::NoInverse, |inverses| public(&inverses)),
        Operation::Jacobi => Output::Symbol(base.jacobi_vartime()),
        Operation::OrderArithmetic => order_arithmetic(operands),
    }
}

/// The modulus as an order, and its two exponents.
fn order_arithmetic(operands: &Operands) -> Output {
    let Ok(order) = Order::from_be_bytes(&operands.modulus.to_be_bytes()) else {
        return Output::Numbers(Vec::new());
    };
    let (a, b) = (&operands.exponents[0], &operands.exponents[1]);
    let bytes = operands.base_numbers[0].to_bytes_be();
    let results = [
        order.multiply(a, b),
        order.invert(a),
        order.multiply(&order.reduce(&bytes), b),
    ];
    let number = |exponent: &Exponent| BigUint::from_bytes_be(&exponent.to_be_bytes());
    Output::Numbers(results.iter().map(number).collect())
}

pub(crate) fn reference(operation: Operation, operands: &Operands) -> Output {
    let Operands {
        p,
        base_numbers: bases,
        exponent_numbers: exponents,
        ..
    } = operands;
    let (base, exponent) = (&bases[0], &exponents[0]);
    let powers = || bases.iter().zip(exponents).map(|(b, e)| b.modpow(e, p));
    match operation {
        Operation::Power
        | Operation::PowerOfSecret
        | Operation::PowerVartime
        | Operation::FixedBase => Output::Numbers(vec![base.modpow(exponent, p)]),
        Operation::OneExponent => {
            Output::Numbers(bases.iter().map(|base| base.modpow(exponent, p)).collect())
        }
        Operation::Pairs => Output::Numbers(powers().collect()),
        Operation::OneSecretBase | Operation::FixedBaseBatch => {
            Output::Numbers(exponents.iter().map(|e| base.modpow(e, p)).collect())
        }
        Operation::Product | Operation::ProductVartime => {
            let one = BigUint::from(1_u8);
            Output::Numbers(vec![
                powers().fold(one, |product, power| product * power % p),
            ])
        }
        Operation::Multiply => {
            let product = base * &bases[1] % p;
            Output::Numbers(vec![product.clone(), product])
        }
        Operation::Inverse => {
            let inverse = base.modinv(p);
            inverse.map_or(Output::NoInverse, |it| Output::Numbers(vec![it]))
        }
        Operation::Inverses => {
            let inverses: Option<_> = bases.iter().map(|base| base.modinv(p)).collect();
            inverses.map_or(Output::NoInverse, Output::Numbers)
        }
        Operation::Jacobi => Output::Symbol(jacobi(base, p)),
        Operation::OrderArithmetic => Output::Numbers(vec![
            exponent * &exponents[1] % p,
            exponent.modinv(p).unwrap_or(BigUint::ZERO),
            base * &exponents[1] % p,
        ]),
    }
}
