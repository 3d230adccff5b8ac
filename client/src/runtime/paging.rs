//! The pages of a list.

use std::sync::Arc;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use octoseal_api::operations::Operation;
use octoseal_api::{Answer, stores};

use super::Runtime;
use super::allowance::Allowance;
use super::call::{Call, Place};
use super::headers::{self, NextPage};
use super::terms::Terms;
use crate::error::{Error, ErrorKind};

/// The entries that each page is asked for: the most that GitHub gives.
pub(crate) const PER_PAGE: i64 = 100;

/// The entries of a full page, for lists of which GitHub gives fewer than were asked for.
const SMALL_PAGES: [i64; 2] = [30, 50];

/// More pages than any list has, so that a server without a last page is not read forever.
const MAX_PAGES: i64 = 10_000;

/// A list at a place, and the runtime that reads it.
pub(crate) struct Listed<P> {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) terms: Terms,
    /// As [`Call`] says it: "listing the secrets of".
    pub(crate) doing: &'static str,
    /// As [`Call`] says it: a secret's name, or empty.
    pub(crate) name: String,
    pub(crate) place: P,
    pub(crate) operation: Operation,
}

impl<P: Place> Listed<P> {
    pub(crate) fn call(&self) -> Call<'_> {
        Call::new(&self.place, self.doing, &self.name, self.operation)
    }
}

/// The pages that were read so far.
#[derive(Default)]
struct Seen {
    entries: i64,
    entries_of_first_page: i64,
    /// The `total_count` of the last page.
    counted: Option<i64>,
}

impl Seen {
    /// The number of the page after this one, if there is one; or why the list is incomplete, and what to try.
    fn after<T>(
        &mut self,
        number: i64,
        page: &stores::Page<T>,
        next: NextPage,
    ) -> Result<Option<i64>, (String, &'static str)> {
        let here = page.items.len() as i64;
        let (before, counted) = (self.counted, page.total_count);
        self.entries += here;
        if number == 1 {
            self.entries_of_first_page = here;
        }
        let is_full = match counted {
            None if number == 1 => SMALL_PAGES.contains(&here),
            None => here == self.entries_of_first_page,
            Some(_) => false,
        };
        self.counted = counted;
        // After a deletion, the next page would begin one entry too late.
        if let (Some(before), Some(now)) = (before, counted)
            && before != now
        {
            let why = format!("the list changed while it was read, from {before} to {now} entries");
            return Err((why, "read it again"));
        }
        let missing = counted.is_some_and(|counted| self.entries < counted);
        match next {
            NextPage::Number(next) if next == number + 1 && next <= MAX_PAGES => Ok(Some(next)),
            NextPage::Number(_) | NextPage::Elsewhere => {
                let why = "the list goes on at an address that is not GitHub's next page";
                Err((
                    why.to_owned(),
                    "something on the way may change the Link header",
                ))
            }
            // A proxy may have removed the Link header: after a full page, or if entries are missing, there may be more.
            NextPage::None
                if here > 0 && (here >= PER_PAGE || is_full || missing) && number < MAX_PAGES =>
            {
                Ok(Some(number + 1))
            }
            NextPage::None if missing => {
                let (seen, counted) = (self.entries, counted.unwrap_or_default());
                let why = format!("the list ends after {seen} of {counted} entries");
                Err((
                    why,
                    "some may be invisible to this token, or the list has just changed",
                ))
            }
            NextPage::None => Ok(None),
        }
    }
}

/// The pages of a list, all of them `within` the allowance of one call, or each with one of its own. A page that fails
/// ends the stream.
pub(crate) fn pages<P, T, F, Fut>(
    listed: Arc<Listed<P>>,
    within: Option<Allowance>,
    page: F,
) -> BoxStream<'static, Result<stores::Page<T>, Error>>
where
    P: Place + 'static,
    T: Send + 'static,
    F: Fn(octoseal_api::Client, Arc<Listed<P>>, i64) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Answer<stores::Page<T>>> + Send + 'static,
{
    let page = Arc::new(page);
    let first = (Some(1), Seen::default());
    stream::try_unfold(first, move |(number, mut seen)| {
        let (listed, page, allowance) = (listed.clone(), page.clone(), within.clone());
        async move {
            let Some(number) = number else {
                return Ok(None);
            };
            let (runtime, call) = (&listed.runtime, listed.call());
            let refuse = |(why, hint): (String, &str)| {
                let error =
                    Error::new(ErrorKind::UnexpectedReply, why).with_action(call.to_string());
                error.with_hint(hint)
            };
            let allowance = allowance.unwrap_or_else(|| runtime.allowance(&listed.terms));
            let answered = runtime
                .call(call, &allowance, |api| page(api, listed.clone(), number))
                .await?;
            let reply = answered.reply;
            if headers::is_partial(reply.headers()) {
                let hint = "the organization requires single sign-on; authorize the token for it";
                let why =
                    "GitHub shows a part of the list, and hides the rest behind single sign-on";
                return Err(refuse((why.to_owned(), hint)));
            }
            let next = headers::next_page(reply.headers(), &runtime.base);
            let page = reply.into_inner();
            let next = seen.after(number, &page, next).map_err(refuse)?;
            Ok(Some((page, (next, seen))))
        }
    })
    .boxed()
}
