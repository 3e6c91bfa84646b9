//! Language, time zone and picture of a profile.

use super::text::{self, TextError};

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PreferenceError {
    #[error("locale must be a BCP 47 language tag such as en or pt-BR")]
    Locale,
    #[error("time zone must be a name of the IANA database such as Europe/Berlin")]
    TimeZone,
    #[error("avatar must be an https address of at most 2048 bytes")]
    AvatarUrl,
    #[error("name {0}")]
    Name(TextError),
}

impl PreferenceError {
    pub fn code(self) -> &'static str {
        match self {
            Self::Locale => "INVALID_LOCALE",
            Self::TimeZone => "INVALID_TIME_ZONE",
            Self::AvatarUrl => "INVALID_URL",
            Self::Name(error) => error.code(),
        }
    }
}

/// Well-formed by BCP 47's grammar of sub-tags, in its usual case (`pt-BR`, `zh-Hant-TW`).
pub fn locale(input: &str) -> Result<String, PreferenceError> {
    let mut parts = input.split('-');
    let language = parts.next().unwrap_or_default();
    let well_formed = input.len() <= 35
        && (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && input.split('-').all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        });
    if !well_formed {
        return Err(PreferenceError::Locale);
    }
    let mut tag = language.to_ascii_lowercase();
    for part in parts {
        tag.push('-');
        match part.len() {
            2 => tag.push_str(&part.to_ascii_uppercase()),
            4 if part.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                tag.push_str(&part[..1].to_ascii_uppercase());
                tag.push_str(&part[1..].to_ascii_lowercase());
            }
            _ => tag.push_str(&part.to_ascii_lowercase()),
        }
    }
    Ok(tag)
}

/// The names of the IANA database, one a line.
const TIME_ZONES: &str = include_str!("time_zones.txt");

/// A zone that exists, in its usual spelling.
pub fn time_zone(input: &str) -> Result<String, PreferenceError> {
    let known = TIME_ZONES.lines().find(|name| name.eq_ignore_ascii_case(input.trim()));
    known.map(str::to_owned).ok_or(PreferenceError::TimeZone)
}

pub fn avatar_url(input: &str) -> Result<String, PreferenceError> {
    if input.len() > 2048 {
        return Err(PreferenceError::AvatarUrl);
    }
    let url = url::Url::parse(input.trim()).map_err(|_| PreferenceError::AvatarUrl)?;
    let acceptable = url.scheme() == "https"
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none();
    if acceptable { Ok(url.into()) } else { Err(PreferenceError::AvatarUrl) }
}

/// A given or family name; an empty one means none.
pub fn personal_name(input: &str) -> Result<Option<String>, PreferenceError> {
    let name = text::line(input, 0, 80).map_err(PreferenceError::Name)?;
    Ok((!name.is_empty()).then_some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_are_written_in_the_usual_case() {
        assert_eq!(locale("EN"), Ok("en".to_owned()));
        assert_eq!(locale("zh-hant-tw"), Ok("zh-Hant-TW".to_owned()));
        for input in ["", "e", "english-", "en_US", "e1", "-de", &"a-".repeat(40)] {
            assert_eq!(locale(input), Err(PreferenceError::Locale), "{input:?}");
        }
    }

    #[test]
    fn time_zones_are_those_there_are() {
        for input in ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"] {
            assert_eq!(time_zone(input), Ok(input.to_owned()));
            assert_eq!(time_zone(&input.to_lowercase()), Ok(input.to_owned()));
        }
        for input in ["", "Berlin", "Mars/Base", "../etc/passwd", "Europe/", "A/\u{202e}b"] {
            assert_eq!(time_zone(input), Err(PreferenceError::TimeZone), "{input:?}");
        }
    }

    #[test]
    fn avatars_are_plain_https_addresses() {
        assert!(avatar_url("https://img.example/a.png").is_ok());
        for input in
            ["http://a.example/", "javascript:alert(1)", "https://u:p@a.example/", "data:,x", ""]
        {
            assert_eq!(avatar_url(input), Err(PreferenceError::AvatarUrl), "{input:?}");
        }
    }
}
