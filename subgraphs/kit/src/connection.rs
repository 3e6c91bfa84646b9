//! Relay connections: arguments, pages, signed cursors, and the types of a connection.
//!
//! A cursor carries the sort key of a row, not its position, so lists stay correct while rows are
//! inserted. It is signed: a cursor that was altered, or made for another list, is refused.

use std::fmt;

use async_graphql::{Error, ErrorExtensions, SimpleObject};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

pub const DEFAULT_PAGE: i32 = 20;
pub const MAX_PAGE: i32 = 100;

/// The four arguments of a connection field, as they came.
#[derive(Debug, Clone, Default)]
pub struct PageArgs {
    pub first: Option<i32>,
    pub after: Option<String>,
    pub last: Option<i32>,
    pub before: Option<String>,
}

impl PageArgs {
    /// Arguments of a list that only goes forward.
    pub fn forward(first: Option<i32>, after: Option<String>) -> Self {
        Self { first, after, ..Self::default() }
    }

    pub fn new(
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Self {
        Self { first, after, last, before }
    }

    /// One direction, 1 to 100 rows. `first` defaults to 20 in the schema, so a `first` of 20
    /// beside a `last` is taken for that default.
    pub fn validate(self) -> Result<Page, Error> {
        let Self { first, after, last, before } = self;
        let (forward, wanted, cursor) = match (first, last) {
            (Some(first), Some(_)) if first != DEFAULT_PAGE => {
                return Err(bad_page("use either `first` or `last`, not both"));
            }
            (_, Some(last)) => (false, last, before),
            (None, None) if before.is_some() => (false, DEFAULT_PAGE, before),
            (first, None) => {
                if before.is_some() {
                    return Err(bad_page("`before` goes with `last`"));
                }
                (true, first.unwrap_or(DEFAULT_PAGE), after)
            }
        };
        if !(1..=MAX_PAGE).contains(&wanted) {
            return Err(bad_page("a page has 1 to 100 rows"));
        }
        Ok(Page { forward, limit: u64::from(wanted.unsigned_abs()), cursor })
    }
}

/// A validated request for rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Towards the end of the list (`first`/`after`), or towards its start (`last`/`before`).
    pub forward: bool,
    /// Rows of the page. Ask the database for [`Page::fetch`].
    pub limit: u64,
    /// The raw cursor to start behind (or before); decode it with a [`CursorKey`].
    pub cursor: Option<String>,
}

impl Page {
    /// One row more than the page holds, to see whether there is a next one.
    pub fn fetch(&self) -> u64 {
        self.limit + 1
    }

    /// Cuts the rows that a query for [`Page::fetch`] rows in walking order returned, and puts
    /// them into list order.
    pub fn slice<T>(&self, mut rows: Vec<T>) -> Slice<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        if !self.forward {
            rows.reverse();
        }
        let beyond = self.cursor.is_some();
        Slice {
            rows,
            has_next_page: if self.forward { more } else { beyond },
            has_previous_page: if self.forward { beyond } else { more },
        }
    }
}

/// The rows of one page, in list order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice<T> {
    pub rows: Vec<T>,
    pub has_next_page: bool,
    pub has_previous_page: bool,
}

impl<T> Slice<T> {
    /// Builds the edges with `edge(row) -> (cursor, node)` and the page information.
    pub fn edges<N>(self, mut edge: impl FnMut(T) -> (String, N)) -> (Vec<(String, N)>, PageInfo) {
        let edges: Vec<(String, N)> = self.rows.into_iter().map(&mut edge).collect();
        let page_info = PageInfo {
            has_next_page: self.has_next_page,
            has_previous_page: self.has_previous_page,
            start_cursor: edges.first().map(|(cursor, _)| cursor.clone()),
            end_cursor: edges.last().map(|(cursor, _)| cursor.clone()),
        };
        (edges, page_info)
    }
}

/// Relay's page information, shared by every connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, SimpleObject)]
#[graphql(shareable)]
pub struct PageInfo {
    pub has_next_page: bool,
    pub has_previous_page: bool,
    pub start_cursor: Option<String>,
    pub end_cursor: Option<String>,
}

fn refused(code: &'static str, message: &str) -> Error {
    Error::new(message).extend_with(|_, extensions| extensions.set("code", code))
}

fn bad_page(message: &str) -> Error {
    refused("BAD_USER_INPUT", message)
}

/// The error of a cursor that was altered or belongs to another list.
pub fn invalid_cursor() -> Error {
    refused("INVALID_CURSOR", "the cursor is not one of this list's")
}

/// Signs and checks cursors.
#[derive(Clone)]
pub struct CursorKey {
    key: SecretSlice<u8>,
}

impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorKey(…)")
    }
}

const VERSION: u8 = 1;
const MAC_LENGTH: usize = 12;

impl CursorKey {
    pub fn new(secret: &[u8]) -> Self {
        Self { key: SecretSlice::from(secret.to_vec()) }
    }

