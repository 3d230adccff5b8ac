//! Lists that are read as their entries are taken, or as a whole.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryFutureExt, TryStreamExt};
use octoseal_api::{Answer, stores};

use super::Runtime;
use super::allowance::Allowance;
use super::call::Place;
use super::paging::{Listed, pages};
use super::terms::Terms;
use crate::error::Error;

/// A list that is read page after page of 100; a page is asked for when the entries before it are taken. Nothing is sent
/// before. It owns what it needs and outlives the handle that it came from.
///
/// It is a [`Stream`] as well.
///
/// # Examples
/// ```
/// # async fn show(github: octoseal::Client, scope: octoseal::Scope) -> Result<(), octoseal::Error> {
/// let secrets = github.secrets(scope);
/// let mut list = secrets.list();
/// while let Some(secret) = list.try_next().await? {
///     println!("{}", secret.name);
/// }
/// println!("{} in all", secrets.list().all().await?.len());
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is sent before entries are taken"]
pub struct List<T>(Progress<T>);

enum Progress<T> {
    New(Begin<T>),
    Begun(Entries<T>),
}

type Entries<T> = BoxStream<'static, Result<T, Error>>;
type Begin<T> = Box<dyn FnOnce(Reading) -> Entries<T> + Send>;

/// How a list is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Each page has the time of a call.
    PageByPage,
    /// All pages together have the time of one call, and its span.
    Whole,
}

impl<T: Send + 'static> List<T> {
    /// A list whose pages `page` asks for, and `read` makes entries of. With an error, a list of that error.
    pub(crate) fn new<P, I, Fut>(
        listed: Result<Listed<P>, Error>,
        page: impl Fn(octoseal_api::Client, Arc<Listed<P>>, i64) -> Fut + Send + Sync + 'static,
        read: impl Fn(I, &Listed<P>) -> Result<T, Error> + Send + Sync + 'static,
    ) -> Self
    where
        P: Place + 'static,
        I: Send + 'static,
        Fut: Future<Output = Answer<stores::Page<I>>> + Send + 'static,
    {
        match listed {
            Ok(listed) => {
                let (runtime, terms) = (listed.runtime.clone(), listed.terms.clone());
                let found = |_| async { Ok(listed) };
                Self::found(runtime, terms, found, page, read)
            }
            Err(error) => Self(Progress::Begun(stream::iter([Err(error)]).boxed())),
        }
    }

    /// The same for a place that has to be found first.
    pub(crate) fn found<P, I, Finding, Fut>(
        runtime: Arc<Runtime>,
        terms: Terms,
        find: impl FnOnce(Allowance) -> Finding + Send + 'static,
        page: impl Fn(octoseal_api::Client, Arc<Listed<P>>, i64) -> Fut + Send + Sync + 'static,
        read: impl Fn(I, &Listed<P>) -> Result<T, Error> + Send + Sync + 'static,
    ) -> Self
    where
        P: Place + 'static,
        I: Send + 'static,
        Finding: Future<Output = Result<Listed<P>, Error>> + Send + 'static,
        Fut: Future<Output = Answer<stores::Page<I>>> + Send + 'static,
    {
        Self(Progress::New(Box::new(move |reading| {
            let allowance = runtime.allowance(&terms);
            let entries = async move {
                let listed = Arc::new(find(allowance.clone()).await?);
                let within = (reading == Reading::Whole).then(|| allowance.clone());
                let (reads, call) = (listed.clone(), listed.call());
                let entries = pages(listed.clone(), within, page)
                    .map_ok(|page| stream::iter(page.items.into_iter().map(Ok)))
                    .try_flatten()
                    .map(move |entry| read(entry?, &reads));
                Ok(match reading {
                    Reading::PageByPage => entries.boxed(),
                    Reading::Whole => {
                        let all = entries.try_collect::<Vec<T>>();
                        let all = listed.runtime.watch(call, &allowance, all).await?;
                        stream::iter(all.into_iter().map(Ok)).boxed()
                    }
                })
            };
            entries.try_flatten_stream().boxed()
        })))
    }

    /// The next entry, or `None` at the end.
    ///
    /// # Errors
    /// Those of the method that gave the list. The list ends after an error.
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        TryStreamExt::try_next(self).await
    }

    /// All entries, collected within the time of one call; all pages or an error. After a first
    /// [`try_next`](Self::try_next), those that are left.
    ///
    /// # Errors
    /// Those of the method that gave the list.
    pub async fn all(self) -> Result<Vec<T>, Error> {
        let entries = match self.0 {
            Progress::New(begin) => begin(Reading::Whole),
            Progress::Begun(entries) => entries,
        };
        entries.try_collect().await
    }
}

impl<T: Send + 'static> Stream for List<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let ended = Progress::Begun(stream::empty().boxed());
        let mut entries = match std::mem::replace(&mut self.0, ended) {
            Progress::New(begin) => begin(Reading::PageByPage),
            Progress::Begun(entries) => entries,
        };
        let next = entries.poll_next_unpin(context);
        if !matches!(next, Poll::Ready(Some(Err(_)))) {
            self.0 = Progress::Begun(entries);
        }
        next
    }
}

impl<T> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("List")
    }
}
