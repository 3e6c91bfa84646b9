//! Registering and verifying.

use std::time::Duration;

use kit::Caller;
use serde_json::{Value, json};

use crate::world::{PASSWORD, REGISTER, VERIFY, World, codes};

async fn register(world: &World, email: &str, password: &str, name: &str) -> Value {
    let input = json!({ "email": email, "password": password, "displayName": name });
    world.data(&Caller::Anonymous, REGISTER, json!({ "input": input })).await["userRegister"]
        .clone()
}

async fn verify(world: &World, token: &str) -> Value {
    let data = world.data(&Caller::Anonymous, VERIFY, json!({ "token": token })).await;
    data["userVerifyEmail"].clone()
}

#[tokio::test]
async fn registering_verifying_and_logging_in_gives_tokens() {
    let world = World::new().await;
    assert_eq!(world.register("Ada@Example.org").await, json!({ "accepted": true, "errors": [] }));
    let token = world.last_mail("Ada@Example.org", "verify_email").await.token();
    let verified = verify(&world, &token).await;
    assert_eq!(verified["user"]["displayName"], "Ada L");
    let payload = world.log_in("ada@example.org", PASSWORD).await;
    assert_eq!(payload["errors"], json!([]));
    assert_eq!(payload["tokens"]["tokenType"], "Bearer");
}

#[tokio::test]
async fn a_link_works_once_for_a_day_and_only_the_newest() {
    let world = World::new().await;
    world.register("ada@example.org").await;
    let first = world.last_mail("ada@example.org", "verify_email").await.token();
    world.register("ada@example.org").await;
    let second = world.last_mail("ada@example.org", "verify_email").await.token();
    assert_ne!(first, second);
    assert_eq!(codes(&verify(&world, &first).await), ["TOKEN_INVALID"], "replaced");
    assert_eq!(verify(&world, &second).await["errors"], json!([]));
    assert_eq!(codes(&verify(&world, &second).await), ["TOKEN_INVALID"], "used");

    world.register("bob@example.org").await;
    let late = world.last_mail("bob@example.org", "verify_email").await.token();
    world.clock.advance(Duration::from_hours(24));
    assert_eq!(codes(&verify(&world, &late).await), ["TOKEN_INVALID"], "expired");
}

#[tokio::test]
async fn foreign_and_malformed_tokens_are_refused() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let reset = "mutation { passwordResetRequest(email: \"ada@example.org\") { accepted } }";
    world.data(&Caller::Anonymous, reset, json!({})).await;
    let foreign = world.last_mail("ada@example.org", "password_reset").await.token();
    let long = "x".repeat(100_000);
    for token in
        ["", "abc", &foreign, &person.refresh_token, &person.access_token, &long, "\u{202e}"]
    {
        assert_eq!(codes(&verify(&world, token).await), ["TOKEN_INVALID"]);
    }
}

#[tokio::test]
async fn of_two_who_follow_the_same_link_one_verifies() {
    let world = World::new().await;
    world.register("ada@example.org").await;
    let token = world.last_mail("ada@example.org", "verify_email").await.token();
    let (one, two) = tokio::join!(verify(&world, &token), verify(&world, &token));
    let verified = [one, two].iter().filter(|it| it["errors"] == json!([])).count();
    assert_eq!(verified, 1);
}

#[tokio::test]
async fn a_taken_address_gets_the_same_answer_and_another_mail() {
    let world = World::new().await;
    world.person("ada@example.org").await;
    let answer = register(&world, "ADA@example.org", PASSWORD, "Somebody Else").await;
    assert_eq!(answer, json!({ "accepted": true, "errors": [] }));
    let templates: Vec<_> =
        world.mails("ada@example.org").await.into_iter().map(|mail| mail.template).collect();
    assert_eq!(templates, ["verify_email", "already_registered"]);
}

#[tokio::test]
async fn whoever_registers_an_unverified_address_last_sets_its_password() {
    let world = World::new().await;
    register(&world, "ada@example.org", "mallory wants this account", "Mallory").await;
    register(&world, "ada@example.org", PASSWORD, "Ada").await;
    let token = world.last_mail("ada@example.org", "verify_email").await.token();
    assert_eq!(verify(&world, &token).await["user"]["displayName"], "Ada");
    let wrong = world.log_in("ada@example.org", "mallory wants this account").await;
    assert_eq!(codes(&wrong), ["INVALID_CREDENTIALS"]);
    assert_eq!(world.log_in("ada@example.org", PASSWORD).await["errors"], json!([]));
}

