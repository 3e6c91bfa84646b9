//! From the last release's database to this one's, and back.

use kit::{Clock, Timestamp, id::UserId};
use migrations::users::Migrator;
use users::{
    account::roles::Role,
    import::{ImportedPassword, ImportedUser, load},
};

use crate::world::{PASSWORD, World, config};

fn ada(now: Timestamp) -> ImportedUser {
    ImportedUser {
        id: UserId::new(now),
        email: "ada@example.org".to_owned(),
        password: ImportedPassword::Plain(PASSWORD.to_owned()),
        display_name: "Ada L".to_owned(),
        given_name: None,
        family_name: None,
        avatar_url: None,
        locale: "en".to_owned(),
        time_zone: "UTC".to_owned(),
        roles: vec![Role::Customer],
        member_since: now,
        addresses: Vec::new(),
    }
}

#[tokio::test]
async fn f48_a_database_in_use_is_brought_up_to_date_and_back() {
    let now = Timestamp(1_795_371_000_000);
    let database = kit::testing::database::<Migrator>().await;
    database.migrate_down::<Migrator>(1).await.unwrap();
    load(&database, vec![ada(now)]).await.unwrap();
    database.migrate_up::<Migrator>().await.unwrap();
    let world = World::on(config(), Clock::manual(now), database.clone()).await;
    world.session("ada@example.org", PASSWORD).await;

    // The last release can still read and write what this one leaves behind.
    database.migrate_down::<Migrator>(1).await.unwrap();
    world.session("ada@example.org", PASSWORD).await;
    let status = database.migration_status::<Migrator>().await.unwrap();
    assert_eq!(status.iter().filter(|(_, applied)| !applied).count(), 1);
}
