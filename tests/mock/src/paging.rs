//! Pages of lists, and the `Link` header that leads from one to the next.

use http::HeaderValue;
use http::header::LINK;
use serde_json::{Value, json};

use crate::reply::{self, Reply};

const USUAL: usize = 30;
const MOST: usize = 100;

/// Which page of a list was asked for. What can't be read counts as not said; too much is cut to the most there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    number: usize,
    size: usize,
}

impl Page {
    pub(crate) fn read(query: &str) -> Self {
        let find = |wanted: &str| {
            query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .filter(|(name, _)| *name == wanted)
                .find_map(|(_, value)| value.parse::<usize>().ok())
                .filter(|number| *number > 0)
        };
        Self {
            number: find("page").unwrap_or(1),
            size: find("per_page").unwrap_or(USUAL).min(MOST),
        }
    }

    /// The page of `items` as GitHub sends it, under the list's name. `url` is the list's address by number.
    pub(crate) fn of<T>(
        self,
        name: &str,
        items: impl ExactSizeIterator<Item = T>,
        url: &str,
        show: impl FnMut(T) -> Value,
    ) -> Reply {
        let total = items.len();
        let shown: Vec<Value> = items
            .skip((self.number - 1).saturating_mul(self.size))
            .take(self.size)
            .map(show)
            .collect();
        let mut reply = reply::ok(&json!({ "total_count": total, name: shown }));
        if let Some(links) = self
            .links(total, url)
            .and_then(|links| HeaderValue::from_str(&links).ok())
        {
            reply.headers_mut().insert(LINK, links);
        }
        reply
    }

    /// The header's value; `None` when everything is on one page.
    fn links(self, total: usize, url: &str) -> Option<String> {
        let last = total.div_ceil(self.size).max(1);
        let mut links = Vec::new();
        let mut link = |number: usize, rel: &str| {
            links.push(format!(
                "<{url}?per_page={}&page={number}>; rel=\"{rel}\"",
                self.size
            ));
        };
        if self.number > 1 {
            link((self.number - 1).min(last), "prev");
        }
        if self.number < last {
            link(self.number + 1, "next");
            link(last, "last");
        }
        if self.number > 1 {
            link(1, "first");
        }
        (!links.is_empty()).then(|| links.join(", "))
    }
}
