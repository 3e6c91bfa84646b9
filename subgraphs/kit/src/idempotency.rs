//! Answering a repeated mutation with the first one's result.
//!
//! The scope is (person, operation, key). [`begin`] inserts first and looks afterwards, so two
//! equal requests at the same time cannot both be fresh. [`finish`] belongs in the transaction
//! that makes the change; [`abandon`] forgets the key when the input turned out to be invalid.

use std::time::Duration;

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, Set, TryInsertResult,
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::entity::idempotency::{ActiveModel, Column, Entity, Model};

/// How long results are kept.
pub const RETENTION: Duration = Duration::from_hours(7 * 24);

const IN_PROGRESS: &str = "IN_PROGRESS";
const DONE: &str = "DONE";

/// What a request with an idempotency key is.
#[derive(Debug, Clone, PartialEq)]
pub enum Begin {
    /// The first with this key: go on, then [`finish`] or [`abandon`].
    Fresh,
    /// A repetition: give this stored result.
    Replay(serde_json::Value),
    /// The key was used with another input (`IDEMPOTENCY_KEY_REUSED`).
    Reused,
    /// The first request is still running (`IDEMPOTENCY_KEY_IN_USE`, worth a retry).
    InUse,
}

/// Is this an acceptable key? 1 to 255 characters without control characters.
pub fn is_valid_key(key: &str) -> bool {
    (1..=255).contains(&key.chars().count()) && !key.chars().any(char::is_control)
}

/// The hash of an input: of its JSON with sorted object keys.
pub fn input_hash(input: &impl Serialize) -> [u8; 32] {
    let value = serde_json::to_value(input).expect("an input is plain data");
    let mut text = String::new();
    canonical(&value, &mut text);
    Sha256::digest(text.as_bytes()).into()
}

