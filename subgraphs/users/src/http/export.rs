//! `GET /account/export?token=`: the copy of a person's data that a mailed link leads to.

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_DISPOSITION},
    },
    response::{IntoResponse, Response},
};
use kit::credential::refusal;
use serde::Deserialize;

use super::Routes;
use crate::identity::failure::Failure;

#[derive(Debug, Deserialize)]
pub(super) struct Link {
    token: String,
}

pub(super) async fn export(
    State(routes): State<Routes>,
    link: Result<Query<Link>, QueryRejection>,
) -> Response {
    let no_such_link = || {
        refusal(StatusCode::NOT_FOUND, "TOKEN_INVALID", "the link is not valid, or not any more")
    };
    let Ok(Query(link)) = link else { return no_such_link() };
    match routes.identity.export(&link.token).await {
        Ok((user, mut data)) => {
            routes.peers.add_to(user, &mut data).await;
            let headers = [
                (CACHE_CONTROL, "no-store"),
                (CONTENT_DISPOSITION, "attachment; filename=\"concord-account.json\""),
            ];
            (headers, Json(data)).into_response()
        }
        Err(Failure::Refused(_)) => no_such_link(),
        Err(Failure::Fault(fault)) => {
            tracing::error!(error = %fault, "an export failed");
            refusal(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", "try again")
        }
    }
}
