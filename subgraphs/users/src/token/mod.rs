//! Everything that is handed out and later presented again: access tokens and the keys that
//! sign them, refresh tokens, links in mails. What each is made of and how it is checked; when
//! one is issued is decided elsewhere.

pub mod access;
pub mod one_time;
pub mod personal;
pub mod refresh;
pub mod sealing;
pub mod secrets;
pub mod signing_keys;
pub mod totp;
