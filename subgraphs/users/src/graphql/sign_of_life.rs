//! Notices that an access token has been presented, which is how a refresh learns that its
//! answer has arrived. Costs one write per refresh, on the first request after it.

use std::sync::Arc;

use async_graphql::{
    Response,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute},
};
use kit::{Caller, id::SessionId};

use crate::identity::Identity;

#[derive(Debug)]
pub struct SignOfLife;

impl ExtensionFactory for SignOfLife {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(SignOfLifeExtension)
    }
}

struct SignOfLifeExtension;

#[kit::async_trait]
impl Extension for SignOfLifeExtension {
    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        if let (Some(Caller::User(user)), Some(identity)) =
            (ctx.data_opt::<Caller>(), ctx.data_opt::<Identity>())
            && let Some(generation) = user.generation
            && let Some(session) = user.session.as_deref().and_then(SessionId::parse)
            && let Err(error) = identity.saw_access_token(session, generation).await
        {
            // The request itself is fine; theft is noticed a little later.
            tracing::warn!(error = %error, "the use of an access token was not noted");
        }
        next.run(ctx, operation_name).await
    }
}
