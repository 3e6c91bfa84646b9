//! Rows of the reviews database. Words and times are as stored; [`review`] translates its own
//! into the domain's terms.

pub(crate) mod moderation_entry;
pub(crate) mod rating_summary;
pub(crate) mod reply;
pub(crate) mod review;
pub(crate) mod revision;
pub(crate) mod subject;
