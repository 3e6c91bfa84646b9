//! Errors that belong to a mutation's payload, and the unions that say which can happen where.

use async_graphql::{Interface, SimpleObject, Union};
use kit::graphql::{ConflictError, InvalidInputError, NotFoundError, RateLimitedError};

use crate::{
    identity::failure::{InvalidInput, RateLimited},
    password::policy::WeakPassword,
};

#[derive(Debug, Interface)]
#[expect(clippy::duplicated_attributes, reason = "two fields of one type")]
#[graphql(
    field(
        name = "message",
        desc = "English, safe to show; clients localise on __typename + code",
        ty = "&String"
    ),
    field(name = "code", ty = "&String"),
    field(
        name = "path",
        desc = "Path into the mutation's input, e.g. [\"input\",\"password\"]; empty = whole input",
        ty = "&Vec<String>"
    )
)]
pub enum UserError {
    InvalidInput(InvalidInputError),
    NotFound(NotFoundError),
    Conflict(ConflictError),
    RateLimited(RateLimitedError),
    WeakPassword(WeakPasswordError),
    TokenInvalid(TokenInvalidError),
    TokenReused(TokenReusedError),
    InvalidCredentials(InvalidCredentialsError),
}

#[derive(Debug, Clone, SimpleObject)]
pub struct WeakPasswordError {
    pub message: String,
    pub code: String,
    pub path: Vec<String>,
    pub score: i32,
    pub suggestions: Vec<String>,
}

#[derive(Debug, Clone, SimpleObject)]
pub struct TokenInvalidError {
    pub message: String,
    pub code: String,
    pub path: Vec<String>,
}

#[derive(Debug, Clone, SimpleObject)]
pub struct TokenReusedError {
    pub message: String,
    pub code: String,
    pub path: Vec<String>,
}

#[derive(Debug, Clone, SimpleObject)]
pub struct InvalidCredentialsError {
    pub message: String,
    pub code: String,
    pub path: Vec<String>,
}

#[derive(Debug, Union)]
pub enum UserRegisterError {
    InvalidInput(InvalidInputError),
    WeakPassword(WeakPasswordError),
    RateLimited(RateLimitedError),
}

#[derive(Debug, Union)]
pub enum TokenError {
    TokenInvalid(TokenInvalidError),
    RateLimited(RateLimitedError),
}

#[derive(Debug, Union)]
pub enum AcceptedError {
    InvalidInput(InvalidInputError),
    RateLimited(RateLimitedError),
    InvalidCredentials(InvalidCredentialsError),
}

#[derive(Debug, Union)]
pub enum SessionCreateError {
    InvalidCredentials(InvalidCredentialsError),
    RateLimited(RateLimitedError),
    InvalidInput(InvalidInputError),
}

#[derive(Debug, Union)]
pub enum SessionRefreshError {
    TokenInvalid(TokenInvalidError),
    TokenReused(TokenReusedError),
    RateLimited(RateLimitedError),
}

#[derive(Debug, Union)]
pub enum SessionRevokeError {
    NotFound(NotFoundError),
    RateLimited(RateLimitedError),
}

#[derive(Debug, Union)]
pub enum PasswordChangeError {
    InvalidCredentials(InvalidCredentialsError),
    WeakPassword(WeakPasswordError),
    TokenInvalid(TokenInvalidError),
    RateLimited(RateLimitedError),
}

#[derive(Debug, Union)]
pub enum UserUpdateError {
    InvalidInput(InvalidInputError),
    Conflict(ConflictError),
    NotFound(NotFoundError),
    InvalidCredentials(InvalidCredentialsError),
    TokenInvalid(TokenInvalidError),
    RateLimited(RateLimitedError),
}

#[derive(Debug, Union)]
pub enum AddressSaveError {
    InvalidInput(InvalidInputError),
    NotFound(NotFoundError),
}

#[derive(Debug, Union)]
pub enum TotpError {
    InvalidCredentials(InvalidCredentialsError),
    Conflict(ConflictError),
    RateLimited(RateLimitedError),
}

#[derive(Debug, Union)]
pub enum AccessTokenError {
    InvalidInput(InvalidInputError),
    NotFound(NotFoundError),
    Conflict(ConflictError),
}

pub(crate) fn rate_limited(limited: RateLimited) -> RateLimitedError {
    RateLimitedError::new("too many attempts; try again later", &[], limited.retry_after_seconds)
}

pub(crate) fn invalid_input(invalid: InvalidInput) -> InvalidInputError {
    InvalidInputError::new(invalid.code, invalid.message, invalid.path)
}

pub(crate) fn weak_password(weak: WeakPassword, path: &[&str]) -> WeakPasswordError {
    WeakPasswordError {
        message: weak.message,
        code: "WEAK_PASSWORD".to_owned(),
        path: owned(path),
        score: i32::from(weak.score),
        suggestions: weak.suggestions,
    }
}

/// The refusal of a password that is too long to even be looked at.
pub(crate) fn overlong_password(path: &[&str]) -> WeakPasswordError {
    let max = crate::password::policy::MAX_LENGTH;
    weak_password(
        WeakPassword {
            message: format!("password must have at most {max} characters"),
            score: 4,
            suggestions: vec!["Use a shorter password.".to_owned()],
        },
        path,
    )
}

pub(crate) fn invalid_credentials(path: &[&str]) -> InvalidCredentialsError {
    InvalidCredentialsError {
        message: "e-mail address or password is wrong".to_owned(),
        code: "INVALID_CREDENTIALS".to_owned(),
        path: owned(path),
    }
}

pub(crate) fn wrong_password(path: &[&str]) -> InvalidCredentialsError {
    InvalidCredentialsError {
        message: "the password is wrong".to_owned(),
        ..invalid_credentials(path)
    }
}

pub(crate) fn invalid_code(path: &[&str]) -> InvalidCredentialsError {
    InvalidCredentialsError {
        message: "the code is wrong, or not valid any more".to_owned(),
        ..invalid_credentials(path)
    }
}

/// Only somebody who knew the password gets here.
pub(crate) fn email_not_verified() -> InvalidCredentialsError {
    InvalidCredentialsError {
        message: "the e-mail address has to be confirmed first; see your mail".to_owned(),
        code: "EMAIL_NOT_VERIFIED".to_owned(),
        path: owned(&["input", "email"]),
    }
}

pub(crate) fn token_invalid(path: &[&str]) -> TokenInvalidError {
    TokenInvalidError {
        message: "the token is not valid, or not any more".to_owned(),
        code: "TOKEN_INVALID".to_owned(),
        path: owned(path),
    }
}

pub(crate) fn token_reused() -> TokenReusedError {
    TokenReusedError {
        message: "the token was used before; the session has been ended".to_owned(),
        code: "TOKEN_REUSED".to_owned(),
        path: owned(&["refreshToken"]),
    }
}

pub(crate) fn not_found(what: &str, path: &[&str]) -> NotFoundError {
    NotFoundError::new("NOT_FOUND", format!("there is no such {what}"), path)
}

fn owned(path: &[&str]) -> Vec<String> {
    path.iter().map(|&segment| segment.to_owned()).collect()
}