    /// A cursor for a row of the list that `list` names (include the sort order in the name).
    pub fn encode(&self, list: &str, position: &impl Serialize) -> String {
        let position = serde_json::to_vec(position).expect("a sort key is plain data");
        let mut bytes = Vec::with_capacity(1 + MAC_LENGTH + position.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.mac(list, &position).finalize().into_bytes()[..MAC_LENGTH]);
        bytes.extend_from_slice(&position);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The sort key in a cursor of that list; `INVALID_CURSOR` for anything else.
    pub fn decode<T: DeserializeOwned>(&self, list: &str, cursor: &str) -> Result<T, Error> {
        self.open(list, cursor).ok_or_else(invalid_cursor)
    }

    fn open<T: DeserializeOwned>(&self, list: &str, cursor: &str) -> Option<T> {
        if cursor.len() > 1024 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (mac, position) = rest.split_at_checked(MAC_LENGTH)?;
        if *version != VERSION {
            return None;
        }
        self.mac(list, position).verify_truncated_left(mac).ok()?;
        serde_json::from_slice(position).ok()
    }

    fn mac(&self, list: &str, position: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.expose_secret())
            .expect("HMAC takes keys of any length");
        mac.update(list.as_bytes());
        mac.update(&[0, VERSION]);
        mac.update(position);
        mac
    }
}

/// Declares the two types of a connection with a constructor:
/// `connection!(ReviewConnection, ReviewEdge, Review)` or, with a count,
/// `connection!(ReviewConnection, ReviewEdge, Review, total_count: i32)`. Attributes in front
/// (`#[graphql(shareable)]`) are put on both types.
#[macro_export]
macro_rules! connection {
    ($(#[$meta:meta])* $connection:ident, $edge:ident, $node:ty $(, $extra:ident : $extra_type:ty)*) => {
        #[derive(Debug, Clone, async_graphql::SimpleObject)]
        $(#[$meta])*
        pub struct $edge {
            pub cursor: String,
            pub node: $node,
        }

        #[derive(Debug, Clone, async_graphql::SimpleObject)]
        $(#[$meta])*
        pub struct $connection {
            pub edges: Vec<$edge>,
            pub page_info: $crate::connection::PageInfo,
            $(pub $extra: $extra_type,)*
        }

        impl $connection {
            /// The connection of one page; `edge` makes a row's cursor and node.
            pub fn new<T>(
                slice: $crate::connection::Slice<T>,
                edge: impl FnMut(T) -> (String, $node)
                $(, $extra: $extra_type)*
            ) -> Self {
                let (edges, page_info) = slice.edges(edge);
                let edges =
                    edges.into_iter().map(|(cursor, node)| $edge { cursor, node }).collect();
                Self { edges, page_info $(, $extra)* }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(first: Option<i32>, last: Option<i32>) -> Result<Page, Error> {
        PageArgs::new(first, None, last, None).validate()
    }

    #[test]
    fn pages_have_one_direction_and_1_to_100_rows() {
        let page = args(None, None).unwrap();
        assert!(page.forward && page.limit == 20);
        assert!(!args(None, Some(5)).unwrap().forward);
        assert!(!args(Some(20), Some(5)).unwrap().forward, "20 is the schema's default");
        for (first, last) in [
            (Some(3), Some(5)),
            (Some(0), None),
            (Some(-1), None),
            (Some(101), None),
            (None, Some(-1)),
        ] {
            assert!(args(first, last).is_err(), "{first:?} {last:?}");
        }
    }

    #[test]
    fn slices_know_their_neighbours() {
        let page = PageArgs::forward(Some(2), None).validate().unwrap();
        let slice = page.slice(vec![1, 2, 3]);
        assert_eq!(
            (slice.rows.as_slice(), slice.has_next_page, slice.has_previous_page),
            (&[1, 2][..], true, false)
        );
        let back = PageArgs::new(None, None, Some(2), Some("x".into())).validate().unwrap();
        let slice = back.slice(vec![9, 8, 7]);
        assert_eq!(
            (slice.rows.as_slice(), slice.has_next_page, slice.has_previous_page),
            (&[8, 9][..], true, true)
        );
    }

    #[test]
    fn an_altered_or_foreign_cursor_is_refused() {
        let key = CursorKey::new(b"secret");
        let cursor = key.encode("newest", &(17_i64, "a"));
        assert_eq!(key.decode::<(i64, String)>("newest", &cursor).unwrap(), (17, "a".to_owned()));
        assert!(key.decode::<(i64, String)>("oldest", &cursor).is_err(), "another list");
        assert!(CursorKey::new(b"other").decode::<(i64, String)>("newest", &cursor).is_err());
        for position in 0..cursor.len() {
            let mut altered = cursor.clone().into_bytes();
            altered[position] = if altered[position] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            let error = key.decode::<(i64, String)>("newest", &altered).unwrap_err();
            assert_eq!(error.extensions.unwrap().get("code"), Some(&"INVALID_CURSOR".into()));
        }
        for garbage in ["", "!", "AQ", &"A".repeat(5000)] {
            assert!(key.decode::<(i64, String)>("newest", garbage).is_err());
        }
    }
}
