//! Batching: what the fields of one request ask for one by one is read together, one statement
//! per kind of question, however long the lists are.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use async_graphql::Context;
use kit::batch::{Batches, Loader};
use kit::graphql::{EmailDelivery, GraphQlError, internal};
use kit::id::UserId;
use kit::mail;
use sea_orm::{DatabaseConnection, DbErr};
use uuid::Uuid;

use crate::core::Core;
use crate::domain::subject::{Subject, SubjectType};
use crate::entity::{moderation_entry, rating_summary, reply, review, revision, subject};
use crate::store::list::{self, Filter, Request, Shown};
use crate::store::read::{self, AuthorTotals, DriverSummary, Person};

/// The templates of which one tells the author that the review arrived.
const CONFIRMATION: [&str; 1] = ["review_received"];

/// Reads on behalf of one caller.
pub(crate) struct Reads {
    core: Core,
    viewer: Option<UserId>,
}

pub(crate) type Loaders = Batches<Reads>;

/// The loaders of one request.
pub(crate) fn loaders(core: Core, viewer: Option<UserId>) -> Loaders {
    Batches::new(Reads { core, viewer })
}

/// Asks the running request's loaders.
pub(crate) async fn load<K>(
    ctx: &Context<'_>,
    key: K,
) -> Result<Option<<Reads as Loader<K>>::Value>, GraphQlError>
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    Reads: Loader<K, Error = Arc<DbErr>>,
{
    ctx.data::<Loaders>()?.load(key).await.map_err(|error| internal(&error))
}

impl Reads {
    fn conn(&self) -> &DatabaseConnection {
        self.core.database.read()
    }
}

/// Declares a key that is answered by a batched read of `crate::store::read`.
macro_rules! batch {
    ($(#[$doc:meta])* $key:ident($inner:ty) -> $value:ty, |$reads:ident, $keys:ident| $read:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) struct $key(pub $inner);

        impl Loader<$key> for Reads {
            type Value = $value;
            type Error = Arc<DbErr>;

            async fn load(&self, keys: &[$key]) -> Result<HashMap<$key, $value>, Arc<DbErr>> {
                let $reads = self;
                let $keys: Vec<$inner> = keys.iter().map(|key| key.0).collect();
                let found: HashMap<$inner, $value> = $read.map_err(Arc::new)?;
                Ok(found.into_iter().map(|(key, value)| ($key(key), value)).collect())
            }
        }
    };
}

batch!(ReviewById(Uuid) -> review::Model, |reads, ids| read::reviews(reads.conn(), &ids).await);
batch!(
    SummaryOf(Subject) -> rating_summary::Model,
    |reads, subjects| read::summaries(reads.conn(), &subjects).await
);
batch!(
    DriverSummaryOf(Uuid) -> DriverSummary,
    |reads, drivers| read::driver_summaries(reads.conn(), &drivers).await
);
batch!(
    /// Rating and driver of a ride's published review.
    RatingOfRide(Uuid) -> (i32, Option<Uuid>),
    |reads, rides| read::ride_ratings(reads.conn(), &rides).await
);
batch!(PersonOf(Uuid) -> Person, |reads, users| read::people(reads.conn(), &users).await);
batch!(
    TotalsOf(Uuid) -> AuthorTotals,
    |reads, authors| read::author_totals(reads.conn(), &authors).await
);
batch!(
    FactsOf(Subject) -> subject::Model,
    |reads, subjects| read::subjects(reads.conn(), &subjects).await
);
batch!(ReplyTo(Uuid) -> reply::Model, |reads, ids| read::replies(reads.conn(), &ids).await);
batch!(
    DecisionOn(Uuid) -> moderation_entry::Model,
    |reads, ids| read::decisions(reads.conn(), &ids).await
);
batch!(
    ConfirmationOf(Uuid) -> EmailDelivery,
    |reads, ids| mail::deliveries_for(reads.conn(), &CONFIRMATION, &ids).await
);
batch!(
    /// The viewer's own review of a subject.
    OwnReviewOf(Subject) -> review::Model,
    |reads, subjects| match reads.viewer {
        Some(viewer) => read::own_reviews(reads.conn(), viewer.uuid(), &subjects).await,
        None => Ok(HashMap::new()),
    }
);
batch!(
    /// The word of the viewer's vote on a review.
    VoteOn(Uuid) -> String,
    |reads, ids| match reads.viewer {
        Some(viewer) => read::votes(reads.conn(), viewer.uuid(), &ids).await,
        None => Ok(HashMap::new()),
    }
);
batch!(
    /// Has the viewer bought it, as far as the projection knows?
    PurchaseOf(Subject) -> bool,
    |reads, subjects| match reads.viewer {
        Some(viewer) => read::purchased(reads.conn(), viewer.uuid(), &subjects)
            .await
            .map(|bought| bought.into_iter().map(|subject| (subject, true)).collect()),
        None => Ok(HashMap::new()),
    }
);

/// Whose list of reviews.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    Subject(Subject),
    Author(Uuid),
}

