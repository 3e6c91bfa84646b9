//! Hands the demo data to the services' own importers.

use std::collections::HashMap;
use std::time::Duration;

use kit::graphql::AddressInput;
use kit::id::{OrderId, OrderLineId, PaymentId, ProductId, RefundId, ReviewId, RideId, UserId};
use kit::{Database, DatabaseError, Timestamp};
use sea_orm::{DbErr, EntityTrait, QueryOrder};
use uuid::Uuid;

use super::Dataset;
use super::opinions::Subject;
use super::people::{Home, Person, Role};
use super::trips::{Order, Ride};

/// One open database per service.
#[derive(Debug)]
pub struct Databases {
    pub users: Database,
    pub reviews: Database,
    pub payments: Database,
}

#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("migrations: {0}")]
    Migrate(#[from] DatabaseError),
    #[error("people: {0}")]
    People(#[from] users::import::ImportError),
    #[error("products, orders and rides: {0}")]
    Payments(#[from] payments::import::ImportError),
    #[error("cannot close a database: {0}")]
    Close(#[source] DbErr),
    #[error("reviews: {0}")]
    Reviews(#[from] DbErr),
}

impl Databases {
    /// Flushes and lets go of the files.
    pub async fn close(self) -> Result<(), LoadError> {
        let Self { users, reviews, payments } = self;
        for database in [users, reviews, payments] {
            database.close().await.map_err(LoadError::Close)?;
        }
        Ok(())
    }
}

/// Migrates all three and loads everything; each service's part is one transaction.
pub async fn load(
    databases: &Databases,
    data: &Dataset,
    progress: &mut dyn FnMut(&str),
) -> Result<(), LoadError> {
    databases.users.migrate_up::<migrations::users::Migrator>().await?;
    databases.payments.migrate_up::<migrations::payments::Migrator>().await?;
    databases.reviews.migrate_up::<migrations::reviews::Migrator>().await?;
    progress(&format!("Loading demo data: {} people ...", data.people.len()));
    users::import::load(&databases.users, data.people.iter().map(person).collect()).await?;
    progress(&format!(
        "Loading demo data: {} products, {} orders, {} rides ...",
        data.products.len(),
        data.orders.len(),
        data.rides.len()
    ));
    payments::import::load(&databases.payments, &purchases(data)).await?;
    progress(&format!("Loading demo data: {} reviews ...", data.reviews.len()));
    reviews::import::import(&databases.reviews, &opinions(data)).await?;
    Ok(())
}

/// Waits until `consumer` has applied every event that `source`'s feed holds now.
pub async fn reached(
    consumer: &Database,
    source_name: &str,
    source: &Database,
) -> Result<(), DbErr> {
    use kit::entity::{cursor, event};
    let last = event::Entity::find().order_by_desc(event::Column::Seq).one(source.read()).await?;
    let goal = last.map_or(0, |event| event.seq);
    loop {
        let cursor =
            cursor::Entity::find_by_id(source_name.to_owned()).one(consumer.read()).await?;
        if cursor.map_or(0, |cursor| cursor.seq) >= goal {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn person(person: &Person) -> users::import::ImportedUser {
    use users::account::roles::Role as Granted;
    let mut roles = vec![Granted::Customer];
    match person.role {
        Role::Customer => {}
        Role::Driver => roles.push(Granted::Driver),
        Role::Merchant => roles.push(Granted::Merchant),
        Role::Support => roles.push(Granted::Support),
        Role::Moderator => roles.push(Granted::Moderator),
        Role::Admin => roles.push(Granted::Admin),
    }
    users::import::ImportedUser {
        id: UserId::from(person.id),
        email: person.email.clone(),
        password: users::import::ImportedPassword::Plain(person.passphrase.clone()),
        display_name: person.display_name.clone(),
        given_name: Some(person.given.clone()),
        family_name: Some(person.family.clone()),
        avatar_url: None,
        locale: person.locale.to_owned(),
        time_zone: person.time_zone.to_owned(),
        roles,
        member_since: Timestamp(person.joined_ms),
        addresses: vec![users::import::ImportedAddress {
            label: Some("Home".to_owned()),
            address: address(person),
            is_default: true,
        }],
    }
}

fn address(person: &Person) -> AddressInput {
    let Home { line, locality, administrative_area, postal_code, country } = &person.home;
    AddressInput {
        recipient: Some(format!("{} {}", person.given, person.family)),
        organization: None,
        lines: vec![line.clone()],
        dependent_locality: None,
        locality: Some((*locality).to_owned()),
        administrative_area: administrative_area.map(str::to_owned),
        postal_code: Some((*postal_code).to_owned()),
        sorting_code: None,
        country_code: kit::graphql::CountryCode::parse(country).expect("demo countries are codes"),
    }
}

fn purchases(data: &Dataset) -> payments::import::Dataset {
    let people: HashMap<Uuid, &Person> =
        data.people.iter().map(|person| (person.id, person)).collect();
    payments::import::Dataset {
        products: data.products.iter().map(product).collect(),
        orders: data.orders.iter().map(|order| paid_order(order, people[&order.buyer])).collect(),
        rides: data.rides.iter().map(completed_ride).collect(),
    }
}

fn product(product: &super::catalogue::Product) -> payments::import::ImportedProduct {
    payments::import::ImportedProduct {
        id: ProductId::from(product.id),
        sku: product.sku.clone(),
        title: product.title.clone(),
        description: Some(product.description.clone()),
        image_url: None,
        price_minor: product.price_minor,
        currency: product.currency.to_owned(),
        seller: UserId::from(product.seller),
        on_hand: product.on_hand,
        listed_at: Timestamp(product.listed_ms),
    }
}

fn paid_order(order: &Order, buyer: &Person) -> payments::import::ImportedOrder {
    payments::import::ImportedOrder {
        id: OrderId::from(order.id),
        payment: PaymentId::from(order.payment),
        buyer: UserId::from(order.buyer),
        currency: order.currency.to_owned(),
        address: address(buyer),
        lines: order
            .lines
            .iter()
            .map(|line| payments::import::ImportedLine {
                id: OrderLineId::from(line.id),
                product: ProductId::from(line.product),
                quantity: line.quantity,
                unit_minor: line.unit_minor,
            })
            .collect(),
        placed_at: Timestamp(order.placed_ms),
        paid_at: Timestamp(order.paid_ms),
        refund: order.refund.as_ref().map(|refund| payments::import::ImportedRefund {
            id: RefundId::from(refund.id),
            line: refund.line,
            settled_at: Timestamp(refund.settled_ms),
        }),
    }
}

fn completed_ride(ride: &Ride) -> payments::import::ImportedRide {
    payments::import::ImportedRide {
        id: RideId::from(ride.id),
        payment: PaymentId::from(ride.payment),
        rider: UserId::from(ride.rider),
        driver: UserId::from(ride.driver),
        currency: ride.currency.to_owned(),
        distance_meters: ride.distance_meters,
        duration_seconds: ride.duration_seconds,
        tip_minor: ride.tip_minor,
        tip_payment: PaymentId::from(ride.tip_payment),
        picked_up_at: Timestamp(ride.picked_up_ms),
        completed_at: Timestamp(ride.completed_ms),
    }
}

fn opinions(data: &Dataset) -> Vec<reviews::import::ImportedReview> {
    use reviews::domain::subject::Subject as Reviewed;
    let drivers: HashMap<Uuid, Uuid> =
        data.rides.iter().map(|ride| (ride.id, ride.driver)).collect();
    data.reviews
        .iter()
        .map(|review| reviews::import::ImportedReview {
            id: ReviewId::from(review.id),
            author: UserId::from(review.author),
            subject: match review.subject {
                Subject::Product(id) => Reviewed::product(id),
                Subject::Ride(id) => Reviewed::ride(id),
            },
            driver: drivers.get(&review.subject.id()).copied().map(UserId::from),
            rating: i32::from(review.rating),
            title: review.title.clone(),
            body: review.body.clone(),
            locale: review.locale.to_owned(),
            verified: true,
            created_at: Timestamp(review.created_ms),
            votes: review
                .votes
                .iter()
                .map(|(voter, helpful)| (UserId::from(*voter), *helpful))
                .collect(),
            reply: None,
        })
        .collect()
}
