//! Between the names of group communication and those of key agreement.

use alloc::vec::Vec;

use cliques::{IllegalMemberId, MemberId};
use gcs_proto::{
    flush,
    gcs::{Cause, ViewId},
    name::{MemberName, NameError},
};

/// The member identifier of a name: its bytes.
pub(crate) fn id(name: &MemberName) -> Result<MemberId, IllegalMemberId> {
    MemberId::new(name.as_bytes())
}

/// The name of a member identifier.
pub(crate) fn name(id: &MemberId) -> Result<MemberName, NameError> {
    MemberName::new(id.as_bytes())
}

/// A view as the driver knows it.
pub(crate) fn view(view: &flush::View) -> Result<gka_robust::View, IllegalMemberId> {
    let cause = match &view.cause {
        Cause::Join(member) => gka_robust::Cause::Join(id(member)?),
        Cause::Leave(member) => gka_robust::Cause::Leave(id(member)?),
        Cause::Disconnect(member) => gka_robust::Cause::Disconnect(id(member)?),
        Cause::Network => gka_robust::Cause::Network,
    };
    Ok(gka_robust::View {
        id: gka_robust::ViewId(view.id.0),
        members: view.members.iter().map(id).collect::<Result<_, _>>()?,
        transitional_set: view
            .transitional_set
            .iter()
            .map(id)
            .collect::<Result<_, _>>()?,
        cause,
    })
}

/// Identifier, members, transitional set and cause of a secure view.
pub(crate) struct Named {
    pub(crate) id: ViewId,
    pub(crate) members: Vec<MemberName>,
    pub(crate) transitional_set: Vec<MemberName>,
    pub(crate) cause: Cause,
}

/// A secure view as the application knows it.
pub(crate) fn secure_view(view: &gka_robust::SecureView) -> Result<Named, NameError> {
    let cause = match &view.cause {
        gka_robust::Cause::Join(member) => Cause::Join(name(member)?),
        gka_robust::Cause::Leave(member) => Cause::Leave(name(member)?),
        gka_robust::Cause::Disconnect(member) => Cause::Disconnect(name(member)?),
        gka_robust::Cause::Network => Cause::Network,
    };
    Ok(Named {
        id: ViewId(view.id.0),
        members: view.members.iter().map(name).collect::<Result<_, _>>()?,
        transitional_set: view
            .transitional_set
            .iter()
            .map(name)
            .collect::<Result<_, _>>()?,
        cause,
    })
}
