//! Routes for the other services, behind a service credential.

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use kit::{
    credential::{Credentials, refusal},
    id::{ProductId, RideId, UserId},
};
use sea_orm::{DbErr, JoinType, QueryOrder, QuerySelect, entity::prelude::*};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    app::App,
    entity::{order, order_line, product, ride},
    state::OrderStatus,
};

/// The scope a service needs to ask who bought what.
pub const PURCHASES_SCOPE: &str = "purchases:read";

/// `GET /internal/purchases?user=usr_…&product=prd_…` or `&ride=rid_…`.
pub fn routes(app: App, credentials: Credentials) -> Router {
    Router::new().route("/internal/purchases", get(purchases)).with_state((app, credentials))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    user: String,
    product: Option<String>,
    ride: Option<String>,
}

async fn purchases(
    State((app, credentials)): State<(App, Credentials)>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Response {
    if let Err(error) = credentials.authorize(&headers, PURCHASES_SCOPE) {
        return error.into_response();
    }
    let Some(user) = UserId::parse(&asked.user) else { return not_found() };
    let answer = match (asked.product, asked.ride) {
        (Some(id), None) => match ProductId::parse(&id) {
            Some(id) => bought(&app, user, id).await,
            None => Ok(None),
        },
        (None, Some(id)) => match RideId::parse(&id) {
            Some(id) => ride_of(&app, id).await,
            None => Ok(None),
        },
        _ => {
            return refusal(StatusCode::BAD_REQUEST, "INVALID_INPUT", "name a product or a ride");
        }
    };
    match answer {
        Ok(Some(body)) => Json(body).into_response(),
        Ok(None) => not_found(),
        Err(error) => {
            tracing::error!(%error, "purchases could not be read");
            refusal(StatusCode::SERVICE_UNAVAILABLE, "INTERNAL", "please try again")
        }
    }
}

fn not_found() -> Response {
    refusal(StatusCode::NOT_FOUND, "NOT_FOUND", "there is no such thing")
}

async fn bought(app: &App, user: UserId, id: ProductId) -> Result<Option<Value>, DbErr> {
    let reader = app.database.read();
    let Some(product) = product::Entity::find_by_id(id).one(reader).await? else { return Ok(None) };
    let bought = order::Entity::find()
        .join_rev(
            JoinType::InnerJoin,
            order_line::Entity::belongs_to(order::Entity)
                .from(order_line::Column::OrderId)
                .to(order::Column::Id)
                .into(),
        )
        .filter(order::Column::BuyerId.eq(user))
        .filter(order_line::Column::ProductId.eq(id))
        .filter(order::Column::PaidAt.is_not_null())
        .filter(order::Column::Status.ne(OrderStatus::Refunded))
        .order_by_desc(order::Column::PaidAt)
        .one(reader)
        .await?;
    Ok(Some(json!({
        "purchased": bought.is_some(),
        "orderId": bought.as_ref().map(|order| order.id),
        "paidAt": bought.as_ref().and_then(|order| order.paid_at).map(|at| at.to_string()),
        "product": { "id": product.id, "sellerId": product.seller_id, "active": product.active },
    })))
}

async fn ride_of(app: &App, id: RideId) -> Result<Option<Value>, DbErr> {
    let ride = ride::Entity::find_by_id(id).one(app.database.read()).await?;
    Ok(ride.map(|ride| {
        json!({ "ride": {
            "id": ride.id,
            "riderId": ride.rider_id,
            "driverId": ride.driver_id,
            "status": ride.status,
            "completedAt": ride.completed_at.map(|at| at.to_string()),
        } })
    }))
}