#[tokio::test]
async fn fifty_registrations_of_one_address_make_one_account() {
    let world = World::new().await;
    let answers =
        futures::future::join_all((0..50).map(|_| world.register("ada@example.org"))).await;
    assert!(
        answers.iter().all(|it| *it == json!({ "accepted": true, "errors": [] })),
        "{answers:?}"
    );
    let admin = world.staff("root@example.org", "ADMIN").await;
    let found = "{ users(query: \"ada@\") { totalCount } }";
    let data = world.data(&admin.caller, found, json!({})).await;
    assert_eq!(data["users"]["totalCount"], 1);
}

#[tokio::test]
async fn bad_input_is_refused_with_path_and_code_and_stores_nothing() {
    let world = World::new().await;
    let long_mail = format!("{}@example.org", "a".repeat(300));
    let long_name = "n".repeat(41);
    let huge = "p".repeat(10_000);
    let cases: [(&str, &str, &str, &str, &str); 14] = [
        ("ada", PASSWORD, "Ada L", "email", "INVALID_EMAIL"),
        ("ada@example.org\r\nBcc: x@example.org", PASSWORD, "Ada L", "email", "INVALID_EMAIL"),
        (&long_mail, PASSWORD, "Ada L", "email", "TOO_LONG"),
        ("ada@example.org", "short", "Ada L", "password", "WEAK_PASSWORD"),
        ("ada@example.org", "aaaaaaaaaaaaaaaaaaaaaa", "Ada L", "password", "WEAK_PASSWORD"),
        ("ada@example.org", "passwordpassword", "Ada L", "password", "WEAK_PASSWORD"),
        (
            "lovelace@example.org",
            "lovelace lovelace lovelace",
            "Ada L",
            "password",
            "WEAK_PASSWORD",
        ),
        ("ada@example.org", &huge, "Ada L", "password", "WEAK_PASSWORD"),
        ("ada@example.org", PASSWORD, "A", "displayName", "TOO_SHORT"),
        ("ada@example.org", PASSWORD, &long_name, "displayName", "TOO_LONG"),
        ("ada@example.org", PASSWORD, "Ada\u{202e}L", "displayName", "FORBIDDEN_CHARACTER"),
        ("ada@example.org", PASSWORD, "Ada\u{7}L", "displayName", "FORBIDDEN_CHARACTER"),
        ("ada@example.org", PASSWORD, "\u{410}dmin", "displayName", "RESERVED_NAME"),
        ("ada@example.org", PASSWORD, "Concord Support", "displayName", "RESERVED_NAME"),
    ];
    for (email, password, name, field, code) in cases {
        let answer = register(&world, email, password, name).await;
        assert_eq!(answer["accepted"], false, "{answer}");
        assert_eq!(codes(&answer), [code], "{answer}");
        assert_eq!(answer["errors"][0]["path"], json!(["input", field]));
    }
    assert!(world.mails("ada@example.org").await.is_empty());
    let everything_wrong = register(&world, "ada", "short", "A").await;
    assert_eq!(codes(&everything_wrong).len(), 2, "all that can be said at once");
}

#[tokio::test]
async fn weak_passwords_come_with_score_and_suggestions() {
    let world = World::new().await;
    let answer = register(&world, "ada@example.org", "passwordpassword", "Ada L").await;
    let error = &answer["errors"][0];
    assert_eq!(error["__typename"], "WeakPasswordError");
    assert!(error["score"].as_i64().unwrap() < 3);
    assert!(!error["suggestions"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_new_link_can_be_asked_for_three_times_an_hour() {
    let world = World::new().await;
    world.register("ada@example.org").await;
    let resend = "mutation($email: String!) { userResendVerification(email: $email) { accepted \
         errors { ... on UserError { code } } } }";
    let ask = async |email: &str| {
        let data = world.data(&Caller::Anonymous, resend, json!({ "email": email })).await;
        data["userResendVerification"].clone()
    };
    for _ in 0..3 {
        assert_eq!(ask("ada@example.org").await, ask("nobody@example.org").await);
    }
    assert_eq!(codes(&ask("ada@example.org").await), ["RATE_LIMITED"]);
    assert_eq!(codes(&ask("nobody@example.org").await), ["RATE_LIMITED"]);
    assert_eq!(world.mails("ada@example.org").await.len(), 4);
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(ask("ada@example.org").await["accepted"], true);
}

#[tokio::test]
async fn others_hear_of_a_person_once_the_address_is_proved() {
    let world = World::new().await;
    let seq = async || kit::events::last_seq(world.database.read()).await.unwrap();
    world.register("ada@example.org").await;
    assert_eq!(seq().await, 0);
    let token = world.last_mail("ada@example.org", "verify_email").await.token();
    verify(&world, &token).await;
    let page = kit::events::page(world.database.read(), 0, 10).await.unwrap();
    assert_eq!(page.events.len(), 1);
    assert_eq!(page.events[0].kind, "user.registered");
    assert_eq!(page.events[0].payload["displayName"], "Ada L");
    assert!(!page.events[0].payload.to_string().contains("example.org"));
}
