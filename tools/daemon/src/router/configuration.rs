//! The fixed part: which daemons there are, in which order.
//!
//! The order of the configuration is the first key of every member list (protocol notes, 7.2), and
//! the first daemon of a component lends it its identifier (protocol notes, 7.1).

use std::{fmt, net::Ipv4Addr, str::FromStr};

use gcs_proto::name::DaemonName;

use crate::error::Error;

/// Most daemons of a configuration (4.4.0).
pub const DAEMONS: usize = 128;

/// Position of a daemon in its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DaemonIndex(pub(crate) usize);

/// One daemon of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaemonEntry {
    /// Its name.
    pub name: DaemonName,
    /// Its identifier, written like the address it would have.
    pub address: Ipv4Addr,
}

impl DaemonEntry {
    /// The identifier as the first word of a group id.
    pub(crate) fn proc_id(&self) -> i32 {
        i32::from_be_bytes(self.address.octets())
    }
}

/// Names, identifiers and order of all daemons; checked when made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    entries: Vec<DaemonEntry>,
}

impl Configuration {
    /// Checks that there is a daemon and that names and identifiers are unique.
    ///
    /// # Errors
    /// [`Error::NoDaemon`], [`Error::TooManyDaemons`], [`Error::DuplicateDaemon`] or
    /// [`Error::DuplicateAddress`].
    pub fn new(entries: Vec<DaemonEntry>) -> Result<Self, Error> {
        if entries.is_empty() {
            return Err(Error::NoDaemon);
        }
        if entries.len() > DAEMONS {
            return Err(Error::TooManyDaemons {
                count: entries.len(),
                max: DAEMONS,
            });
        }
        for (position, entry) in entries.iter().enumerate() {
            for earlier in entries.iter().take(position) {
                if earlier.name == entry.name {
                    return Err(Error::DuplicateDaemon(entry.name));
                }
                if earlier.address == entry.address {
                    return Err(Error::DuplicateAddress {
                        first: earlier.name,
                        second: entry.name,
                        address: entry.address,
                    });
                }
            }
        }
        Ok(Self { entries })
    }

    /// The identifier a daemon gets that asks for none: 127.0.0.11 for the first one, and so on.
    #[must_use]
    pub fn default_address(position: usize) -> Ipv4Addr {
        let offset = u32::try_from(position).unwrap_or(u32::MAX - 11);
        Ipv4Addr::from(u32::from(Ipv4Addr::LOCALHOST).wrapping_add(10 + offset))
    }

    /// All daemons in order.
    pub fn entries(&self) -> impl Iterator<Item = (DaemonIndex, &DaemonEntry)> {
        self.entries
            .iter()
            .enumerate()
            .map(|(position, entry)| (DaemonIndex(position), entry))
    }

    /// Finds a daemon by name.
    ///
    /// # Errors
    /// [`Error::UnknownDaemon`] naming it.
    pub fn find(&self, name: &DaemonName) -> Result<DaemonIndex, Error> {
        self.entries()
            .find(|(_, entry)| entry.name == *name)
            .map(|(index, _)| index)
            .ok_or(Error::UnknownDaemon(*name))
    }

    /// The entry at a position that this configuration handed out.
    pub(crate) fn entry(&self, index: DaemonIndex) -> Option<&DaemonEntry> {
        self.entries.get(index.0)
    }

    /// First word of the id of a membership whose first daemon this is.
    pub(crate) fn proc_id(&self, index: DaemonIndex) -> i32 {
        self.entry(index).map_or(0, DaemonEntry::proc_id)
    }
}

/// How daemons are to be divided; `"n1 n2 | n3"` as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Daemons of each side.
    pub sides: Vec<Vec<DaemonName>>,
}

impl Partition {
    /// One entry a side.
    pub fn new<S, D>(sides: S) -> Self
    where
        S: IntoIterator<Item = D>,
        D: IntoIterator<Item = DaemonName>,
    {
        Self {
            sides: sides
                .into_iter()
                .map(|side| side.into_iter().collect())
                .collect(),
        }
    }
}

impl FromStr for Partition {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let sides = text
            .split('|')
            .map(|side| {
                side.split([' ', ',', '\t'])
                    .filter(|name| !name.is_empty())
                    .map(|name| name.parse().map_err(Error::from))
                    .collect::<Result<Vec<DaemonName>, Error>>()
            })
            .collect::<Result<Vec<_>, Error>>()?;
        Ok(Self {
            sides: sides.into_iter().filter(|side| !side.is_empty()).collect(),
        })
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, side) in self.sides.iter().enumerate() {
            if position > 0 {
                f.write_str(" | ")?;
            }
            for (place, name) in side.iter().enumerate() {
                if place > 0 {
                    f.write_str(" ")?;
                }
                write!(f, "{name}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, last: u8) -> DaemonEntry {
        DaemonEntry {
            name: name.parse().unwrap(),
            address: Ipv4Addr::new(127, 0, 0, last),
        }
    }

    #[test]
    fn names_and_addresses_are_unique() {
        assert_eq!(Configuration::new(vec![]), Err(Error::NoDaemon));
        assert_eq!(
            Configuration::new(vec![entry("n1", 1), entry("n1", 2)]),
            Err(Error::DuplicateDaemon("n1".parse().unwrap()))
        );
        assert_eq!(
            Configuration::new(vec![entry("n1", 1), entry("n2", 1)]),
            Err(Error::DuplicateAddress {
                first: "n1".parse().unwrap(),
                second: "n2".parse().unwrap(),
                address: Ipv4Addr::LOCALHOST
            })
        );
    }

    #[test]
    fn default_addresses_start_at_eleven() {
        assert_eq!(
            Configuration::default_address(0),
            Ipv4Addr::new(127, 0, 0, 11)
        );
        assert_eq!(
            Configuration::default_address(127),
            Ipv4Addr::new(127, 0, 0, 138)
        );
    }

    #[test]
    fn partitions_read_as_they_are_written() {
        let partition: Partition = "n1, n2 |n3".parse().unwrap();
        assert_eq!(partition.to_string(), "n1 n2 | n3");
        assert!("n1 | n\u{e9}".parse::<Partition>().is_err());
    }
}
