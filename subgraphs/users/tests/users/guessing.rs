//! Guessing passwords gets slow, from one address or one network, and for unknown addresses too.

use std::time::Duration;

use kit::Caller;
use serde_json::json;

use crate::world::{OTHER_PASSWORD, PASSWORD, World, codes};

const WRONG: &str = "certainly not the password";

#[tokio::test]
async fn five_failures_are_free_then_waits_double() {
    let world = World::new().await;
    world.person("ada@example.org").await;
    for email in ["ada@example.org", "nobody@example.org"] {
        for _ in 0..5 {
            assert_eq!(codes(&world.log_in(email, WRONG).await), ["INVALID_CREDENTIALS"]);
        }
        for wait in [1, 2, 4, 8] {
            let limited = world.log_in(email, PASSWORD).await;
            assert_eq!(codes(&limited), ["RATE_LIMITED"], "{email}");
            assert_eq!(limited["errors"][0]["retryAfterSeconds"], wait);
            world.clock.advance(Duration::from_secs(wait));
            assert_eq!(codes(&world.log_in(email, WRONG).await), ["INVALID_CREDENTIALS"]);
        }
        world.clock.advance(Duration::from_hours(24));
    }
}

#[tokio::test]
async fn a_success_starts_the_count_again() {
    let world = World::new().await;
    world.person("ada@example.org").await;
    for _ in 0..3 {
        for _ in 0..4 {
            world.log_in("ada@example.org", WRONG).await;
        }
        assert_eq!(world.log_in("ada@example.org", PASSWORD).await["errors"], json!([]));
        world.clock.advance(Duration::from_mins(15));
    }
}

#[tokio::test]
async fn after_a_hundred_failures_only_a_reset_helps() {
    let world = World::new().await;
    world.person("ada@example.org").await;
    for attempt in 0..100 {
        // From everywhere, so that only the account's own counter can stop it.
        let ip = format!("2001:db8:{attempt:x}::1");
        let answer = world.log_in_from(&ip, "ada@example.org", WRONG).await;
        assert_eq!(codes(&answer), ["INVALID_CREDENTIALS"], "{attempt}");
        world.clock.advance(Duration::from_mins(16));
    }
    world.clock.advance(Duration::from_hours(24 * 365));
    let dead = world.log_in("ada@example.org", PASSWORD).await;
    assert_eq!(codes(&dead), ["RATE_LIMITED"]);

    let request = "mutation { passwordResetRequest(email: \"ada@example.org\") { accepted } }";
    let requested = world.data(&Caller::Anonymous, request, json!({})).await;
    assert_eq!(requested["passwordResetRequest"]["accepted"], true);
    let token = world.last_mail("ada@example.org", "password_reset").await.token();
    let reset = "mutation($token: String!, $new: String!) { passwordReset(token: $token, \
         newPassword: $new) { changed } }";
    let variables = json!({ "token": token, "new": OTHER_PASSWORD });
    let data = world.data(&Caller::Anonymous, reset, variables).await;
    assert_eq!(data["passwordReset"]["changed"], true);
    assert_eq!(world.log_in("ada@example.org", OTHER_PASSWORD).await["errors"], json!([]));
}

#[tokio::test]
async fn one_network_has_twenty_failures_and_one_more_each_45_seconds() {
    let world = World::new().await;
    world.person("ada@example.org").await;
    let ip = "203.0.113.9";
    for attempt in 0..20 {
        let email = format!("nobody{}@example.org", attempt % 5);
        let answer = world.log_in_from(ip, &email, WRONG).await;
        assert_eq!(codes(&answer), ["INVALID_CREDENTIALS"], "{attempt}");
    }
    let limited = world.log_in_from(ip, "ada@example.org", PASSWORD).await;
    assert_eq!(codes(&limited), ["RATE_LIMITED"]);
    assert_eq!(limited["errors"][0]["retryAfterSeconds"], 45);
    let elsewhere = world.log_in_from("203.0.113.10", "ada@example.org", PASSWORD).await;
    assert_eq!(elsewhere["errors"], json!([]));
    world.clock.advance(Duration::from_secs(45));
    assert_eq!(world.log_in_from(ip, "ada@example.org", PASSWORD).await["errors"], json!([]));
}

#[tokio::test]
async fn f28_a_network_that_fails_on_fifteen_addresses_is_out_for_a_day() {
    let world = World::new().await;
    world.person("ada@example.org").await;
    let ip = "2001:db8:1:2::1";
    for attempt in 0..15 {
        let email = format!("stuffed{attempt}@example.org");
        assert_eq!(codes(&world.log_in_from(ip, &email, WRONG).await), ["INVALID_CREDENTIALS"]);
    }
    let neighbour = "2001:db8:1:2:ffff::9";
    world.clock.advance(Duration::from_hours(23));
    let blocked = world.log_in_from(neighbour, "ada@example.org", PASSWORD).await;
    assert_eq!(codes(&blocked), ["RATE_LIMITED"]);
    world.clock.advance(Duration::from_hours(1));
    let free = world.log_in_from(neighbour, "ada@example.org", PASSWORD).await;
    assert_eq!(free["errors"], json!([]));
}

#[tokio::test]
async fn parallel_guesses_do_not_outrun_the_counter() {
    let world = World::new().await;
    world.person("ada@example.org").await;
    let guesses = (0..50).map(|_| world.log_in("ada@example.org", WRONG));
    let answers = futures::future::join_all(guesses).await;
    let tried = answers.iter().filter(|it| codes(it) == ["INVALID_CREDENTIALS"]).count();
    // Five are free; at most one more per hashing slot was under way when the fifth failed.
    assert!((5..=9).contains(&tried), "{tried}");
}

#[tokio::test]
async fn replicas_share_the_counters() {
    let world = World::new().await;
    world.person("ada@example.org").await;
    let twin = world.twin().await;
    for _ in 0..3 {
        world.log_in("ada@example.org", WRONG).await;
    }
    for _ in 0..2 {
        twin.log_in("ada@example.org", WRONG).await;
    }
    assert_eq!(codes(&world.log_in("ada@example.org", PASSWORD).await), ["RATE_LIMITED"]);
    assert_eq!(codes(&twin.log_in("ada@example.org", PASSWORD).await), ["RATE_LIMITED"]);
}
