//! Bulk loading.

use kit::{
    Timestamp,
    graphql::{AddressInput, CountryCode},
    id::UserId,
};
use serde_json::json;
use users::{
    account::roles::Role,
    import::{ImportError, ImportedAddress, ImportedPassword, ImportedUser, load},
};

use crate::world::{PASSWORD, World};

fn person(number: u32) -> ImportedUser {
    let at = Timestamp(1_700_000_000_000 + i64::from(number));
    ImportedUser {
        id: UserId::new(at),
        email: format!("demo{number}@example.org"),
        password: ImportedPassword::Plain(PASSWORD.to_owned()),
        display_name: format!("Demo Person {number}"),
        given_name: None,
        family_name: None,
        avatar_url: None,
        locale: "en".to_owned(),
        time_zone: "UTC".to_owned(),
        roles: vec![Role::Driver],
        member_since: at,
        addresses: vec![ImportedAddress {
            label: None,
            address: AddressInput {
                recipient: None,
                organization: None,
                lines: vec!["1 Main Street".to_owned()],
                dependent_locality: None,
                locality: Some("Springfield".to_owned()),
                administrative_area: Some("IL".to_owned()),
                postal_code: Some("62701".to_owned()),
                sorting_code: None,
                country_code: CountryCode::parse("US").unwrap(),
            },
            is_default: true,
        }],
    }
}

#[tokio::test]
async fn imported_people_log_in_and_are_on_the_feed() {
    let world = World::new().await;
    let last = load(&world.database, (0..45).map(person).collect()).await.unwrap();
    assert_eq!(last, 45);
    let person = world.session("demo7@example.org", PASSWORD).await;
    let query = "{ me { displayName memberSince account { roles emailVerified \
         defaultShippingAddress { address { locality } } } } }";
    let data = world.data(&person.caller, query, json!({})).await;
    assert_eq!(data["me"]["displayName"], "Demo Person 7");
    assert_eq!(data["me"]["account"]["roles"], json!(["CUSTOMER", "DRIVER"]));
    assert_eq!(data["me"]["account"]["emailVerified"], true);
    assert!(world.mails("demo7@example.org").await.is_empty());
}

#[tokio::test]
async fn one_bad_person_loads_nobody() {
    let world = World::new().await;
    let bad = ImportedUser { email: "nonsense".to_owned(), ..person(2) };
    let refused = load(&world.database, vec![person(1), bad]).await;
    assert!(matches!(refused, Err(ImportError::Email { .. })));
    let twice = load(
        &world.database,
        vec![person(1), ImportedUser { email: "DEMO1@example.org".into(), ..person(2) }],
    )
    .await;
    assert!(matches!(twice, Err(ImportError::Database(_))));
    assert_eq!(kit::events::last_seq(world.database.read()).await.unwrap(), 0);
}
