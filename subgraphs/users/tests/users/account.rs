//! Who sees what of a person, and how many statements that takes.

use kit::{Caller, id::UserId, testing};
use serde_json::{Value, json};

use crate::world::{ME, World};

const USER: &str =
    "query($id: ID!) { user(id: $id) { id displayName memberSince account { email } } }";
const ENTITIES: &str = "query($representations: [_Any!]!) { _entities(representations: \
     $representations) { ... on User { id displayName badges } } }";

fn representation(id: &UserId) -> Value {
    json!({ "__typename": "User", "id": id.to_string() })
}

#[tokio::test]
async fn me_is_the_caller_or_null() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let data = world.data(&person.caller, ME, json!({})).await;
    assert_eq!(data["me"]["id"], person.id.to_string());
    assert_eq!(data["me"]["account"]["email"], "ada@example.org");
    assert_eq!(data["me"]["account"]["status"], "ACTIVE");
    assert_eq!(world.data(&Caller::Anonymous, ME, json!({})).await["me"], json!(null));
}

#[tokio::test]
async fn accounts_are_for_owner_support_and_admin() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let stranger = world.person("bob@example.org").await;
    let support = world.staff("sue@example.org", "SUPPORT").await;
    let admin = world.staff("root@example.org", "ADMIN").await;
    let id = json!({ "id": person.id.to_string() });
    for caller in [&person.caller, &support.caller, &admin.caller] {
        let data = world.data(caller, USER, id.clone()).await;
        assert_eq!(data["user"]["account"]["email"], "ada@example.org");
    }
    let service = testing::service("reviews", &[]);
    for (caller, code) in [
        (&stranger.caller, "FORBIDDEN"),
        (&Caller::Anonymous, "UNAUTHENTICATED"),
        (&service, "FORBIDDEN"),
    ] {
        let answer = world.run(caller, USER, id.clone()).await;
        assert_eq!(answer["data"]["user"]["displayName"], "Ada L", "the rest is public");
        assert_eq!(answer["data"]["user"]["account"], json!(null));
        assert_eq!(answer["errors"][0]["extensions"]["code"], code);
        assert_eq!(answer["errors"][0]["path"], json!(["user", "account"]));
    }
}

#[tokio::test]
async fn f40_an_account_cannot_be_had_by_its_representation() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let stranger = world.person("bob@example.org").await;
    let query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on User { account { email } } } }";
    let variables = json!({ "r": [representation(&person.id)] });
    let answer = world.run(&stranger.caller, query, variables).await;
    assert_eq!(answer["data"]["_entities"][0]["account"], json!(null));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
}

#[tokio::test]
async fn ids_of_nobody_and_of_other_things_are_null() {
    let world = World::new().await;
    world.register("pending@example.org").await;
    let nobody = UserId::new(world.clock.now()).to_string();
    for id in [
        "",
        "usr_",
        "prd_00000000000000000000000000",
        "42",
        &nobody,
        "USR_00000000000000000000000000",
    ] {
        let data = world.data(&Caller::Anonymous, USER, json!({ "id": id })).await;
        assert_eq!(data["user"], json!(null), "{id}");
    }
}

#[tokio::test]
async fn people_named_by_other_services_are_found_in_one_statement() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(world.person(&format!("p{number}@example.org")).await.id);
    }
    let statements = async |count: usize| {
        let before = world.database.statements();
        let representations: Vec<_> = ids[..count].iter().map(representation).collect();
        let data = world
            .data(&Caller::Anonymous, ENTITIES, json!({ "representations": representations }))
            .await;
        assert_eq!(data["_entities"].as_array().unwrap().len(), count);
        world.database.statements() - before
    };
    assert_eq!((statements(1).await, statements(20).await), (1, 1));
}

#[tokio::test]
async fn f35_one_unknown_person_costs_only_itself() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let nobody = UserId::new(world.clock.now());
    let representations = json!([
        representation(&nobody),
        representation(&person.id),
        { "__typename": "User", "id": "garbage" },
    ]);
    let data = world
        .data(&Caller::Anonymous, ENTITIES, json!({ "representations": representations }))
        .await;
    assert_eq!(data["_entities"][0], json!(null));
    assert_eq!(data["_entities"][1]["displayName"], "Ada L");
    assert_eq!(data["_entities"][2], json!(null));
}

#[tokio::test]
async fn badges_use_what_the_other_services_know() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let mut known = representation(&person.id);
    known["publishedReviewCount"] = json!(30);
    known["paidOrderCount"] = json!(null);
    known["completedRideCount"] = json!(10);
    let data = world
        .data(
            &Caller::Anonymous,
            ENTITIES,
            json!({ "representations": [known, representation(&person.id)] }),
        )
        .await;
    assert_eq!(
        data["_entities"][0]["badges"],
        json!(["NEW_MEMBER", "REVIEWER", "TOP_REVIEWER", "FREQUENT_RIDER"])
    );
    assert_eq!(data["_entities"][1]["badges"], json!(["NEW_MEMBER"]));
}

#[tokio::test]
async fn me_takes_a_fixed_number_of_statements() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let query = "{ me { account { addresses { id } sessions { id } \
         securityEvents(first: 5) { edges { node { kind } } } emails { edges { node { template } } } } } }";
    let statements = async || {
        let before = world.database.statements();
        world.data(&person.caller, query, json!({})).await;
        world.database.statements() - before
    };
    let few = statements().await;
    for _ in 0..10 {
        world.session("ada@example.org", crate::world::PASSWORD).await;
    }
    assert_eq!((few, statements().await), (5, 5));
}

#[tokio::test]
async fn pages_of_the_security_log_follow_each_other() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    for _ in 0..5 {
        world.session("ada@example.org", crate::world::PASSWORD).await;
    }
    let query = "query($after: String) { me { account { log: securityEvents(first: 3, after: $after) \
         { edges { cursor node { id kind } } pageInfo { hasNextPage endCursor } } } } }";
    let mut kinds = Vec::new();
    let mut after = json!(null);
    loop {
        let data = world.data(&person.caller, query, json!({ "after": after })).await;
        let log = &data["me"]["account"]["log"];
        kinds.extend(log["edges"].as_array().unwrap().iter().map(|e| e["node"]["kind"].clone()));
        after = log["pageInfo"]["endCursor"].clone();
        if log["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    let mut expected = vec!["LOGIN"; 6];
    expected.extend(["EMAIL_VERIFIED", "REGISTERED"]);
    assert_eq!(kinds, expected);
}

#[tokio::test]
async fn a_bad_page_makes_the_account_null_and_names_the_field() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    for (arguments, code) in [
        ("after: \"garbage\"", "INVALID_CURSOR"),
        ("first: 0", "BAD_USER_INPUT"),
        ("first: 101", "BAD_USER_INPUT"),
        ("first: -1", "BAD_USER_INPUT"),
    ] {
        let query = format!(
            "{{ me {{ id account {{ email log: securityEvents({arguments}) {{ edges {{ cursor }} }} }} }} }}"
        );
        let answer = world.run(&person.caller, &query, json!({})).await;
        assert_eq!(answer["data"]["me"]["account"], json!(null), "{answer}");
        assert_eq!(answer["data"]["me"]["id"], person.id.to_string());
        assert_eq!(answer["errors"][0]["path"], json!(["me", "account", "log"]));
        assert_eq!(answer["errors"][0]["extensions"]["code"], code);
    }
}
