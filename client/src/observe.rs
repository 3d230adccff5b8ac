//! Events of calls, which a client tells through [`ClientBuilder::observer`](crate::ClientBuilder::observer).

pub use crate::runtime::observer::{
    Batch, Call, Deprecation, Event, Lesson, Request, UnknownSetting, Wait,
};
