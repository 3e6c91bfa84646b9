//! Does the time of an answer tell whether an address has an account?
//!
//! `cargo run --release -p users --example timing -- [SAMPLES]` asks for registrations, log-ins
//! and resets in turn for known and unknown addresses (log-ins of suspended people with the right
//! password too), prints the medians and what a Kolmogorov-Smirnov test says about each pair, and
//! ends with 1 when a pair can be told apart: p of 0.01 or less and medians 5 % apart or more.
//! Wants a machine that has nothing else to do.

#![expect(clippy::cast_precision_loss, reason = "counts of samples")]

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Instant;

use kit::id::UserId;
use kit::{Caller, Clock, Database, RequestOrigin, Service};
use serde_json::{Value, json};
use users::account::status::UserStatus;
use users::import::{ImportedPassword, ImportedUser, load};

const PASSWORD: &str = "violet tractor humming lake";

fn person(number: usize, clock: &Clock, hash: &str) -> ImportedUser {
    ImportedUser {
        id: UserId::new(clock.now()),
        email: format!("known{number}@example.org"),
        password: ImportedPassword::Phc(hash.to_owned()),
        display_name: format!("Known {number}"),
        given_name: None,
        family_name: None,
        avatar_url: None,
        locale: "en".to_owned(),
        time_zone: "UTC".to_owned(),
        roles: Vec::new(),
        member_since: clock.now(),
        addresses: Vec::new(),
    }
}

async fn ask(service: &Service, query: &str, input: Value) -> anyhow::Result<f64> {
    let request = async_graphql::Request::new(query)
        .variables(async_graphql::Variables::from_json(json!({ "input": input })));
    let started = Instant::now();
    let response = service.execute(Caller::Anonymous, request).await;
    let took = started.elapsed().as_secs_f64();
    anyhow::ensure!(response.errors.is_empty(), "{:?}", response.errors);
    Ok(took)
}

/// The largest distance of the two distribution functions, and how likely chance makes it.
fn kolmogorov_smirnov(left: &[f64], right: &[f64]) -> (f64, f64) {
    let below = |all: &[f64], value: f64| {
        all.iter().filter(|sample| **sample <= value).count() as f64 / all.len() as f64
    };
    let distance = left
        .iter()
        .chain(right)
        .map(|value| (below(left, *value) - below(right, *value)).abs())
        .fold(0.0, f64::max);
    let (n, m) = (left.len() as f64, right.len() as f64);
    let size = (n * m / (n + m)).sqrt();
    let lambda = (size + 0.12 + 0.11 / size) * distance;
    let sum: f64 = (1..=100)
        .map(|k| {
            let sign = if k % 2 == 1 { 1.0 } else { -1.0 };
            sign * (-2.0 * f64::from(k * k) * lambda * lambda).exp()
        })
        .sum();
    (distance, (2.0 * sum).clamp(0.0, 1.0))
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Whether the two cannot be told apart.
fn compare(what: &str, known: &[f64], unknown: &[f64]) -> anyhow::Result<bool> {
    let (distance, p) = kolmogorov_smirnov(known, unknown);
    let (a, b) = (median(known), median(unknown));
    let gap = (a - b).abs() / b;
    let alike = p > 0.01 || gap < 0.05;
    writeln!(
        std::io::stdout(),
        "{what:<34} {:>8.2} ms {:>8.2} ms   gap {:>5.2} %   D {distance:.3}   p {p:.3}   {}",
        a * 1000.0,
        b * 1000.0,
        gap * 100.0,
        if alike { "alike" } else { "TOLD APART" }
    )?;
    Ok(alike)
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let samples: usize = std::env::args().nth(1).map_or(Ok(200), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("users.sqlite").display());
    let config = users::Config::default();
    let database = Database::connect(&url, config.kit.database.options()).await?;
    database.migrate_up::<migrations::users::Migrator>().await?;
    let clock = Clock::system();
    let identity = users::identity(&config, database.clone(), clock.clone()).await?;
    let hasher = users::password::hashing::PasswordHasher::new(&config.hashing, Vec::new())?;
    let password = users::password::Password::new(PASSWORD).unwrap_or_else(|| unreachable!());
    let hash = hasher.slot().await?.hash(&password).await?;
    let people: Vec<_> = (0..2 * samples).map(|number| person(number, &clock, &hash)).collect();
    let suspended: Vec<UserId> = people[samples..].iter().map(|person| person.id).collect();
    load(&database, people).await?;
    for id in suspended {
        let origin = RequestOrigin::default();
        let done = identity.set_status(id, UserStatus::Suspended, "measured", &origin).await;
        anyhow::ensure!(done.is_ok(), "nobody could be suspended");
    }
    let service = users::service(&config, identity);
    let alike = measure(&service, samples).await?;
    Ok(if alike { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn measure(service: &Service, samples: usize) -> anyhow::Result<bool> {
    let log_in = "mutation($input: SessionCreateInput!) { sessionCreate(input: $input) { errors { __typename } } }";
    let register =
        "mutation($input: UserRegisterInput!) { userRegister(input: $input) { accepted } }";
    let reset = "mutation($input: String!) { passwordResetRequest(email: $input) { accepted } }";
    let wrong = |email: String| json!({ "email": email, "password": "kettle orbit mustard fjord" });
    let right = |email: String| json!({ "email": email, "password": PASSWORD });
    let new = |email: String| json!({ "email": email, "password": "kettle orbit mustard fjord", "displayName": "Ada L" });
    let (known, unknown) = (
        |n: usize| format!("known{n}@example.org"),
        |what: &str, n: usize| format!("{what}{n}@example.org"),
    );
    // The first of everything is slower.
    ask(service, log_in, wrong(unknown("warm", 0))).await?;
    ask(service, register, new(unknown("warm", 1))).await?;
    let mut times: [Vec<f64>; 7] = Default::default();
    for n in 0..samples {
        times[0].push(ask(service, log_in, wrong(known(n))).await?);
        times[1].push(ask(service, log_in, wrong(unknown("nobody", n))).await?);
        times[2].push(ask(service, log_in, right(known(samples + n))).await?);
        times[3].push(ask(service, register, new(known(n))).await?);
        times[4].push(ask(service, register, new(unknown("new", n))).await?);
        times[5].push(ask(service, reset, json!(known(n))).await?);
        times[6].push(ask(service, reset, json!(unknown("nowhere", n))).await?);
    }
    let mut alike = compare("log-in: wrong password, unknown", &times[0], &times[1])?;
    alike &= compare("log-in: suspended, unknown", &times[2], &times[1])?;
    alike &= compare("registration: taken, free", &times[3], &times[4])?;
    alike &= compare("reset: known, unknown", &times[5], &times[6])?;
    Ok(alike)
}
