//! Who is calling and from where, as the passport or the service credential said. Built once per
//! request by the HTTP layer; resolvers only read it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use async_graphql::Context;

use crate::clock::{Clock, Timestamp};
use crate::id::UserId;

/// The principal behind a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A passport without a person.
    Anonymous,
    User(UserCaller),
    /// Another service or an operator's script.
    Service(ServiceCaller),
}

/// A person who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserCaller {
    pub id: UserId,
    pub session: Option<String>,
    pub scopes: BTreeSet<String>,
    pub roles: Vec<String>,
    /// How the person proved who they are (`pwd`, `otp`, …).
    pub amr: Vec<String>,
    pub auth_time: Option<Timestamp>,
    /// Which refresh of the session the access token came from.
    pub generation: Option<i64>,
}

impl UserCaller {
    /// A person with these scopes and nothing else known; for tests and internal calls.
    pub fn with_scopes<'a>(id: UserId, scopes: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            id,
            session: None,
            scopes: scopes.into_iter().map(str::to_owned).collect(),
            roles: Vec::new(),
            amr: Vec::new(),
            auth_time: None,
            generation: None,
        }
    }
}

/// A program with a service credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceCaller {
    pub name: String,
    pub scopes: BTreeSet<String>,
}

impl Caller {
    pub fn user_id(&self) -> Option<UserId> {
        self.user().map(|user| user.id)
    }

    pub fn user(&self) -> Option<&UserCaller> {
        match self {
            Self::User(user) => Some(user),
            Self::Anonymous | Self::Service(_) => None,
        }
    }

    pub fn has_scope(&self, scope: &str) -> bool {
        match self {
            Self::Anonymous => false,
            Self::User(user) => user.scopes.contains(scope),
            Self::Service(service) => service.scopes.contains(scope),
        }
    }

    pub fn has_role(&self, role: &str) -> bool {
        self.user().is_some_and(|user| user.roles.iter().any(|held| held == role))
    }

    /// Is this the person with that id?
    pub fn is(&self, id: &UserId) -> bool {
        self.user_id().as_ref() == Some(id)
    }

    pub fn is_anonymous(&self) -> bool {
        matches!(self, Self::Anonymous)
    }

    pub fn is_service(&self) -> bool {
        matches!(self, Self::Service(_))
    }

    /// For logs and audit columns: `usr_…`, `svc:reviews` or `anonymous`.
    pub fn principal(&self) -> String {
        match self {
            Self::Anonymous => "anonymous".to_owned(),
            Self::User(user) => user.id.to_string(),
            Self::Service(service) => format!("svc:{}", service.name),
        }
    }
}

/// Where a request came from. The address and the user agent are only known for mutations: the
/// gateway leaves them out of queries' passports so that equal callers look equal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestOrigin {
    pub ip: Option<IpAddr>,
    pub user_agent: Option<String>,
    pub request_id: String,
}

/// The caller of the running request.
pub fn caller<'ctx>(ctx: &Context<'ctx>) -> &'ctx Caller {
    ctx.data_opt::<Caller>().unwrap_or(&Caller::Anonymous)
}

/// Where the running request came from.
pub fn origin<'ctx>(ctx: &Context<'ctx>) -> &'ctx RequestOrigin {
    static UNKNOWN: RequestOrigin =
        RequestOrigin { ip: None, user_agent: None, request_id: String::new() };
    ctx.data_opt::<RequestOrigin>().unwrap_or(&UNKNOWN)
}

/// The service's clock.
pub fn clock<'ctx>(ctx: &Context<'ctx>) -> &'ctx Clock {
    static SYSTEM: std::sync::LazyLock<Clock> = std::sync::LazyLock::new(Clock::system);
    ctx.data_opt::<Clock>().unwrap_or(&SYSTEM)
}
