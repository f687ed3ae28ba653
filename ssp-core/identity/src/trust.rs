//! Trust as a text: one line for each member.
//!
//! ```text
//! # name     algorithm  public key
//! #alice#n1  ed25519    Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
//! bob        ed25519    O2onvM62pC1imjQ6b3e0nxLZHwoRk3RYNd+J0lERhPA=
//! ```
//!
//! A name is a whole member name, `#alice#n1`, or a session name, `alice`, which stands for
//! `#alice#` at any daemon; the whole name wins. Because member names begin with `#` too, a comment
//! is a line that is `#` alone or begins with `#` and a blank.

use alloc::{
    borrow::ToOwned,
    collections::{BTreeMap, btree_map::Entry},
    string::String,
    sync::Arc,
};
use core::fmt;

use gcs_proto::name::{MemberName, NameError, PrivateName};

use super::{Distrust, Identity, PublicKey, Trust};
use crate::time::Timestamp;

/// Most entries of a trust file.
const ENTRIES_MAX: usize = 65_536;
/// Longest part of a bad line that an error repeats, in bytes.
const SHOWN: usize = 80;

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustErrorKind {
    /// Not three fields.
    #[error("{0} fields, name, algorithm and public key wanted")]
    Fields(usize),
    /// The name is neither a member's nor a session's.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The member name does not have the form `#session#daemon`.
    #[error("member name is not of the form #session#daemon")]
    Form,
    /// An algorithm other than ed25519.
    #[error("unknown algorithm, there is: ed25519")]
    Algorithm,
    /// The key cannot be used.
    #[error("public key is not 32 bytes of an Ed25519 key in base64")]
    PublicKey,
    /// The name stands in an earlier line already.
    #[error("name stands in line {0} already")]
    Duplicate(usize),
    /// Too many lines.
    #[error("more than {ENTRIES_MAX} entries")]
    TooMany,
}

/// A trust file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustError {
    /// Number of the line, from 1.
    pub line: usize,
    /// The line, cut if it is long.
    pub text: String,
    /// What is wrong with it.
    pub kind: TrustErrorKind,
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text.escape_debug();
        write!(f, "line {} \"{text}\": {}", self.line, self.kind)
    }
}

impl core::error::Error for TrustError {}

/// Whom an entry stands for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    /// One member, by its whole name.
    Member(MemberName),
    /// A session name at any daemon.
    Session(PrivateName),
}

#[derive(Clone, Debug)]
struct Known {
    key: PublicKey,
    /// The same, made once: it is asked for in every view.
    identity: Identity,
    /// Line of the entry, 0 if it was inserted by a call.
    line: usize,
}

impl Known {
    fn new(key: PublicKey, line: usize) -> Self {
        Self {
            key,
            identity: Identity::of_key(Arc::new(key)),
            line,
        }
    }
}

/// Public keys by name.
///
/// ```
/// use ssp_identity::{Ed25519Signer, TrustStore};
///
/// let key = Ed25519Signer::from_seed(&[1; 32]).public_key();
/// let trust: TrustStore = format!("# who may join\nalice ed25519 {key}\n").parse()?;
/// assert_eq!(trust.key_of(b"#alice#n1"), Some(key));
/// assert_eq!(trust.key_of(b"#mallory#n1"), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TrustStore {
    entries: BTreeMap<Subject, Known>,
}

impl TrustStore {
    /// Knows nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts `key` for `name`, a member name or a session name; replaces what was known.
    ///
    /// # Errors
    /// [`TrustErrorKind::Name`] or [`TrustErrorKind::Form`].
    pub fn insert(&mut self, name: &str, key: PublicKey) -> Result<(), TrustErrorKind> {
        self.entries.insert(subject(name)?, Known::new(key, 0));
        Ok(())
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody is known.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The key of a member: of its whole name, else of its session name.
    pub fn key_of(&self, member: &[u8]) -> Option<PublicKey> {
        let name = MemberName::new(member).ok()?;
        Some(self.known(&name)?.key)
    }

    fn known(&self, member: &MemberName) -> Option<&Known> {
        self.entries.get(&Subject::Member(*member)).or_else(|| {
            let session = PrivateName::new(session_name(member.as_bytes())?).ok()?;
            self.entries.get(&Subject::Session(session))
        })
    }
}

impl core::str::FromStr for TrustStore {
    type Err = TrustError;

    fn from_str(text: &str) -> Result<Self, TrustError> {
        let mut store = Self::new();
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            let blank = line.trim().is_empty();
            let comment =
                line.trim_end() == "#" || line.starts_with("# ") || line.starts_with("#\t");
            if !blank && !comment {
                store.parse_line(line, number).map_err(|kind| TrustError {
                    line: number,
                    text: shown(line),
                    kind,
                })?;
            }
        }
        Ok(store)
    }
}

impl TrustStore {
    fn parse_line(&mut self, line: &str, number: usize) -> Result<(), TrustErrorKind> {
        let mut fields = line.split_ascii_whitespace();
        let (Some(name), Some(algorithm), Some(key), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            let count = line.split_ascii_whitespace().count();
            return Err(TrustErrorKind::Fields(count));
        };
        let subject = subject(name)?;
        if algorithm != "ed25519" {
            return Err(TrustErrorKind::Algorithm);
        }
        let key = key.parse().map_err(|_| TrustErrorKind::PublicKey)?;
        if self.entries.len() >= ENTRIES_MAX {
            return Err(TrustErrorKind::TooMany);
        }
        match self.entries.entry(subject) {
            Entry::Occupied(known) => Err(TrustErrorKind::Duplicate(known.get().line)),
            Entry::Vacant(place) => {
                place.insert(Known::new(key, number));
                Ok(())
            }
        }
    }
}

