//! Mutations, one file per concern. A resolver reads its input, asks [`Identity`] and words the
//! answer; it decides nothing.
//!
//! [`Identity`]: crate::identity::Identity

mod administration;
mod email;
mod passwords;
mod personal_tokens;
mod privacy;
mod profile;
mod registration;
mod second_factor;
mod sessions;

use async_graphql::MergedObject;

use administration::AdministrationMutation;
use email::EmailMutation;
use passwords::PasswordMutation;
use personal_tokens::PersonalTokenMutation;
use privacy::PrivacyMutation;
use profile::ProfileMutation;
use registration::RegistrationMutation;
use second_factor::SecondFactorMutation;
use sessions::SessionMutation;

#[derive(Debug, Default, MergedObject)]
pub struct Mutation(
    RegistrationMutation,
    SessionMutation,
    PasswordMutation,
    EmailMutation,
    ProfileMutation,
    SecondFactorMutation,
    PersonalTokenMutation,
    PrivacyMutation,
    AdministrationMutation,
);
