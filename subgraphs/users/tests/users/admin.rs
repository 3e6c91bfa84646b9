//! The operators' commands, run as programs.

use std::process::{Command, Output};

use sea_orm::EntityTrait;

fn users(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_users"))
        .args(arguments)
        .env("USERS__HASHING__MEMORY_KIB", "64")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let text = if output.status.success() { &output.stdout } else { &output.stderr };
    String::from_utf8_lossy(text).trim().to_owned()
}

#[tokio::test]
async fn people_are_created_granted_suspended_and_unlocked() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("users.sqlite").display());
    let admin = |arguments: &[&str]| {
        let all = [&["admin"], arguments, &["--database", &url]].concat();
        users(&all)
    };
    let created = admin(&["create", "root@example.org", "--name", "Grace H", "--role", "ADMIN"]);
    assert!(created.status.success(), "{}", said(&created));
    let twice = admin(&["create", "ROOT@example.org", "--name", "Grace H"]);
    assert!(!twice.status.success());
    assert!(admin(&["create", "ada@example.org", "--name", "Ada L"]).status.success());
    let granted = admin(&["grant", "ada@example.org", "CUSTOMER", "SUPPORT"]);
    assert!(said(&granted).ends_with("has CUSTOMER, SUPPORT"), "{}", said(&granted));
    let last = admin(&["suspend", "root@example.org"]);
    assert!(said(&last).contains("LastAdmin"), "{}", said(&last));
    assert!(admin(&["create", "bob@example.org", "--name", "Bob T"]).status.success());
    assert!(said(&admin(&["erase", "root@example.org"])).contains("administrator"));
    assert!(said(&admin(&["erase", "bob@example.org"])).ends_with("is erased"));
    assert!(said(&admin(&["erase", "bob@example.org"])).contains("no such person"));
    assert!(said(&admin(&["erasures"])).contains("not confirmed by"));
    assert!(admin(&["suspend", "ada@example.org"]).status.success());
    assert!(admin(&["unlock", "ada@example.org"]).status.success());
    assert!(said(&admin(&["rotate-keys"])).contains("signs from"));
    assert!(said(&admin(&["grant", "nobody@example.org", "ADMIN"])).contains("no such person"));

    let options = kit::DatabaseOptions::default();
    let database = kit::Database::connect(&url, options).await.unwrap();
    let rows = users::entity::user::Entity::find().all(database.read()).await.unwrap();
    let ada = rows.iter().find(|row| row.display_name == "Ada L").unwrap();
    assert_eq!(ada.status, users::account::status::UserStatus::Suspended);
    assert!(ada.password_hash.is_none());
}

#[test]
fn wrong_commands_say_what_is_wrong() {
    for arguments in [&["admin"][..], &["admin", "grant", "x"], &["admin", "grant", "x", "KING"]] {
        let output = users(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
    assert!(said(&users(&["admin", "hash-bench", "--target", "soon"])).contains("250ms"));
}

#[test]
fn the_schema_is_printed() {
    assert_eq!(said(&users(&["schema", "print"])), users::sdl().trim());
}
