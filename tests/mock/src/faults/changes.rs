//! Faults that let GitHub answer: at another time, from another state, with a changed reply, or over a bad connection.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderValue, Response};
use serde_json::{Map, Value};

use crate::faults::Fault;
use crate::faults::effect::{Effect, Twist};
use crate::github::GitHub;
use crate::mount::delivery::{Delivery, Way};

impl Fault {
    /// Replaces the key of the scope that the request is about just before the request is worked on. With
    /// [`on("PUT")`](Self::on) that is a rotation between fetching a key and using it.
    pub fn rotated_key() -> Self {
        Self::new(Effect::RotateKey)
    }

    /// Lets something else happen just before the request is worked on, as by somebody else at the same time.
    ///
    /// # Examples
    /// ```
    /// use octoseal_mock::{Fault, GitHub};
    ///
    /// let github = GitHub::new();
    /// github.seed("actions:org/acme", "KEY", "s3cret").visibility("all");
    /// // Between the reading of its access and the write, an administrator narrows it.
    /// let narrowed = |github: &GitHub| drop(github.edit("actions:org/acme", "KEY").visibility("private"));
    /// github.inject(Fault::meanwhile(narrowed).on("PUT"));
    /// ```
    pub fn meanwhile(action: impl Fn(&GitHub) + Send + Sync + 'static) -> Self {
        Self::new(Effect::Meanwhile(Arc::new(action)))
    }

    /// Works on the request and changes the reply. `change` must not call the stand-in, which waits for it.
    pub fn change(
        change: impl Fn(Response<Bytes>) -> Response<Bytes> + Send + Sync + 'static,
    ) -> Self {
        Self::new(Effect::Change(Arc::new(change)))
    }

    /// Leaves a field out of the reply, and out of each entry of a list.
    pub fn without_field(name: &str) -> Self {
        let name = name.to_owned();
        Self::change_objects(move |object| {
            object.remove(&name);
        })
    }

    /// Makes a field `null`, in the reply or in each entry of a list, where it is there.
    pub fn null_field(name: &str) -> Self {
        let name = name.to_owned();
        Self::change_objects(move |object| {
            if let Some(value) = object.get_mut(&name) {
                *value = Value::Null;
            }
        })
    }

    /// Adds a field to the reply, or to each entry of a list: what GitHub may say one day.
    pub fn extra_field(name: &str, value: impl Into<Value>) -> Self {
        let (name, value) = (name.to_owned(), value.into());
        Self::change_objects(move |object| {
            object.insert(name.clone(), value.clone());
        })
    }

    /// Changes what a reply shows: the entries of a list and the list itself, or the only object there is.
    fn change_objects(change: impl Fn(&mut Map<String, Value>) + Send + Sync + 'static) -> Self {
        Self::change(move |reply| {
            let Ok(Value::Object(mut shown)) = serde_json::from_slice(reply.body()) else {
                return reply;
            };
            let is_list = shown.values().any(Value::is_array) && shown.contains_key("total_count");
            if is_list {
                let entries = shown.values_mut().filter_map(Value::as_array_mut);
                for entry in entries.flatten().filter_map(Value::as_object_mut) {
                    change(entry);
                }
            } else {
                change(&mut shown);
            }
            let body = Value::Object(shown).to_string();
            reply.map(|_| body.into())
        })
    }

    /// The reply says that its operation will go after so much time, by `Deprecation`
    /// ([RFC 9745](https://www.rfc-editor.org/rfc/rfc9745)) and `Sunset`
    /// ([RFC 8594](https://www.rfc-editor.org/rfc/rfc8594)).
    pub fn deprecated(goes_in: Duration) -> Self {
        Self::change(move |mut reply| {
            let date = reply.headers().get("date");
            let now = date.and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
            let goes = now.unwrap_or(SystemTime::UNIX_EPOCH) + goes_in;
            let goes = httpdate::fmt_http_date(goes).parse().expect("a date");
            let headers = reply.headers_mut();
            headers.insert("deprecation", HeaderValue::from_static("@1767225600"));
            headers.insert("sunset", goes);
            reply
        })
    }

    /// Lists come in pages of at most so many entries, whatever was asked for.
    pub fn short_pages(entries: usize) -> Self {
        Self::new(Effect::Twist(Twist::ShortPages(entries.max(1))))
    }

    /// Lists lack so many entries at their end, which single sign-on hides: `total_count` does not count them either,
    /// and `X-GitHub-SSO` says `partial-results`.
    pub fn partial_results(hidden: usize) -> Self {
        Self::new(Effect::Twist(Twist::Hidden(hidden)))
    }

    /// Lists come without `Link`, as through a proxy that takes headers off.
    pub fn without_links() -> Self {
        Self::new(Effect::Twist(Twist::NoLinks))
    }

    /// The `Link` of a list names another host, as behind a proxy.
    pub fn links_to(host: &str) -> Self {
        Self::new(Effect::Twist(Twist::LinksTo(host.to_owned())))
    }

    /// The `Link` of a list names the page that it comes with as the next one, for ever.
    pub fn links_to_itself() -> Self {
        Self::new(Effect::Twist(Twist::LinksToItself))
    }

    /// The `total_count` of a list says this, however many there are.
    pub fn total_count(count: u64) -> Self {
        Self::new(Effect::Twist(Twist::Total(count)))
    }

    /// Lists come without `total_count`.
    pub fn without_total_count() -> Self {
        Self::new(Effect::Twist(Twist::NoTotal))
    }

    /// What is read is as old as `lag`, as from a replica that has not caught up: what was written since does not show.
    pub fn stale_read(lag: Duration) -> Self {
        Self::new(Effect::Twist(Twist::Stale(lag))).on("GET")
    }

    /// Works on the request; the reply takes longer by `delay`.
    pub fn slow(delay: Duration) -> Self {
        Self::delivery(true, |delivery| delivery.delay = delay)
    }

    /// Works on the request; the body of the reply arrives byte by byte, with `pause` before each.
    pub fn dripping_body(pause: Duration) -> Self {
        Self::delivery(true, |delivery| delivery.how = Way::Dripping(pause))
    }

    /// Works on the request; the connection ends instead of the reply.
    pub fn lost_reply() -> Self {
        Self::delivery(true, |delivery| delivery.how = Way::Lost)
    }

    /// Takes the request and ends the connection without having worked on it.
    pub fn reset() -> Self {
        Self::delivery(false, |delivery| delivery.how = Way::Lost)
    }

    /// Works on the request; the reply never arrives, and the connection stays open.
    pub fn silence() -> Self {
        Self::delivery(true, |delivery| delivery.how = Way::Never)
    }

    /// Takes the request and never answers, with the connection left open.
    pub fn hang() -> Self {
        Self::delivery(false, |delivery| delivery.how = Way::Never)
    }

    /// Works on the request; the reply's body breaks off in the middle. A reply without one (204) arrives whole.
    pub fn truncated_body() -> Self {
        Self::delivery(true, |delivery| delivery.how = Way::Truncated)
    }

    /// Works on the request; the reply's body never ends.
    pub fn endless_body() -> Self {
        Self::delivery(true, |delivery| delivery.how = Way::Endless)
    }

    /// Works on the request; so many interim replies (`103 Early Hints`) come before the reply, over a socket. In
    /// process there are none.
    pub fn interim_replies(number: u32) -> Self {
        Self::delivery(true, |delivery| delivery.interim = number)
    }

    fn delivery(applied: bool, change: impl FnOnce(&mut Delivery)) -> Self {
        let mut delivery = Delivery::default();
        change(&mut delivery);
        Self::new(Effect::Delivery { applied, delivery })
    }
}
