//! What administrators do.

use kit::{Caller, testing};
use serde_json::{Value, json};

use crate::world::{PASSWORD, REFRESH, World, claims, codes};

const SET_STATUS: &str = "mutation($id: ID!, $status: UserStatus!, $reason: String!) { \
     userSetStatus(id: $id, status: $status, reason: $reason) { user { id account { status } } \
     errors { __typename ... on UserError { code path } } } }";
const SET_ROLES: &str = "mutation($id: ID!, $roles: [UserRole!]!) { userSetRoles(id: $id, \
     roles: $roles) { user { account { roles } } errors { __typename ... on UserError { code path } } } }";
const USERS: &str = "query($first: Int, $after: String, $query: String, $status: UserStatus) { \
     users(first: $first, after: $after, query: $query, status: $status) { totalCount \
     edges { cursor node { displayName account { email sessions { id } addresses { id } } } } \
     pageInfo { hasNextPage endCursor } } }";

async fn set_status(world: &World, caller: &Caller, id: &str, status: &str) -> Value {
    let variables = json!({ "id": id, "status": status, "reason": "spam" });
    world.data(caller, SET_STATUS, variables).await["userSetStatus"].clone()
}

async fn set_roles(world: &World, caller: &Caller, id: &str, roles: &[&str]) -> Value {
    let variables = json!({ "id": id, "roles": roles });
    world.data(caller, SET_ROLES, variables).await["userSetRoles"].clone()
}

#[tokio::test]
async fn a_suspended_person_is_out_and_can_come_back() {
    let world = World::new().await;
    let admin = world.staff("root@example.org", "ADMIN").await;
    let person = world.person("ada@example.org").await;
    let id = person.id.to_string();
    let suspended = set_status(&world, &admin.caller, &id, "SUSPENDED").await;
    assert_eq!(suspended["user"]["account"]["status"], "SUSPENDED");
    let refresh = json!({ "token": person.refresh_token });
    let data = world.data(&Caller::Anonymous, REFRESH, refresh).await;
    assert_eq!(codes(&data["sessionRefresh"]), ["TOKEN_INVALID"]);
    assert_eq!(codes(&world.log_in("ada@example.org", PASSWORD).await), ["INVALID_CREDENTIALS"]);
    let events = kit::events::page(world.database.read(), 0, 20).await.unwrap().events;
    let last = events.last().unwrap();
    assert_eq!((last.kind.as_str(), last.key.as_str()), ("user.suspended", id.as_str()));
    set_status(&world, &admin.caller, &id, "ACTIVE").await;
    assert_eq!(world.log_in("ada@example.org", PASSWORD).await["errors"], json!([]));
}

#[tokio::test]
async fn roles_change_the_scopes_of_the_next_token() {
    let world = World::new().await;
    let admin = world.staff("root@example.org", "ADMIN").await;
    let person = world.person("ada@example.org").await;
    let set =
        set_roles(&world, &admin.caller, &person.id.to_string(), &["CUSTOMER", "MODERATOR"]).await;
    assert_eq!(set["user"]["account"]["roles"], json!(["CUSTOMER", "MODERATOR"]));
    let refresh = json!({ "token": person.refresh_token });
    let data = world.data(&Caller::Anonymous, REFRESH, refresh).await;
    let token = claims(data["sessionRefresh"]["tokens"]["accessToken"].as_str().unwrap());
    assert!(token["scope"].as_str().unwrap().contains("reviews:moderate"));
    assert!(
        token["iat"].as_i64().unwrap() > claims(&person.access_token)["iat"].as_i64().unwrap(),
        "the old token counts as older than the change"
    );
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let world = World::new().await;
    let one = world.staff("one@example.org", "ADMIN").await;
    let id = one.id.to_string();
    assert_eq!(codes(&set_roles(&world, &one.caller, &id, &["CUSTOMER"]).await), ["LAST_ADMIN"]);
    assert_eq!(codes(&set_status(&world, &one.caller, &id, "SUSPENDED").await), ["LAST_ADMIN"]);
    let two = world.staff("two@example.org", "ADMIN").await;
    let other = two.id.to_string();
    let (a, b) = tokio::join!(
        set_roles(&world, &one.caller, &id, &["CUSTOMER"]),
        set_roles(&world, &two.caller, &other, &["CUSTOMER"])
    );
    let refused: Vec<_> = [&a, &b].into_iter().flat_map(codes).collect();
    assert_eq!(refused, ["LAST_ADMIN"], "two cannot demote each other at once");
}

