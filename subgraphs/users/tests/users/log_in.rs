//! Logging in, and what the tokens say.

use std::time::Duration;

use kit::Caller;
use serde_json::json;

use crate::world::{ERRORS, LOG_IN, ME, PASSWORD, World, claims, codes, config};

#[tokio::test]
async fn access_tokens_say_what_rfc_9068_wants() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let header = jsonwebtoken::decode_header(&person.access_token).unwrap();
    assert_eq!(header.typ.as_deref(), Some("at+jwt"));
    assert_eq!(header.alg, jsonwebtoken::Algorithm::EdDSA);
    let claims = claims(&person.access_token);
    let now = world.clock.now().seconds();
    assert_eq!(claims["iss"], "http://localhost:4001");
    assert_eq!(claims["aud"], "concord");
    assert_eq!(claims["sub"], person.id.to_string());
    assert_eq!(claims["client_id"], "concord");
    assert_eq!(claims["iat"], now);
    let lifetime = claims["exp"].as_i64().unwrap() - now;
    assert!((285..=300).contains(&lifetime), "{lifetime}");
    assert_eq!(claims["amr"], json!(["pwd"]));
    assert_eq!(claims["auth_time"], now);
    assert_eq!(claims["roles"], json!(["CUSTOMER"]));
    assert_eq!(claims["scope"], "payments:read payments:write profile:write reviews:write session");
    assert!(claims["sid"].as_str().unwrap().starts_with("ses_"));
    assert!(claims["jti"].is_string());
}

#[tokio::test]
async fn access_tokens_verify_with_the_published_keys() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let jwks: jsonwebtoken::jwk::JwkSet =
        serde_json::from_value(world.identity.signing_keys().jwks().await.unwrap()).unwrap();
    let kid = jsonwebtoken::decode_header(&person.access_token).unwrap().kid.unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(jwks.find(&kid).unwrap()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    validation.set_audience(&["concord"]);
    validation.validate_exp = false;
    let checked =
        jsonwebtoken::decode::<serde_json::Value>(&person.access_token, &key, &validation);
    assert!(checked.is_ok(), "{checked:?}");
}

#[tokio::test]
async fn rs256_can_be_configured() {
    let mut config = config();
    config.signing.algorithm = users::token::signing_keys::SigningAlgorithm::Rs256;
    let world = World::with(config).await;
    let person = world.person("ada@example.org").await;
    let header = jsonwebtoken::decode_header(&person.access_token).unwrap();
    assert_eq!(header.alg, jsonwebtoken::Algorithm::RS256);
    let jwks: jsonwebtoken::jwk::JwkSet =
        serde_json::from_value(world.identity.signing_keys().jwks().await.unwrap()).unwrap();
    let key =
        jsonwebtoken::DecodingKey::from_jwk(jwks.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.set_audience(&["concord"]);
    validation.validate_exp = false;
    assert!(
        jsonwebtoken::decode::<serde_json::Value>(&person.access_token, &key, &validation).is_ok()
    );
}

#[tokio::test]
async fn the_right_password_before_verification_gets_a_reminder_every_five_minutes() {
    let world = World::new().await;
    world.register("ada@example.org").await;
    for _ in 0..3 {
        assert_eq!(codes(&world.log_in("ada@example.org", PASSWORD).await), ["EMAIL_NOT_VERIFIED"]);
    }
    assert_eq!(world.mails("ada@example.org").await.len(), 2, "registration and one reminder");
    world.clock.advance(Duration::from_mins(5));
    world.log_in("ada@example.org", PASSWORD).await;
    assert_eq!(world.mails("ada@example.org").await.len(), 3);
    let wrong = world.log_in("ada@example.org", "not the password at all").await;
    assert_eq!(codes(&wrong), ["INVALID_CREDENTIALS"]);
}

#[tokio::test]
async fn a_log_in_from_a_new_device_is_reported_once() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    world.session(&person.email, PASSWORD).await;
    assert!(world.mails(&person.email).await.iter().all(|mail| mail.template != "new_device"));
    let input = json!({ "input": {
        "email": person.email, "password": PASSWORD, "deviceName": "Pixel 12",
    } });
    for _ in 0..2 {
        world.run_from("198.51.100.7", &Caller::Anonymous, LOG_IN, input.clone()).await;
    }
    let reports: Vec<_> = world
        .mails(&person.email)
        .await
        .into_iter()
        .filter(|mail| mail.template == "new_device")
        .collect();
    assert_eq!(reports.len(), 1);
    assert!(reports[0].text.contains("Pixel 12"));
}

#[tokio::test]
async fn outdated_hashes_are_replaced_at_log_in() {
    let mut cheap = config();
    cheap.hashing.memory_kib = 32;
    let old = World::with(cheap).await;
    old.person("ada@example.org").await;
    let stored = async || {
        use sea_orm::EntityTrait;
        users::entity::user::Entity::find()
            .one(old.database.read())
            .await
            .unwrap()
            .unwrap()
            .password_hash
            .unwrap()
    };
    assert!(stored().await.contains("m=32,"));
    let new = old.reconfigured(config()).await;
    assert_eq!(new.log_in("ada@example.org", PASSWORD).await["errors"], json!([]));
    assert!(stored().await.contains("m=64,"), "{}", stored().await);
    assert_eq!(new.log_in("ada@example.org", PASSWORD).await["errors"], json!([]));
}

#[tokio::test]
async fn oversize_and_odd_input_is_refused() {
    let world = World::new().await;
    let long_mail = "a".repeat(255);
    let long_password = "p".repeat(5000);
    for (input, field) in [
        (json!({ "email": long_mail, "password": PASSWORD }), "email"),
        (json!({ "email": "a@example.org", "password": long_password }), "password"),
        (
            json!({ "email": "a@example.org", "password": PASSWORD, "deviceName": "x\u{202e}" }),
            "deviceName",
        ),
    ] {
        let data = world.data(&Caller::Anonymous, LOG_IN, json!({ "input": input })).await;
        assert_eq!(data["sessionCreate"]["errors"][0]["__typename"], "InvalidInputError");
        assert_eq!(data["sessionCreate"]["errors"][0]["path"], json!(["input", field]));
    }
}

#[tokio::test]
async fn f28_an_operation_may_try_one_credential() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let log_in = format!(
        "sessionCreate(input: {{ email: \"{}\", password: \"{PASSWORD}\" }}) {{ {ERRORS} }}",
        person.email
    );
    for query in [
        format!("mutation {{ a: {log_in} b: {log_in} }}"),
        format!("mutation {{ a: {log_in} ...F }} fragment F on Mutation {{ b: {log_in} }}"),
        format!("mutation {{ ... {{ a: {log_in} }} ... on Mutation {{ b: {log_in} }} }}"),
        format!(
            "mutation {{ a: {log_in} passwordResetRequest(email: \"a@example.org\") {{ accepted }} }}"
        ),
    ] {
        let answer = world.run(&Caller::Anonymous, &query, json!({})).await;
        assert_eq!(answer["data"], json!(null), "{answer}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "COMPLEXITY_EXCEEDED");
    }
    let me = world.data(&person.caller, ME, json!({})).await;
    assert_eq!(me["me"]["account"]["sessions"].as_array().unwrap().len(), 1, "nothing ran");
}
