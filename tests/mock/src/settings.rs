//! Behaviour that varies between servers, or that could not be confirmed.

use std::collections::BTreeMap;
use std::time::Duration;

/// How the stand-in behaves where GitHub's behaviour varies, or is not documented.
///
/// The defaults are the strictest behaviour that GitHub was seen to have. Change them with
/// [`GitHub::configure`](crate::GitHub::configure).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings {
    /// Send `key_id` as a JSON number, as older Enterprise Servers do. Default: no, as a string.
    pub numeric_key_ids: bool,
    /// Give the keys of all scopes the same `key_id`, though they are different keys, as GitHub was seen to do.
    /// Default: yes.
    pub shared_key_ids: bool,
    /// What happens to a value that was sealed with a key which has been rotated out. Default: refused.
    pub stale_keys: StaleKeys,
    /// Accept a PUT without value and `key_id` for a secret that exists, and change its access alone. Default: no.
    pub value_optional: bool,
    /// Refuse repository ids beside a visibility other than `selected` with 422, instead of ignoring them.
    /// Default: yes.
    pub refuse_unused_repository_ids: bool,
    /// Refuse ids of repositories that the owner does not have with 422, instead of dropping them. Default: yes.
    pub refuse_unknown_repositories: bool,
    /// How a store wants repository ids in the body that stores a secret, where it is not as integers. By default
    /// Dependabot wants them as the version of the API has it.
    pub repository_ids: BTreeMap<String, RepositoryIds>,
    /// Count secrets: at most 1,000 in an organization (100 of Codespaces), 100 in a repository, environment or for a
    /// user. Default: yes.
    pub count_limits: bool,
    /// The size of the largest value, in bytes of plaintext. Default: 49,152.
    pub max_value: usize,
    /// The length of the longest name, in bytes. Default: 255.
    pub max_name: usize,
    /// The values of `X-GitHub-Api-Version` that are understood; the first is used when none is sent.
    pub api_versions: Vec<String>,
    /// When versions of the API end, since the Unix epoch. Until then their replies carry `Deprecation` and `Sunset`, and
    /// from then on the answer is 410. Default: none ends.
    pub api_version_ends: BTreeMap<String, Duration>,
    /// Refuse requests without a `User-Agent` with 403. Default: yes.
    pub require_user_agent: bool,
    /// Send `x-ratelimit-*` headers. Default: yes; Enterprise Server with its limits off sends none.
    pub rate_limit_headers: bool,
    /// The version that Enterprise Server names in `x-github-enterprise-version` and, as its release, in the pages that
    /// errors point to. Default: none, as on github.com.
    pub enterprise_version: Option<String>,
    /// After so many refused tokens within a minute everything is refused with 403 for a minute, valid tokens too.
    /// Default: 20; 0 turns it off.
    pub login_attempts: u32,
    /// How long an installation token works. Default: 1 hour.
    pub installation_token_lifetime: Duration,
    /// How long after it was given an installation token is still refused, as if not every server had heard of it yet.
    /// Default: not at all.
    pub installation_token_delay: Duration,
    /// How long an installation token of the newer shape is, in bytes: `ghs_`, the App's number, `_` and a JWT. It and
    /// the older one, `ghs_` and 36 letters and digits, are given in turn, unless a request asks for one with
    /// `X-GitHub-Stateless-S2S-Token`. Default: 520; GitHub's may have up to 4,096.
    pub stateless_token_length: usize,
    /// How far ahead a JWT's `exp` may lie. Default: 10 minutes.
    pub max_jwt_lifetime: Duration,
    /// How many seconds the stand-in's clock is ahead of the machine's, or behind it when negative. Default: 0.
    pub clock_ahead: i64,
    /// How long a request travels, there and back. Default: no time at all.
    pub latency: Duration,
    /// How many requests [`GitHub::requests`](crate::GitHub::requests) remembers; older ones are forgotten.
    /// Default: 10,000; 0 turns recording off.
    pub remembered_requests: usize,
    /// Keep what is written. Turned off, writes are checked and answered as creations, and forgotten: for
    /// measurements over more secrets than should be held in memory. Default: yes.
    pub keep_secrets: bool,
}

/// What happens to a value that was sealed with a key which has been rotated out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StaleKeys {
    /// It is refused like a value that does not open.
    #[default]
    Refused,
    /// It is opened with the old key, which its `key_id` names.
    Accepted,
}

/// How a store wants repository ids in a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RepositoryIds {
    /// As JSON integers; strings are refused.
    Integers,
    /// As JSON strings; integers are refused.
    Strings,
    /// As strings alone before version `2026-03-10` of the API, and as integers alone since.
    ByVersion,
    /// Either way.
    Either,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            numeric_key_ids: false,
            shared_key_ids: true,
            stale_keys: StaleKeys::Refused,
            value_optional: false,
            refuse_unused_repository_ids: true,
            refuse_unknown_repositories: true,
            repository_ids: BTreeMap::from([("dependabot".to_owned(), RepositoryIds::ByVersion)]),
            count_limits: true,
            max_value: 49_152,
            max_name: 255,
            api_versions: vec!["2022-11-28".to_owned(), "2026-03-10".to_owned()],
            api_version_ends: BTreeMap::new(),
            require_user_agent: true,
            rate_limit_headers: true,
            enterprise_version: None,
            login_attempts: 20,
            installation_token_lifetime: Duration::from_secs(3_600),
            installation_token_delay: Duration::ZERO,
            stateless_token_length: 520,
            max_jwt_lifetime: Duration::from_secs(600),
            clock_ahead: 0,
            latency: Duration::ZERO,
            remembered_requests: 10_000,
            keep_secrets: true,
        }
    }
}
