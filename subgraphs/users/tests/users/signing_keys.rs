//! The life of signing keys.

use std::time::Duration;

use serde_json::Value;

use crate::world::{PASSWORD, World};

async fn published(world: &World) -> Vec<String> {
    let jwks = world.identity.signing_keys().jwks().await.unwrap();
    let keys = jwks["keys"].as_array().unwrap();
    keys.iter().map(|key: &Value| key["kid"].as_str().unwrap().to_owned()).collect()
}

async fn signer(world: &World) -> String {
    world.identity.signing_keys().active().await.unwrap().kid().to_owned()
}

#[tokio::test]
async fn a_successor_is_published_before_it_signs_and_the_old_key_stays_for_its_tokens() {
    let world = World::new().await;
    let keys = world.identity.signing_keys();
    let old = signer(&world).await;
    keys.rotate().await.unwrap();
    assert_eq!(published(&world).await.len(), 2);
    assert_eq!(signer(&world).await, old, "verifiers have not learned the new one yet");
    world.clock.advance(Duration::from_mins(10));
    keys.advance().await.unwrap();
    let new = signer(&world).await;
    assert_ne!(new, old);
    assert!(published(&world).await.contains(&old));
    world.clock.advance(Duration::from_mins(10));
    keys.advance().await.unwrap();
    assert!(published(&world).await.contains(&old), "tokens and caches may still need it");
    world.clock.advance(Duration::from_mins(1));
    keys.advance().await.unwrap();
    assert_eq!(published(&world).await, [new]);
}

#[tokio::test]
async fn f25_tokens_stay_valid_through_a_rotation() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let keys = world.identity.signing_keys();
    keys.rotate().await.unwrap();
    world.clock.advance(Duration::from_mins(10));
    let before = world.session("ada@example.org", PASSWORD).await;
    keys.advance().await.unwrap();
    let after = world.session("ada@example.org", PASSWORD).await;
    for token in [&before.access_token, &after.access_token] {
        assert!(world.identity.introspect(token).await.unwrap().is_some());
    }
    assert!(world.identity.introspect(&person.access_token).await.unwrap().is_none(), "expired");
}

#[tokio::test]
async fn keys_are_replaced_after_30_days_by_one_replica() {
    let world = World::new().await;
    let twin = world.twin().await;
    let old = signer(&world).await;
    assert_eq!(signer(&twin).await, old, "the second replica made no key of its own");
    world.clock.advance(Duration::from_hours(24 * 30));
    let (one, two) = (world.identity.signing_keys(), twin.identity.signing_keys());
    let (a, b) = tokio::join!(one.advance(), two.advance());
    a.unwrap();
    b.unwrap();
    assert_eq!(published(&world).await.len(), 2);
    world.clock.advance(Duration::from_mins(10));
    let (a, b) = tokio::join!(one.advance(), two.advance());
    a.unwrap();
    b.unwrap();
    assert_eq!(signer(&world).await, signer(&twin).await);
    assert_ne!(signer(&world).await, old);
}

#[tokio::test]
async fn private_keys_are_sealed() {
    use sea_orm::EntityTrait;
    let world = World::new().await;
    let row = users::entity::signing_key::Entity::find()
        .one(world.database.read())
        .await
        .unwrap()
        .unwrap();
    // The fixed beginning of every Ed25519 key in PKCS#8.
    let oid = [0x06, 0x03, 0x2b, 0x65, 0x70];
    assert!(!row.private_enc.windows(oid.len()).any(|window| window == oid));
    let mut other = world.config.clone();
    other.identity.root_secret = kit::settings::Secret::from("another root secret altogether!!");
    let identity =
        users::identity(&other, world.database.clone(), world.clock.clone()).await.unwrap();
    let error = identity.signing_keys().active().await.unwrap_err();
    assert!(error.to_string().contains("another root secret"), "{error}");
}
