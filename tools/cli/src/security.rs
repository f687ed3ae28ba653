//! How a group is secured, on the command line: the same options wherever a subcommand has groups.

use clap::Args;
use ssp_core::{
    Algorithm, Confirmation, GroupOptions, MathematicalGroup, Padding, Protection, Protocol,
    RecordSuite, RefreshPolicy, Signing,
};

/// Identifiers of [`Agreement`] and [`Sealing`], for groups of options that exclude them.
pub(crate) const OPTIONS: [&str; 8] = [
    "protocol",
    "group_params",
    "algorithm",
    "record",
    "sign",
    "require_signatures",
    "pad",
    "confirm",
];
/// Identifiers of [`Refreshing`].
pub(crate) const REFRESHING: [&str; 3] = ["refresh_age", "refresh_messages", "refresh_bytes"];

/// How the key is agreed.
#[derive(Clone, Debug, Args)]
#[group(skip)]
#[command(next_help_heading = "Secure groups")]
pub(crate) struct Agreement {
    /// Key agreement suite: gdh, bd, tgdh and others; an unknown name lists them. All members need
    /// the same.
    #[arg(long, visible_alias = "suite", default_value_t = Protocol::GDH)]
    pub(crate) protocol: Protocol,

    /// Mathematical group: ristretto255, p256, schnorr2048-256, ffdhe2048, modp2048 and others;
    /// an unknown name lists them. All members need the same.
    #[arg(long, value_name = "NAME", default_value = "ristretto255")]
    pub(crate) group_params: MathematicalGroup,

    /// How a view change becomes an agreement: basic or optimized (gdh), incremental (ckd, str, tgdh), or
    /// restart (any suite). Default: basic for gdh, restart for bd, incremental for the others. All
    /// members need the same.
    #[arg(long, value_name = "NAME")]
    pub(crate) algorithm: Option<Algorithm>,
}

/// How messages are sealed.
#[derive(Clone, Debug, Args)]
#[group(skip)]
#[command(next_help_heading = "Secure groups")]
pub(crate) struct Sealing {
    /// How messages are sealed: aes-256-cbc-hmac-sha256, aes-256-gcm, chacha20-poly1305,
    /// aes-128-cbc-hmac-sha256, or hmac-sha256, which does not encrypt. All members need the same.
    #[arg(long, value_name = "SUITE", default_value_t = RecordSuite::default())]
    pub(crate) record: RecordSuite,

    /// Sign own messages, so that no other member can send in this one's name.
    #[arg(long)]
    pub(crate) sign: bool,

    /// Sign own messages, and drop messages of others that are not signed.
    #[arg(long)]
    pub(crate) require_signatures: bool,

    /// Hide the length of own messages: to a multiple of so many bytes (1 to 65535), or to the next
    /// power of two.
    #[arg(long, value_name = "BYTES", num_args = 0..=1, require_equals = true,
        default_missing_value = "power-of-two", value_parser = padding)]
    pub(crate) pad: Option<Padding>,

    /// Have members confirm each key to each other before anything is sent; all members need the same.
    #[arg(long)]
    pub(crate) confirm: bool,
}

/// When a new key is asked for.
#[derive(Clone, Copy, Debug, Args)]
#[group(skip)]
#[command(next_help_heading = "Secure groups")]
pub(crate) struct Refreshing {
    /// Ask for a new key when the present one is so many seconds old.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=u64::MAX / 1000))]
    pub(crate) refresh_age: Option<u64>,

    /// Ask for a new key after so many messages of this member.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) refresh_messages: Option<u64>,

    /// Ask for a new key after so many bytes of this member.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) refresh_bytes: Option<u64>,
}

impl Agreement {
    /// The options of a group, with messages sealed as `sealing` says.
    pub(crate) fn options(&self, sealing: &Sealing) -> GroupOptions {
        GroupOptions {
            protocol: self.protocol,
            mathematical_group: self.group_params.clone(),
            algorithm: self.algorithm,
            record: sealing.record,
            protection: sealing.protection(),
            confirmation: if sealing.confirm {
                Confirmation::Explicit
            } else {
                Confirmation::Implicit
            },
            ..GroupOptions::default()
        }
    }
}

impl Sealing {
    fn protection(&self) -> Protection {
        let signing = match (self.require_signatures, self.sign) {
            (true, _) => Signing::Require,
            (false, true) => Signing::Sign,
            (false, false) => Signing::Off,
        };
        Protection {
            signing,
            padding: self.pad.unwrap_or_default(),
        }
    }
}

impl Refreshing {
    pub(crate) fn policy(self) -> RefreshPolicy {
        RefreshPolicy {
            age: self.refresh_age.map(|seconds| seconds.saturating_mul(1000)),
            messages: self.refresh_messages,
            bytes: self.refresh_bytes,
        }
    }
}

fn padding(text: &str) -> Result<Padding, String> {
    match (text, text.parse()) {
        ("power-of-two", _) => Ok(Padding::PowerOfTwo),
        (_, Ok(0)) | (_, Err(_)) => Err("neither 1 to 65535 nor power-of-two".into()),
        (_, Ok(bytes)) => Ok(Padding::Multiple(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Parser)]
    struct All {
        #[command(flatten)]
        agreement: Agreement,
        #[command(flatten)]
        sealing: Sealing,
        #[command(flatten)]
        refreshing: Refreshing,
    }

    fn options(arguments: &[&str]) -> GroupOptions {
        let line = ["all"].iter().chain(arguments);
        let all = All::try_parse_from(line).unwrap();
        GroupOptions {
            refresh: all.refreshing.policy(),
            ..all.agreement.options(&all.sealing)
        }
    }

    #[test]
    fn without_options_all_is_as_by_default() {
        assert_eq!(options(&[]), GroupOptions::default());
    }

    #[test]
    fn every_option_has_its_effect() {
        let all = options(&[
            "--suite=tgdh",
            "--group-params=ffdhe2048",
            "--algorithm=restart",
            "--record=aes-256-gcm",
            "--sign",
            "--pad",
            "--confirm",
            "--refresh-age=60",
            "--refresh-messages=1000",
            "--refresh-bytes=1000000",
        ]);
        let expected = GroupOptions {
            protocol: Protocol::TGDH,
            mathematical_group: "ffdhe2048".parse().unwrap(),
            algorithm: Some("restart".parse().unwrap()),
            record: RecordSuite::AES_256_GCM,
            protection: Protection {
                signing: Signing::Sign,
                padding: Padding::PowerOfTwo,
            },
            confirmation: Confirmation::Explicit,
            refresh: RefreshPolicy {
                age: Some(60_000),
                messages: Some(1000),
                bytes: Some(1_000_000),
            },
            ..GroupOptions::default()
        };
        assert_eq!(all, expected);
        let protection = options(&["--require-signatures", "--pad=256"]).protection;
        assert_eq!(protection.signing, Signing::Require);
        assert_eq!(protection.padding, Padding::Multiple(256));
        for wrong in ["--pad=0", "--pad=65536", "--pad=much", "--refresh-age=0"] {
            assert!(All::try_parse_from(["all", wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_lists_of_identifiers_are_complete() {
        let command = All::command();
        let listed: Vec<_> = command
            .get_arguments()
            .map(|argument| argument.get_id().as_str())
            .filter(|id| *id != "help")
            .collect();
        assert_eq!(listed, [&OPTIONS[..], &REFRESHING].concat());
    }
}
