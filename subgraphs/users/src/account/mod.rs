//! What an account is made of: each piece of it parses itself, so that whatever holds one of
//! these types holds something valid. Knows nothing of storage or GraphQL payloads.

pub mod address;
pub mod display_name;
pub mod email;
pub mod phone;
pub mod preferences;
pub mod roles;
pub mod status;
pub mod text;
