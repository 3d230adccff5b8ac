//! Headers of replies. A value that is not as documented counts as absent.

use std::time::{Duration, SystemTime};

use octoseal_api::Head;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderValue};

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// The server's clock.
pub(crate) fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(text(headers, "date")?).ok()
}

/// `retry-after`, in seconds or as an HTTP date; negative numbers and garbage count as absent.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = text(headers, "retry-after")?;
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        // A number too large for the type is a very long wait, which the gate bounds.
        return Some(Duration::from_secs(
            value.parse().unwrap_or(u64::from(u32::MAX)),
        ));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    Some(at.duration_since(now).unwrap_or_default())
}

/// Whether `retry-after` is a number of seconds, which needs no clock.
pub(crate) fn asks_for_seconds(headers: &HeaderMap) -> bool {
    text(headers, "retry-after")
        .is_some_and(|value| value.starts_with(|c: char| c.is_ascii_digit()))
}

/// `x-ratelimit-limit`.
pub(crate) fn limit(headers: &HeaderMap) -> Option<u64> {
    text(headers, "x-ratelimit-limit")?.parse().ok()
}

/// `x-ratelimit-remaining`.
pub(crate) fn remaining(headers: &HeaderMap) -> Option<u64> {
    text(headers, "x-ratelimit-remaining")?.parse().ok()
}

/// How long until `x-ratelimit-reset`; zero when that has passed.
pub(crate) fn until_reset(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let epoch: u64 = text(headers, "x-ratelimit-reset")?.parse().ok()?;
    let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(epoch))?;
    Some(at.duration_since(now).unwrap_or_default())
}

/// The year 10000, which no HTTP date can say.
const TOO_LATE_SECONDS: u64 = 253_402_300_800;

/// Since when the operation is deprecated, and when it goes, if either header says that it is or will; a date that can't be
/// read is unknown. ([RFC 9745](https://www.rfc-editor.org/rfc/rfc9745), [RFC 8594](https://www.rfc-editor.org/rfc/rfc8594))
pub(crate) fn deprecation(headers: &HeaderMap) -> Option<(Option<SystemTime>, Option<SystemTime>)> {
    let epoch = |text: &str| {
        let seconds = text.strip_prefix('@')?.parse().ok()?;
        (seconds < TOO_LATE_SECONDS).then(|| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    };
    let date = |name| {
        let text = text(headers, name)?;
        epoch(text).or_else(|| httpdate::parse_http_date(text).ok())
    };
    let is_told = headers.contains_key("deprecation") || headers.contains_key("sunset");
    is_told.then(|| (date("deprecation"), date("sunset")))
}

/// Where a redirect leads: host and path, without what else an address may hold.
pub(crate) fn redirect_target(headers: &HeaderMap) -> Option<String> {
    let target = text(headers, "location")?;
    let (host, path) = match Url::parse(target) {
        Ok(url) => (url.host_str()?.to_owned(), url.path().to_owned()),
        Err(_) if target.starts_with("//") => {
            let url = Url::parse(&format!("https:{target}")).ok()?;
            (url.host_str()?.to_owned(), url.path().to_owned())
        }
        Err(_) => (String::new(), target.split(['?', '#']).next()?.to_owned()),
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~/%@:[]".contains(c);
    let target = host + &path;
    (target.len() <= 200 && target.contains('/') && target.chars().all(fits)).then_some(target)
}

/// `x-github-request-id`, if it has the form of one: groups, which no token has.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    checked_id(headers.get("x-github-request-id")?)
}

/// The same of a reply whose head alone is known.
pub(crate) fn id_of(head: &Head) -> Option<String> {
    checked_id(head.request_id.as_ref()?)
}

fn checked_id(id: &HeaderValue) -> Option<String> {
    let id = id.to_str().ok()?.trim();
    let fits = (1..=128).contains(&id.len())
        && id.contains([':', '-'])
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'-'));
    fits.then(|| id.to_owned())
}

