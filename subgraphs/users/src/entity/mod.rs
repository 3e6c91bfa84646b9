//! The rows of the users database, one module per table.
//!
//! Rows carry no rules: what may change and when is decided in the domain modules.

pub mod access_token;
pub mod erasure;
pub mod login_counter;
pub mod login_failure;
pub mod one_time_token;
pub mod recovery_code;
pub mod revocation;
pub mod revocation_counter;
pub mod security_event;
pub mod session;
pub mod signing_key;
pub mod token_family;
pub mod totp;
pub mod user;
pub mod user_address;
