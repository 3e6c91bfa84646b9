//! `GET /reviews/{product}.jsonld`: a product's rating and best reviews as schema.org JSON-LD,
//! for shop pages to embed and search engines to read. Public, like what it shows.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use kit::Timestamp;
use kit::id::ProductId;
use sea_orm::DbErr;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::core::Core;
use crate::domain::order::Order;
use crate::domain::subject::{Subject, SubjectType};
use crate::entity::review;
use crate::store::list::{self, Filter, Request, Shown};
use crate::store::read;

const REVIEWS_SHOWN: u64 = 10;

pub(crate) fn routes(core: Core) -> Router {
    Router::new().route("/reviews/{file}", get(json_ld)).with_state(core)
}

async fn json_ld(State(core): State<Core>, Path(file): Path<String>) -> Response {
    let Some(product) = file.strip_suffix(".jsonld").and_then(ProductId::parse) else {
        return refused(StatusCode::NOT_FOUND, "NOT_FOUND", "there is no such product");
    };
    match document(&core, product).await {
        Ok(Some(document)) => {
            // Pages put this into a <script>; no text in it may end that element.
            let body = document.to_string().replace('<', "\\u003c");
            let headers = [
                (header::CONTENT_TYPE, "application/ld+json"),
                (header::CACHE_CONTROL, "public, max-age=300"),
            ];
            (headers, body).into_response()
        }
        Ok(None) => refused(StatusCode::NOT_FOUND, "NOT_FOUND", "there is no such product"),
        Err(error) => {
            tracing::error!(%error, "structured data failed");
            let message = "something went wrong on our side";
            refused(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", message)
        }
    }
}

fn refused(status: StatusCode, code: &str, message: &str) -> Response {
    kit::credential::refusal(status, code, message).into_response()
}

/// None when the product is not known and has no reviews either.
async fn document(core: &Core, product: ProductId) -> Result<Option<Value>, DbErr> {
    let conn = core.database.read();
    let subject = Subject::product(product.uuid());
    let known = read::subjects(conn, &[subject]).await?.remove(&subject);
    let summary = read::summaries(conn, &[subject]).await?.remove(&subject);
    let histogram = summary.map(|row| row.histogram()).unwrap_or_default();
    if known.is_none() && histogram.count() == 0 {
        return Ok(None);
    }
    let mut document = json!({
        "@context": "https://schema.org",
        "@type": "Product",
        "productID": product,
    });
    if let Some(title) = known.and_then(|known| known.title) {
        document["name"] = json!(title);
    }
    if let Some(average) = histogram.average() {
        document["aggregateRating"] = json!({
            "@type": "AggregateRating",
            "ratingValue": (average * 100.0).round() / 100.0,
            "reviewCount": histogram.count(),
            "bestRating": 5,
            "worstRating": 1,
        });
        document["review"] = reviews(core, subject).await?;
    }
    Ok(Some(document))
}

async fn reviews(core: &Core, subject: Subject) -> Result<Value, DbErr> {
    let conn = core.database.read();
    let request = Request {
        order: Order::MostHelpful,
        shown: Shown::Published,
        filter: Filter::default(),
        forward: true,
        fetch: REVIEWS_SHOWN,
        from: None,
    };
    let rows = list::of_subjects(conn, SubjectType::Product, &[subject.id], &request)
        .await?
        .remove(&subject.id)
        .unwrap_or_default();
    let authors: Vec<Uuid> = rows.iter().filter_map(|row| row.author_id).collect();
    let people = read::people(conn, &authors).await?;
    let name = |author: Option<Uuid>| {
        author.and_then(|author| people.get(&author)).map(|person| person.display_name.clone())
    };
    Ok(rows.iter().map(|row| review(row, name(row.author_id))).collect())
}

fn review(row: &review::Model, author: Option<String>) -> Value {
    let published = Timestamp(row.published_at.unwrap_or(row.created_at)).to_string();
    let mut review = json!({
        "@type": "Review",
        "author": { "@type": "Person", "name": author.as_deref().unwrap_or("A former member") },
        "reviewRating": {
            "@type": "Rating", "ratingValue": row.rating, "bestRating": 5, "worstRating": 1,
        },
        "datePublished": published.split('T').next(),
        "inLanguage": row.locale,
    });
    for (key, text) in [("name", &row.title), ("reviewBody", &row.body)] {
        if let Some(text) = text {
            review[key] = json!(text);
        }
    }
    review
}
