//! Authenticator apps and recovery codes.

use std::time::Duration;

use kit::Caller;
use serde_json::{Value, json};
use users::token::totp::code_at;

use crate::world::{LOG_IN, PASSWORD, Person, REFRESH, World, caller_of, claims, codes};

const ENROLL: &str =
    "mutation { totpEnroll { secret otpauthUri errors { ... on UserError { code } } } }";
const CONFIRM: &str = "mutation($code: String!) { totpConfirm(code: $code) { recoveryCodes \
     errors { __typename ... on UserError { code path } } } }";
const DISABLE: &str = "mutation($password: String!, $code: String!) { totpDisable(currentPassword: \
     $password, code: $code) { user { id } errors { __typename ... on UserError { code path } } } }";
const CHALLENGE: &str = "mutation($input: SessionCreateInput!) { sessionCreate(input: $input) { \
     tokens { scope } mfaChallenge { token methods expiresIn } errors { __typename } } }";
const COMPLETE: &str = "mutation($token: String!, $method: MfaMethod!, $code: String!) { \
     sessionCompleteMfa(input: { challengeToken: $token, method: $method, code: $code }) { \
     tokens { accessToken refreshToken } user { id } \
     errors { __typename ... on UserError { code path } } } }";

struct Protected {
    person: Person,
    secret: String,
    recovery_codes: Vec<String>,
}

impl Protected {
    async fn new(world: &World) -> Self {
        let person = world.person("ada@example.org").await;
        let enrolled = world.data(&person.caller, ENROLL, json!({})).await;
        let secret = enrolled["totpEnroll"]["secret"].as_str().unwrap().to_owned();
        let code = code_at(&secret, world.clock.now()).unwrap();
        let confirmed = world.data(&person.caller, CONFIRM, json!({ "code": code })).await;
        let codes = confirmed["totpConfirm"]["recoveryCodes"].as_array().unwrap();
        let recovery_codes = codes.iter().map(|it| it.as_str().unwrap().to_owned()).collect();
        // The confirmation used this step up.
        world.clock.advance(Duration::from_secs(30));
        Self { person, secret, recovery_codes }
    }

    fn code(&self, world: &World) -> String {
        code_at(&self.secret, world.clock.now()).unwrap()
    }
}

async fn challenge(world: &World) -> Value {
    let input = json!({ "input": { "email": "ada@example.org", "password": PASSWORD } });
    let data = world.data(&Caller::Anonymous, CHALLENGE, input).await;
    data["sessionCreate"].clone()
}

async fn token(world: &World) -> String {
    challenge(world).await["mfaChallenge"]["token"].as_str().unwrap().to_owned()
}

async fn complete(world: &World, token: &str, method: &str, code: &str) -> Value {
    let variables = json!({ "token": token, "method": method, "code": code });
    let data = world.data(&Caller::Anonymous, COMPLETE, variables).await;
    data["sessionCompleteMfa"].clone()
}

#[tokio::test]
async fn the_password_alone_gives_a_challenge_and_the_code_the_tokens() {
    let world = World::new().await;
    let ada = Protected::new(&world).await;
    let challenged = challenge(&world).await;
    assert_eq!(challenged["tokens"], json!(null));
    assert_eq!(challenged["mfaChallenge"]["methods"], json!(["TOTP", "RECOVERY_CODE"]));
    assert_eq!(challenged["mfaChallenge"]["expiresIn"], 300);
    let token = challenged["mfaChallenge"]["token"].as_str().unwrap();
    let done = complete(&world, token, "TOTP", &ada.code(&world)).await;
    let access = done["tokens"]["accessToken"].as_str().unwrap();
    assert_eq!(claims(access)["amr"], json!(["pwd", "otp", "mfa"]));
    let query = "{ me { account { mfa { enabled methods recoveryCodesLeft } \
         sessions { mfa isCurrent } } } }";
    let data = world.data(&caller_of(access), query, json!({})).await;
    assert_eq!(
        data["me"]["account"]["mfa"],
        json!({ "enabled": true, "methods": ["TOTP", "RECOVERY_CODE"], "recoveryCodesLeft": 10 })
    );
    let sessions = data["me"]["account"]["sessions"].as_array().unwrap();
    assert!(sessions.contains(&json!({ "mfa": true, "isCurrent": true })));
    let reused = complete(&world, token, "TOTP", &ada.code(&world)).await;
    assert_eq!(codes(&reused), ["INVALID_CREDENTIALS"], "the challenge is used up");
}

