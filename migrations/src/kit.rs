//! Tables of the chassis that every service has.
