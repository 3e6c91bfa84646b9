//! `users admin …`: what operators do without GraphQL, straight on the database.

use std::time::{Duration, Instant};

use clap::Subcommand;
use kit::{Clock, Database, RequestOrigin, Timestamp, id::UserId, settings::Period};
use migrations::users::Migrator;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::{
    Config,
    account::{
        display_name::DisplayName,
        email::Email,
        roles::{Role, Roles},
        status::UserStatus,
    },
    entity::user,
    identity::{Identity, failure::Failure},
    password::{
        Password,
        hashing::{HashingSettings, PasswordHasher},
    },
};

/// `users admin …` beside the commands that every service has.
#[derive(Debug, Subcommand)]
pub(crate) enum Own {
    /// Create, grant, suspend, unlock; keys and hashing
    Admin {
        #[command(subcommand)]
        command: Command,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create a verified person; a password is set through the reset link that is mailed
    Create {
        email: String,
        #[arg(long)]
        name: String,
        /// CUSTOMER, DRIVER, SUPPORT, MODERATOR, MERCHANT or ADMIN; may be repeated
        #[arg(long)]
        role: Vec<Role>,
    },
    /// Give a person (address or id) exactly these roles
    Grant {
        person: String,
        #[arg(required = true)]
        roles: Vec<Role>,
    },
    /// Suspend a person and end all their sessions
    Suspend {
        person: String,
        #[arg(long, default_value = "by an operator")]
        reason: String,
    },
    /// Forget the failed log-ins of an address
    Unlock { email: String },
    /// Erase a person at once; an administrator has to lose that role first
    Erase {
        person: String,
        /// Delete what they wrote too
        #[arg(long)]
        delete_content: bool,
    },
    /// List erasures that other services have not confirmed yet
    Erasures,
    /// Publish a new signing key; it signs ten minutes later
    RotateKeys,
    /// Find the memory cost that makes one hash take about this long here
    HashBench {
        #[arg(long, default_value = "250ms")]
        target: String,
    },
}

/// Runs a command; what it has done, in a line or more.
pub(crate) async fn run(config: Config, command: Command) -> Result<String, String> {
    if let Command::HashBench { target } = &command {
        let target = Period::parse(target).ok_or("--target is written like 250ms")?;
        return bench(&config.hashing, target.0).await;
    }
    config.check().map_err(|error| error.to_string())?;
    let settings = &config.kit.database;
    let database = Database::connect(&settings.url_for("users"), settings.options())
        .await
        .map_err(|error| format!("{error}; name another one with --database"))?;
    database.migrate_up::<Migrator>().await.map_err(|error| error.to_string())?;
    let identity = crate::identity(&config, database, Clock::system())
        .await
        .map_err(|error| error.to_string())?;
    act(&identity, command).await
}

async fn act(identity: &Identity, command: Command) -> Result<String, String> {
    let origin = RequestOrigin::default();
    match command {
        Command::Create { email, name, role } => create(identity, &email, &name, role).await,
        Command::Grant { person, roles } => {
            let id = find(identity, &person).await?;
            let roles = Roles::new(roles);
            identity.set_roles(id, &roles, &origin).await.map_err(worded)?;
            Ok(format!("{id} has {}", roles.names().join(", ")))
        }
        Command::Suspend { person, reason } => {
            let id = find(identity, &person).await?;
            identity
                .set_status(id, UserStatus::Suspended, &reason, &origin)
                .await
                .map_err(worded)?;
            Ok(format!("{id} is suspended"))
        }
        Command::Unlock { email } => {
            let email = Email::parse(&email).map_err(|error| error.to_string())?;
            identity.unlock(&email).await.map_err(|error| error.to_string())?;
            Ok("unlocked".to_owned())
        }
        Command::RotateKeys => {
            let at = identity.signing_keys().rotate().await.map_err(|error| error.to_string())?;
            Ok(format!("the new key signs from {at} on"))
        }
        Command::Erase { person, delete_content } => {
            let id = find(identity, &person).await?;
            let erased =
                identity.erase_now(id, delete_content).await.map_err(|error| error.to_string())?;
            if erased {
                Ok(format!("{id} is erased"))
            } else {
                Err("erased already, or an administrator".to_owned())
            }
        }
        Command::Erasures => erasures(identity).await,
        Command::HashBench { .. } => Err("needs no database".to_owned()),
    }
}

async fn create(
    identity: &Identity,
    email: &str,
    name: &str,
    roles: Vec<Role>,
) -> Result<String, String> {
    let email = Email::parse(email).map_err(|error| error.to_string())?;
    let name = DisplayName::parse(name).map_err(|error| error.to_string())?;
    let id = identity
        .create_person(&email, &name, Roles::new(roles.into_iter().chain([Role::Customer])))
        .await
        .map_err(|error| error.to_string())?;
    identity.request_reset(&email).await.map_err(|_| {
        "the reset link was not sent; ask for one by passwordResetRequest".to_owned()
    })?;
    Ok(format!("{id} created; a link to set a password is on its way"))
}

async fn erasures(identity: &Identity) -> Result<String, String> {
    let open = identity.open_erasures().await.map_err(|error| error.to_string())?;
    if open.is_empty() {
        return Ok("every service has confirmed every erasure".to_owned());
    }
    let lines = open.iter().map(|erasure| {
        let since = Timestamp(erasure.requested_at);
        format!(
            "{} not confirmed by {} since {since}",
            UserId::from(erasure.user_id),
            erasure.service
        )
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

async fn find(identity: &Identity, person: &str) -> Result<UserId, String> {
    if let Some(id) = UserId::parse(person) {
        return Ok(id);
    }
    let email = Email::parse(person).map_err(|_| "name an address or an id (usr_…)".to_owned())?;
    let found = user::Entity::find()
        .filter(user::Column::EmailNorm.eq(email.normal()))
        .one(identity.database.read())
        .await
        .map_err(|error| error.to_string())?;
    found.map(|user| UserId::from(user.id)).ok_or_else(|| "there is no such person".to_owned())
}

fn worded<R: std::fmt::Debug>(failure: Failure<R>) -> String {
    match failure {
        Failure::Refused(refusal) => format!("refused: {refusal:?}"),
        Failure::Fault(fault) => fault.to_string(),
    }
}

/// Doubles the memory until one hash takes longer than the target.
async fn bench(settings: &HashingSettings, target: Duration) -> Result<String, String> {
    let password = Password::new("a passphrase of usual length").ok_or("too long")?;
    let mut best = None;
    let mut memory_kib = 19 * 1024;
    while memory_kib <= 1024 * 1024 {
        let settings = HashingSettings { memory_kib, ..settings.clone() };
        let hasher =
            PasswordHasher::new(&settings, Vec::new()).map_err(|error| error.to_string())?;
        let slot = hasher.slot().await.map_err(|error| error.to_string())?;
        slot.hash(&password).await.map_err(|error| error.to_string())?;
        let started = Instant::now();
        slot.hash(&password).await.map_err(|error| error.to_string())?;
        let took = started.elapsed();
        if took > target && best.is_some() {
            break;
        }
        best = Some((memory_kib, took));
        memory_kib += memory_kib / 2;
    }
    let (memory_kib, took) = best.ok_or("nothing measured")?;
    Ok(format!(
        "hashing.memory_kib = {memory_kib}, iterations = {}, parallelism = {}: {} ms",
        settings.iterations,
        settings.parallelism,
        took.as_millis()
    ))
}
