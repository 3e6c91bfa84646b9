//! The service from outside, over HTTP.

use std::sync::atomic::Ordering;

use axum::http::HeaderMap;
use reqwest::StatusCode;
use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use serde_json::{Value, json};

use crate::caller::{Caller, UserCaller};
use crate::events;
use crate::fixture::{self, Fixture, NOW};
use crate::id::{UserId, new_id};
use crate::mail::{self, NewMail};
use crate::settings::{Environment, Secret, development_credential};

fn hello() -> Value {
    json!({ "query": "{ hello }" })
}

async fn answer(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn code(body: &Value) -> &str {
    body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn graphql_is_answered_to_passports_and_service_credentials_only() {
    let fixture = fixture::serve("kit", |_| {}).await;
    let url = fixture.url("/graphql");

    for query in ["{ hello }", "{ _service { sdl } }", "{ __typename }"] {
        let (status, body) =
            answer(fixture.client.post(&url).json(&json!({ "query": query }))).await;
        assert_eq!((status, code(&body)), (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"), "{query}");
    }
    let wrong = [
        fixture.client.post(&url).bearer_auth("svc_reviews_wrong"),
        fixture.client.post(&url).bearer_auth("eyJhbGciOiJIUzI1NiJ9.e30.x"),
        fixture.post("not-a-jwt"),
        fixture.post(&fixture.passports.mint("another-service", &Caller::Anonymous)),
    ];
    for request in wrong {
        let (status, body) = answer(request.json(&hello())).await;
        assert_eq!((status, code(&body)), (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"));
    }

    let passport = fixture.passports.mint("kit", &Caller::Anonymous);
    assert_eq!(
        answer(fixture.post(&passport).json(&hello())).await,
        (StatusCode::OK, json!({ "data": { "hello": "world" } }))
    );
    let twice = fixture.post(&passport).header(crate::passport::HEADER, &passport);
    assert_eq!(answer(twice.json(&hello())).await.0, StatusCode::UNAUTHORIZED);

    let id = UserId::new(NOW);
    let user = Caller::User(UserCaller::with_scopes(id, ["session"]));
    let whoami = json!({ "query": "{ whoami staffOnly }" });
    let (_, body) = answer(fixture.post(&fixture.passports.mint("kit", &user)).json(&whoami)).await;
    assert_eq!(body["data"], json!({ "whoami": id.to_string(), "staffOnly": null }));
    assert_eq!((code(&body), &body["errors"][0]["path"]), ("FORBIDDEN", &json!(["staffOnly"])));
    let (_, body) = answer(fixture.post(&passport).json(&whoami)).await;
    assert_eq!(code(&body), "UNAUTHENTICATED");

    let credential = development_credential("reviews");
    let request = fixture.client.post(&url).bearer_auth(credential.expose());
    let (_, body) = answer(request.json(&json!({ "query": "{ whoami }" }))).await;
    assert_eq!(body["data"]["whoami"], "svc:reviews");
    fixture.stop().await;
}

#[tokio::test]
async fn an_expired_passport_is_refused_even_when_it_was_seen_before() {
    let fixture = fixture::serve("kit", |_| {}).await;
    let passport = fixture.passports.mint("kit", &Caller::Anonymous);
    assert_eq!(answer(fixture.post(&passport).json(&hello())).await.0, StatusCode::OK);
    fixture.clock.advance(std::time::Duration::from_secs(66));
    assert_eq!(answer(fixture.post(&passport).json(&hello())).await.0, StatusCode::UNAUTHORIZED);
    fixture.stop().await;
}

#[tokio::test]
async fn wrong_requests_get_the_status_that_says_what_is_wrong() {
    let fixture = fixture::serve("kit", |settings| {
        settings.limits.body_bytes = 4096;
        settings.limits.document_bytes = 512;
        settings.limits.depth = 4;
    })
    .await;
    let passport = fixture.passports.mint("kit", &Caller::Anonymous);
    let post = || fixture.post(&passport);
    let json_body =
        |text: &str| post().header("content-type", "application/json").body(text.to_owned());
    let strict = || post().header("accept", "application/graphql-response+json");

    let get = fixture.client.get(fixture.url("/graphql?query={hello}"));
    let response = get.header(crate::passport::HEADER, &passport).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()["allow"], "POST");

    let cases = [
        (json_body("{"), 400, "BAD_REQUEST"),
        (json_body("[{\"query\":\"{ hello }\"}]"), 400, "BAD_REQUEST"),
        (json_body("{}"), 400, "BAD_REQUEST"),
        (post().header("content-type", "text/plain").body("{ hello }"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (json_body(&"x".repeat(5000)), 413, "PAYLOAD_TOO_LARGE"),
        (post().json(&json!({ "query": format!("{{ hello }} #{}", "x".repeat(600)) })), 400, "COMPLEXITY_EXCEEDED"),
        (post().json(&json!({ "query": "{a".repeat(200) })), 400, "COMPLEXITY_EXCEEDED"),
        (post().json(&json!({ "query": "{" })), 200, "GRAPHQL_VALIDATION_FAILED"),
        (post().json(&json!({ "query": "{ nothing }" })), 200, "GRAPHQL_VALIDATION_FAILED"),
        (strict().json(&json!({ "query": "{ nothing }" })), 400, "GRAPHQL_VALIDATION_FAILED"),
        (strict().json(&json!({ "query": "mutation ($n: Int!) { poke(times: $n) { poked } }", "variables": { "n": "many" } })), 400, "GRAPHQL_VALIDATION_FAILED"),
        (strict().json(&json!({ "query": "{ nested { nested { nested { nested { hello } } } } }" })), 400, "COMPLEXITY_EXCEEDED"),
    ];
    for (request, status, expected) in cases {
        let (actual, body) = answer(request).await;
        assert_eq!((actual.as_u16(), code(&body)), (status, expected), "{body}");
        assert!(body.get("data").is_none(), "nothing was executed: {body}");
    }
    // A body without a declared length is cut off as well.
    let chunks = futures::stream::iter((0..10).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1000])));
    let streamed =
        post().header("content-type", "application/json").body(reqwest::Body::wrap_stream(chunks));
    assert_eq!(answer(streamed).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(fixture.pokes.load(Ordering::SeqCst), 0);
    fixture.stop().await;
}

#[tokio::test]
async fn internal_errors_and_panics_show_a_fixed_sentence() {
    let fixture = fixture::serve("kit", |_| {}).await;
    let passport = fixture.passports.mint("kit", &Caller::Anonymous);
    let (status, body) =
        answer(fixture.post(&passport).json(&json!({ "query": "{ hello broken }" }))).await;
    assert_eq!((status, code(&body)), (StatusCode::OK, "INTERNAL"));
    assert_eq!(body["data"], json!({ "hello": "world", "broken": null }));
    assert!(!body.to_string().contains("hunter2"));
    let (status, body) =
        answer(fixture.post(&passport).json(&json!({ "query": "{ panics }" }))).await;
    assert_eq!((status, code(&body)), (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL"));
    assert_eq!(answer(fixture.post(&passport).json(&hello())).await.0, StatusCode::OK);
    fixture.stop().await;
}

#[tokio::test]
async fn payload_errors_implement_the_user_error_interface() {
    let fixture = fixture::serve("kit", |_| {}).await;
    let passport = fixture.passports.mint("kit", &Caller::Anonymous);
    let query = "mutation ($n: Int!) { poke(times: $n) { poked errors { __typename ... on UserError { code path } } } }";
    let (_, body) =
        answer(fixture.post(&passport).json(&json!({ "query": query, "variables": { "n": -1 } })))
            .await;
    assert_eq!(
        body["data"]["poke"],
        json!({ "poked": null, "errors": [{ "__typename": "InvalidInputError", "code": "NEGATIVE", "path": ["times"] }] })
    );
    let (_, body) =
        answer(fixture.post(&passport).json(&json!({ "query": query, "variables": { "n": 101 } })))
            .await;
    assert_eq!(body["data"]["poke"]["errors"][0]["code"], "RATE_LIMITED");
    fixture.stop().await;
}

#[tokio::test]
async fn request_ids_are_kept_when_harmless_and_made_otherwise() {
    let fixture = fixture::serve("kit", |_| {}).await;
    let passport = fixture.passports.mint("kit", &Caller::Anonymous);
    let query = json!({ "query": "{ requestId }" });
    let response =
        fixture.post(&passport).header("x-request-id", "abc-1").json(&query).send().await.unwrap();
    assert_eq!(response.headers()["x-request-id"], "abc-1");
    assert_eq!(response.json::<Value>().await.unwrap()["data"]["requestId"], "abc-1");
    let forged = fixture.post(&passport).header("x-request-id", "a\"b c").json(&query);
    let response = forged.send().await.unwrap();
    assert_eq!(response.headers()["x-request-id"].len(), 32);
    fixture.stop().await;
}

#[tokio::test]
async fn health_and_metrics_belong_to_each_service_of_a_process() {
    let one = fixture::serve("one", |_| {}).await;
    let two = fixture::serve("two", |_| {}).await;
    for path in ["/health/live", "/healthz", "/health/ready", "/readyz"] {
        assert_eq!(answer(one.client.get(one.url(path))).await.0, StatusCode::OK, "{path}");
    }
    assert_eq!(answer(one.client.get(one.url("/nowhere"))).await.0, StatusCode::NOT_FOUND);
    let (_, metrics) = answer(one.client.get(one.url("/metrics"))).await;
    let metrics = metrics.as_str().unwrap();
    assert!(
        metrics.contains(
            "http_requests_total{service=\"one\",method=\"GET\",path=\"/readyz\",status=\"200\"} 1"
        ),
        "{metrics}"
    );
    assert!(metrics.contains("path=\"unmatched\",status=\"404\""), "{metrics}");
    let (_, metrics) = answer(two.client.get(two.url("/metrics"))).await;
    assert!(!metrics.as_str().unwrap().contains("/readyz"));
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn readiness_names_what_is_missing() {
    let fixture = fixture::serve("kit", |_| {}).await;
    fixture.running.database.close().await.unwrap();
    let (status, body) = answer(fixture.client.get(fixture.url("/health/ready"))).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body["checks"]["database"], "unreachable");
    assert_eq!(answer(fixture.client.get(fixture.url("/health/live"))).await.0, StatusCode::OK);
    fixture.stop().await;
}

#[tokio::test]
async fn the_feed_is_for_service_credentials_with_the_scope() {
    let fixture = fixture::serve("kit", |settings| {
        settings.services.0.iter_mut().find(|c| c.name == "users").unwrap().scopes.clear();
    })
    .await;
    let database = fixture.running.database.clone();
    for n in 1..=3 {
        database
            .write(|tx| {
                Box::pin(async move {
                    events::append(tx, NOW, "user.updated", "usr_x", &json!({ "n": n })).await
                })
            })
            .await
            .map_err(|error: DbErr| error)
            .unwrap();
    }
    let get = |path: &str, credential: Secret| {
        fixture.client.get(fixture.url(path)).bearer_auth(credential.expose())
    };
    let (status, body) = answer(fixture.client.get(fixture.url("/internal/events"))).await;
    assert_eq!(
        (status, &body["errors"][0]["code"]),
        (StatusCode::UNAUTHORIZED, &json!("UNAUTHENTICATED"))
    );
    let (status, body) = answer(get("/internal/events", development_credential("users"))).await;
    assert_eq!((status, &body["errors"][0]["code"]), (StatusCode::FORBIDDEN, &json!("FORBIDDEN")));
    let reviews = || development_credential("reviews");
    assert_eq!(answer(get("/internal/events?after=x", reviews())).await.0, StatusCode::BAD_REQUEST);
    let (_, body) = answer(get("/internal/events?after=1&limit=1", reviews())).await;
    assert_eq!(body["next"], 2);
    let event = &body["events"][0];
    assert_eq!(
        (&event["seq"], &event["type"], &event["key"], &event["payload"]),
        (&json!(2), &json!("user.updated"), &json!("usr_x"), &json!({ "n": 2 }))
    );
    assert_eq!(event["at"], NOW.to_string());
    let (_, body) = answer(get("/internal/events?after=3", reviews())).await;
    assert_eq!(body, json!({ "events": [], "next": 3 }));
    fixture.stop().await;
}

#[tokio::test]
async fn queued_mail_reaches_the_development_inbox() {
    let fixture = fixture::serve("kit", |settings| {
        settings.mail.poll.0 = std::time::Duration::from_millis(5);
    })
    .await;
    let mail = NewMail {
        template: "hello",
        to: "ann@example.org",
        locale: "de",
        entity: new_id(NOW),
        entity_version: 1,
        data: json!({ "link": "http://localhost/?token=<b>" }),
        user: None,
    };
    let mail = &mail;
    let queued: Result<_, DbErr> = fixture
        .running
        .database
        .write(|tx| Box::pin(async move { mail::enqueue(tx, NOW, mail.clone()).await }))
        .await;
    assert!(queued.unwrap().is_some());
    let mails = loop {
        let (_, mails) =
            answer(fixture.client.get(fixture.url("/dev/inbox.json?to=ann@example.org"))).await;
        if mails.as_array().is_some_and(|mails| !mails.is_empty()) {
            break mails;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(
        (&mails[0]["to"], &mails[0]["subject"], &mails[0]["template"]),
        (&json!("ann@example.org"), &json!("hello (de)"), &json!("hello"))
    );
    assert!(mails[0]["text"].as_str().unwrap().contains("?token="));
    assert_eq!(mails[0]["at"], NOW.to_string());
    let (_, others) =
        answer(fixture.client.get(fixture.url("/dev/inbox.json?to=bob@example.org"))).await;
    assert_eq!(others, json!([]));
    let (_, page) = answer(fixture.client.get(fixture.url("/dev/inbox"))).await;
    let page = page.as_str().unwrap();
    assert!(page.contains("hello (de)") && page.contains("&lt;b&gt;") && !page.contains("<b>"));
    fixture.stop().await;
}

#[tokio::test]
async fn production_has_no_inbox_and_no_development_secrets() {
    let mut settings =
        crate::Settings { environment: Environment::Production, ..Default::default() };
    assert!(settings.check().unwrap_err().to_string().contains("mail.transport"));
    settings.mail.transport = crate::settings::MailTransport::File;
    assert!(settings.check().unwrap_err().to_string().contains("secrets.cursor_key"));
    settings.secrets.cursor_key = Secret::from("0123456789abcdef0123456789abcdef");
    assert!(settings.check().unwrap_err().to_string().contains("`services`"));
    settings.services.0.clear();
    settings.check().unwrap();
    settings.mail.transport = crate::settings::MailTransport::Smtp;
    settings.mail.smtp.host = "mail.example.org".to_owned();
    settings.mail.smtp.security = crate::settings::SmtpSecurity::Plaintext;
    assert!(settings.check().unwrap_err().to_string().contains("plaintext"));

    let fixture = fixture::serve("kit", |settings| {
        settings.mail.transport = crate::settings::MailTransport::File;
    })
    .await;
    assert_eq!(
        answer(fixture.client.get(fixture.url("/dev/inbox"))).await.0,
        StatusCode::NOT_FOUND
    );
    fixture.stop().await;
}

#[test]
fn forwarded_addresses_count_only_from_trusted_proxies() {
    let headers = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", value.parse().unwrap());
        headers
    };
    let peer = "10.0.0.1:5000".parse().unwrap();
    let proxy = ["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
    let ip = |trusted: &[std::net::IpAddr], value: &str| {
        super::client_ip(trusted, peer, &headers(value)).to_string()
    };
    assert_eq!(ip(&[], "1.2.3.4"), "10.0.0.1");
    assert_eq!(
        ip(&proxy, "6.6.6.6, 1.2.3.4"),
        "1.2.3.4",
        "what the client wrote itself is not believed"
    );
    assert_eq!(ip(&proxy, "6.6.6.6, 1.2.3.4, 10.0.0.2"), "1.2.3.4");
    assert_eq!(ip(&proxy, "garbage"), "10.0.0.1");
}

#[tokio::test]
async fn f47_a_request_in_flight_is_finished_when_the_service_stops() {
    let Fixture { running, shutdown, passports, client, .. } = fixture::serve("kit", |_| {}).await;
    let url = format!("{}/graphql", running.url());
    let passport = passports.mint("kit", &Caller::Anonymous);
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Vec<u8>, std::io::Error>>(1);
    let body = futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    });
    let request = client
        .post(&url)
        .header(crate::passport::HEADER, passport)
        .header("content-type", "application/json")
        .body(reqwest::Body::wrap_stream(body));
    sender.send(Ok(b"{\"query\":".to_vec())).await.unwrap();
    let answer = tokio::spawn(request.send());
    // The first chunk has left the channel: the request is under way.
    sender.send(Ok(b"\"{ hello }\"".to_vec())).await.unwrap();
    while client.get(format!("{}/health/live", running.url())).send().await.is_err() {}
    shutdown.cancel();
    sender.send(Ok(b"}".to_vec())).await.unwrap();
    drop(sender);
    let answer = answer.await.unwrap().unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["data"]["hello"], "world");
    running.handle.await.unwrap().unwrap();
}

/// Collects log lines.
#[derive(Clone, Default)]
struct Lines(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn logs_hold_no_tokens_bodies_or_links() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || writer.clone())
        .finish();
    // For the whole process: tracing decides once for all threads which events are of interest.
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let fixture = fixture::serve("kit", |settings| {
        settings.mail.poll.0 = std::time::Duration::from_millis(5);
    })
    .await;
    let passport = fixture.passports.mint("kit", &Caller::Anonymous);
    let query = json!({ "query": "{ hello(secret: \"in-the-query\") }", "variables": { "a": "in-a-variable" } });
    answer(fixture.post(&passport).json(&query)).await;
    answer(fixture.post(&format!("{passport}x")).json(&hello())).await;
    let credential = development_credential("reviews");
    let url = fixture.url("/internal/events?after=0&token=in-the-url");
    answer(fixture.client.get(url).bearer_auth(credential.expose())).await;
    let mail = NewMail {
        template: "hello",
        to: "ann@example.org",
        locale: "en",
        entity: new_id(NOW),
        entity_version: 1,
        data: json!({ "link": "http://localhost/?token=in-a-mail" }),
        user: None,
    };
    let mail = &mail;
    let queued: Result<_, DbErr> = fixture
        .running
        .database
        .write(|tx| Box::pin(async move { mail::enqueue(tx, NOW, mail.clone()).await }))
        .await;
    queued.unwrap();
    loop {
        let (_, mails) = answer(fixture.client.get(fixture.url("/dev/inbox.json"))).await;
        if mails.as_array().is_some_and(|mails| !mails.is_empty()) {
            break;
        }
    }
    fixture.stop().await;

    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("passport refused") && log.contains("path=\"/graphql\""), "{log}");
    let signature = passport.rsplit('.').next().unwrap();
    for secret in
        [signature, "in-the-query", "in-a-variable", "in-the-url", "in-a-mail", credential.expose()]
    {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[tokio::test]
async fn a_mutation_goes_on_when_the_client_hangs_up() {
    let fixture = fixture::serve("kit", |_| {}).await;
    let passport = fixture.passports.mint("kit", &Caller::Anonymous);
    let mutation = json!({ "query": "mutation { pokeSlowly }" });
    let request = tokio::spawn(fixture.post(&passport).json(&mutation).send());
    fixture.pauses.started.notified().await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    fixture.pauses.go_on.notify_one();
    fixture.pauses.finished.notified().await;
    assert_eq!(fixture.pokes.load(Ordering::SeqCst), 1);
    fixture.stop().await;
}

#[tokio::test]
async fn bounces_are_reported_by_those_who_may_and_stop_mail() {
    let fixture = fixture::serve("kit", |_| {}).await;
    let url = fixture.url("/mail/bounces");
    let report = async |who: Option<&str>, body: &'static str| {
        let request = fixture.client.post(&url).body(body);
        let request = match who {
            Some(name) => request.bearer_auth(development_credential(name).expose()),
            None => request,
        };
        request.send().await.unwrap().status().as_u16()
    };
    let permanent = r#"{"address":"Gone@example.org","kind":"permanent"}"#;
    assert_eq!(report(None, permanent).await, 401);
    assert_eq!(report(Some("reviews"), permanent).await, 403);
    for body in
        ["", "{}", r#"{"address":"x","kind":"permanent"}"#, r#"{"address":"a@b.c","kind":"x"}"#]
    {
        assert_eq!(report(Some("operator"), body).await, 400, "{body}");
    }
    assert_eq!(
        report(Some("operator"), r#"{"address":"full@example.org","kind":"transient"}"#).await,
        204
    );
    assert_eq!(report(Some("operator"), permanent).await, 204);
    let suppressed = async |address| {
        mail::is_suppressed(fixture.running.database.read(), address).await.unwrap()
    };
    assert!(suppressed("gone@example.org").await);
    assert!(!suppressed("full@example.org").await);
    fixture.stop().await;
}

/// As a full disk or a server that has become a replica: reading works, writing does not.
async fn make_read_only(database: &crate::Database) {
    let statements: &[&str] = match database.backend() {
        DbBackend::Sqlite => &["PRAGMA query_only = ON"],
        _ => &[
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', \
             current_database()); END $$",
            // In one go: the next statement may get another connection, and this one would live
            // on. Connections that are being opened are not listed before they are open.
            "SELECT pg_sleep(0.5); \
             SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid(); \
             SELECT pg_terminate_backend(pg_backend_pid())",
        ],
    };
    for &statement in statements {
        let run: Result<(), DbErr> = database
            .write(|tx| Box::pin(async move { tx.execute_unprepared(statement).await.map(drop) }))
            .await;
        // The last one of PostgreSQL ends the connection that runs it.
        drop(run);
    }
}

#[tokio::test]
async fn f46_a_database_that_takes_no_writes_is_not_ready_and_keeps_what_it_has() {
    let fixture = fixture::serve("kit", |_| {}).await;
    make_read_only(&fixture.running.database).await;
    // PostgreSQL's way there ends all connections: each is found dead once, and the one that
    // ended itself may answer once more before it is gone.
    let mut asked = 0;
    let (status, body) = loop {
        let (status, body) = answer(fixture.client.get(fixture.url("/health/ready"))).await;
        asked += 1;
        let checks = &body["checks"];
        if (checks["database"] == "ok" && checks["database_writes"] != "ok") || asked == 100 {
            break (status, body);
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    assert_eq!(body["checks"]["database_writes"], "takes no writes");
    assert_eq!(body["checks"]["database"], "ok");
    assert_eq!(answer(fixture.client.get(fixture.url("/health/live"))).await.0, StatusCode::OK);
    let passport = fixture.passports.mint("kit", &Caller::Anonymous);
    let (status, _) = answer(fixture.post(&passport).json(&hello())).await;
    assert_eq!(status, StatusCode::OK, "what only reads goes on");
    fixture.shutdown.cancel();
    fixture.running.handle.await.unwrap().unwrap();
}
