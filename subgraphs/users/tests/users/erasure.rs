//! Leaving: a copy of one's data, and erasure.

use std::time::Duration;

use kit::Caller;
use kit::events::{Event, Handler};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};

use users::identity::acknowledgements::Acknowledgements;

use crate::world::{PASSWORD, Person, REFRESH, World, codes, config};

const DELETE: &str = "mutation($password: String!) { accountDelete(currentPassword: $password, \
     deleteContent: true) { accepted errors { __typename ... on UserError { code path } } } }";
const EXPORT: &str = "mutation { accountExport { accepted errors { __typename } } }";

async fn leave(world: &World, person: &Person, password: &str) -> Value {
    let data = world.data(&person.caller, DELETE, json!({ "password": password })).await;
    data["accountDelete"].clone()
}

/// Every text in every table of the database, to look for what must be gone.
async fn dump(world: &World) -> String {
    let connection = world.database.read();
    let backend = connection.get_database_backend();
    let tables = match backend {
        DbBackend::Sqlite => "SELECT name AS name FROM sqlite_master WHERE type = 'table'",
        _ => "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
    };
    let tables = connection.query_all_raw(Statement::from_string(backend, tables)).await.unwrap();
    let mut dump = String::new();
    for table in tables {
        let name: String = table.try_get("", "name").unwrap();
        let query = match backend {
            DbBackend::Sqlite => {
                let columns = format!("SELECT name AS name FROM pragma_table_info('{name}')");
                let columns = Statement::from_string(backend, columns);
                let columns = connection.query_all_raw(columns).await.unwrap();
                let texts = columns.iter().map(|column| {
                    let column: String = column.try_get("", "name").unwrap();
                    format!(
                        "coalesce(CASE typeof(\"{column}\") WHEN 'blob' THEN hex(\"{column}\") \
                         ELSE CAST(\"{column}\" AS TEXT) END, '')"
                    )
                });
                let line = texts.collect::<Vec<_>>().join(" || '|' || ");
                format!("SELECT {line} AS line FROM \"{name}\"")
            }
            _ => format!("SELECT t::text AS line FROM \"{name}\" t"),
        };
        let rows = connection.query_all_raw(Statement::from_string(backend, query)).await.unwrap();
        for row in rows {
            dump.push_str(&row.try_get::<String>("", "line").unwrap());
            dump.push('\n');
        }
    }
    dump.to_lowercase()
}

async fn resident(world: &World) -> Person {
    let person = world.person("ada@example.org").await;
    let update = "mutation { profileUpdate(input: { displayName: \"Countess Lovelace\", \
         givenName: \"Augusta\", phone: \"+493012345678\" }) { errors { __typename } } }";
    world.data(&person.caller, update, json!({})).await;
    let save = "mutation { addressSave(address: { lines: [\"Ockham Park 7\"], countryCode: \"GB\" }) \
         { errors { __typename } } }";
    world.data(&person.caller, save, json!({})).await;
    person
}

#[tokio::test]
async fn f38_after_three_days_nothing_names_the_person() {
    let world = World::new().await;
    let person = resident(&world).await;
    let traces = ["ada@example.org", "lovelace", "augusta", "+493012345678", "ockham"];
    let before = dump(&world).await;
    assert!(traces.iter().all(|trace| before.contains(trace)), "the search finds what is there");
    let wrong = leave(&world, &person, "wrong wrong wrong wrong").await;
    assert_eq!(codes(&wrong), ["INVALID_CREDENTIALS"]);
    assert_eq!(leave(&world, &person, PASSWORD).await["accepted"], true);
    let refresh =
        world.data(&Caller::Anonymous, REFRESH, json!({ "token": person.refresh_token })).await;
    assert_eq!(codes(&refresh["sessionRefresh"]), ["TOKEN_INVALID"]);
    world.last_mail("ada@example.org", "account_erased").await;
    world.clock.advance(Duration::from_hours(72) - Duration::from_secs(1));
    assert_eq!(world.identity.erase_due().await.unwrap(), 0);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.identity.erase_due().await.unwrap(), 1);
    let after = dump(&world).await;
    for trace in traces {
        assert!(!after.contains(trace), "{trace} is still there");
    }
    let query = "query($id: ID!) { user(id: $id) { displayName avatarUrl } }";
    let data = world.data(&Caller::Anonymous, query, json!({ "id": person.id.to_string() })).await;
    assert_eq!(data["user"], json!({ "displayName": "Deleted user", "avatarUrl": null }));
    let events = kit::events::page(world.database.read(), 0, 20).await.unwrap().events;
    let last = events.last().unwrap();
    assert_eq!(last.kind, "user.erased");
    assert_eq!(last.payload["deleteContent"], true);
    assert!(events[..events.len() - 1].iter().all(Event::is_redacted));
    world.person("ada@example.org").await;
}

