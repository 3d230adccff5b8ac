//! Lists, page after page.

use std::sync::Arc;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt, stream};
use octoseal_api::{Error as ApiError, ResponseValue, stores};

use super::Runtime;
use super::allowance::Allowance;
use super::call::{Call, Effect, Place};
use super::headers::{self, NextPage};
use crate::error::{Error, Kind};

/// How many entries a page is asked for: the most that GitHub gives.
pub(crate) const PER_PAGE: i64 = 100;

/// More pages than any list has, so that a server that goes on forever is not followed.
const MAX_PAGES: i64 = 10_000;

/// What a stream of pages lists. The stream owns it, so that the handle it came from may be gone.
pub(crate) struct Listed<P> {
    pub(crate) runtime: Arc<Runtime>,
    /// What is done, as a verb form: "listing the secrets of".
    pub(crate) doing: &'static str,
    /// What of the place is listed: a secret's name, or nothing.
    pub(crate) name: String,
    pub(crate) place: P,
}

impl<P: Place> Listed<P> {
    pub(crate) fn call(&self) -> Call<'_> {
        Call::new(&self.place, self.doing, &self.name, Effect::Read)
    }
}

/// Walks over the entries of a list, `within` the time of the call that collects them; see [`whole_pages`].
pub(crate) fn pages<P, T, F, Fut>(
    listed: Arc<Listed<P>>,
    within: Option<Allowance>,
    page: F,
) -> BoxStream<'static, Result<T, Error>>
where
    P: Place + 'static,
    T: Send + 'static,
    F: Fn(octoseal_api::Client, Arc<Listed<P>>, i64) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<ResponseValue<stores::Page<T>>, ApiError<()>>> + Send + 'static,
{
    whole_pages(listed, within, page)
        .map_ok(|page| stream::iter(page.items.into_iter().map(Ok)))
        .try_flatten()
        .boxed()
}

/// Walks over the pages of a list, `within` the time of the call that needs them all; otherwise each page has that of a
/// call of its own. A page that fails ends the stream.
pub(crate) fn whole_pages<P, T, F, Fut>(
    listed: Arc<Listed<P>>,
    within: Option<Allowance>,
    page: F,
) -> BoxStream<'static, Result<stores::Page<T>, Error>>
where
    P: Place + 'static,
    T: Send + 'static,
    F: Fn(octoseal_api::Client, Arc<Listed<P>>, i64) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<ResponseValue<stores::Page<T>>, ApiError<()>>> + Send + 'static,
{
    let page = Arc::new(page);
    stream::try_unfold((Some(1), 0), move |(number, before)| {
        let (listed, page, allowance) = (listed.clone(), page.clone(), within.clone());
        async move {
            let Some(number) = number else {
                return Ok(None);
            };
            let (runtime, call) = (&listed.runtime, listed.call());
            let refuse =
                |why: String| Error::new(Kind::UnexpectedReply, why).with_action(call.to_string());
            let allowance = allowance.unwrap_or_else(|| runtime.allowance(false));
            let reply = runtime
                .call(call, &allowance, |api| page(api, listed.clone(), number))
                .await?;
            let next = headers::next_page(reply.headers(), &runtime.base);
            let page = reply.into_inner();
            let here = page.items.len() as i64;
            let counted = page.total_count.unwrap_or_default();
            let seen = before + here;
            let next = match next {
                // A page that is not full may be the last all the same: GitHub may count what this token can't see.
                NextPage::None if here >= PER_PAGE && seen < counted => {
                    return Err(refuse(format!("the list ends after {seen} of {counted}"))
                        .with_hint(
                            "something between here and GitHub may have taken the Link header away",
                        ));
                }
                NextPage::None => None,
                NextPage::Number(next) if next == number + 1 && next <= MAX_PAGES => Some(next),
                NextPage::Number(_) | NextPage::Elsewhere => {
                    let why = "the list goes on at an address that is not GitHub's next page";
                    return Err(refuse(why.to_owned()));
                }
            };
            Ok(Some((page, (next, seen))))
        }
    })
    .boxed()
}
