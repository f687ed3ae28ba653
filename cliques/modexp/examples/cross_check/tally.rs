//! The number of cases by operation, engine and length.

use std::{array, fmt};

use cliques_modexp::Engine;

use crate::{
    cases::{Checked, LENGTHS},
    operations::Operation,
};

/// For each operation and engine, the cases of each length.
pub(crate) struct Tally([Vec<[u64; LENGTHS.len()]>; Operation::ALL.len()]);

impl Default for Tally {
    fn default() -> Self {
        Self(array::from_fn(|_| {
            Engine::all().map(|_| [0; LENGTHS.len()]).collect()
        }))
    }
}

impl Tally {
    pub(crate) fn add(&mut self, checked: Checked) {
        let operation = Operation::ALL
            .iter()
            .position(|it| *it == checked.operation);
        let engine = Engine::all().position(|it| it == checked.engine);
        if let Some((operation, engine)) = operation.zip(engine) {
            self.0[operation][engine][checked.length] += 1;
        }
    }

    /// The sum of both.
    pub(crate) fn merged(mut self, other: Self) -> Self {
        let places = self.0.iter_mut().flatten().flatten();
        for (place, count) in places.zip(other.0.iter().flatten().flatten()) {
            *place += count;
        }
        self
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:16}{:12}", "operation", "engine")?;
        for length in &LENGTHS {
            let range = format!("{}-{}", length.shortest, length.longest);
            write!(f, "{range:>10}")?;
        }
        for (operation, by_engine) in Operation::ALL.iter().zip(&self.0) {
            for (engine, by_length) in Engine::all().zip(by_engine) {
                let operation = format!("{operation:?}");
                write!(f, "\n{operation:16}{engine:12}")?;
                for count in by_length {
                    write!(f, "{count:>10}")?;
                }
            }
        }
        Ok(())
    }
}