#[tokio::test]
async fn f30_a_code_works_once_even_for_two_at_the_same_time() {
    let world = World::new().await;
    let ada = Protected::new(&world).await;
    let code = ada.code(&world);
    let first = token(&world).await;
    assert_eq!(complete(&world, &first, "TOTP", &code).await["errors"], json!([]));
    let replay = token(&world).await;
    assert_eq!(codes(&complete(&world, &replay, "TOTP", &code).await), ["INVALID_CREDENTIALS"]);

    world.clock.advance(Duration::from_secs(30));
    let (code, token) = (ada.code(&world), token(&world).await);
    let (one, two) = tokio::join!(
        complete(&world, &token, "TOTP", &code),
        complete(&world, &token, "TOTP", &code)
    );
    assert_eq!([one, two].iter().filter(|it| it["tokens"].is_object()).count(), 1);
}

#[tokio::test]
async fn f30_a_recovery_code_works_once() {
    let world = World::new().await;
    let ada = Protected::new(&world).await;
    assert_eq!(ada.recovery_codes.len(), 10);
    let code = &ada.recovery_codes[3];
    assert_eq!((code.len(), &code[2..3]), (13, "-"));
    let first = token(&world).await;
    let done = complete(&world, &first, "RECOVERY_CODE", &code.to_uppercase()).await;
    assert_eq!(done["errors"], json!([]), "{done}");
    let second = token(&world).await;
    let replay = complete(&world, &second, "RECOVERY_CODE", code).await;
    assert_eq!(codes(&replay), ["INVALID_CREDENTIALS"]);
    let (one, two) = (&ada.recovery_codes[4], &ada.recovery_codes[4]);
    let token = token(&world).await;
    let (one, two) = tokio::join!(
        complete(&world, &token, "RECOVERY_CODE", one),
        complete(&world, &token, "RECOVERY_CODE", two)
    );
    assert_eq!([one, two].iter().filter(|it| it["tokens"].is_object()).count(), 1);
}

#[tokio::test]
async fn a_challenge_allows_five_tries_and_five_minutes() {
    let world = World::new().await;
    let ada = Protected::new(&world).await;
    let late = token(&world).await;
    world.clock.advance(Duration::from_mins(5));
    let code = ada.code(&world);
    assert_eq!(codes(&complete(&world, &late, "TOTP", &code).await), ["INVALID_CREDENTIALS"]);
    let tried = token(&world).await;
    for _ in 0..5 {
        complete(&world, &tried, "TOTP", "000000").await;
        world.clock.advance(Duration::from_secs(20));
    }
    let code = ada.code(&world);
    assert_eq!(codes(&complete(&world, &tried, "TOTP", &code).await), ["INVALID_CREDENTIALS"]);
    for garbage in ["", "abc", &ada.person.refresh_token] {
        assert_eq!(codes(&complete(&world, garbage, "TOTP", &code).await), ["INVALID_CREDENTIALS"]);
    }
}

#[tokio::test]
async fn knowing_the_password_buys_no_unlimited_guesses() {
    let world = World::new().await;
    Protected::new(&world).await;
    let mut guesses = 0;
    let limited = loop {
        let challenged = challenge(&world).await;
        let Some(token) = challenged["mfaChallenge"]["token"].as_str() else {
            break challenged;
        };
        complete(&world, token, "TOTP", "000000").await;
        guesses += 1;
        assert!(guesses < 10, "the log-in must get slow");
    };
    assert_eq!(limited["errors"][0]["__typename"], "RateLimitedError");
    assert_eq!(guesses, 5);
}

