//! The feed of users: names and states of people.

use kit::events::{self, Event, Handler};
use kit::id::UserId;
use kit::{Timestamp, Transaction, async_trait};
use sea_orm::{ConnectionTrait, DbErr};
use serde::Deserialize;
use serde_json::json;

use crate::app::NAME;
use crate::erasure::{Choice, erase};
use crate::store::sql::Sql;

/// Applies the feed to the database of the transaction.
#[derive(Clone, Copy, Debug)]
pub struct UsersProjection;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    id: UserId,
    display_name: Option<String>,
    status: Option<String>,
    #[serde(default)]
    delete_content: bool,
}

/// What is shown of somebody who has been erased.
const ERASED_NAME: &str = "Deleted user";

#[async_trait]
impl Handler for UsersProjection {
    async fn apply(&self, tx: &Transaction<'_>, event: &Event) -> Result<(), DbErr> {
        match event.kind.as_str() {
            "user.registered" | "user.updated" | "user.suspended" => {
                let person: Person = event.decode()?;
                let default = if event.kind == "user.suspended" { "SUSPENDED" } else { "ACTIVE" };
                let status = person.status.as_deref().unwrap_or(default);
                keep(tx, person.id, person.display_name.as_deref(), status, event.seq).await
            }
            "user.erased" => {
                let person: Person = event.decode()?;
                let choice =
                    if person.delete_content { Choice::DeleteTexts } else { Choice::KeepTexts };
                erase(tx, event.at, person.id, choice).await?;
                tell_done(tx, event.at, person.id).await?;
                keep(tx, person.id, Some(ERASED_NAME), "ERASED", event.seq).await
            }
            _ => Ok(()),
        }
    }
}

/// Users waits for this service's word that the person is gone from here too.
async fn tell_done(tx: &Transaction<'_>, now: Timestamp, user: UserId) -> Result<(), DbErr> {
    let key = user.to_string();
    let payload = json!({ "id": user, "service": NAME });
    events::append(tx, now, "user.erasure_completed", &key, &payload).await?;
    Ok(())
}

async fn keep(
    tx: &Transaction<'_>,
    user: UserId,
    name: Option<&str>,
    status: &str,
    seq: i64,
) -> Result<(), DbErr> {
    let sql = Sql::new(
        "INSERT INTO user_replica (user_id, display_name, status, seq) VALUES (?, ?, ?, ?) \
         ON CONFLICT (user_id) DO UPDATE SET \
         display_name = CASE WHEN excluded.display_name = '' THEN user_replica.display_name \
         ELSE excluded.display_name END, \
         status = excluded.status, seq = excluded.seq WHERE user_replica.seq < excluded.seq",
    )
    .bind(user.uuid())
    .bind(name.unwrap_or_default())
    .bind(status)
    .bind(seq);
    tx.execute_raw(sql.on(tx.get_database_backend())).await?;
    Ok(())
}
