//! The private part of a person. Loaded as a whole by the `account` field, which is nullable:
//! nothing below it can fail any more, so nothing below it has to be.

use std::collections::HashMap;

use async_graphql::{
    ComplexObject, Context, Error, ID, PathSegment, Result, SelectionField, SimpleObject, Value,
};
use kit::{
    Caller, PageArgs, Timestamp,
    connection::{Page, Slice},
    graphql::{
        Address, EmailDeliveryConnection, Locale, PageInfo, PhoneNumber, forbidden, unauthenticated,
    },
    id::{AccessTokenId, AddressId, SecurityEventId, SessionId, UserId},
};
use uuid::Uuid;

use super::internal;
use crate::{
    account::{roles::Role, status::UserStatus},
    entity::{access_token, security_event, session, user, user_address},
    identity::{
        Identity, failure::Fault, second_factor::SecondFactor, security_log::SecurityEventKind,
    },
    loaders::{AddressesOfUser, Loaders, SessionsOfUser},
};

#[derive(Debug, SimpleObject)]
#[graphql(complex)]
pub struct Account {
    pub email: String,
    pub email_verified: bool,
    pub pending_email: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    pub phone: Option<PhoneNumber>,
    pub locale: Locale,
    pub time_zone: String,
    pub status: UserStatus,
    pub roles: Vec<Role>,
    pub addresses: Vec<SavedAddress>,
    pub default_shipping_address: Option<SavedAddress>,
    pub mfa: MfaStatus,
    pub password_changed_at: Option<Timestamp>,
    pub last_login_at: Option<Timestamp>,
    pub sessions: Vec<Session>,
    pub version: i32,
    /// The pages asked for, by the name they have in the answer.
    #[graphql(skip)]
    security_event_pages: HashMap<String, SecurityEventConnection>,
    #[graphql(skip)]
    email_pages: HashMap<String, EmailDeliveryConnection>,
    #[graphql(skip)]
    access_token_pages: HashMap<String, PersonalAccessTokenConnection>,
}

#[ComplexObject]
impl Account {
    async fn access_tokens(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "Some(20)")] first: Option<i32>,
        after: Option<String>,
    ) -> PersonalAccessTokenConnection {
        // Loaded by `account`, which reads the arguments ahead.
        drop((first, after));
        self.access_token_pages.get(response_key(ctx)).cloned().unwrap_or_else(|| {
            PersonalAccessTokenConnection { edges: Vec::new(), page_info: PageInfo::default() }
        })
    }

    async fn security_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "Some(20)")] first: Option<i32>,
        after: Option<String>,
    ) -> SecurityEventConnection {
        // Loaded by `account`, which reads the arguments ahead.
        drop((first, after));
        self.security_event_pages.get(response_key(ctx)).cloned().unwrap_or_else(|| {
            SecurityEventConnection { edges: Vec::new(), page_info: PageInfo::default() }
        })
    }

    async fn emails(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "Some(20)")] first: Option<i32>,
        after: Option<String>,
    ) -> EmailDeliveryConnection {
        // Loaded by `account`, which reads the arguments ahead.
        drop((first, after));
        self.email_pages.get(response_key(ctx)).cloned().unwrap_or_else(|| {
            EmailDeliveryConnection { edges: Vec::new(), page_info: PageInfo::default() }
        })
    }
}

fn response_key<'a>(ctx: &'a Context<'_>) -> &'a str {
    ctx.item.node.response_key().node.as_str()
}

#[derive(Debug, Clone, SimpleObject)]
pub struct SavedAddress {
    pub id: ID,
    pub label: Option<String>,
    pub address: Address,
    pub is_default_shipping: bool,
    pub created_at: Timestamp,
}

#[derive(Debug, Clone, SimpleObject)]
pub struct MfaStatus {
    pub enabled: bool,
    pub methods: Vec<SecondFactor>,
    pub recovery_codes_left: i32,
}

#[derive(Debug, Clone, SimpleObject)]
pub struct Session {
    pub id: ID,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub expires_at: Timestamp,
    pub idle_expires_at: Timestamp,
    pub ip_address: Option<String>,
    pub user_agent: Option<String>,
    pub is_current: bool,
    pub mfa: bool,
}

#[derive(Debug, Clone, SimpleObject)]
pub struct SecurityEvent {
    pub id: ID,
    pub kind: SecurityEventKind,
    pub at: Timestamp,
    pub ip_address: Option<String>,
    pub user_agent: Option<String>,
    pub detail: Option<String>,
}

