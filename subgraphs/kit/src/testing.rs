//! For the services' tests: databases that vanish, passports, requests without HTTP.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_graphql::Request;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use sea_orm::{ConnectionTrait, Database as Connector, DbBackend, DbErr, Statement};
use sea_orm_migration::MigratorTrait;
use serde::Serialize;
use serde_json::Value;

use crate::caller::{Caller, ServiceCaller, UserCaller};
use crate::clock::{Clock, Timestamp};
use crate::database::{Database, DatabaseOptions, Durability};
use crate::id::{UserId, new_id};
use crate::passport::{Claims, TYPE};
use crate::service::Service;
use crate::settings::{PassportKey, PassportSettings};

/// The variable that makes [`database`] use PostgreSQL: an URL that may create databases.
pub const POSTGRES_VARIABLE: &str = "CONCORD_TEST_POSTGRES";

/// A fresh, migrated database: a SQLite file that is deleted with the last handle, or, when
/// `CONCORD_TEST_POSTGRES` is set, a database of its own on that server.
pub async fn database<M: MigratorTrait>() -> Database {
    let options = DatabaseOptions {
        durability: Durability::Normal,
        max_readers: 8,
        acquire_timeout: Duration::from_mins(1),
    };
    let url = match std::env::var(POSTGRES_VARIABLE) {
        Ok(server) => postgres_database(&server).await.expect("the test server creates databases"),
        Err(_) => "sqlite::memory:".to_owned(),
    };
    let database = Database::connect(&url, options).await.expect("the test database can be opened");
    database.migrate_up::<M>().await.expect("the migrations apply");
    database
}

const POSTGRES_PREFIX: &str = "concord_test_";
/// No test takes that long: what is older was left behind.
const STALE: Duration = Duration::from_hours(1);

/// Creates a database on the server. Dropping one makes PostgreSQL write everything to disk, so
/// tests leave theirs behind, and the first of a later run drops them.
async fn postgres_database(server: &str) -> Result<String, DbErr> {
    static SWEPT: AtomicBool = AtomicBool::new(false);
    let now = Clock::system().now();
    let name = format!("{POSTGRES_PREFIX}{}", new_id(now).simple());
    let admin = Connector::connect(server).await?;
    if !SWEPT.swap(true, Ordering::SeqCst) {
        let oldest = new_id(now.minus(STALE)).simple().to_string();
        for stale in stale_databases(&admin, &oldest).await? {
            // Another test run may be dropping it at the same time.
            drop(admin.execute_unprepared(&format!("DROP DATABASE IF EXISTS {stale}")).await);
        }
    }
    admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await?;
    admin.close().await?;
    let mut url = url::Url::parse(server).map_err(|error| DbErr::Custom(error.to_string()))?;
    url.set_path(&name);
    Ok(url.into())
}

/// Ids sort by time, so names do.
async fn stale_databases(admin: &impl ConnectionTrait, oldest: &str) -> Result<Vec<String>, DbErr> {
    let list = "SELECT datname::text AS name FROM pg_database WHERE datname LIKE 'concord_test_%'";
    let rows = admin.query_all_raw(Statement::from_string(DbBackend::Postgres, list)).await?;
    let names: Vec<String> =
        rows.iter().map(|row| row.try_get("", "name")).collect::<Result<_, DbErr>>()?;
    let stale = |name: &String| name.strip_prefix(POSTGRES_PREFIX).is_some_and(|id| id < oldest);
    Ok(names.into_iter().filter(stale).collect())
}

/// A person with these scopes.
pub fn user(id: UserId, scopes: &[&str]) -> Caller {
    Caller::User(UserCaller::with_scopes(id, scopes.iter().copied()))
}

/// A program with these scopes.
pub fn service(name: &str, scopes: &[&str]) -> Caller {
    Caller::Service(ServiceCaller {
        name: name.to_owned(),
        scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
    })
}

/// Runs an operation on a service and returns the whole answer as JSON.
pub async fn execute(service: &Service, caller: Caller, query: &str, variables: Value) -> Value {
    let request = Request::new(query).variables(async_graphql::Variables::from_json(variables));
    let response = service.execute(caller, request).await;
    serde_json::to_value(response).expect("an answer is JSON")
}

/// A stand-in for the gateway's signing key.
pub struct Passports {
    kid: String,
    signing_key: EncodingKey,
    x: String,
    clock: Clock,
}

impl std::fmt::Debug for Passports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passports").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl Passports {
    /// A new key.
    pub fn new(clock: Clock) -> Self {
        let pair = Ed25519KeyPair::generate().expect("a key can be made");
        let pkcs8 = pair.to_pkcs8().expect("a key can be written");
        Self {
            kid: new_id(Timestamp(1)).simple().to_string(),
            signing_key: EncodingKey::from_ed_der(pkcs8.as_ref()),
            x: URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()),
            clock,
        }
    }

    /// Settings that accept these passports without asking a gateway.
    pub fn settings(&self) -> PassportSettings {
        PassportSettings {
            keys: vec![PassportKey { kid: self.kid.clone(), x: self.x.clone() }],
            ..PassportSettings::default()
        }
    }

    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key as a JWKS document.
    pub fn jwks(&self) -> Value {
        serde_json::json!({ "keys": [{
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
            "kid": self.kid, "x": self.x,
        }] })
    }

    /// A valid passport for this caller. A service is written as nobody: it has no passport.
    pub fn mint(&self, audience: &str, caller: &Caller) -> String {
        self.sign(&self.claims(audience, caller))
    }

    /// The claims that [`Passports::mint`] signs.
    pub fn claims(&self, audience: &str, caller: &Caller) -> Claims {
        let now = self.clock.now().seconds();
        let user = caller.user();
        Claims {
            iss: "concord-gateway".to_owned(),
            aud: audience.to_owned(),
            sub: user.map_or_else(|| "anonymous".to_owned(), |user| user.id.to_string()),
            iat: now,
            exp: now + 60,
            nbf: None,
            sid: user.and_then(|user| user.session.clone()),
            scope: user.map_or_else(String::new, |user| {
                user.scopes.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
            }),
            roles: user.map_or_else(Vec::new, |user| user.roles.clone()),
            amr: user.map_or_else(Vec::new, |user| user.amr.clone()),
            auth_time: user.and_then(|user| user.auth_time).map(Timestamp::seconds),
            generation: user.and_then(|user| user.generation),
            ip: None,
            ua: None,
            rid: None,
        }
    }

    /// Signs any claims with a proper header.
    pub fn sign(&self, claims: &impl Serialize) -> String {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(self.kid.clone());
        self.sign_with(&header, claims)
    }

    /// Signs with any header.
    pub fn sign_with(&self, header: &Header, claims: &impl Serialize) -> String {
        encode(header, claims, &self.signing_key).expect("claims can be signed")
    }
}
