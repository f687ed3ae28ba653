//! Lists of addresses that may connect.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use super::{AccessPolicy, Decision, Origin, User};

/// Addresses that may connect, as the access file of the method `IP` lists them.
///
/// | entry | stands for |
/// |---|---|
/// | `unix` | Unix sockets and streams inside the process |
/// | `local` | the loopback addresses, and what `unix` stands for |
/// | `10.1.2.3`, `::1` | this address |
/// | `10.0.0.0/8`, `fe80::/10` | addresses with this beginning |
///
/// Entries are separated by white space or commas; what follows `#` in a line is a comment. An
/// empty list lets nobody in. As a policy it judges connections and permits everything else.
///
/// ```
/// use gcs_daemon::access::{IpList, Origin};
///
/// let list: IpList = "local 10.0.0.0/8 # our own network".parse()?;
/// assert!(list.admits(&Origin::Tcp("10.9.8.7".parse()?)));
/// assert!(!list.admits(&Origin::Tcp("192.0.2.1".parse()?)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IpList {
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    Unix,
    Local,
    Network { address: IpAddr, length: u8 },
}

/// A text that is no list of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IpListError {
    /// An entry is none of the forms.
    #[error("\"{0}\" is no address, address/length, unix or local")]
    Entry(String),
    /// A prefix has more bits than an address.
    #[error("prefix of \"{0}\" has more bits than the address")]
    Length(String),
}

impl IpList {
    /// Whether a client from there may connect.
    #[must_use]
    pub fn admits(&self, origin: &Origin) -> bool {
        self.entries.iter().any(|entry| entry.covers(origin))
    }
}

impl Entry {
    fn covers(&self, origin: &Origin) -> bool {
        match (self, origin) {
            (Self::Unix | Self::Local, Origin::Local) => true,
            (Self::Local, Origin::Tcp(address)) => address.to_canonical().is_loopback(),
            (Self::Network { address, length }, Origin::Tcp(found)) => {
                match (address, found.to_canonical()) {
                    (IpAddr::V4(address), IpAddr::V4(found)) => {
                        let kept = Ipv4Addr::BITS.saturating_sub(u32::from(*length));
                        (address.to_bits() ^ found.to_bits())
                            .checked_shr(kept)
                            .unwrap_or(0)
                            == 0
                    }
                    (IpAddr::V6(address), IpAddr::V6(found)) => {
                        let kept = Ipv6Addr::BITS.saturating_sub(u32::from(*length));
                        (address.to_bits() ^ found.to_bits())
                            .checked_shr(kept)
                            .unwrap_or(0)
                            == 0
                    }
                    (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
                }
            }
            (Self::Unix, Origin::Tcp(_)) | (Self::Network { .. }, Origin::Local) => false,
        }
    }
}

impl FromStr for Entry {
    type Err = IpListError;

    fn from_str(text: &str) -> Result<Self, IpListError> {
        let wrong = || IpListError::Entry(text.to_owned());
        match text {
            "unix" => return Ok(Self::Unix),
            "local" => return Ok(Self::Local),
            _ => {}
        }
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            Some(length) => length.parse::<u8>().map_err(|_| wrong())?,
            None => whole,
        };
        if length > whole {
            return Err(IpListError::Length(text.to_owned()));
        }
        Ok(Self::Network { address, length })
    }
}

impl FromStr for IpList {
    type Err = IpListError;

    fn from_str(text: &str) -> Result<Self, IpListError> {
        let entries = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default())
            .flat_map(|line| line.split([' ', '\t', '\r', ',']))
            .filter(|entry| !entry.is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }
}

impl AccessPolicy for IpList {
    fn connect(&self, user: &User) -> Decision {
        if self.admits(&user.origin) {
            Decision::Allow
        } else {
            Decision::Deny("address is not on the list")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(address: &str) -> Origin {
        Origin::Tcp(address.parse().unwrap())
    }

    #[test]
    fn entries_cover_what_they_say() {
        for (list, inside, outside) in [
            ("unix", vec![Origin::Local], vec![tcp("127.0.0.1")]),
            (
                "local",
                vec![
                    Origin::Local,
                    tcp("127.9.9.9"),
                    tcp("::1"),
                    tcp("::ffff:127.0.0.1"),
                ],
                vec![tcp("10.0.0.1")],
            ),
            (
                "10.1.2.3",
                vec![tcp("10.1.2.3")],
                vec![tcp("10.1.2.4"), Origin::Local],
            ),
            (
                "10.0.0.0/8, 192.0.2.128/25",
                vec![
                    tcp("10.255.0.1"),
                    tcp("192.0.2.129"),
                    tcp("::ffff:10.1.1.1"),
                ],
                vec![tcp("11.0.0.1"), tcp("192.0.2.1")],
            ),
            ("0.0.0.0/0", vec![tcp("8.8.8.8")], vec![tcp("fe80::1")]),
            (
                "fe80::/10",
                vec![tcp("febf::1")],
                vec![tcp("fec0::1"), tcp("1.2.3.4")],
            ),
            ("::/0", vec![tcp("2001::")], vec![tcp("1.2.3.4")]),
            ("# nobody\n", vec![], vec![Origin::Local, tcp("127.0.0.1")]),
        ] {
            let list: IpList = list.parse().unwrap();
            for origin in inside {
                assert!(list.admits(&origin), "{list:?} {origin:?}");
            }
            for origin in outside {
                assert!(!list.admits(&origin), "{list:?} {origin:?}");
            }
        }
    }

    #[test]
    fn wrong_entries_are_named() {
        for wrong in ["10.0.0", "localhost", "10.0.0.0/x", "10.0.0.0/-1", "/8"] {
            assert_eq!(
                format!("unix {wrong}").parse::<IpList>(),
                Err(IpListError::Entry(wrong.to_owned()))
            );
        }
        for wrong in ["10.0.0.0/33", "::/129"] {
            assert_eq!(
                wrong.parse::<IpList>(),
                Err(IpListError::Length(wrong.to_owned()))
            );
        }
    }
}
