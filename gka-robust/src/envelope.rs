//! Tokens sent and received: bound to a VS view, signed, checked.
//!
//! Every VS view gets a channel of its own. What comes in passes the checks of the key agreement
//! notes, section 2.2, in their order:
//!
//! ```text
//! 1 decodes   2 suite   3 group   4 view, epoch   5 sender   6 signature   7 not seen before
//! ```
//!
//! Anybody on the path can make a token fail these by changing, repeating or delaying it, so a failure
//! is only counted. It is reported, once for each member, where the transport vouches that a member of
//! the view sent the token and the member's key or configuration differs from ours: there will be no
//! key while it does. Checks 8 to 11 are the
//! suite's, see [`Context::process`](crate::environment::Environment::process).

use alloc::{collections::BTreeSet, string::ToString};

use cliques::{
    Envelope, Expected, Listed, MemberName, Outgoing, ReceivedToken, Recipient, Rejected,
    SignatureAlgorithm, Token, TokenBinding, TokenKind, Verifier, VerifyError,
};
use sha2::{Digest, Sha256};

use crate::{
    config::Config,
    output::{Failure, FailureReason, Transmission},
    view::View,
};

/// Different tokens that a member may see in one run, for each member of the view; honest ones are
/// far fewer.
const TOKENS_PER_MEMBER: usize = 8;

/// Why a token was not let in.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It could not be read.
    Malformed,
    /// It is not for this run, or not authentic.
    Rejected(Rejected),
    /// There is no room to remember it.
    Overflow,
}

/// How it is known who made a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// This member has, and it came back byte for byte.
    Sent,
    /// By its signature.
    Signed,
}

/// Vouches for what this member has sent.
#[derive(Debug)]
struct Own;

impl Verifier for Own {
    fn verify(
        &self,
        _: &MemberName,
        _: SignatureAlgorithm,
        _: &[u8],
        _: &[u8],
    ) -> Result<(), VerifyError> {
        Ok(())
    }
}

/// The tokens of one VS view.
#[derive(Clone, Debug)]
pub(crate) struct TokenChannel {
    binding: TokenBinding,
    members: BTreeSet<MemberName>,
    /// Run under way, or the last one started: 0 for the membership's, then one more each refresh.
    run: u32,
    /// Digests of what was let in during this run.
    seen: BTreeSet<[u8; 32]>,
    /// Digests of what this member has sent during this run.
    sent: BTreeSet<[u8; 32]>,
    /// Members whose failure has been reported.
    reported: BTreeSet<MemberName>,
}

impl TokenChannel {
    pub(crate) fn new(config: &Config, group_name: &str, view: &View) -> Self {
        Self {
            binding: TokenBinding {
                protocol: config.protocol,
                group_name: group_name.to_string(),
                group: config.group.clone(),
                view_id: view.id.0,
                view_hash: TokenBinding::view_hash(&view.members),
            },
            members: view.members.iter().cloned().collect(),
            run: 0,
            seen: BTreeSet::new(),
            sent: BTreeSet::new(),
            reported: BTreeSet::new(),
        }
    }

    /// Number of the run under way, or the last one started.
    pub(crate) const fn run(&self) -> u32 {
        self.run
    }

    /// Hashes everything besides the view that future behaviour depends on.
    #[cfg(feature = "test-util")]
    pub(crate) fn fingerprint(&self, hasher: &mut impl core::hash::Hasher) {
        use core::hash::Hash;
        (&self.run, &self.seen, &self.reported).hash(hasher);
    }

    /// A refresh starts.
    pub(crate) fn next_run(&mut self, run: u32) {
        self.run = run;
        self.seen.clear();
        self.sent.clear();
    }

    /// Signs a token of the suite.
    pub(crate) fn seal(&mut self, config: &Config, token: Outgoing, now: u64) -> Transmission {
        self.seal_epoch(config, token, self.run, now)
    }

    /// Signs a token with an epoch other than that of the run.
    pub(crate) fn seal_epoch(
        &mut self,
        config: &Config,
        token: Outgoing,
        epoch: u32,
        now: u64,
    ) -> Transmission {
        let Outgoing {
            to,
            service,
            kind,
            body,
        } = token;
        let envelope = Envelope {
            kind,
            epoch,
            timestamp: now,
            sender: config.me,
            recipient: to.clone(),
            body,
        };
        let bytes = envelope.seal(&self.binding, &*config.signer);
        if to == Recipient::Group {
            self.sent.insert(Sha256::digest(&bytes).into());
        }
        Transmission {
            to,
            service,
            kind,
            bytes,
        }
    }

