//! `profileUpdate`, `addressSave`, `addressDelete`.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result, SimpleObject};
use kit::{
    graphql::{AddressInput, ConflictError, InvalidInputError, Locale, PhoneNumber},
    id::AddressId,
};

use crate::{
    account::{address, display_name::DisplayName, phone, preferences, text},
    graphql::{
        account::SavedAddress,
        answer, internal, person,
        user::User,
        user_error::{AddressSaveError, UserUpdateError, not_found},
    },
    identity::{
        Identity,
        addresses::{AddressChange, AddressRefusal},
        profile::{ProfileChange, ProfileRefusal},
    },
};

const SCOPES: [&str; 2] = ["profile:write", "session"];

#[derive(Debug, InputObject)]
pub(crate) struct ProfileUpdateInput {
    display_name: Option<String>,
    given_name: MaybeUndefined<String>,
    family_name: MaybeUndefined<String>,
    phone: MaybeUndefined<PhoneNumber>,
    locale: Option<Locale>,
    time_zone: Option<String>,
    avatar_url: MaybeUndefined<String>,
    expected_version: Option<i32>,
}

#[derive(Debug, SimpleObject)]
pub(crate) struct UserUpdatePayload {
    pub(super) user: Option<User>,
    pub(super) errors: Vec<UserUpdateError>,
}

impl UserUpdatePayload {
    pub(super) fn refused(error: impl Into<UserUpdateError>) -> Self {
        Self { user: None, errors: vec![error.into()] }
    }
}

impl From<crate::entity::user::Model> for UserUpdatePayload {
    fn from(row: crate::entity::user::Model) -> Self {
        Self { user: Some(row.into()), errors: Vec::new() }
    }
}

#[derive(Debug, SimpleObject)]
pub(crate) struct AddressSavePayload {
    address: Option<SavedAddress>,
    errors: Vec<AddressSaveError>,
}

#[derive(Debug, SimpleObject)]
pub(crate) struct AddressDeletePayload {
    deleted_id: Option<ID>,
    errors: Vec<AddressSaveError>,
}

#[derive(Debug, Default)]
pub(crate) struct ProfileMutation;

#[Object]
impl ProfileMutation {
    #[graphql(requires_scopes = "profile:write", requires_scopes = "session")]
    async fn profile_update(
        &self,
        ctx: &Context<'_>,
        input: ProfileUpdateInput,
    ) -> Option<Result<UserUpdatePayload>> {
        let user = match person(kit::caller(ctx), &SCOPES) {
            Ok(user) => user,
            Err(error) => return Some(Err(error)),
        };
        let expected = input.expected_version.map(i64::from);
        let change = match read(input) {
            Ok(change) => change,
            Err(errors) => return Some(Ok(UserUpdatePayload { user: None, errors })),
        };
        let identity = ctx.data_unchecked::<Identity>();
        answer(
            identity.update_profile(user, &change, expected).await,
            UserUpdatePayload::from,
            |refusal| match refusal {
                ProfileRefusal::Conflict => UserUpdatePayload::refused(ConflictError::new(
                    "CONFLICT",
                    "the account was changed meanwhile; read it again",
                    &["input", "expectedVersion"],
                )),
                ProfileRefusal::NotFound => UserUpdatePayload::refused(not_found("user", &[])),
            },
        )
    }

    #[graphql(requires_scopes = "profile:write", requires_scopes = "session")]
    async fn address_save(
        &self,
        ctx: &Context<'_>,
        id: Option<ID>,
        label: Option<String>,
        address: AddressInput,
        #[graphql(default_with = "Some(false)")] make_default: Option<bool>,
    ) -> Option<Result<AddressSavePayload>> {
        let user = match person(kit::caller(ctx), &SCOPES) {
            Ok(user) => user,
            Err(error) => return Some(Err(error)),
        };
        let refused =
            |error: AddressSaveError| AddressSavePayload { address: None, errors: vec![error] };
        let no_such_address = || refused(not_found("address", &["id"]).into());
        let id = match id {
            None => None,
            Some(id) => match AddressId::parse(&id) {
                Some(id) => Some(id),
                None => return Some(Ok(no_such_address())),
            },
        };
        let (label, address) = match read_address(label, address) {
            Ok(parts) => parts,
            Err(invalid) => return Some(Ok(refused(invalid.into()))),
        };
        let make_default = make_default.unwrap_or(false);
        let change = AddressChange { id, label, address, make_default };
        let identity = ctx.data_unchecked::<Identity>();
        let saved = match identity.save_address(user, &change).await {
            Ok(row) => match SavedAddress::try_from(row) {
                Ok(address) => Ok(address),
                Err(fault) => return Some(Err(internal(&fault))),
            },
            Err(failure) => Err(failure),
        };
        answer(
            saved,
            |address| AddressSavePayload { address: Some(address), errors: Vec::new() },
            |refusal| match refusal {
                AddressRefusal::NotFound => no_such_address(),
                AddressRefusal::TooMany => refused(
                    InvalidInputError::new("TOO_MANY", "at most 20 addresses can be saved", &[])
                        .into(),
                ),
            },
        )
    }