#[tokio::test]
async fn switching_on_needs_a_right_code_and_ends_other_sessions() {
    let world = World::new().await;
    let person = world.person("ada@example.org").await;
    let other = world.session("ada@example.org", PASSWORD).await;
    let early = world.data(&person.caller, CONFIRM, json!({ "code": "123456" })).await;
    assert_eq!(codes(&early["totpConfirm"]), ["NOT_ENROLLED"]);
    let enrolled = world.data(&person.caller, ENROLL, json!({})).await;
    let secret = enrolled["totpEnroll"]["secret"].as_str().unwrap();
    assert!(enrolled["totpEnroll"]["otpauthUri"].as_str().unwrap().contains(secret));
    let wrong = world.data(&person.caller, CONFIRM, json!({ "code": "000000" })).await;
    assert_eq!(codes(&wrong["totpConfirm"]), ["INVALID_CREDENTIALS"]);
    assert_eq!(world.log_in("ada@example.org", PASSWORD).await["errors"], json!([]), "not on yet");
    let code = code_at(secret, world.clock.now()).unwrap();
    let on = world.data(&person.caller, CONFIRM, json!({ "code": code })).await;
    assert_eq!(on["totpConfirm"]["errors"], json!([]));
    let refresh =
        world.data(&Caller::Anonymous, REFRESH, json!({ "token": other.refresh_token })).await;
    assert_eq!(codes(&refresh["sessionRefresh"]), ["TOKEN_INVALID"]);
    let again = world.data(&person.caller, ENROLL, json!({})).await;
    assert_eq!(codes(&again["totpEnroll"]), ["ALREADY_ENABLED"]);
    world.last_mail("ada@example.org", "mfa_changed").await;
}

#[tokio::test]
async fn switching_off_needs_password_and_code() {
    let world = World::new().await;
    let ada = Protected::new(&world).await;
    let disable = async |password: &str, code: &str| {
        let variables = json!({ "password": password, "code": code });
        let data = world.data(&ada.person.caller, DISABLE, variables).await;
        data["totpDisable"].clone()
    };
    assert_eq!(
        codes(&disable("wrong wrong wrong wrong", &ada.code(&world)).await),
        ["INVALID_CREDENTIALS"]
    );
    let wrong = disable(PASSWORD, "000000").await;
    assert_eq!(wrong["errors"][0]["path"], json!(["code"]));
    assert_eq!(disable(PASSWORD, &ada.recovery_codes[0]).await["errors"], json!([]));
    assert_eq!(world.log_in("ada@example.org", PASSWORD).await["errors"], json!([]));
    assert_eq!(codes(&disable(PASSWORD, &ada.code(&world)).await), ["NOT_ENROLLED"]);
}

#[tokio::test]
async fn a_reset_does_not_skip_the_second_step() {
    let world = World::new().await;
    Protected::new(&world).await;
    let request = "mutation { passwordResetRequest(email: \"ada@example.org\") { accepted } }";
    world.data(&Caller::Anonymous, request, json!({})).await;
    let link = world.last_mail("ada@example.org", "password_reset").await.token();
    let reset = "mutation($t: String!) { passwordReset(token: $t, newPassword: \"xK9#mQ2$v\") { changed } }";
    let data = world.data(&Caller::Anonymous, reset, json!({ "t": link })).await;
    assert_eq!(data["passwordReset"]["changed"], true, "eight characters are enough here");
    let input = json!({ "input": { "email": "ada@example.org", "password": "xK9#mQ2$v" } });
    let payload = world.data(&Caller::Anonymous, LOG_IN, input).await;
    assert_eq!(payload["sessionCreate"]["tokens"], json!(null));
}

#[tokio::test]
async fn secrets_are_sealed_in_the_database() {
    use sea_orm::EntityTrait;
    let world = World::new().await;
    let ada = Protected::new(&world).await;
    let row =
        users::entity::totp::Entity::find().one(world.database.read()).await.unwrap().unwrap();
    let plain = data_encoding::BASE32_NOPAD.decode(ada.secret.as_bytes()).unwrap();
    assert!(!row.secret_enc.windows(plain.len()).any(|window| window == plain));
    let codes =
        users::entity::recovery_code::Entity::find().all(world.database.read()).await.unwrap();
    assert!(codes.iter().all(|code| code.hash.starts_with("$argon2id$")));
}
