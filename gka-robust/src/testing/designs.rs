//! Suites and algorithms that tests run over.

use cliques::Protocol;

use crate::Algorithm;

/// A suite and an algorithm for it.
pub type Design = (Protocol, Algorithm);

/// The basic algorithm.
pub const BASIC: Design = (Protocol::GDH, Algorithm::Basic);

/// The optimised algorithm.
pub const OPTIMIZED: Design = (Protocol::GDH, Algorithm::Optimized);

/// Every suite with each algorithm that differs, in the order in which seeds go through them.
pub const DESIGNS: [Design; 9] = [
    BASIC,
    OPTIMIZED,
    (Protocol::BD, Algorithm::Restart),
    (Protocol::CKD, Algorithm::Restart),
    (Protocol::CKD, Algorithm::Incremental),
    (Protocol::STR, Algorithm::Restart),
    (Protocol::STR, Algorithm::Incremental),
    (Protocol::TGDH, Algorithm::Restart),
    (Protocol::TGDH, Algorithm::Incremental),
];

/// Every suite with its recommended algorithm, and the basic one.
pub const RECOMMENDED: [Design; 6] = [
    BASIC,
    OPTIMIZED,
    (Protocol::BD, Algorithm::Restart),
    (Protocol::CKD, Algorithm::Incremental),
    (Protocol::STR, Algorithm::Incremental),
    (Protocol::TGDH, Algorithm::Incremental),
];