#[tokio::test]
async fn what_is_not_an_administrators_to_set_is_refused() {
    let world = World::new().await;
    let admin = world.staff("root@example.org", "ADMIN").await;
    let person = world.person("ada@example.org").await;
    let id = person.id.to_string();
    for status in ["ERASED", "PENDING_VERIFICATION"] {
        let refused = set_status(&world, &admin.caller, &id, status).await;
        assert_eq!(codes(&refused), ["STATUS_NOT_ALLOWED"]);
    }
    assert_eq!(codes(&set_roles(&world, &admin.caller, &id, &[]).await), ["TOO_SHORT"]);
    for id in ["", "usr_00000000000000000000000000", "prd_00000000000000000000000000"] {
        assert_eq!(codes(&set_status(&world, &admin.caller, id, "ACTIVE").await), ["NOT_FOUND"]);
        assert_eq!(codes(&set_roles(&world, &admin.caller, id, &["DRIVER"]).await), ["NOT_FOUND"]);
    }
    let variables = json!({ "id": id, "status": "SUSPENDED", "reason": "\u{202e}" });
    let data = world.data(&admin.caller, SET_STATUS, variables).await;
    assert_eq!(codes(&data["userSetStatus"]), ["FORBIDDEN_CHARACTER"]);
}

#[tokio::test]
async fn nobody_else_gets_in() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let support = world.staff("sue@example.org", "SUPPORT").await;
    let id = person.id.to_string();
    for (caller, code) in [
        (&person.caller, "FORBIDDEN"),
        (&support.caller, "FORBIDDEN"),
        (&Caller::Anonymous, "UNAUTHENTICATED"),
    ] {
        for (query, variables) in [
            (SET_STATUS, json!({ "id": id, "status": "SUSPENDED", "reason": "x" })),
            (SET_ROLES, json!({ "id": id, "roles": ["ADMIN"] })),
            (USERS, json!({})),
        ] {
            let answer = world.run(caller, query, variables).await;
            assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{answer}");
        }
    }
    let service = testing::service("operator", &["users:admin"]);
    assert!(world.data(&service, USERS, json!({})).await["users"]["totalCount"].is_number());
}

#[tokio::test]
async fn people_are_found_and_paged() {
    let world = World::new().await;
    let admin = world.staff("root@example.org", "ADMIN").await;
    for number in 0..5 {
        world.register(&format!("p{number}@example.org")).await;
    }
    let find =
        async |variables: Value| world.data(&admin.caller, USERS, variables).await["users"].clone();
    assert_eq!(find(json!({})).await["totalCount"], 6);
    assert_eq!(find(json!({ "query": "P3@" })).await["totalCount"], 1);
    assert_eq!(find(json!({ "query": "%" })).await["totalCount"], 0, "no pattern");
    assert_eq!(find(json!({ "status": "PENDING_VERIFICATION" })).await["totalCount"], 5);
    assert_eq!(find(json!({ "query": admin.id.to_string() })).await["totalCount"], 1);
    let mut seen = 0;
    let mut after = json!(null);
    loop {
        let page = find(json!({ "first": 4, "after": after })).await;
        seen += page["edges"].as_array().unwrap().len();
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(seen, 6);
    let answer = world.run(&admin.caller, USERS, json!({ "after": "tampered" })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "INVALID_CURSOR");
    assert_eq!(answer["errors"][0]["path"], json!(["users"]));
}

#[tokio::test]
async fn a_page_of_people_takes_a_fixed_number_of_statements() {
    let world = World::new().await;
    let admin = world.staff("root@example.org", "ADMIN").await;
    for number in 0..10 {
        world.person(&format!("p{number}@example.org")).await;
    }
    let statements = async |first: i32| {
        let before = world.database.statements();
        world.data(&admin.caller, USERS, json!({ "first": first })).await;
        world.database.statements() - before
    };
    assert_eq!(statements(1).await, statements(11).await);
}
