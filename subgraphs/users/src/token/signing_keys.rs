//! The keys that sign access tokens, and their life in the database.
//!
//! `PENDING` (published, so that verifiers learn it) → `ACTIVE` (signs) → `RETIRING` (published
//! until the last token it signed has expired) → gone. A verifier with a warm cache therefore
//! never meets a signature by a key it could not know. Replicas share the rows; each step is one
//! guarded update, so it does not matter which replica takes it.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::{
    encoding::AsDer,
    rsa::KeySize,
    signature::{Ed25519KeyPair, KeyPair, RsaKeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation};
use kit::{Clock, Database, Timestamp, database::is_unique_violation};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder,
    sea_query::Expr,
};
use secrecy::zeroize::Zeroizing;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::RwLock;

use super::{
    access,
    sealing::{self, SealingError},
    secrets::Keys,
};
use crate::entity::signing_key::{ActiveModel, Column, Entity, Model};

/// How long verifiers may keep the published keys.
pub const JWKS_MAX_AGE: Duration = Duration::from_mins(5);
/// Published for two cache lifetimes before it signs.
const PENDING_FOR: Duration = Duration::from_mins(10);
/// Published until the last access token has expired, cached keys are gone, and some leeway.
const RETIRING_FOR: Duration = Duration::from_mins(11);
/// Another replica may have taken a step: look again this often.
const CACHE_FOR: Duration = Duration::from_secs(15);

/// `[signing]`: what access tokens are signed with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SigningSettings {
    /// `EdDSA`, or `RS256` for verifiers that know nothing newer.
    pub algorithm: SigningAlgorithm,
    /// Days after which a key is replaced.
    pub rotate_after_days: u32,
}