    #[graphql(requires_scopes = "profile:write", requires_scopes = "session")]
    async fn address_delete(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Option<Result<AddressDeletePayload>> {
        let user = match person(kit::caller(ctx), &SCOPES) {
            Ok(user) => user,
            Err(error) => return Some(Err(error)),
        };
        let no_such_address = || AddressDeletePayload {
            deleted_id: None,
            errors: vec![not_found("address", &["id"]).into()],
        };
        let Some(address) = AddressId::parse(&id) else { return Some(Ok(no_such_address())) };
        let identity = ctx.data_unchecked::<Identity>();
        answer(
            identity.delete_address(user, address).await,
            |()| AddressDeletePayload { deleted_id: Some(id), errors: Vec::new() },
            |_| no_such_address(),
        )
    }
}

/// Everything that is wrong with the input at once.
fn read(input: ProfileUpdateInput) -> Result<ProfileChange, Vec<UserUpdateError>> {
    let ProfileUpdateInput {
        display_name,
        given_name,
        family_name,
        phone,
        locale,
        time_zone,
        avatar_url,
        expected_version: _,
    } = input;
    let mut errors: Vec<UserUpdateError> = Vec::new();
    let mut refuse = |field: &str, code: &str, message: String| {
        errors.push(InvalidInputError::new(code, message, &["input", field]).into());
    };
    let mut change = ProfileChange::default();
    match display_name.map(|name| DisplayName::parse(&name)).transpose() {
        Ok(name) => change.display_name = name,
        Err(error) => refuse("displayName", error.code(), error.to_string()),
    }
    match optional(given_name, |name| preferences::personal_name(&name)) {
        Ok(name) => change.given_name = name.map(Option::flatten),
        Err(error) => refuse("givenName", error.code(), error.to_string()),
    }
    match optional(family_name, |name| preferences::personal_name(&name)) {
        Ok(name) => change.family_name = name.map(Option::flatten),
        Err(error) => refuse("familyName", error.code(), error.to_string()),
    }
    match optional(phone, |phone| phone::parse(phone.as_str())) {
        Ok(phone) => change.phone = phone,
        Err(error) => refuse("phone", "INVALID_PHONE", error.to_string()),
    }
    match locale.map(|locale| preferences::locale(locale.as_str())).transpose() {
        Ok(locale) => change.locale = locale,
        Err(error) => refuse("locale", error.code(), error.to_string()),
    }
    match time_zone.map(|zone| preferences::time_zone(&zone)).transpose() {
        Ok(zone) => change.time_zone = zone,
        Err(error) => refuse("timeZone", error.code(), error.to_string()),
    }
    match optional(avatar_url, |url| preferences::avatar_url(&url)) {
        Ok(url) => change.avatar_url = url,
        Err(error) => refuse("avatarUrl", error.code(), error.to_string()),
    }
    if errors.is_empty() { Ok(change) } else { Err(errors) }
}

/// `None`: not mentioned; `Some(None)`: null, to be emptied.
#[expect(clippy::option_option, reason = "three states: leave, empty, change")]
fn optional<T, U, E>(
    value: MaybeUndefined<T>,
    parse: impl FnOnce(T) -> Result<U, E>,
) -> Result<Option<Option<U>>, E> {
    match value {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Null => Ok(Some(None)),
        MaybeUndefined::Value(value) => parse(value).map(|value| Some(Some(value))),
    }
}

fn read_address(
    label: Option<String>,
    input: AddressInput,
) -> Result<(Option<String>, kit::graphql::Address), InvalidInputError> {
    let label = label
        .map(|label| text::line(&label, 0, 40))
        .transpose()
        .map_err(|error| InvalidInputError::new(error.code(), error.to_string(), &["label"]))?
        .filter(|label| !label.is_empty());
    let address = address::parse(input).map_err(|error| {
        InvalidInputError::new(error.code, error.to_string(), &["address", error.field])
    })?;
    Ok((label, address))
}