#[derive(Debug, Clone, SimpleObject)]
pub struct PersonalAccessToken {
    pub id: ID,
    pub name: String,
    /// First 12 characters, never the token
    pub prefix: String,
    pub scopes: Vec<String>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

impl From<access_token::Model> for PersonalAccessToken {
    fn from(row: access_token::Model) -> Self {
        Self {
            id: AccessTokenId::from(row.id).into(),
            name: row.name,
            prefix: row.prefix,
            scopes: row.scopes.split(' ').map(str::to_owned).collect(),
            created_at: Timestamp(row.created_at),
            expires_at: Timestamp(row.expires_at),
            last_used_at: row.last_used_at.map(Timestamp),
            revoked_at: row.revoked_at.map(Timestamp),
        }
    }
}

kit::connection!(PersonalAccessTokenConnection, PersonalAccessTokenEdge, PersonalAccessToken);
kit::connection!(SecurityEventConnection, SecurityEventEdge, SecurityEvent);

impl Account {
    /// `None` when an error has been reported already, at the path of the field that caused it.
    pub(crate) async fn load(ctx: &Context<'_>, row: &user::Model) -> Result<Option<Self>> {
        let caller = kit::caller(ctx);
        may_see(caller, UserId::from(row.id))?;
        // An erased or never finished account has nothing to show.
        let Some(email) = row.email.clone() else { return Ok(None) };
        let asked: Vec<_> = ctx.field().selection_set().collect();
        let asks = |name: &str| asked.iter().any(|field| field.name() == name);
        let addresses = if asks("addresses") || asks("defaultShippingAddress") {
            addresses(ctx, row).await?
        } else {
            Vec::new()
        };
        let sessions =
            if asks("sessions") { sessions(ctx, caller, row).await? } else { Vec::new() };
        let mfa = if asks("mfa") { mfa(ctx, row).await? } else { MfaStatus::off() };
        let mut security_event_pages = HashMap::new();
        let mut email_pages = HashMap::new();
        let mut access_token_pages = HashMap::new();
        for field in &asked {
            let key = field.alias().unwrap_or(field.name()).to_owned();
            let loaded = match field.name() {
                "securityEvents" => security_events(ctx, row, field)
                    .await
                    .map(|page| drop(security_event_pages.insert(key.clone(), page))),
                "emails" => emails(ctx, row, field)
                    .await
                    .map(|page| drop(email_pages.insert(key.clone(), page))),
                "accessTokens" => access_tokens(ctx, row, field)
                    .await
                    .map(|page| drop(access_token_pages.insert(key.clone(), page))),
                _ => Ok(()),
            };
            if let Err(error) = loaded {
                report(ctx, error, key);
                return Ok(None);
            }
        }
        Ok(Some(Self {
            email,
            email_verified: row.email_verified_at.is_some(),
            pending_email: row.pending_email.clone(),
            given_name: row.given_name.clone(),
            family_name: row.family_name.clone(),
            phone: row.phone.as_deref().and_then(PhoneNumber::parse),
            locale: Locale::parse(&row.locale).unwrap_or_default(),
            time_zone: row.time_zone.clone(),
            status: row.status,
            roles: row.roles.iter().collect(),
            default_shipping_address: addresses
                .iter()
                .find(|address| address.is_default_shipping)
                .cloned(),
            addresses,
            mfa,
            password_changed_at: row.password_changed_at.map(Timestamp),
            last_login_at: row.last_login_at.map(Timestamp),
            sessions,
            version: i32::try_from(row.version).unwrap_or(i32::MAX),
            security_event_pages,
            email_pages,
            access_token_pages,
        }))
    }
}

fn may_see(caller: &Caller, owner: UserId) -> Result<()> {
    let staff = caller.has_role("SUPPORT")
        || caller.has_role("ADMIN")
        // An operator's script has scopes instead of roles.
        || caller.is_service() && caller.has_scope("users:admin");
    if caller.is(&owner) || staff {
        return Ok(());
    }
    Err(if caller.is_anonymous() { unauthenticated() } else { forbidden() })
}

/// An error of a field below `account`, at its own path although `account` becomes null.
fn report(ctx: &Context<'_>, error: Error, key: String) {
    let mut error = ctx.set_error_path(error.into_server_error(ctx.item.pos));
    error.path.push(PathSegment::Field(key));
    ctx.add_error(error);
}

impl MfaStatus {
    fn off() -> Self {
        Self { enabled: false, methods: Vec::new(), recovery_codes_left: 0 }
    }
}

async fn mfa(ctx: &Context<'_>, row: &user::Model) -> Result<MfaStatus> {
    if !row.mfa_enabled {
        return Ok(MfaStatus::off());
    }
    let identity = ctx.data_unchecked::<Identity>();
    let factors = identity.second_factors(row.id).await.map_err(|error| internal(&error.into()))?;
    Ok(MfaStatus {
        enabled: true,
        methods: factors.methods,
        recovery_codes_left: i32::try_from(factors.recovery_codes_left).unwrap_or(i32::MAX),
    })
}

async fn addresses(ctx: &Context<'_>, row: &user::Model) -> Result<Vec<SavedAddress>> {
    let loaders = ctx.data_unchecked::<Loaders>();
    let rows = loaders
        .load(AddressesOfUser(row.id.into()))
        .await
        .map_err(|e| kit::graphql::internal(&e))?;
    rows.unwrap_or_default()
        .into_iter()
        .map(|row| SavedAddress::try_from(row).map_err(|fault| internal(&fault)))
        .collect()
}

impl TryFrom<user_address::Model> for SavedAddress {
    type Error = Fault;

