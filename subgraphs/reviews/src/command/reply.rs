//! The public answer of the product's seller or the ride's driver. There is one; writing again
//! changes it, an empty text removes it. What the rules object to is refused at once.

use kit::id::{ReviewId, UserId};
use kit::{Timestamp, Transaction};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, IntoActiveModel};

use super::Refusal;
use super::consequences::mail_reply;
use crate::core::Core;
use crate::domain::moderation::{Reason, Submission, contains_card_number, judge};
use crate::domain::status::Status;
use crate::domain::subject::SubjectType;
use crate::domain::text::{MAX_REPLY, clean_text};
use crate::entity::{reply, review};
use crate::store::sql::Sql;
use crate::store::{read, write};

pub(crate) async fn reply(
    core: &Core,
    author: UserId,
    id: ReviewId,
    body: Option<String>,
) -> Result<review::Model, Refusal> {
    let now = core.now();
    let body = clean_text(body.as_deref().unwrap_or_default(), MAX_REPLY)
        .map_err(|error| Refusal::invalid(error.to_string(), &["body"]))?;
    let body = body.as_deref();
    core.database
        .write(|tx| {
            Box::pin(async move {
                let before = write::lock(tx, id.uuid())
                    .await?
                    .filter(review::Model::is_published)
                    .ok_or(Refusal::NotFound("review"))?;
                if owner(tx, &before).await? != Some(author) {
                    return Err(Refusal::Forbidden);
                }
                match body {
                    None => remove(tx, &before).await?,
                    Some(body) => {
                        check(body, &before.locale)?;
                        put(tx, now, &before, author, body).await?;
                    }
                }
                let mut after = before.clone();
                after.replied = body.is_some();
                if after.replied != before.replied {
                    write::save(tx, now, &before, &after).await?;
                }
                Ok(after)
            })
        })
        .await
}

/// Who may answer: the seller of the product or the driver of the ride.
async fn owner(tx: &Transaction<'_>, review: &review::Model) -> Result<Option<UserId>, DbErr> {
    let subject = review.subject();
    let known = read::subjects(tx, &[subject]).await?.remove(&subject);
    let owner = match subject.kind {
        SubjectType::Product => known.and_then(|product| product.seller_id),
        SubjectType::Ride => review.driver_id.or(known.and_then(|ride| ride.driver_id)),
    };
    Ok(owner.map(UserId))
}

fn check(body: &str, locale: &str) -> Result<(), Refusal> {
    let rejected =
        |reason, message: String| Refusal::ContentRejected { reason, message, path: vec!["body"] };
    if contains_card_number(body) {
        let message = "contains a payment card number, which is never stored".to_owned();
        return Err(rejected(Reason::PersonalData, message));
    }
    let verdict =
        judge(&Submission { title: None, body: Some(body), locale, same_text_by_others: 0 });
    match (verdict.publishes(), verdict.reason(), verdict.explanation()) {
        (false, Some(reason), Some(explanation)) => {
            Err(rejected(reason, format!("cannot be published: {explanation}")))
        }
        _ => Ok(()),
    }
}

async fn put(
    tx: &Transaction<'_>,
    now: Timestamp,
    review: &review::Model,
    author: UserId,
    body: &str,
) -> Result<(), DbErr> {
    let old = reply::Entity::find_by_id(review.id).one(tx).await?;
    if old.as_ref().is_some_and(|old| old.body == body) {
        return Ok(());
    }
    let new = reply::Model {
        review_id: review.id,
        id: old.as_ref().map_or_else(|| kit::id::new_id(now), |old| old.id),
        author_id: Some(author.uuid()),
        body: body.to_owned(),
        status: Status::Published.as_str().to_owned(),
        created_at: old.as_ref().map_or(now.0, |old| old.created_at),
        edited_at: old.as_ref().map(|_| now.0),
        version: old.as_ref().map_or(1, |old| old.version + 1),
    };
    let (id, version) = (new.id, new.version);
    let on_conflict = OnConflict::column(reply::Column::ReviewId)
        .update_columns([
            reply::Column::AuthorId,
            reply::Column::Body,
            reply::Column::EditedAt,
            reply::Column::Version,
        ])
        .to_owned();
    reply::Entity::insert(new.into_active_model())
        .on_conflict(on_conflict)
        .exec_without_returning(tx)
        .await?;
    mail_reply(tx, now, review, id, version, body).await
}

async fn remove(tx: &Transaction<'_>, review: &review::Model) -> Result<(), DbErr> {
    let sql = Sql::new("DELETE FROM review_replies WHERE review_id = ?").bind(review.id);
    tx.execute_raw(sql.on(tx.get_database_backend())).await?;
    Ok(())
}
