//! Relay's page information, shared by every connection.

use async_graphql::SimpleObject;

#[derive(Debug, Clone, Default, PartialEq, Eq, SimpleObject)]
#[graphql(shareable)]
pub struct PageInfo {
    pub has_next_page: bool,
    pub has_previous_page: bool,
    pub start_cursor: Option<String>,
    pub end_cursor: Option<String>,
}
