//! Where a daemon listens, and the text forms for it.
//!
//! | text | meaning |
//! |---|---|
//! | `4803@localhost` | TCP to that host and port |
//! | `localhost:4803`, `[::1]:4803` | the same, as other programs write it |
//! | `4803`, or nothing at all (port 4803) | Unix socket `/tmp/<port>`; TCP to `localhost` where there are none |
//! | a path with a `/` in it | Unix socket at that path |
//!
//! Source: Spread client protocol, section 2 of the protocol notes. Unlike the original, a port
//! above 65535 is an error here instead of being reduced modulo 65536.

use std::{fmt, path::PathBuf, str::FromStr};

/// Port a daemon listens on unless told otherwise.
pub const DEFAULT_PORT: u16 = 4803;

/// Where a daemon listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// A TCP port.
    Tcp {
        /// Name or address of the host.
        host: String,
        /// Port.
        port: u16,
    },
    /// A Unix stream socket; connecting to one is an error on platforms without them.
    Unix(PathBuf),
}

impl Endpoint {
    /// A TCP endpoint.
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        Self::Tcp {
            host: host.into(),
            port,
        }
    }

    /// The endpoint that a bare port stands for.
    fn local(port: u16) -> Self {
        if cfg!(unix) {
            Self::Unix(PathBuf::from(format!("/tmp/{port}")))
        } else {
            Self::tcp("localhost", port)
        }
    }
}

impl Default for Endpoint {
    fn default() -> Self {
        Self::local(DEFAULT_PORT)
    }
}

impl From<std::net::SocketAddr> for Endpoint {
    fn from(address: std::net::SocketAddr) -> Self {
        Self::tcp(address.ip().to_string(), address.port())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } => write!(f, "{port}@{host}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// A text that names no endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The text has none of the known forms.
    #[error(
        "\"{0}\" is no daemon address, expected <port>, <port>@<host>, <host>:<port> or a path"
    )]
    Form(String),
    /// The port is not a number from 1 to 65535.
    #[error("port \"{port}\" of daemon address \"{text}\" is not a number from 1 to 65535")]
    Port {
        /// The whole text.
        text: String,
        /// The part that should be a port.
        port: String,
    },
    /// There is a port and no host.
    #[error("daemon address \"{0}\" has an empty host")]
    EmptyHost(String),
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let trimmed = text.trim_start();
        if trimmed.is_empty() {
            return Ok(Self::default());
        }
        if trimmed.contains('/') {
            return Ok(Self::Unix(PathBuf::from(trimmed)));
        }
        let port = |port: &str| match port.parse::<u16>() {
            Ok(number) if number > 0 && !port.starts_with('+') => Ok(number),
            Ok(_) | Err(_) => Err(EndpointError::Port {
                text: text.into(),
                port: port.into(),
            }),
        };
        let host = |host: &str| match host {
            "" => Err(EndpointError::EmptyHost(text.into())),
            host => Ok(host
                .strip_prefix('[')
                .and_then(|inner| inner.strip_suffix(']'))
                .unwrap_or(host)
                .to_owned()),
        };
        if let Some((left, right)) = trimmed.split_once('@') {
            return Ok(Self::tcp(host(right)?, port(left)?));
        }
        if let Some((left, right)) = trimmed.rsplit_once(':') {
            // An unbracketed IPv6 address leaves open where the host ends.
            if left.contains(':') && !left.ends_with(']') {
                return Err(EndpointError::Form(text.into()));
            }
            return Ok(Self::tcp(host(left)?, port(right)?));
        }
        if trimmed.starts_with(|first: char| first.is_ascii_digit()) {
            return Ok(Self::local(port(trimmed)?));
        }
        Err(EndpointError::Form(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        for (text, host, port) in [
            ("4803@localhost", "localhost", 4803),
            ("  1@10.0.0.1", "10.0.0.1", 1),
            ("localhost:65535", "localhost", 65535),
            ("[::1]:5000", "::1", 5000),
            ("5000@::1", "::1", 5000),
        ] {
            assert_eq!(text.parse(), Ok(Endpoint::tcp(host, port)), "{text}");
        }
        assert_eq!(
            "/run/gcs.sock".parse(),
            Ok(Endpoint::Unix("/run/gcs.sock".into()))
        );
        assert_eq!("".parse(), Ok(Endpoint::default()));
    }

    #[cfg(unix)]
    #[test]
    fn a_bare_port_is_a_socket_in_tmp() {
        assert_eq!("4803".parse(), Ok(Endpoint::Unix("/tmp/4803".into())));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |text: &str| text.parse::<Endpoint>().unwrap_err();
        assert!(
            matches!(error("70000@localhost"), EndpointError::Port { port, .. } if port == "70000")
        );
        assert!(matches!(error("0@localhost"), EndpointError::Port { .. }));
        assert!(matches!(error("+5@localhost"), EndpointError::Port { .. }));
        assert!(matches!(error("4803x"), EndpointError::Port { .. }));
        assert_eq!(error("4803@"), EndpointError::EmptyHost("4803@".into()));
        assert_eq!(error(":4803"), EndpointError::EmptyHost(":4803".into()));
        assert_eq!(error("localhost"), EndpointError::Form("localhost".into()));
        assert_eq!(error("::1:5000"), EndpointError::Form("::1:5000".into()));
    }

    #[test]
    fn display_is_read_back() {
        for text in ["4803@localhost", "/tmp/4803", "9@::1"] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!(endpoint.to_string(), text);
            assert_eq!(endpoint.to_string().parse(), Ok(endpoint));
        }
    }
}