#[tokio::test]
async fn logging_in_within_three_days_takes_it_back() {
    let world = World::new().await;
    let person = resident(&world).await;
    leave(&world, &person, PASSWORD).await;
    world.clock.advance(Duration::from_hours(71));
    let person = world.session("ada@example.org", PASSWORD).await;
    world.clock.advance(Duration::from_hours(24));
    assert_eq!(world.identity.erase_due().await.unwrap(), 0);
    let query = "{ me { displayName account { status } } }";
    let data = world.data(&person.caller, query, json!({})).await;
    assert_eq!(data["me"]["account"]["status"], "ACTIVE");
}

#[tokio::test]
async fn two_replicas_erase_a_person_once() {
    let world = World::new().await;
    let twin = world.twin().await;
    let person = resident(&world).await;
    leave(&world, &person, PASSWORD).await;
    world.clock.advance(Duration::from_hours(72));
    let (one, two) = tokio::join!(world.identity.erase_due(), twin.identity.erase_due());
    assert_eq!(one.unwrap() + two.unwrap(), 1);
}

#[tokio::test]
async fn an_export_holds_what_we_know_for_a_day() {
    let world = World::new().await;
    let person = resident(&world).await;
    let accepted = world.data(&person.caller, EXPORT, json!({})).await;
    assert_eq!(accepted["accountExport"], json!({ "accepted": true, "errors": [] }));
    let mail = world.last_mail("ada@example.org", "account_export").await;
    assert!(mail.text.contains("http://localhost:4001/account/export?token="));
    let (owner, export) = world.identity.export(&mail.token()).await.unwrap();
    assert_eq!(owner, person.id);
    assert_eq!(export["account"]["email"], "ada@example.org");
    assert_eq!(export["addresses"][0]["address"]["lines"], json!(["Ockham Park 7"]));
    assert!(!export.to_string().contains("argon2"));
    assert!(world.identity.export("nonsense").await.is_err());
    world.clock.advance(Duration::from_hours(24));
    assert!(world.identity.export(&mail.token()).await.is_err());
}

/// What a service's feed says when it has erased a person.
async fn confirm(world: &World, service: &'static str, person: &Person, kind: &str) {
    let event = &Event {
        seq: 1,
        id: kit::id::new_id(world.clock.now()).into(),
        kind: kind.to_owned(),
        key: person.id.to_string(),
        payload: json!({ "id": person.id, "service": service }),
        at: world.clock.now(),
    };
    let handler = &Acknowledgements { service };
    let applied: Result<(), sea_orm::DbErr> =
        world.database.write(|tx| Box::pin(async move { handler.apply(tx, event).await })).await;
    applied.unwrap();
}

#[tokio::test]
async fn an_erasure_is_open_until_every_service_has_confirmed_it() {
    let mut config = config();
    config.peers = users::config::PeerSettings::default();
    let world = World::with(config).await;
    let person = resident(&world).await;
    leave(&world, &person, PASSWORD).await;
    world.clock.advance(Duration::from_hours(72));
    assert_eq!(world.identity.erase_due().await.unwrap(), 1);
    let open = async || {
        let open = world.identity.open_erasures().await.unwrap();
        open.into_iter().map(|erasure| erasure.service).collect::<Vec<_>>()
    };
    let mut both = open().await;
    both.sort();
    assert_eq!(both, ["payments", "reviews"]);
    confirm(&world, "reviews", &person, "review.published").await;
    assert_eq!(open().await.len(), 2, "an event about something else");
    confirm(&world, "reviews", &person, "user.erasure_completed").await;
    confirm(&world, "reviews", &person, "user.erasure_completed").await;
    assert_eq!(open().await, ["payments"]);
    world.clock.advance(Duration::from_hours(24) - Duration::from_millis(1));
    assert_eq!(world.identity.report_overdue_erasures().await.unwrap(), 0);
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(world.identity.report_overdue_erasures().await.unwrap(), 1);
    confirm(&world, "payments", &person, "user.erasure_completed").await;
    assert_eq!(world.identity.report_overdue_erasures().await.unwrap(), 0);
}