/// A page of somebody's list of reviews.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PageOf {
    pub owner: Owner,
    pub request: Request,
}

impl Loader<PageOf> for Reads {
    type Value = Vec<review::Model>;
    type Error = Arc<DbErr>;

    async fn load(
        &self,
        keys: &[PageOf],
    ) -> Result<HashMap<PageOf, Vec<review::Model>>, Arc<DbErr>> {
        let mut pages = HashMap::with_capacity(keys.len());
        for (kind, request, owners) in grouped(keys.iter().map(|key| (key.owner, &key.request))) {
            let lists = match kind {
                Some(kind) => list::of_subjects(self.conn(), kind, &owners, request).await,
                None => list::of_authors(self.conn(), &owners, request).await,
            };
            pages.extend(lists.map_err(Arc::new)?.into_iter().map(|(owner, rows)| {
                let owner = owner_of(kind, owner);
                (PageOf { owner, request: request.clone() }, rows)
            }));
        }
        Ok(pages)
    }
}

/// How many reviews somebody's list holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CountOf {
    pub owner: Owner,
    pub shown: Shown,
    pub filter: Filter,
}

impl Loader<CountOf> for Reads {
    type Value = i64;
    type Error = Arc<DbErr>;

    async fn load(&self, keys: &[CountOf]) -> Result<HashMap<CountOf, i64>, Arc<DbErr>> {
        let wanted: Vec<(Owner, (Shown, Filter))> =
            keys.iter().map(|key| (key.owner, (key.shown, key.filter.clone()))).collect();
        let mut counts = HashMap::with_capacity(keys.len());
        for (kind, which, owners) in grouped(wanted.iter().map(|(owner, which)| (*owner, which))) {
            let (shown, filter) = which;
            let found = match kind {
                Some(kind) => list::count_of_subjects(self.conn(), kind, &owners, filter).await,
                None => list::count_of_authors(self.conn(), &owners, *shown).await,
            };
            counts.extend(found.map_err(Arc::new)?.into_iter().map(|(owner, count)| {
                let owner = owner_of(kind, owner);
                (CountOf { owner, shown: *shown, filter: filter.clone() }, count)
            }));
        }
        Ok(counts)
    }
}

/// A page of a review's versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RevisionsOf {
    pub review: Uuid,
    pub after: Option<i32>,
    pub fetch: u64,
}

impl Loader<RevisionsOf> for Reads {
    type Value = Vec<revision::Model>;
    type Error = Arc<DbErr>;

    async fn load(
        &self,
        keys: &[RevisionsOf],
    ) -> Result<HashMap<RevisionsOf, Vec<revision::Model>>, Arc<DbErr>> {
        let mut pages: HashMap<(Option<i32>, u64), Vec<Uuid>> = HashMap::new();
        for key in keys {
            pages.entry((key.after, key.fetch)).or_default().push(key.review);
        }
        let mut found = HashMap::with_capacity(keys.len());
        for key in keys {
            let Some(reviews) = pages.remove(&(key.after, key.fetch)) else { continue };
            let lists = read::revisions(self.conn(), &reviews, key.after, key.fetch)
                .await
                .map_err(Arc::new)?;
            found.extend(lists.into_iter().map(|(review, rows)| {
                (RevisionsOf { review, after: key.after, fetch: key.fetch }, rows)
            }));
        }
        Ok(found)
    }
}

/// Lists that are asked for in the same way, together. The type is none for authors' lists.
type Group<'a, W> = (Option<SubjectType>, &'a W, Vec<Uuid>);

fn grouped<'a, W: PartialEq>(keys: impl Iterator<Item = (Owner, &'a W)>) -> Vec<Group<'a, W>> {
    let mut groups: Vec<Group<'a, W>> = Vec::new();
    for (owner, which) in keys {
        let (kind, id) = match owner {
            Owner::Subject(subject) => (Some(subject.kind), subject.id),
            Owner::Author(author) => (None, author),
        };
        match groups.iter_mut().find(|(k, w, _)| *k == kind && *w == which) {
            Some((_, _, ids)) => ids.push(id),
            None => groups.push((kind, which, vec![id])),
        }
    }
    groups
}

fn owner_of(kind: Option<SubjectType>, id: Uuid) -> Owner {
    match kind {
        Some(kind) => Owner::Subject(Subject { kind, id }),
        None => Owner::Author(id),
    }
}
