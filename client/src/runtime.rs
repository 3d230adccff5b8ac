//! One call of GitHub's API: attempts, waits and refusals until there is an answer.

pub(crate) mod call;
pub(crate) mod described;
pub(crate) mod headers;
pub(crate) mod paging;
pub(crate) mod reply;
pub(crate) mod retry;
mod wording;
