//! Reading a service's configuration: a TOML file, then environment variables on top.
//!
//! The variable for `mail.smtp.host` of payments is `PAYMENTS__MAIL__SMTP__HOST`. Fields of
//! [`Settings`] stand at the top level of the file although services keep them in a field `kit`
//! of their own configuration. Every error is one line that names the file or variable, the key
//! and the remedy.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::settings::Settings;

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration {}: {message}; name another file with --config", path.display())]
    Read { path: PathBuf, message: String },
    #[error("{}: {message}; correct the file", path.display())]
    File { path: PathBuf, message: String },
    #[error("environment variable {name}: {message}; correct or unset it")]
    Variable { name: String, message: String },
}

/// Reads the configuration of `service`. `T` has the common settings in a field named `kit`.
pub fn load<T: DeserializeOwned>(service: &str, path: Option<&Path>) -> Result<T, ConfigError> {
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    load_from(service, path, variables)
}

/// [`load`] with the environment passed in.
pub fn load_from<T: DeserializeOwned>(
    service: &str,
    path: Option<&Path>,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<T, ConfigError> {
    let mut table = match path {
        Some(path) => read(path)?,
        None => Table::new(),
    };
    let mut config = parse::<T>(&table).map_err(|message| ConfigError::File {
        path: path.map(Path::to_path_buf).unwrap_or_else(|| PathBuf::from("(no file)")),
        message,
    })?;
    let prefix = format!("{}__", service.to_uppercase());
    let mut overrides: Vec<(String, String)> =
        variables.into_iter().filter(|(name, _)| name.starts_with(&prefix)).collect();
    overrides.sort();
    for (name, text) in overrides {
        let keys: Vec<String> = name[prefix.len()..].split("__").map(str::to_lowercase).collect();
        (table, config) = apply(&table, &keys, &text)
            .map_err(|message| ConfigError::Variable { name, message })?;
    }
    Ok(config)
}

fn read(path: &Path) -> Result<Table, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Read {
        path: path.to_path_buf(),
        message: error.to_string(),
    })?;
    text.parse::<Table>().map_err(|error| {
        let place = error.span().map(|span| {
            let line = text[..span.start.min(text.len())].matches('\n').count() + 1;
            format!("line {line}: ")
        });
        ConfigError::File {
            path: path.to_path_buf(),
            message: format!("{}{}", place.unwrap_or_default(), one_line(error.message())),
        }
    })
}

/// The table with one more value, and what it means. A variable is text; whether `5` is a number
/// or a word only the configuration's type knows, so both are tried.
fn apply<T: DeserializeOwned>(
    table: &Table,
    keys: &[String],
    text: &str,
) -> Result<(Table, T), String> {
    let typed = format!("value = {text}").parse::<Table>().ok().and_then(|mut t| t.remove("value"));
    let word = Value::String(text.to_owned());
    let mut refusal = String::new();
    for value in typed.into_iter().chain([word]) {
        let mut changed = table.clone();
        insert(&mut changed, keys, value)?;
        match parse::<T>(&changed) {
            Ok(config) => return Ok((changed, config)),
            Err(message) => refusal = message,
        }
    }
    Err(refusal)
}

fn insert(table: &mut Table, keys: &[String], value: Value) -> Result<(), String> {
    let (last, parents) = keys.split_last().ok_or("names no key")?;
    let mut place = table;
    for key in parents {
        place = place
            .entry(key.clone())
            .or_insert_with(|| Value::Table(Table::new()))
            .as_table_mut()
            .ok_or_else(|| format!("`{key}` is a value, not a section"))?;
    }
    place.insert(last.clone(), value);
    Ok(())
}

/// Moves the common settings into the section `kit`, where the services' types have them.
fn parse<T: DeserializeOwned>(table: &Table) -> Result<T, String> {
    let mut own = Table::new();
    let mut kit = Table::new();
    for (key, value) in table {
        if key == "kit" {
            return Err("unknown key `kit`; its fields stand at the top level".to_owned());
        }
        let target = if Settings::FIELDS.contains(&key.as_str()) { &mut kit } else { &mut own };
        target.insert(key.clone(), value.clone());
    }
    if !kit.is_empty() {
        own.insert("kit".to_owned(), Value::Table(kit));
    }
    Value::Table(own).try_into::<T>().map_err(|error| one_line(&error.to_string()))
}

