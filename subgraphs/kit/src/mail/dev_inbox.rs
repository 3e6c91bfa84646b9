//! `/dev/inbox`: what the `inbox` transport kept, for people and for scripts. The routes exist
//! only with that transport, which production refuses.

use std::fmt::Write as _;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::database::Database;
use crate::entity::dev_mail::{Column, Entity, Model};

const NEWEST: u64 = 200;

#[derive(Deserialize)]
struct Filter {
    to: Option<String>,
}

#[derive(Serialize)]
struct Mail {
    id: String,
    to: String,
    subject: String,
    template: String,
    text: String,
    html: String,
    at: String,
}

pub(crate) fn routes(database: Database) -> Router {
    Router::new()
        .route("/dev/inbox.json", get(as_json))
        .route("/dev/inbox", get(as_html))
        .with_state(database)
}

async fn as_json(State(database): State<Database>, Query(filter): Query<Filter>) -> Response {
    match newest(&database, filter).await {
        Ok(mails) => axum::Json(mails.into_iter().map(shown).collect::<Vec<_>>()).into_response(),
        Err(error) => unavailable(&error),
    }
}

async fn as_html(State(database): State<Database>, Query(filter): Query<Filter>) -> Response {
    match newest(&database, filter).await {
        Ok(mails) => Html(page(&mails)).into_response(),
        Err(error) => unavailable(&error),
    }
}

fn unavailable(error: &DbErr) -> Response {
    tracing::error!(error = %error, "the development inbox cannot be read");
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

async fn newest(database: &Database, filter: Filter) -> Result<Vec<Model>, DbErr> {
    let mut query = Entity::find();
    if let Some(to) = filter.to {
        query = query.filter(Column::Recipient.eq(to));
    }
    query
        .order_by_desc(Column::At)
        .order_by_desc(Column::Id)
        .limit(NEWEST)
        .all(database.read())
        .await
}

fn shown(mail: Model) -> Mail {
    let Model { id, recipient, subject, template, text, html, at } = mail;
    Mail {
        id: id.to_string(),
        to: recipient,
        subject,
        template,
        text,
        html,
        at: Timestamp(at).to_string(),
    }
}

fn page(mails: &[Model]) -> String {
    let mut html = String::from(
        "<!doctype html><meta charset=\"utf-8\"><title>Development inbox</title>\
         <style>body{font:15px/1.5 system-ui;max-width:50rem;margin:2rem auto;padding:0 1rem}\
         pre{white-space:pre-wrap;background:#f4f4f5;padding:1rem;border-radius:6px}</style>\
         <h1>Development inbox</h1>",
    );
    if mails.is_empty() {
        html.push_str("<p>No mail yet.</p>");
    }
    for mail in mails {
        write!(
            html,
            "<article><h2>{}</h2><p>to {} · {} · {}</p><pre>{}</pre></article>",
            escaped(&mail.subject),
            escaped(&mail.recipient),
            Timestamp(mail.at),
            escaped(&mail.template),
            escaped(&mail.text),
        )
        .expect("writing to a string cannot fail");
    }
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
