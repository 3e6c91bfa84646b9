//! `demo-logins.json`: who a newcomer can sign in as.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::people::{Person, Role};

/// One entry of `DATA_DIR/demo-logins.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Login {
    pub role: String,
    pub email: String,
    pub password: String,
    /// The wire id, `usr_…`.
    pub id: String,
}

/// Three customers and one of every other role.
pub fn logins(people: &[Person]) -> Vec<Login> {
    let wanted = [
        (Role::Customer, 3),
        (Role::Driver, 1),
        (Role::Merchant, 1),
        (Role::Support, 1),
        (Role::Moderator, 1),
        (Role::Admin, 1),
    ];
    wanted
        .into_iter()
        .flat_map(|(role, count)| {
            people.iter().filter(move |person| person.role == role).take(count)
        })
        .map(|person| Login {
            role: person.role.name().to_owned(),
            email: person.email.clone(),
            password: person.passphrase.clone(),
            id: kit::id::encode("usr", person.id),
        })
        .collect()
}

pub fn write(path: &Path, logins: &[Login]) -> std::io::Result<()> {
    let mut text = serde_json::to_string_pretty(logins).expect("plain strings serialise");
    text.push('\n');
    std::fs::write(path, text)
}

/// What [`write()`] wrote at the first start; nobody when the marketplace was first started
/// without demo data.
pub fn read(path: &Path) -> std::io::Result<Vec<Login>> {
    match std::fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text).map_err(std::io::Error::from),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