impl Default for SigningSettings {
    fn default() -> Self {
        Self { algorithm: SigningAlgorithm::EdDsa, rotate_after_days: 30 }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum SigningAlgorithm {
    #[serde(rename = "EdDSA")]
    EdDsa,
    #[serde(rename = "RS256")]
    Rs256,
}

impl SigningAlgorithm {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    #[error("signing keys: {0}")]
    Database(#[from] DbErr),
    #[error("cannot generate a signing key")]
    Generate,
    #[error("signing key `{kid}`: {source}")]
    Sealed { kid: String, source: SealingError },
    #[error("signing key `{kid}` has a public part that is no JSON")]
    PublicJwk { kid: String },
    #[error("signing key cannot be used")]
    Unusable(#[source] jsonwebtoken::errors::Error),
    #[error("there is no active signing key")]
    NoActiveKey,
}

/// The key that signs now.
#[derive(Clone)]
pub struct SigningKey {
    kid: String,
    algorithm: Algorithm,
    encoding_key: EncodingKey,
}

impl SigningKey {
    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(crate) fn encoding_key(&self) -> &EncodingKey {
        &self.encoding_key
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// What verifiers and the signer need, as of `loaded_at`.
#[derive(Debug)]
struct Snapshot {
    active: SigningKey,
    published: Vec<(String, Value)>,
    loaded_at: Timestamp,
}

#[derive(Debug, Clone)]
pub struct SigningKeys {
    database: Database,
    clock: Clock,
    keys: Keys,
    settings: SigningSettings,
    snapshot: Arc<RwLock<Option<Arc<Snapshot>>>>,
}

impl SigningKeys {
    /// Makes the first key if there is none yet: nobody has cached anything, so it signs at once.
    pub async fn start(
        database: Database,
        clock: Clock,
        keys: Keys,
        settings: SigningSettings,
    ) -> Result<Self, SigningKeyError> {
        let this = Self { database, clock, keys, settings, snapshot: Arc::default() };
        let algorithm = this.settings.algorithm.as_str();
        let active = Entity::find()
            .filter(Column::Alg.eq(algorithm))
            .filter(Column::State.eq("ACTIVE"))
            .one(this.database.read())
            .await?;
        if active.is_none() {
            this.insert("ACTIVE").await?;
        }
        Ok(this)
    }

    /// What new tokens are signed with.
    pub fn algorithm(&self) -> &'static str {
        self.settings.algorithm.as_str()
    }

    pub async fn active(&self) -> Result<SigningKey, SigningKeyError> {
        Ok(self.snapshot().await?.active.clone())
    }

    /// The published set, RFC 7517.
    pub async fn jwks(&self) -> Result<Value, SigningKeyError> {
        let snapshot = self.snapshot().await?;
        Ok(json!({ "keys": snapshot.published.iter().map(|(_, jwk)| jwk).collect::<Vec<_>>() }))
    }

    /// The claims of an access token of ours that has not expired; `None` for anything else.
    pub async fn verify(
        &self,
        token: &str,
        issuer: &str,
        audience: &str,
    ) -> Result<Option<access::Claims>, SigningKeyError> {
        let Ok(header) = jsonwebtoken::decode_header(token) else { return Ok(None) };
        let snapshot = self.snapshot().await?;
        let published =
            snapshot.published.iter().find(|(kid, _)| header.kid.as_deref() == Some(kid.as_str()));
        let key = published.and_then(|(_, jwk)| {
            let jwk = serde_json::from_value::<jsonwebtoken::jwk::Jwk>(jwk.clone()).ok()?;
            let algorithm = match jwk.common.key_algorithm? {
                jsonwebtoken::jwk::KeyAlgorithm::RS256 => Algorithm::RS256,
                _ => Algorithm::EdDSA,
            };
            Some((DecodingKey::from_jwk(&jwk).ok()?, algorithm))
        });
        let Some((key, algorithm)) = key else { return Ok(None) };
        if header.typ.as_deref() != Some("at+jwt") {
            return Ok(None);
        }
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Judged by our own clock below.
        validation.validate_exp = false;
        let Ok(decoded) = jsonwebtoken::decode::<access::Claims>(token, &key, &validation) else {
            return Ok(None);
        };
        let now = self.clock.now().seconds();
        Ok(Some(decoded.claims).filter(|claims| claims.exp > now))
    }

    /// Takes the steps that are due. Called about once a minute by every replica.
    pub async fn advance(&self) -> Result<(), SigningKeyError> {
        let now = self.clock.now();
        self.database
            .write(|tx| {
                Box::pin(async move {
                    Entity::delete_many()
                        .filter(Column::State.eq("RETIRING"))
                        .filter(Column::RemoveAt.lte(now.0))
                        .exec(tx)
                        .await
                })
            })
            .await
            .map_err(SigningKeyError::Database)?;
        self.activate_due(now).await?;
        let lifetime = Duration::from_hours(24 * u64::from(self.settings.rotate_after_days));
        let old = Entity::find()
            .filter(Column::Alg.eq(self.settings.algorithm.as_str()))
            .filter(Column::State.eq("ACTIVE"))
            .filter(Column::ActivateAt.lte(now.minus(lifetime).0))
            .one(self.database.read())
            .await?;
        if old.is_some() {
            self.rotate().await?;
        }
        self.forget().await;
        Ok(())
    }

    /// Publishes a successor; it signs once every verifier has had time to learn it. Returns
    /// when that will be.
    pub async fn rotate(&self) -> Result<Timestamp, SigningKeyError> {
        self.insert("PENDING").await?;
        self.forget().await;
        let pending = Entity::find()
            .filter(Column::Alg.eq(self.settings.algorithm.as_str()))
            .filter(Column::State.eq("PENDING"))
            .one(self.database.read())
            .await?;
        Ok(pending.map_or(self.clock.now(), |key| Timestamp(key.activate_at)))
    }

    async fn activate_due(&self, now: Timestamp) -> Result<(), SigningKeyError> {
        let due = Entity::find()
            .filter(Column::State.eq("PENDING"))
            .filter(Column::ActivateAt.lte(now.0))
            .all(self.database.read())
            .await?;
        for key in &due {
            self.database.write(|tx| Box::pin(activate(tx, key, now))).await?;
        }
        Ok(())
    }

    /// Adds a key unless there is one in that state already (another replica was first).
    async fn insert(&self, state: &'static str) -> Result<(), SigningKeyError> {
        let now = self.clock.now();
        let generated = generate(self.settings.algorithm)?;
        let activate_at = if state == "ACTIVE" { now } else { now.plus(PENDING_FOR) };
        let row = ActiveModel {
            id: Set(kit::id::new_id(now)),
            kid: Set(generated.kid.clone()),
            alg: Set(self.settings.algorithm.as_str().to_owned()),
            state: Set(state.to_owned()),
            private_enc: Set(sealing::seal(
                &self.keys.sealing,
                &row_name(&generated.kid),
                &generated.private,
            )),
            kek_id: Set(self.keys.sealing_id.clone()),
            public_jwk: Set(generated.public.to_string()),
            publish_at: Set(now.0),
            activate_at: Set(activate_at.0),
            retire_at: Set(None),
            remove_at: Set(None),
            created_at: Set(now.0),
        };
        let row = &row;
        let inserted: Result<(), DbErr> = self
            .database
            .write(|tx| {
                Box::pin(async move {
                    Entity::insert(row.clone()).exec_without_returning(tx).await?;
                    Ok(())
                })
            })
            .await;
        match inserted {
            Err(error) if is_unique_violation(&error) => Ok(()),
            other => Ok(other?),
        }
    }

    async fn snapshot(&self) -> Result<Arc<Snapshot>, SigningKeyError> {
        let now = self.clock.now();
        if let Some(snapshot) = self.snapshot.read().await.as_ref()
            && now.since(snapshot.loaded_at) < CACHE_FOR
        {
            return Ok(Arc::clone(snapshot));
        }
        let mut slot = self.snapshot.write().await;
        if let Some(snapshot) = slot.as_ref()
            && now.since(snapshot.loaded_at) < CACHE_FOR
        {
            return Ok(Arc::clone(snapshot));
        }
        let snapshot = Arc::new(self.load(now).await?);
        *slot = Some(Arc::clone(&snapshot));
        Ok(snapshot)
    }

    async fn forget(&self) {
        *self.snapshot.write().await = None;
    }

    async fn load(&self, now: Timestamp) -> Result<Snapshot, SigningKeyError> {
        let rows = Entity::find().order_by_asc(Column::Id).all(self.database.read()).await?;
        let active = rows
            .iter()
            .find(|row| row.state == "ACTIVE" && row.alg == self.settings.algorithm.as_str())
            .ok_or(SigningKeyError::NoActiveKey)?;
        let active = self.unseal(active)?;
        let published = rows
            .into_iter()
            .map(|row| match serde_json::from_str(&row.public_jwk) {
                Ok(jwk) => Ok((row.kid, jwk)),
                Err(_) => Err(SigningKeyError::PublicJwk { kid: row.kid }),
            })
            .collect::<Result<_, _>>()?;
        Ok(Snapshot { active, published, loaded_at: now })
    }

    fn unseal(&self, row: &Model) -> Result<SigningKey, SigningKeyError> {
        let private = sealing::open(&self.keys.sealing, &row_name(&row.kid), &row.private_enc)
            .map_err(|source| SigningKeyError::Sealed { kid: row.kid.clone(), source })?;
        let (algorithm, encoding_key) = if row.alg == "RS256" {
            (Algorithm::RS256, rsa_key(&private)?)
        } else {
            (Algorithm::EdDSA, EncodingKey::from_ed_der(&private))
        };
        Ok(SigningKey { kid: row.kid.clone(), algorithm, encoding_key })
    }
}

/// The old key makes room first: there is at most one ACTIVE key per algorithm. Touching the
/// pending row comes before that, so that of two replicas one waits and then finds it done.
async fn activate(
    tx: &impl ConnectionTrait,
    key: &Model,
    now: Timestamp,
) -> Result<(), SigningKeyError> {
    let turn = Entity::update_many()
        .col_expr(Column::ActivateAt, Expr::value(now.0))
        .filter(Column::Id.eq(key.id))
        .filter(Column::State.eq("PENDING"))
        .exec(tx)
        .await?;
    if turn.rows_affected == 0 {
        return Ok(());
    }
    Entity::update_many()
        .col_expr(Column::State, Expr::value("RETIRING"))
        .col_expr(Column::RetireAt, Expr::value(now.0))
        .col_expr(Column::RemoveAt, Expr::value(now.plus(RETIRING_FOR).0))
        .filter(Column::Alg.eq(key.alg.as_str()))
        .filter(Column::State.eq("ACTIVE"))
        .exec(tx)
        .await?;
    Entity::update_many()
        .col_expr(Column::State, Expr::value("ACTIVE"))
        .filter(Column::Id.eq(key.id))
        .exec(tx)
        .await?;
    Ok(())
}

/// Goes through PEM because only that way the library takes PKCS#8 for RSA.
fn rsa_key(pkcs8: &[u8]) -> Result<EncodingKey, SigningKeyError> {
    let body = Zeroizing::new(STANDARD.encode(pkcs8));
    let pem = Zeroizing::new(format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        body.as_str()
    ));
    EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(SigningKeyError::Unusable)
}

fn row_name(kid: &str) -> String {
    format!("signing_keys/{kid}")
}

struct Generated {
    kid: String,
    private: Vec<u8>,
    public: Value,
}

/// The key id is the public key's RFC 7638 thumbprint.
fn generate(algorithm: SigningAlgorithm) -> Result<Generated, SigningKeyError> {
    let fail = |_| SigningKeyError::Generate;
    let (private, members) = match algorithm {
        SigningAlgorithm::EdDsa => {
            let pair = Ed25519KeyPair::generate().map_err(fail)?;
            let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
            let private = pair.to_pkcs8().map_err(fail)?.as_ref().to_vec();
            (private, json!({ "crv": "Ed25519", "kty": "OKP", "x": x }))
        }
        SigningAlgorithm::Rs256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa3072).map_err(fail)?;
            let n = pair.public_key().modulus().big_endian_without_leading_zero().to_vec();
            let e = pair.public_key().exponent().big_endian_without_leading_zero().to_vec();
            let private = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair)
                .map_err(fail)?
                .as_ref()
                .to_vec();
            let members = json!({
                "e": URL_SAFE_NO_PAD.encode(e),
                "kty": "RSA",
                "n": URL_SAFE_NO_PAD.encode(n),
            });
            (private, members)
        }
    };
    let kid = URL_SAFE_NO_PAD.encode(Sha256::digest(members.to_string().as_bytes()));
    let mut public = members;
    public["kid"] = json!(kid);
    public["use"] = json!("sig");
    public["alg"] = json!(algorithm.as_str());
    Ok(Generated { kid, private, public })
}

/// The life of an access token must fit into the time its key stays published.
const _: () =
    assert!(RETIRING_FOR.as_secs() >= access::LIFETIME.as_secs() + JWKS_MAX_AGE.as_secs());
