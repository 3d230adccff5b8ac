//! What came, and how much of it is allowed.

pub(crate) mod identity;
pub(crate) mod limiter;
pub(crate) mod limits;
pub(crate) mod recorded;
