//! Pages of lists, and the `Link` header that leads from one to the next.

use http::HeaderValue;
use http::header::LINK;
use serde_json::{Map, Value, json};

use crate::answer::Call;
use crate::answer::reply::{self, Reply};
use crate::faults::effect::Twist;

/// How many entries a page has unless the request says otherwise, and at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) usual: usize,
    pub(crate) most: usize,
}

/// Those of most lists.
pub(crate) const SIZES: Sizes = Sizes {
    usual: 30,
    most: 100,
};

/// Those of lists of variables.
pub(crate) const VARIABLES: Sizes = Sizes {
    usual: 10,
    most: 30,
};

/// Which page of a list was asked for. What can't be read counts as not said; too much is cut to the most there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page<'a> {
    number: usize,
    size: usize,
    twists: &'a [Twist],
}

impl<'a> Page<'a> {
    pub(crate) fn read(call: &Call<'a>) -> Self {
        Self::sized(call, SIZES)
    }

    pub(crate) fn sized(call: &Call<'a>, sizes: Sizes) -> Self {
        let find = |wanted: &str| {
            call.query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .filter(|(name, _)| *name == wanted)
                .find_map(|(_, value)| value.parse::<usize>().ok())
                .filter(|number| *number > 0)
        };
        let mut size = find("per_page").unwrap_or(sizes.usual).min(sizes.most);
        for twist in call.twists {
            if let Twist::ShortPages(most) = twist {
                size = size.min(*most);
            }
        }
        Self {
            number: find("page").unwrap_or(1),
            size,
            twists: call.twists,
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
        let hidden = |twist: &Twist| match twist {
            Twist::Hidden(entries) => Some(*entries),
            _ => None,
        };
        let hidden = self.twists.iter().find_map(hidden);
        let total = items.len().saturating_sub(hidden.unwrap_or(0));
        let shown: Vec<Value> = items
            .take(total)
            .skip((self.number - 1).saturating_mul(self.size))
            .take(self.size)
            .map(show)
            .collect();
        let mut list = Map::new();
        if let Some(total) = self.said(total as u64) {
            list.insert("total_count".to_owned(), json!(total));
        }
        list.insert(name.to_owned(), Value::Array(shown));
        let mut reply = reply::ok(&Value::Object(list));
        let links = self.links(total, url);
        if let Some(links) = links.and_then(|links| HeaderValue::from_str(&links).ok()) {
            reply.headers_mut().insert(LINK, links);
        }
        if hidden.is_some() {
            let partial = HeaderValue::from_static("partial-results; organizations=9919");
            reply.headers_mut().insert("x-github-sso", partial);
        }
        reply
    }

    /// What is said to be the number of entries.
    fn said(self, total: u64) -> Option<u64> {
        let mut said = Some(total);
        for twist in self.twists {
            match twist {
                Twist::Total(total) => said = Some(*total),
                Twist::NoTotal => said = None,
                _ => {}
            }
        }
        said
    }

    /// The header's value; `None` when everything is on one page.
    fn links(self, total: usize, url: &str) -> Option<String> {
        let last = total.div_ceil(self.size).max(1);
        let mut next = (self.number < last).then_some(self.number + 1);
        let mut url = url.to_owned();
        for twist in self.twists {
            match twist {
                Twist::NoLinks => return None,
                Twist::LinksToItself => next = Some(self.number),
                Twist::LinksTo(host) => url = at_host(&url, host),
                _ => {}
            }
        }
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
        if let Some(next) = next {
            link(next, "next");
            link(last, "last");
        }
        if self.number > 1 {
            link(1, "first");
        }
        (!links.is_empty()).then(|| links.join(", "))
    }
}

/// An address with another host.
fn at_host(url: &str, host: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let path = rest.find('/').map_or("", |at| &rest[at..]);
    format!("{scheme}://{host}{path}")
}
