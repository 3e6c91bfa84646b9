//! Nobody learns from an answer whether an address has an account.

use kit::{Caller, RequestOrigin};
use serde_json::{Value, json};
use users::account::status::UserStatus;

use crate::world::{LOG_IN, PASSWORD, REGISTER, World};

const KNOWN: &str = "known@example.org";
const SUSPENDED: &str = "suspended@example.org";
const PENDING: &str = "pending@example.org";
const UNKNOWN: &str = "unknown@example.org";

async fn town() -> World {
    let world = World::new().await;
    world.person(KNOWN).await;
    let suspended = world.person(SUSPENDED).await;
    world
        .identity
        .set_status(suspended.id, UserStatus::Suspended, "test", &RequestOrigin::default())
        .await
        .unwrap();
    world.register(PENDING).await;
    world
}

async fn check(world: &World, query: &str, variables: impl Fn(&str) -> Value) {
    let mut answers = Vec::new();
    for email in [UNKNOWN, KNOWN, SUSPENDED, PENDING] {
        let answer = world.run(&Caller::Anonymous, query, variables(email)).await;
        answers.push(answer.to_string());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
}

#[tokio::test]
async fn f26_registration_answers_alike() {
    let world = town().await;
    check(&world, REGISTER, |email| {
        json!({ "input": { "email": email, "password": PASSWORD, "displayName": "Ada L" } })
    })
    .await;
}

#[tokio::test]
async fn f26_a_wrong_password_answers_alike() {
    let world = town().await;
    check(
        &world,
        LOG_IN,
        |email| json!({ "input": { "email": email, "password": "not the right password" } }),
    )
    .await;
}

#[tokio::test]
async fn f26_a_suspended_person_is_unknown_even_with_the_right_password() {
    let world = town().await;
    let answers = [world.log_in(SUSPENDED, PASSWORD).await, world.log_in(UNKNOWN, PASSWORD).await];
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn f26_reset_and_resend_answer_alike() {
    let world = town().await;
    for field in ["passwordResetRequest", "userResendVerification"] {
        let query = format!(
            "mutation($email: String!) {{ {field}(email: $email) {{ accepted errors {{ \
             __typename ... on UserError {{ code message path }} }} }} }}"
        );
        for _ in 0..4 {
            check(&world, &query, |email| json!({ "email": email })).await;
        }
    }
    assert!(world.mails(UNKNOWN).await.is_empty());
    assert_eq!(world.mails(SUSPENDED).await.len(), 1, "the verification link only");
}
