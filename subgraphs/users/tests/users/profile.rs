//! Profile and addresses.

use kit::{Caller, testing};
use serde_json::{Value, json};

use crate::world::{ME, World, codes};

const UPDATE: &str = "mutation($input: ProfileUpdateInput!) { profileUpdate(input: $input) { \
     user { displayName avatarUrl account { givenName familyName phone locale timeZone version } } \
     errors { __typename ... on UserError { code path } } } }";
const SAVE: &str = "mutation($id: ID, $label: String, $address: AddressInput!, $default: Boolean) \
     { addressSave(id: $id, label: $label, address: $address, makeDefault: $default) { \
     address { id label isDefaultShipping address { lines formatted } } \
     errors { __typename ... on UserError { code path } } } }";
const DELETE: &str = "mutation($id: ID!) { addressDelete(id: $id) { deletedId \
     errors { __typename ... on UserError { code } } } }";
const ADDRESSES: &str = "{ me { account { addresses { id isDefaultShipping } \
     defaultShippingAddress { id } } } }";

fn home() -> Value {
    json!({ "recipient": "Ada", "lines": ["Invalidenstr. 1"], "locality": "Berlin",
            "postalCode": "10115", "countryCode": "DE" })
}

#[tokio::test]
async fn fields_change_empty_and_stay() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let input = json!({ "displayName": "  Countess  Ada ", "givenName": "Ada", "phone": "+493012345678",
        "locale": "de-at", "timeZone": "Europe/Berlin", "avatarUrl": "https://img.example/a.png" });
    let data = world.data(&person.caller, UPDATE, json!({ "input": input })).await;
    let user = &data["profileUpdate"]["user"];
    assert_eq!(user["displayName"], "Countess Ada");
    assert_eq!(user["account"]["phone"], "+493012345678");
    assert_eq!(user["account"]["locale"], "de-AT");
    let input = json!({ "phone": null, "avatarUrl": null });
    let data = world.data(&person.caller, UPDATE, json!({ "input": input })).await;
    let user = &data["profileUpdate"]["user"];
    assert_eq!(user["account"]["phone"], json!(null));
    assert_eq!(user["avatarUrl"], json!(null));
    assert_eq!(user["account"]["givenName"], "Ada");
}

#[tokio::test]
async fn of_two_changes_to_one_version_one_wins() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let me = world.data(&person.caller, ME, json!({})).await;
    let version = me["me"]["account"]["version"].as_i64().unwrap();
    let change = async |name: &str| {
        let input = json!({ "displayName": name, "expectedVersion": version });
        let data = world.data(&person.caller, UPDATE, json!({ "input": input })).await;
        data["profileUpdate"].clone()
    };
    let (one, two) = tokio::join!(change("Ada One"), change("Ada Two"));
    let conflicts: Vec<_> = [&one, &two].into_iter().flat_map(codes).collect();
    assert_eq!(conflicts, ["CONFLICT"]);
}

#[tokio::test]
async fn a_new_name_is_told_to_the_other_services() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let input = json!({ "displayName": "Countess" });
    world.data(&person.caller, UPDATE, json!({ "input": input })).await;
    let input = json!({ "givenName": "Augusta" });
    world.data(&person.caller, UPDATE, json!({ "input": input })).await;
    let events = kit::events::page(world.database.read(), 0, 10).await.unwrap().events;
    let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["user.registered", "user.updated"], "private fields are nobody's business");
    assert_eq!(events[1].payload["displayName"], "Countess");
    assert_eq!(events[1].key, person.id.to_string());
}

#[tokio::test]
async fn bad_fields_are_all_named() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let input = json!({ "displayName": "x\u{202e}y", "givenName": "a\u{0}b", "phone": "+4930",
        "timeZone": "Berlin", "avatarUrl": "javascript:alert(1)" });
    let answer = world.run(&person.caller, UPDATE, json!({ "input": input })).await;
    assert!(answer["errors"].is_array(), "the scalar refuses the phone: {answer}");
    let input = json!({ "displayName": "x\u{202e}y", "givenName": "a\u{0}b",
        "phone": "+999123456789", "timeZone": "Berlin", "avatarUrl": "javascript:alert(1)" });
    let data = world.data(&person.caller, UPDATE, json!({ "input": input })).await;
    assert_eq!(
        codes(&data["profileUpdate"]),
        [
            "FORBIDDEN_CHARACTER",
            "FORBIDDEN_CHARACTER",
            "INVALID_PHONE",
            "INVALID_TIME_ZONE",
            "INVALID_URL"
        ]
    );
}