fn canonical(value: &serde_json::Value, text: &mut String) {
    match value {
        serde_json::Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| name.as_str());
            text.push('{');
            for (name, value) in fields {
                text.push_str(&serde_json::Value::String(name.clone()).to_string());
                text.push(':');
                canonical(value, text);
                text.push(',');
            }
            text.push('}');
        }
        serde_json::Value::Array(items) => {
            text.push('[');
            for item in items {
                canonical(item, text);
                text.push(',');
            }
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

/// Claims the key for this input, or says what is already known about it.
pub async fn begin(
    tx: &impl ConnectionTrait,
    user: Uuid,
    operation: &str,
    key: &str,
    input_hash: [u8; 32],
    now: Timestamp,
) -> Result<Begin, DbErr> {
    // Two rounds: the second after an expired row has been cleared away.
    for _ in 0..2 {
        if claim(tx, user, operation, key, input_hash, now).await? {
            return Ok(Begin::Fresh);
        }
        let Some(known) =
            Entity::find_by_id((user, operation.to_owned(), key.to_owned())).one(tx).await?
        else {
            continue;
        };
        if known.expires_at <= now.0 {
            abandon(tx, user, operation, key).await?;
            continue;
        }
        return judge(known, input_hash);
    }
    Ok(Begin::InUse)
}

async fn claim(
    tx: &impl ConnectionTrait,
    user: Uuid,
    operation: &str,
    key: &str,
    input_hash: [u8; 32],
    now: Timestamp,
) -> Result<bool, DbErr> {
    let row = ActiveModel {
        user_id: Set(user),
        operation: Set(operation.to_owned()),
        key: Set(key.to_owned()),
        input_hash: Set(input_hash.to_vec()),
        state: Set(IN_PROGRESS.to_owned()),
        response: Set(None),
        created_at: Set(now.0),
        expires_at: Set(now.plus(RETENTION).0),
    };
    let inserted = Entity::insert(row)
        .on_conflict(
            OnConflict::columns([Column::UserId, Column::Operation, Column::Key])
                .do_nothing()
                .to_owned(),
        )
        .try_insert()
        .exec_without_returning(tx)
        .await?;
    Ok(matches!(inserted, TryInsertResult::Inserted(1..)))
}

fn judge(known: Model, input_hash: [u8; 32]) -> Result<Begin, DbErr> {
    if known.input_hash != input_hash {
        return Ok(Begin::Reused);
    }
    match known.response {
        Some(response) if known.state == DONE => serde_json::from_str(&response)
            .map(Begin::Replay)
            .map_err(|error| DbErr::Json(error.to_string())),
        _ => Ok(Begin::InUse),
    }
}

/// Stores the result that repetitions get.
pub async fn finish(
    tx: &impl ConnectionTrait,
    user: Uuid,
    operation: &str,
    key: &str,
    response: &serde_json::Value,
) -> Result<(), DbErr> {
    let updated = Entity::update_many()
        .col_expr(Column::State, Expr::value(DONE))
        .col_expr(Column::Response, Expr::value(response.to_string()))
        .filter(Column::UserId.eq(user))
        .filter(Column::Operation.eq(operation))
        .filter(Column::Key.eq(key))
        .exec(tx)
        .await?;
    if updated.rows_affected == 1 { Ok(()) } else { Err(DbErr::RecordNotUpdated) }
}

/// Forgets the key; the next request with it is fresh.
pub async fn abandon(
    tx: &impl ConnectionTrait,
    user: Uuid,
    operation: &str,
    key: &str,
) -> Result<(), DbErr> {
    Entity::delete_by_id((user, operation.to_owned(), key.to_owned())).exec(tx).await?;
    Ok(())
}

/// Deletes what has expired; returns how many.
pub async fn sweep(conn: &impl ConnectionTrait, now: Timestamp) -> Result<u64, DbErr> {
    let deleted = Entity::delete_many().filter(Column::ExpiresAt.lte(now.0)).exec(conn).await?;
    Ok(deleted.rows_affected)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::database::Database;
    use crate::fixture::{self, NOW};
    use crate::id::new_id;

    async fn claim_key(database: &Database, user: Uuid, hash: [u8; 32], now: Timestamp) -> Begin {
        let begun: Result<Begin, DbErr> = database
            .write(|tx| Box::pin(async move { begin(tx, user, "pay", "k", hash, now).await }))
            .await;
        begun.unwrap()
    }

    #[tokio::test]
    async fn a_key_is_fresh_then_in_use_then_replayed() {
        let database = fixture::database().await;
        let user = new_id(NOW);
        let (hash, other) =
            (input_hash(&json!({ "a": 1, "b": 2 })), input_hash(&json!({ "a": 2 })));
        assert_eq!(
            hash,
            input_hash(&json!({ "b": 2, "a": 1 })),
            "the order of fields is no difference"
        );
        assert_eq!(claim_key(&database, user, hash, NOW).await, Begin::Fresh);
        assert_eq!(claim_key(&database, user, hash, NOW).await, Begin::InUse);
        assert_eq!(claim_key(&database, user, other, NOW).await, Begin::Reused);
        assert_eq!(
            claim_key(&database, new_id(NOW), other, NOW).await,
            Begin::Fresh,
            "another person"
        );
        let response = json!({ "paymentId": "pay_1" });
        let response = &response;
        let done: Result<(), DbErr> =
            database.write(|tx| Box::pin(finish(tx, user, "pay", "k", response))).await;
        done.unwrap();
        assert_eq!(claim_key(&database, user, hash, NOW).await, Begin::Replay(response.clone()));
        assert_eq!(claim_key(&database, user, other, NOW).await, Begin::Reused);
        let later = NOW.plus(RETENTION);
        assert_eq!(
            claim_key(&database, user, other, later).await,
            Begin::Fresh,
            "forgotten after a week"
        );
    }

    #[tokio::test]
    async fn an_abandoned_key_is_fresh_again() {
        let database = fixture::database().await;
        let user = new_id(NOW);
        assert_eq!(claim_key(&database, user, [1; 32], NOW).await, Begin::Fresh);
        let forgotten: Result<(), DbErr> =
            database.write(|tx| Box::pin(abandon(tx, user, "pay", "k"))).await;
        forgotten.unwrap();
        assert_eq!(claim_key(&database, user, [2; 32], NOW).await, Begin::Fresh);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn of_twenty_equal_requests_one_is_fresh() {
        let database = fixture::database().await;
        let user = new_id(NOW);
        let claims = (0..20).map(|_| claim_key(&database, user, [1; 32], NOW));
        let outcomes = futures::future::join_all(claims).await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Begin::Fresh).count(), 1);
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Begin::InUse).count(), 19);
    }

    #[test]
    fn keys_have_1_to_255_printable_characters() {
        assert!(is_valid_key("a") && is_valid_key(&"é".repeat(255)));
        assert!(!is_valid_key("") && !is_valid_key(&"a".repeat(256)) && !is_valid_key("a\nb"));
    }
}