    /// Whether these are the bytes of a token that this member has broadcast during this run.
    fn has_sent(&self, bytes: &[u8]) -> bool {
        !self.sent.is_empty() && self.sent.contains(&<[u8; 32]>::from(Sha256::digest(bytes)))
    }

    /// Checks 1 to 7. `installed` is the epoch of the key in use. What this member has sent itself
    /// needs no check 6.
    ///
    /// # Errors
    /// The first check that failed; nothing has changed then.
    pub(crate) fn open(
        &mut self,
        config: &Config,
        sender: &MemberName,
        kind: Option<TokenKind>,
        bytes: &[u8],
        installed: u32,
        now: u64,
    ) -> Result<(Token, Origin), Refused> {
        let received =
            ReceivedToken::decode(bytes, config.protocol).map_err(|_| Refused::Malformed)?;
        let epoch = if received.kind() == TokenKind::REFRESH_REQUEST {
            // It names the epoch to be replaced.
            installed
        } else {
            self.run
        };
        let expected = Expected {
            binding: &self.binding,
            epoch,
            sender,
            me: &config.me,
            kind,
        };
        received.check(&expected).map_err(Refused::Rejected)?;
        if !self.members.contains(sender) {
            return Err(Refused::Rejected(Rejected::NotInView(*sender)));
        }
        if let Some(window) = config.timestamp_window {
            received
                .check_timestamp(now, window)
                .map_err(Refused::Rejected)?;
        }
        let origin = match *sender == config.me && self.has_sent(bytes) {
            true => Origin::Sent,
            false => Origin::Signed,
        };
        let verifier: &dyn Verifier = match origin {
            Origin::Sent => &Own,
            Origin::Signed => &*config.verifier,
        };
        let token = received.verify(verifier).map_err(Refused::Rejected)?;
        let digest = digest(&token);
        if self.seen.contains(&digest) {
            return Err(Refused::Rejected(Rejected::Repeated(*sender)));
        }
        if self.seen.len() >= TOKENS_PER_MEMBER.saturating_mul(self.members.len()) {
            return Err(Refused::Overflow);
        }
        self.seen.insert(digest);
        Ok((token, origin))
    }

    /// The failure that a refusal is to be reported as, if it is one of a member and not reported
    /// yet.
    pub(crate) fn blame(&mut self, sender: &MemberName, refused: &Refused) -> Option<Failure> {
        let reason = match refused {
            Refused::Rejected(Rejected::SuiteMismatch { field }) => {
                FailureReason::SuiteMismatch(field)
            }
            Refused::Rejected(Rejected::BadSignature(_)) => FailureReason::BadSignature,
            Refused::Rejected(Rejected::UnknownIdentity(_)) => FailureReason::UnknownIdentity,
            Refused::Malformed | Refused::Rejected(_) | Refused::Overflow => return None,
        };
        let first = self.first_report(&[*sender]);
        first.then(|| Failure::of(*sender, reason))
    }

    /// Whether one of the suspects is in the view and was not reported before; all of them are then.
    pub(crate) fn first_report(&mut self, suspects: &[MemberName]) -> bool {
        let reported = self.reported.len();
        let in_view = suspects.iter().filter(|one| self.members.contains(*one));
        self.reported.extend(in_view);
        self.reported.len() > reported
    }
}

/// Digest of everything that was signed and is not the same for all tokens of the view.
fn digest(token: &Token) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut field = |bytes: &[u8]| {
        hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(bytes);
    };
    field(&token.kind().number().to_be_bytes());
    field(&token.epoch().to_be_bytes());
    field(&token.timestamp().to_be_bytes());
    field(token.sender().as_bytes());
    field(match token.recipient() {
        Recipient::Group => &[],
        Recipient::Member(member) => member.as_bytes(),
    });
    field(token.body());
    hash.finalize().into()
}

/// The members a view may have.
pub(crate) const MEMBERS_MAX: usize = u16::MAX as usize;

/// Whether a view can be worked with: the receiver is in it, nobody twice, and the list can be
/// encoded.
pub(crate) fn sound(view: &View, me: &MemberName) -> bool {
    let members = Listed::new(&view.members);
    !members.has_twins() && view.members.len() <= MEMBERS_MAX && members.contains(me)
}