#[tokio::test]
async fn a_token_with_profile_write_is_enough_and_one_without_is_not() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let input = json!({ "input": { "displayName": "Ada Too" } });
    let allowed = testing::user(person.id, &["profile:write"]);
    assert_eq!(
        world.data(&allowed, UPDATE, input.clone()).await["profileUpdate"]["errors"],
        json!([])
    );
    for (caller, code) in [
        (testing::user(person.id, &["reviews:write"]), "FORBIDDEN"),
        (Caller::Anonymous, "UNAUTHENTICATED"),
    ] {
        let answer = world.run(&caller, UPDATE, input.clone()).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], code);
        assert_eq!(answer["data"]["profileUpdate"], json!(null));
    }
}

#[tokio::test]
async fn addresses_are_saved_changed_and_deleted_by_their_owner() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let stranger = world.person("bob@example.org").await;
    let save = async |caller: &Caller, id: Value, default: bool| {
        let variables = json!({ "id": id, "label": "Home", "address": home(), "default": default });
        world.data(caller, SAVE, variables).await["addressSave"].clone()
    };
    let first = save(&person.caller, json!(null), true).await;
    assert_eq!(
        first["address"]["address"]["formatted"],
        json!(["Ada", "Invalidenstr. 1", "10115 Berlin", "DE"])
    );
    let second = save(&person.caller, json!(null), true).await;
    let data = world.data(&person.caller, ADDRESSES, json!({})).await;
    let account = &data["me"]["account"];
    assert_eq!(account["defaultShippingAddress"]["id"], second["address"]["id"]);
    let defaults = account["addresses"].as_array().unwrap().iter();
    assert_eq!(defaults.filter(|address| address["isDefaultShipping"] == true).count(), 1);

    let id = &first["address"]["id"];
    assert_eq!(codes(&save(&stranger.caller, id.clone(), true).await), ["NOT_FOUND"]);
    let foreign = world.data(&stranger.caller, DELETE, json!({ "id": id })).await;
    assert_eq!(codes(&foreign["addressDelete"]), ["NOT_FOUND"]);
    assert_eq!(save(&person.caller, id.clone(), false).await["address"]["id"], *id);
    let deleted = world.data(&person.caller, DELETE, json!({ "id": id })).await;
    assert_eq!(deleted["addressDelete"]["deletedId"], *id);
    let again = world.data(&person.caller, DELETE, json!({ "id": id })).await;
    assert_eq!(codes(&again["addressDelete"]), ["NOT_FOUND"]);
}

#[tokio::test]
async fn twenty_addresses_are_enough() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let save = || world.data(&person.caller, SAVE, json!({ "address": home() }));
    let saved = futures::future::join_all((0..25).map(|_| save())).await;
    let refused: Vec<_> = saved.iter().flat_map(|data| codes(&data["addressSave"])).collect();
    assert_eq!(refused, ["TOO_MANY"; 5]);
}

#[tokio::test]
async fn bad_addresses_are_refused_with_their_path() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let check = async |address: Value, field: &str| {
        let data = world.data(&person.caller, SAVE, json!({ "address": address })).await;
        assert_eq!(data["addressSave"]["errors"][0]["path"], json!(["address", field]));
    };
    check(json!({ "lines": [], "countryCode": "DE" }), "lines").await;
    check(json!({ "lines": vec!["a"; 6], "countryCode": "DE" }), "lines").await;
    check(json!({ "lines": ["a"], "locality": "x".repeat(101), "countryCode": "DE" }), "locality")
        .await;
    check(json!({ "lines": ["a\u{2067}b"], "countryCode": "DE" }), "lines").await;
    let answer = world
        .run(&person.caller, SAVE, json!({ "address": { "lines": ["a"], "countryCode": "de" } }))
        .await;
    assert!(answer["errors"].is_array(), "{answer}");
}
