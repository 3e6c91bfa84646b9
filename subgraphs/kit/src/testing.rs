//! For the services' tests: databases that vanish, passports, requests without HTTP.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::Request;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use sea_orm::{ConnectionTrait, Database as Connector, DbErr};
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
    let database = match std::env::var(POSTGRES_VARIABLE) {
        Ok(server) => {
            let created = PostgresDatabase::create(server).await;
            let opened = Database::connect(&created.url(), options).await;
            opened.map(|database| database.guarded_by(Arc::new(created)))
        }
        Err(_) => Database::connect("sqlite::memory:", options).await,
    };
    let database = database.expect("the test database can be opened");
    database.migrate_up::<M>().await.expect("the migrations apply");
    database
}

/// A database on a test server, dropped with the value.
struct PostgresDatabase {
    server: String,
    name: String,
}

impl PostgresDatabase {
    async fn create(server: String) -> Self {
        let name = format!("concord_test_{}", new_id(Clock::system().now()).simple());
        let created = Self { server, name };
        created
            .administer(&format!("CREATE DATABASE {}", created.name))
            .await
            .expect("the test server can be reached and lets us create databases");
        created
    }

    fn url(&self) -> String {
        let mut url = url::Url::parse(&self.server).expect("the test server's URL is one");
        url.set_path(&self.name);
        url.into()
    }

    async fn administer(&self, statement: &str) -> Result<(), DbErr> {
        let admin = Connector::connect(&self.server).await?;
        admin.execute_unprepared(statement).await?;
        admin.close().await
    }
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        // A thread of its own, because the one that drops may be inside a runtime.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
                // A database that stays behind harms nobody.
                drop(runtime.map(|runtime| runtime.block_on(self.administer(&statement))));
            });
        });
    }
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