    fn try_from(row: user_address::Model) -> Result<Self, Fault> {
        Ok(Self {
            id: AddressId::from(row.id).into(),
            label: row.label,
            address: serde_json::from_str(&row.address)?,
            is_default_shipping: row.is_default,
            created_at: Timestamp(row.created_at),
        })
    }
}

async fn sessions(ctx: &Context<'_>, caller: &Caller, row: &user::Model) -> Result<Vec<Session>> {
    let loaders = ctx.data_unchecked::<Loaders>();
    let rows = loaders
        .load(SessionsOfUser(row.id.into()))
        .await
        .map_err(|e| kit::graphql::internal(&e))?;
    let current = caller.user().and_then(|user| user.session.as_deref());
    Ok(rows.unwrap_or_default().into_iter().map(|row| shown(row, current)).collect())
}

fn shown(row: session::Model, current: Option<&str>) -> Session {
    let id = SessionId::from(row.id).to_string();
    Session {
        is_current: current == Some(id.as_str()),
        id: id.into(),
        created_at: Timestamp(row.created_at),
        last_seen_at: Timestamp(row.last_seen_at),
        expires_at: Timestamp(row.expires_at),
        idle_expires_at: Timestamp(row.idle_expires_at),
        ip_address: row.ip,
        user_agent: row.user_agent,
        mfa: row.mfa,
    }
}

async fn security_events(
    ctx: &Context<'_>,
    row: &user::Model,
    field: &SelectionField<'_>,
) -> Result<SecurityEventConnection> {
    let identity = ctx.data_unchecked::<Identity>();
    let (page, after) = page(identity, field, "securityEvents")?;
    let slice = identity
        .security_events_of(row.id, &page, after)
        .await
        .map_err(|error| internal(&error.into()))?;
    let key = &identity.cursors;
    let slice = Slice {
        rows: slice.rows.into_iter().filter_map(event).collect(),
        has_next_page: slice.has_next_page,
        has_previous_page: slice.has_previous_page,
    };
    Ok(SecurityEventConnection::new(slice, |(id, event)| {
        (key.encode("securityEvents", &id), event)
    }))
}

fn event(row: security_event::Model) -> Option<(Uuid, SecurityEvent)> {
    let event = SecurityEvent {
        id: SecurityEventId::from(row.id).into(),
        kind: SecurityEventKind::parse(&row.kind)?,
        at: Timestamp(row.created_at),
        ip_address: row.ip,
        user_agent: row.user_agent,
        detail: row.detail,
    };
    Some((row.id, event))
}

async fn emails(
    ctx: &Context<'_>,
    row: &user::Model,
    field: &SelectionField<'_>,
) -> Result<EmailDeliveryConnection> {
    let identity = ctx.data_unchecked::<Identity>();
    let (page, after) = page(identity, field, "emails")?;
    let slice = kit::mail::emails_of(identity.database.read(), row.id, &page, after)
        .await
        .map_err(|error| internal(&error.into()))?;
    let key = &identity.cursors;
    Ok(EmailDeliveryConnection::new(slice, |(id, mail)| (key.encode("emails", &id), mail)))
}

async fn access_tokens(
    ctx: &Context<'_>,
    row: &user::Model,
    field: &SelectionField<'_>,
) -> Result<PersonalAccessTokenConnection> {
    let identity = ctx.data_unchecked::<Identity>();
    let (page, after) = page(identity, field, "accessTokens")?;
    let slice = identity
        .personal_tokens_of(row.id, &page, after)
        .await
        .map_err(|error| internal(&error.into()))?;
    let key = &identity.cursors;
    Ok(PersonalAccessTokenConnection::new(slice, |row| {
        (key.encode("accessTokens", &row.id), row.into())
    }))
}

/// The page that a field below this one asks for.
fn page(
    identity: &Identity,
    field: &SelectionField<'_>,
    list: &str,
) -> Result<(Page, Option<Uuid>)> {
    let mut args = PageArgs::forward(Some(20), None);
    for (name, value) in field.arguments()? {
        match (name.as_str(), value) {
            ("first", Value::Number(first)) => {
                args.first = first.as_i64().and_then(|first| i32::try_from(first).ok());
            }
            ("after", Value::String(after)) => args.after = Some(after),
            _ => {}
        }
    }
    let page = args.validate()?;
    let after =
        page.cursor.as_deref().map(|cursor| identity.cursors.decode(list, cursor)).transpose()?;
    Ok((page, after))
}
