//! Identities and options of the members of secure groups.

use std::sync::Arc;

use getrandom::{SysRng, rand_core::UnwrapErr};
use ssp_core::{
    Algorithm, Credentials, GroupOptions, Protocol,
    identity::{Ed25519Signer, TrustStore},
};
use ssp_tokio::{ClientConfig, ConnectionConfig};

use super::{TURNS, names};
use crate::{cli, error::Failure};

/// How members know each other: all of them have one key.
#[derive(Clone, Debug)]
pub(super) struct Security {
    signer: Arc<Ed25519Signer>,
    trust: Arc<TrustStore>,
    pub(super) options: GroupOptions,
}

impl Security {
    pub(super) fn new(options: &cli::Flood) -> Result<Self, Failure> {
        let signer = Ed25519Signer::generate(&mut UnwrapErr(SysRng));
        let mut trust = TrustStore::new();
        let mut names = vec![names::TRIP.to_owned()];
        for turn in 0..2 * TURNS {
            names.push(names::sender(turn));
            names.extend((1..=options.receivers).map(|number| names::receiver(turn, number)));
        }
        names.extend((1..=options.members.unwrap_or(0)).map(|number| format!("m{number}")));
        for name in names {
            trust
                .insert(&name, signer.public_key())
                .map_err(|error| Failure::of(&name, error))?;
        }
        Ok(Self {
            signer: Arc::new(signer),
            trust: Arc::new(trust),
            options: options.agreement.options(&options.sealing),
        })
    }

    /// The same identities under another suite.
    pub(super) fn with(&self, protocol: Protocol, algorithm: Option<Algorithm>) -> Self {
        Self {
            options: GroupOptions {
                protocol,
                algorithm,
                ..self.options.clone()
            },
            ..self.clone()
        }
    }

    pub(super) fn config(
        &self,
        name: gcs_proto::name::PrivateName,
        connection: ConnectionConfig,
    ) -> ClientConfig {
        let credentials = Credentials {
            signer: Arc::clone(&self.signer) as _,
            trust: Arc::clone(&self.trust) as _,
        };
        ClientConfig::new(name, credentials).connection(|_| connection)
    }
}