/// TOML errors end with a line that names the section; one line, and no `kit` the user never
/// wrote.
fn one_line(message: &str) -> String {
    let line = message.split('\n').map(str::trim).filter(|part| !part.is_empty());
    line.collect::<Vec<_>>().join(" ").replace("`kit.", "`").replace(" in `kit`", "")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde::Deserialize;

    use super::*;
    use crate::settings::{MailTransport, Period, SmtpSecurity};

    #[derive(Debug, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Shop {
        kit: Settings,
        orders: Orders,
    }

    impl Default for Shop {
        fn default() -> Self {
            let mut kit = Settings::default();
            kit.mail.from = "shop@example.org".to_owned();
            Self { kit, orders: Orders::default() }
        }
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Orders {
        reserve: u32,
        name: String,
    }

    fn load_text(text: &str, variables: &[(&str, &str)]) -> Result<Shop, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.toml");
        std::fs::write(&path, text).unwrap();
        let variables = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        load_from("shop", Some(&path), variables)
            .map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "DIR"))
    }

    #[test]
    fn the_file_is_read_and_variables_win() {
        let text = "environment = \"production\"\n[database]\nurl = \"sqlite://a\"\n[orders]\nreserve = 15\n[mail.smtp]\ntimeout = \"2m\"\n";
        let shop = load_text(
            text,
            &[
                ("SHOP__DATABASE__URL", "postgres://h/db"),
                ("SHOP__MAIL__SMTP__PASSWORD", "12345"),
                ("SHOP__MAIL__SMTP__SECURITY", "tls"),
                ("SHOP__MAIL__TRANSPORT", "smtp"),
                ("SHOP__ORDERS__RESERVE", "20"),
                ("SHOP__ORDERS__NAME", "20"),
                ("SHOP__SERVICES", "[{ name = \"x\", secret = \"y\" }]"),
                ("OTHER__ORDERS__NAME", "not ours"),
            ],
        )
        .unwrap();
        assert_eq!(shop.kit.database.url, "postgres://h/db");
        assert_eq!(shop.kit.mail.smtp.password.expose(), "12345");
        assert_eq!(shop.kit.mail.smtp.timeout, Period(Duration::from_mins(2)));
        assert_eq!(shop.kit.mail.smtp.security, SmtpSecurity::Tls);
        assert_eq!(shop.kit.mail.transport, MailTransport::Smtp);
        assert_eq!((shop.orders.reserve, shop.orders.name.as_str()), (20, "20"));
        assert_eq!(shop.kit.services.0.len(), 1);
        assert!(!format!("{shop:?}").contains("12345"), "secrets are not printed");
    }

    #[test]
    fn every_error_is_one_line_that_names_the_place_and_the_key() {
        for (text, variables, expected) in [
            ("orders = {", &[][..], "DIR/shop.toml: line 1:"),
            ("[orders]\nreserve = \"many\"\n", &[], "in `orders.reserve`"),
            ("[databas]\nurl = \"x\"\n", &[], "unknown field `databas`"),
            ("[database]\nuri = \"x\"\n", &[], "unknown field `uri`"),
            ("[kit.database]\nurl = \"x\"\n", &[], "unknown key `kit`"),
            ("[mail.smtp]\ntimeout = \"soon\"\n", &[], "`soon` is no period"),
            (
                "",
                &[("SHOP__ORDERS__RESERVE", "many")],
                "environment variable SHOP__ORDERS__RESERVE",
            ),
            ("", &[("SHOP__NONSENSE", "1")], "unknown field `nonsense`"),
        ] {
            let error = load_text(text, variables).unwrap_err();
            assert!(error.contains(expected), "{expected} in {error}");
            assert!(!error.contains('\n') && error.contains("correct"), "{error}");
            assert!(!error.contains("kit."), "{error}");
        }
        let missing = load_from::<Shop>("shop", Some(Path::new("/no/such.toml")), []).unwrap_err();
        assert!(missing.to_string().contains("--config"));
    }

    #[test]
    fn the_example_file_holds_every_default() {
        let example = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/settings.example.toml"));
        let written: Shop = load_from("shop", Some(example), []).unwrap();
        let default = Settings::default();
        assert_eq!(format!("{:?}", written.kit), format!("{default:?}"));
        assert_eq!(written.kit.cursor_key().encode("l", &1), default.cursor_key().encode("l", &1));
    }

    #[test]
    fn without_file_and_variables_everything_has_a_default() {
        let shop = load_from::<Shop>("shop", None, []).unwrap();
        assert_eq!(shop.kit.database.url_for("shop"), "sqlite://shop.sqlite?mode=rwc");
    }
}
