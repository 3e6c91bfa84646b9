//! Nothing secret is ever logged, not even at debug level.

use std::{
    fmt::Write,
    sync::{Arc, Mutex},
};

use kit::Caller;
use serde_json::json;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use users::token::totp::code_at;

use crate::world::{OTHER_PASSWORD, PASSWORD, REFRESH, World};

/// Keeps every event and span down to debug level as text.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<String>>);

struct Writer<'a>(&'a mut String);

impl Visit for Writer<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        writeln!(self.0, "{field}={value:?}").unwrap();
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::DEBUG
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut Writer(&mut self.0.lock().unwrap()));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut Writer(&mut self.0.lock().unwrap()));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Writer(&mut self.0.lock().unwrap()));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn f39_a_whole_life_leaves_no_secret_in_the_log() {
    let listener = Listener::default();
    let heard = Arc::clone(&listener.0);
    let _listening = tracing::subscriber::set_default(listener);
    tracing::debug!(canary = "listening");
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let verification = world.last_mail("ada@example.org", "verify_email").await.token();
    world.log_in("ada@example.org", "a wrong guess of somebody").await;
    let refreshed =
        world.data(&Caller::Anonymous, REFRESH, json!({ "token": person.refresh_token })).await;
    let request = "mutation { passwordResetRequest(email: \"ada@example.org\") { accepted } }";
    world.data(&Caller::Anonymous, request, json!({})).await;
    let reset_token = world.last_mail("ada@example.org", "password_reset").await.token();
    let reset = "mutation($t: String!, $p: String!) { passwordReset(token: $t, newPassword: $p) { changed } }";
    let variables = json!({ "t": reset_token, "p": OTHER_PASSWORD });
    world.data(&Caller::Anonymous, reset, variables).await;
    let person_again = world.session("ada@example.org", OTHER_PASSWORD).await;
    let enrolled =
        world.data(&person_again.caller, "mutation { totpEnroll { secret } }", json!({})).await;
    let secret = enrolled["totpEnroll"]["secret"].as_str().unwrap().to_owned();
    let code = code_at(&secret, world.clock.now()).unwrap();
    let confirm = "mutation($c: String!) { totpConfirm(code: $c) { recoveryCodes } }";
    let confirmed = world.data(&person_again.caller, confirm, json!({ "c": code })).await;
    let create = "mutation { accessTokenCreate(input: { name: \"x\", scopes: [\"reviews:write\"] }) { secret } }";
    let created = world.data(&person_again.caller, create, json!({})).await;

    let heard = heard.lock().unwrap();
    assert!(heard.contains("canary"), "the listener hears");
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    for secret in [
        PASSWORD.to_owned(),
        OTHER_PASSWORD.to_owned(),
        "a wrong guess of somebody".to_owned(),
        verification,
        reset_token,
        secret,
        person.access_token,
        person.refresh_token,
        text(&refreshed["sessionRefresh"]["tokens"]["refreshToken"]),
        text(&confirmed["totpConfirm"]["recoveryCodes"][0]),
        text(&created["accessTokenCreate"]["secret"]),
        "ada@example.org".to_owned(),
    ] {
        assert!(!heard.contains(&secret), "{secret} was logged");
    }
}
