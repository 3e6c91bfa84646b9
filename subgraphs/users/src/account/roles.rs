//! Roles, and the scopes each of them carries into access tokens.

use std::{collections::BTreeSet, fmt, str::FromStr};

use async_graphql::Enum;
use sea_orm::DeriveValueType;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Enum)]
#[graphql(name = "UserRole")]
pub enum Role {
    Customer,
    Driver,
    Support,
    Moderator,
    Merchant,
    Admin,
}

const CUSTOMER: [&str; 5] =
    ["session", "profile:write", "reviews:write", "payments:read", "payments:write"];

/// Every scope there is; ADMIN has them all.
pub const ALL_SCOPES: [&str; 17] = [
    "inventory:read",
    "inventory:write",
    "payments:admin",
    "payments:analytics",
    "payments:capture",
    "payments:read",
    "payments:refund",
    "payments:write",
    "profile:write",
    "reviews:analytics",
    "reviews:moderate",
    "reviews:reply",
    "reviews:write",
    "rides:driver",
    "rides:operate",
    "session",
    "users:admin",
];

impl Role {
    pub const ALL: [Self; 6] =
        [Self::Customer, Self::Driver, Self::Support, Self::Moderator, Self::Merchant, Self::Admin];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "CUSTOMER",
            Self::Driver => "DRIVER",
            Self::Support => "SUPPORT",
            Self::Moderator => "MODERATOR",
            Self::Merchant => "MERCHANT",
            Self::Admin => "ADMIN",
        }
    }

    /// What this role adds to what every customer may do.
    fn adds(self) -> &'static [&'static str] {
        match self {
            Self::Customer => &[],
            Self::Driver => &["rides:driver", "reviews:reply"],
            Self::Merchant => {
                &["inventory:read", "inventory:write", "reviews:reply", "payments:capture"]
            }
            Self::Support => &["payments:refund"],
            Self::Moderator => &["reviews:moderate"],
            Self::Admin => &ALL_SCOPES,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown role `{name}`")]
pub struct UnknownRole {
    name: String,
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == name)
            .ok_or_else(|| UnknownRole { name: name.to_owned() })
    }
}

/// The roles of one person, without doubles, in a fixed order; stored as a JSON list.
#[derive(Debug, Clone, Default, PartialEq, Eq, DeriveValueType)]
#[sea_orm(value_type = "String", column_type = "Text")]
pub struct Roles(BTreeSet<Role>);

impl Roles {
    pub fn new(roles: impl IntoIterator<Item = Role>) -> Self {
        Self(roles.into_iter().collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = Role> + '_ {
        self.0.iter().copied()
    }

    pub fn contains(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn names(&self) -> Vec<&'static str> {
        self.iter().map(Role::as_str).collect()
    }

    /// The scopes of a log-in with these roles.
    pub fn scopes(&self) -> BTreeSet<&'static str> {
        let mut scopes = BTreeSet::from(CUSTOMER);
        for role in self.iter() {
            scopes.extend(role.adds());
        }
        scopes
    }

    /// The same, space separated, as RFC 9068 wants it.
    pub fn scope(&self) -> String {
        self.scopes().into_iter().collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.names();
        f.write_str(&serde_json::to_string(&names).map_err(|_| fmt::Error)?)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum RolesError {
    #[error("roles are not a JSON list of names")]
    Json(#[source] serde_json::Error),
    #[error(transparent)]
    Unknown(#[from] UnknownRole),
}

impl FromStr for Roles {
    type Err = RolesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let names: Vec<String> = serde_json::from_str(text).map_err(RolesError::Json)?;
        let roles = names.iter().map(|name| name.parse()).collect::<Result<_, UnknownRole>>()?;
        Ok(Self(roles))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(role: Role, scope: &str) {
        assert_eq!(Roles::new([role]).scope(), scope);
    }

    #[test]
    fn roles_grant_the_scopes_of_the_table() {
        let customer = "payments:read payments:write profile:write reviews:write session";
        check(Role::Customer, customer);
        check(
            Role::Driver,
            "payments:read payments:write profile:write reviews:reply reviews:write rides:driver session",
        );
        check(
            Role::Merchant,
            "inventory:read inventory:write payments:capture payments:read payments:write \
             profile:write reviews:reply reviews:write session",
        );
        check(
            Role::Support,
            "payments:read payments:refund payments:write profile:write reviews:write session",
        );
        check(
            Role::Moderator,
            "payments:read payments:write profile:write reviews:moderate reviews:write session",
        );
        check(Role::Admin, &ALL_SCOPES.join(" "));
    }

    #[test]
    fn stored_form_reads_back() {
        let roles = Roles::new([Role::Admin, Role::Customer, Role::Admin]);
        assert_eq!(roles.to_string(), r#"["CUSTOMER","ADMIN"]"#);
        assert_eq!(roles.to_string().parse::<Roles>().unwrap(), roles);
        assert!("[\"KING\"]".parse::<Roles>().is_err());
    }
}
