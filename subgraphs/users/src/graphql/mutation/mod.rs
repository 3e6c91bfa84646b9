//! Mutations, one file per concern. A resolver reads its input, asks [`Identity`] and words the
//! answer; it decides nothing.
//!
//! [`Identity`]: crate::identity::Identity

mod administration;
mod passwords;
mod profile;
mod registration;
mod sessions;

use async_graphql::MergedObject;

use administration::AdministrationMutation;
use passwords::PasswordMutation;
use profile::ProfileMutation;
use registration::RegistrationMutation;
use sessions::SessionMutation;

#[derive(Debug, Default, MergedObject)]
pub struct Mutation(
    RegistrationMutation,
    SessionMutation,
    PasswordMutation,
    ProfileMutation,
    AdministrationMutation,
);
