//! How many cases there were of what.

use std::fmt;

use cliques_modexp::Engine;

use crate::{
    cases::{Checked, LENGTHS},
    operations::Operation,
};

/// Cases by operation, engine and length.
#[derive(Default)]
pub(crate) struct Tally([[[u64; LENGTHS.len()]; Engine::ALL.len()]; Operation::ALL.len()]);

impl Tally {
    pub(crate) fn add(&mut self, checked: Checked) {
        let operation = Operation::ALL
            .iter()
            .position(|it| *it == checked.operation);
        let engine = Engine::ALL.iter().position(|it| *it == checked.engine);
        if let Some((operation, engine)) = operation.zip(engine) {
            self.0[operation][engine][checked.length] += 1;
        }
    }

    /// The sum of two.
    pub(crate) fn joined(mut self, other: Self) -> Self {
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
            for (engine, by_length) in Engine::ALL.iter().zip(by_engine) {
                let names = (format!("{operation:?}"), format!("{engine:?}"));
                write!(f, "\n{:16}{:12}", names.0, names.1)?;
                for count in by_length {
                    write!(f, "{count:>10}")?;
                }
            }
        }
        Ok(())
    }
}
