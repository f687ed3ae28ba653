//! How clients show who they are.

use std::{fmt, sync::Arc};

use gcs_proto::handshake::{Credentials, Method};

use super::{Identity, IpList, Origin, ProofOfIdentity};

type Check = dyn Fn(&Credentials) -> bool + Send + Sync;

/// Authentication methods of a daemon: those a client may choose, and those that every client has
/// to pass whatever it chooses.
///
/// ```
/// use gcs_daemon::access::Authentication;
/// use gcs_proto::handshake::{Credentials, Method};
///
/// let alice = Credentials::new(b"alice", b"secret")?;
/// let authentication = Authentication::none()
///     .allow_ip("local".parse()?)
///     .allow_password(move |offered| offered.matches(&alice))
///     .require(Method::Ip);
/// # let _ = authentication;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Authentication {
    null: bool,
    ip: Option<IpList>,
    password: Option<Arc<Check>>,
    proof: Option<ProofOfIdentity>,
    required: Vec<Method>,
}

impl Authentication {
    /// No method at all: nobody gets in until one is allowed.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Method `NULL` only, which lets everybody in: what a daemon does that was told nothing.
    #[must_use]
    pub fn anybody() -> Self {
        Self::none().allow_null()
    }

    /// Allows method `NULL`.
    #[must_use]
    pub fn allow_null(mut self) -> Self {
        self.null = true;
        self
    }

    /// Allows method `IP`, which lets in who is on the list.
    #[must_use]
    pub fn allow_ip(mut self, list: IpList) -> Self {
        self.ip = Some(list);
        self
    }

    /// Allows method `PWORD`, with `check` to judge user name and password. It is called in the
    /// task of the connection and may take some time, but must not block for long.
    ///
    /// # Security
    /// User name and password travel in clear text: this is for streams that nobody overhears.
    /// Compare with [`Credentials::matches`], whose time tells nothing.
    #[must_use]
    pub fn allow_password(
        mut self,
        check: impl Fn(&Credentials) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.password = Some(Arc::new(check));
        self
    }

    /// Has every client pass this method beside the ones that it chooses. One that is not allowed
    /// lets nobody in.
    #[must_use]
    pub fn require(mut self, method: Method) -> Self {
        if !self.required.contains(&method) {
            self.required.push(method);
        }
        self
    }

    /// Has everybody pass [`Method::Proof`] if connections are guarded.
    pub(crate) fn with_proof(mut self, proof: Option<ProofOfIdentity>) -> Self {
        let guards = proof
            .as_ref()
            .is_some_and(ProofOfIdentity::guards_connections);
        self.proof = proof;
        if guards {
            self = self.require(Method::Proof);
        }
        self
    }

    /// What is asked of who has chosen [`Method::Proof`].
    pub(crate) const fn proof(&self) -> Option<&ProofOfIdentity> {
        self.proof.as_ref()
    }

    /// Whether nobody connects without a proof.
    pub(crate) fn guards_connections(&self) -> bool {
        self.required.contains(&Method::Proof)
    }

    /// Methods to offer. Not `NULL` where everybody has to give a proof, which a client would not
    /// know that has chosen nothing else.
    pub(crate) fn offered(&self) -> Vec<Method> {
        Method::ALL
            .into_iter()
            .filter(|method| match method {
                Method::Null => self.null && !self.guards_connections(),
                Method::Ip => self.ip.is_some(),
                Method::Password => self.password.is_some(),
                Method::Proof => self.guards_connections(),
            })
            .collect()
    }

    /// Methods that everybody has to pass.
    pub(crate) fn required(&self) -> &[Method] {
        &self.required
    }

    /// Whether a client passes all of these methods.
    pub(crate) fn admits(
        &self,
        methods: &[Method],
        origin: &Origin,
        credentials: Option<&Credentials>,
        identity: Option<&Identity>,
    ) -> bool {
        let all = methods.iter().chain(&self.required);
        !methods.is_empty()
            && all.into_iter().all(|method| match method {
                Method::Null => self.null,
                Method::Ip => self.ip.as_ref().is_some_and(|list| list.admits(origin)),
                Method::Password => match (&self.password, credentials) {
                    (Some(check), Some(credentials)) => check(credentials),
                    (Some(_) | None, _) => false,
                },
                Method::Proof => identity.is_some(),
                // A method that this version does not know lets nobody in.
            })
    }
}

impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authentication")
            .field("offered", &self.offered())
            .field("required", &self.required)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use ssp_identity::{Ed25519Signer, TrustStore};

    use super::*;

    #[test]
    fn every_chosen_and_every_required_method_has_to_be_passed() {
        let right = Credentials::new(b"alice", b"secret").unwrap();
        let wrong = Credentials::new(b"alice", b"secreT").unwrap();
        let known = Credentials::new(b"alice", b"secret").unwrap();
        let authentication = Authentication::anybody()
            .allow_ip("10.0.0.0/8".parse().unwrap())
            .allow_password(move |offered| offered.matches(&known));
        assert_eq!(authentication.offered(), Method::ALL[..3]);
        let near = Origin::Tcp([10, 0, 0, 1].into());
        let far = Origin::Tcp([11, 0, 0, 1].into());
        for (methods, origin, credentials, admitted) in [
            (vec![], near, None, false),
            (vec![Method::Null], far, None, true),
            (vec![Method::Ip], near, None, true),
            (vec![Method::Ip], far, None, false),
            (vec![Method::Null, Method::Ip], far, None, false),
            (vec![Method::Password], far, Some(&right), true),
            (vec![Method::Password], far, Some(&wrong), false),
            (vec![Method::Password], far, None, false),
        ] {
            assert_eq!(
                authentication.admits(&methods, &origin, credentials, None),
                admitted,
                "{methods:?} {origin:?}"
            );
        }
        let required = authentication.require(Method::Ip);
        assert!(required.admits(&[Method::Null], &near, None, None));
        assert!(!required.admits(&[Method::Null], &far, None, None));
        let unmet = Authentication::anybody().require(Method::Ip);
        assert!(!unmet.admits(&[Method::Null], &near, None, None));
    }
    #[test]
    fn a_proof_is_required_of_all_or_of_nobody() {
        let key = Ed25519Signer::from_seed(&[1; 32]).public_key();
        let identity = Identity::of_key(Arc::new(key));
        let proof = ProofOfIdentity::new(Arc::new(TrustStore::new()));
        let required = Authentication::anybody().with_proof(Some(proof.clone()));
        assert_eq!(required.offered(), [Method::Proof]);
        assert_eq!(required.required(), [Method::Proof]);
        let admits = |authentication: &Authentication, methods: &[Method], identity| {
            authentication.admits(methods, &Origin::Local, None, identity)
        };
        assert!(admits(&required, &[Method::Proof], Some(&identity)));
        assert!(!admits(&required, &[Method::Proof], None));
        assert!(!admits(&required, &[Method::Null], None));
        let open = Authentication::anybody().with_proof(Some(proof.for_joins()));
        assert_eq!(open.offered(), [Method::Null]);
        assert!(open.required().is_empty());
        assert!(admits(&open, &[Method::Null], None));
        assert!(!admits(&open, &[Method::Proof], None));
    }
}
