//! `userRegister`, `userVerifyEmail`, `userResendVerification`.

use async_graphql::{Context, InputObject, Object, Result, SimpleObject};
use kit::graphql::Locale;

use crate::{
    account::{display_name::DisplayName, email::Email, preferences},
    graphql::{
        answer,
        user::User,
        user_error::{
            AcceptedError, TokenError, UserRegisterError, invalid_input, overlong_password,
            rate_limited, token_invalid, weak_password,
        },
    },
    identity::{
        Identity,
        failure::InvalidInput,
        registration::{Registration, RegistrationRefusal},
    },
    password::Password,
};

/// Longer than any captcha service's.
const MAX_CAPTCHA_TOKEN: usize = 4096;

#[derive(Debug, InputObject)]
pub(crate) struct UserRegisterInput {
    email: String,
    password: String,
    display_name: String,
    #[graphql(default_with = "Some(Locale::default())")]
    locale: Option<Locale>,
    captcha_token: Option<String>,
}

/// Always the same answer whether or not the address is taken
#[derive(Debug, SimpleObject)]
pub(crate) struct UserRegisterPayload {
    accepted: bool,
    errors: Vec<UserRegisterError>,
}

#[derive(Debug, SimpleObject)]
pub(crate) struct UserVerifyEmailPayload {
    user: Option<User>,
    errors: Vec<TokenError>,
}

#[derive(Debug, SimpleObject)]
pub(crate) struct AcceptedPayload {
    pub(super) accepted: bool,
    pub(super) errors: Vec<AcceptedError>,
}

impl AcceptedPayload {
    pub(super) fn ok() -> Self {
        Self { accepted: true, errors: Vec::new() }
    }

    pub(super) fn refused(error: impl Into<AcceptedError>) -> Self {
        Self { accepted: false, errors: vec![error.into()] }
    }
}

#[derive(Debug, Default)]
pub(crate) struct RegistrationMutation;

#[Object]
impl RegistrationMutation {
    async fn user_register(
        &self,
        ctx: &Context<'_>,
        input: UserRegisterInput,
    ) -> Option<Result<UserRegisterPayload>> {
        let registration = match read(input) {
            Ok(registration) => registration,
            Err(errors) => return Some(Ok(UserRegisterPayload { accepted: false, errors })),
        };
        let identity = ctx.data_unchecked::<Identity>();
        answer(
            identity.level(identity.register(&registration, kit::origin(ctx))).await,
            |()| UserRegisterPayload { accepted: true, errors: Vec::new() },
            |refusal| UserRegisterPayload {
                accepted: false,
                errors: vec![match refusal {
                    RegistrationRefusal::Captcha => invalid_input(InvalidInput::new(
                        "CAPTCHA_FAILED",
                        "the captcha was not solved",
                        &["input", "captchaToken"],
                    ))
                    .into(),
                    RegistrationRefusal::Weak(weak) => {
                        weak_password(weak, &["input", "password"]).into()
                    }
                    RegistrationRefusal::RateLimited(limited) => rate_limited(limited).into(),
                }],
            },
        )
    }

    async fn user_verify_email(
        &self,
        ctx: &Context<'_>,
        token: String,
    ) -> Option<Result<UserVerifyEmailPayload>> {
        let identity = ctx.data_unchecked::<Identity>();
        answer(
            identity.verify_email(&token, kit::origin(ctx)).await,
            |user| UserVerifyEmailPayload { user: Some(user.into()), errors: Vec::new() },
            |_| UserVerifyEmailPayload {
                user: None,
                errors: vec![token_invalid(&["token"]).into()],
            },
        )
    }

    async fn user_resend_verification(
        &self,
        ctx: &Context<'_>,
        email: String,
    ) -> Option<Result<AcceptedPayload>> {
        let email = match read_email(&email, &["email"]) {
            Ok(email) => email,
            Err(invalid) => return Some(Ok(AcceptedPayload::refused(invalid_input(invalid)))),
        };
        let identity = ctx.data_unchecked::<Identity>();
        let outcome = identity.level(identity.resend_verification(&email)).await;
        answer(
            outcome,
            |()| AcceptedPayload::ok(),
            |limited| AcceptedPayload::refused(rate_limited(limited)),
        )
    }
}

pub(super) fn read_email(text: &str, path: &'static [&'static str]) -> Result<Email, InvalidInput> {
    Email::parse(text).map_err(|error| InvalidInput::new(error.code(), error.to_string(), path))
}

/// Everything that is wrong with the input at once.
fn read(input: UserRegisterInput) -> Result<Registration, Vec<UserRegisterError>> {
    let UserRegisterInput { email, password, display_name, locale, captcha_token } = input;
    let mut errors: Vec<UserRegisterError> = Vec::new();
    let email = read_email(&email, &["input", "email"])
        .map_err(|invalid| errors.push(invalid_input(invalid).into()));
    let name = DisplayName::parse(&display_name).map_err(|error| {
        let path = &["input", "displayName"];
        errors.push(invalid_input(InvalidInput::new(error.code(), error.to_string(), path)).into());
    });
    let locale = preferences::locale(locale.unwrap_or_default().as_str()).map_err(|error| {
        let path = &["input", "locale"];
        errors.push(invalid_input(InvalidInput::new(error.code(), error.to_string(), path)).into());
    });
    let password = Password::new(&password)
        .ok_or_else(|| errors.push(overlong_password(&["input", "password"]).into()));
    if captcha_token.as_ref().is_some_and(|token| token.len() > MAX_CAPTCHA_TOKEN) {
        let path = &["input", "captchaToken"];
        errors.push(invalid_input(InvalidInput::new("TOO_LONG", "is too long", path)).into());
    }
    match (email, name, locale, password) {
        (Ok(email), Ok(display_name), Ok(locale), Ok(password)) if errors.is_empty() => {
            Ok(Registration { email, password, display_name, locale, captcha_token })
        }
        _ => Err(errors),
    }
}