/// The permission of an App, or the scopes of a classic token, that the call needs.
pub(crate) fn needed(headers: &HeaderMap) -> Option<String> {
    let names = ["x-accepted-github-permissions", "x-accepted-oauth-scopes"];
    // GitHub names both, and tells a classic token, which has scopes, those too.
    let classic = headers.contains_key("x-oauth-scopes");
    let list = if classic { [names[1], names[0]] } else { names }
        .into_iter()
        .find_map(|name| text(headers, name).filter(|list| !list.is_empty()))?;
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b"_:".contains(&b))
    };
    let fits = list.len() <= 300
        && list
            .split([',', ';'])
            .all(|one| match one.trim().split_once('=') {
                Some((permission, level)) => {
                    is_word(permission) && matches!(level, "read" | "write" | "admin")
                }
                None => is_word(one.trim()),
            });
    fits.then(|| list.to_owned())
}

/// The address in `x-github-sso: required; url=…`, if it is one of GitHub's own.
pub(crate) fn sso_url(headers: &HeaderMap) -> Option<String> {
    let value = text(headers, "x-github-sso")?;
    let url = value
        .split(';')
        .find_map(|part| part.trim().strip_prefix("url="))?;
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    let ours = host == "github.com" || host.ends_with(".ghe.com");
    let plain = url.username().is_empty() && url.password().is_none() && url.port().is_none();
    (url.scheme() == "https" && ours && plain).then(|| url.into())
}

/// Whether single sign-on hides a part of what was asked for.
pub(crate) fn is_partial(headers: &HeaderMap) -> bool {
    text(headers, "x-github-sso").is_some_and(|value| value.starts_with("partial-results"))
}

/// The documentation page that an error names, if it is one of GitHub's.
pub(crate) fn documentation_url(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let ours = matches!(url.host_str()?, "docs.github.com" | "developer.github.com");
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"/-_.@".contains(&b);
    let plain = url
        .path()
        .bytes()
        .chain(url.fragment().unwrap_or_default().bytes())
        .all(fits);
    (url.scheme() == "https" && ours && plain && url.query().is_none() && url.as_str().len() <= 300)
        .then(|| url.into())
}

/// Whether an error names the front page of the documentation, of GitHub or of an Enterprise Server's version. For a path
/// that it knows, GitHub usually names the operation's own page. That is what was seen, not what is documented, and some
/// known paths name the front page too: so this may choose words, and nothing may depend on it.
pub(crate) fn is_front_page(documentation_url: &str) -> bool {
    Url::parse(documentation_url).is_ok_and(|url| {
        url.host_str() == Some("docs.github.com")
            && url.path().trim_end_matches('/').ends_with("/rest")
    })
}

/// Where a `Link` header says that the next page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextPage {
    /// There is none: this was the last.
    None,
    /// The page with this number.
    Number(i64),
    /// At an address without a number: not to be followed.
    Elsewhere,
}

/// Reads the `rel="next"` of a `Link` header ([RFC 8288](https://www.rfc-editor.org/rfc/rfc8288)). Only the page's
/// number is taken from it: a server behind a proxy may name itself by another host than `base`, where the request goes
/// all the same.
pub(crate) fn next_page(headers: &HeaderMap, base: &Url) -> NextPage {
    let links = headers.get_all("link").iter();
    for link in links
        .filter_map(|value| value.to_str().ok())
        .flat_map(split_links)
    {
        let Some((target, parameters)) = link
            .trim()
            .strip_prefix('<')
            .and_then(|link| link.split_once('>'))
        else {
            continue;
        };
        let next = parameters.split(';').any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            name.trim().eq_ignore_ascii_case("rel")
                && value
                    .trim()
                    .trim_matches('"')
                    .split_ascii_whitespace()
                    .any(|rel| rel.eq_ignore_ascii_case("next"))
        });
        if !next {
            continue;
        }
        let Ok(target) = base.join(target) else {
            return NextPage::Elsewhere;
        };
        let number = target
            .query_pairs()
            .find(|(name, _)| name == "page")
            .and_then(|(_, page)| page.parse().ok());
        return match number {
            Some(number) => NextPage::Number(number),
            None => NextPage::Elsewhere,
        };
    }
    NextPage::None
}

/// Splits a `Link` header at the commas between links, not at those inside of an address.
fn split_links(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = value;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut inside = false;
        let end = rest
            .char_indices()
            .find(|&(_, c)| {
                match c {
                    '<' => inside = true,
                    '>' => inside = false,
                    _ => {}
                }
                c == ',' && !inside
            })
            .map_or(rest.len(), |(at, _)| at);
        let link = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        Some(link)
    })
}
