//! What a client tells a service of its calls, through [`ClientBuilder::observer`](crate::ClientBuilder::observer).

pub use crate::runtime::observer::{
    Batch, Call, Deprecation, Event, Lesson, Request, UnknownSetting, Wait,
};