impl Trust for TrustStore {
    fn identify(
        &self,
        member: &MemberName,
        _: Option<&[u8]>,
        _: Timestamp,
    ) -> Result<Identity, Distrust> {
        let known = self.known(member).ok_or(Distrust::Unknown)?;
        Ok(known.identity.clone())
    }
}

fn subject(name: &str) -> Result<Subject, TrustErrorKind> {
    if !name.starts_with('#') {
        return Ok(Subject::Session(name.parse()?));
    }
    let member = name.parse()?;
    session_name(name.as_bytes()).ok_or(TrustErrorKind::Form)?;
    Ok(Subject::Member(member))
}

/// The session part of a member name `#session#daemon`, if it has that form.
pub fn session_name(member: &[u8]) -> Option<&[u8]> {
    let mut parts = member.strip_prefix(b"#")?.split(|byte| *byte == b'#');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(session), Some(daemon), None) if !session.is_empty() && !daemon.is_empty() => {
            Some(session)
        }
        _ => None,
    }
}

fn shown(line: &str) -> String {
    let cut = (0..=SHOWN.min(line.len()))
        .rev()
        .find(|at| line.is_char_boundary(*at))
        .unwrap_or(0);
    line.get(..cut).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::ToString};

    use gcs_view::{SignatureAlgorithm, VerifyError};
    use proptest::prelude::*;

    use super::*;
    use crate::Ed25519Signer;

    fn key(seed: u8) -> PublicKey {
        Ed25519Signer::from_seed(&[seed; 32]).public_key()
    }

    #[test]
    fn whole_names_win_over_session_names() {
        let text = format!(
            "#\n# a comment\n\n#alice#n1 ed25519 {}\r\nalice\ted25519  {}\n  bob ed25519 {}\n",
            key(1),
            key(2),
            key(3)
        );
        let store: TrustStore = text.parse().unwrap();
        assert_eq!(store.len(), 3);
        assert_eq!(store.key_of(b"#alice#n1"), Some(key(1)));
        assert_eq!(store.key_of(b"#alice#n2"), Some(key(2)));
        assert_eq!(store.key_of(b"#bob#n1"), Some(key(3)));
        for stranger in [
            &b"#bo#n1"[..],
            b"bob",
            b"#bob",
            b"##bob",
            b"#bob#",
            b"#bob#n1#",
            b"",
            b"#bob#a#b",
        ] {
            assert_eq!(store.key_of(stranger), None, "{}", stranger.escape_ascii());
        }
    }

    #[test]
    fn errors_name_line_and_text() {
        let good = key(1);
        for (text, line, message) in [
            (format!("alice ed25519 {good}\nbob"), 2, "1 fields"),
            ("alice ed25519 abc".to_string(), 1, "public key is not"),
            (format!("alice rsa {good}"), 1, "unknown algorithm"),
            (
                format!("alice.of.the.long.name ed25519 {good}"),
                1,
                "session",
            ),
            (format!("#alice ed25519 {good}"), 1, "#session#daemon"),
            (format!("alice ed25519 {good} x"), 1, "4 fields"),
            (
                format!("alice ed25519 {good}\n\nalice ed25519 {good}"),
                3,
                "line 1 already",
            ),
            (format!("#x ed25519 {good}"), 1, "#session#daemon"),
        ] {
            let error = text.parse::<TrustStore>().unwrap_err();
            assert_eq!(error.line, line, "{text}");
            if message != "session" {
                assert!(error.to_string().contains(message), "{error}");
            }
            assert!(
                error.to_string().starts_with(&format!("line {line} \"")),
                "{error}"
            );
        }
    }

    #[test]
    fn only_the_owner_of_the_key_verifies() {
        let signer = Ed25519Signer::from_seed(&[1; 32]);
        let mut store = TrustStore::new();
        store.insert("alice", key(1)).unwrap();
        store.insert("bob", key(2)).unwrap();
        let signature = gcs_view::Signer::sign(&signer, b"m");
        let check = |name: &str, algorithm| {
            let member: MemberName = name.parse().unwrap();
            let identity = store.identify(&member, None, Timestamp(0))?;
            Ok(identity.key().verify(algorithm, b"m", &signature))
        };
        assert_eq!(check("#alice#n1", SignatureAlgorithm::Ed25519), Ok(Ok(())));
        let bad = Ok(Err(VerifyError::BadSignature));
        assert_eq!(check("#alice#n1", SignatureAlgorithm::None), bad);
        assert_eq!(check("#alice#n1", SignatureAlgorithm::EcdsaP256), bad);
        assert_eq!(check("#bob#n1", SignatureAlgorithm::Ed25519), bad);
        assert_eq!(
            check("#carol#n1", SignatureAlgorithm::Ed25519),
            Err(Distrust::Unknown)
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_store_or_an_error(text in "\\PC{0,200}") {
            let _ = text.parse::<TrustStore>();
        }
    }
}
