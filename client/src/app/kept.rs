//! The tokens of one installation that are kept, and which of them to use.

use std::time::Duration;

use tokio::time::Instant;

use crate::auth::{AfterRefusal, Token};
use crate::error::Error;

/// A token that has not this long to live, or a tenth of its life, is replaced before it is used.
const MARGIN: Duration = Duration::from_secs(120);

/// No token is used for longer, whatever the server says.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);

/// Every token is used for at least this long, unless GitHub refuses it: what says that it lives for seconds would be
/// made again and again.
const SHORTEST_USE: Duration = Duration::from_secs(60);

/// GitHub needs up to this long until it knows a new token everywhere.
const SPREADING: Duration = Duration::from_secs(5);

/// How often a token is replaced at most because it lacks a permission.
const BETWEEN_RENEWALS: Duration = Duration::from_secs(60);

/// What is kept of one installation.
#[derive(Default)]
pub(super) struct Kept {
    present: Option<Minted>,
    /// The token that `present` replaced before it ran out.
    predecessor: Option<Minted>,
    /// GitHub refused the token before.
    refused: bool,
    /// When a token was last replaced because it lacked a permission, which may have been granted after it was made.
    renewed_at: Option<Instant>,
}

struct Minted {
    token: Token,
    at: Instant,
    stale_at: Instant,
    /// The last instant at which a request may leave with it.
    good_until: Instant,
    /// It was made because GitHub refused its predecessor.
    after_refusal: bool,
}

impl Kept {
    /// The token to use, unless a new one must be made. While GitHub may not know a new token everywhere, that is its
    /// predecessor: a refusal of many requests at once would lock the client out.
    pub(super) fn usable(&mut self) -> Option<Token> {
        let now = Instant::now();
        let present = self.present.as_ref().filter(|it| now < it.stale_at)?;
        let spreads = now < present.at + SPREADING;
        self.predecessor = self
            .predecessor
            .take()
            .filter(|it| spreads && now < it.good_until);
        let used = self.predecessor.as_ref().unwrap_or(present);
        Some(used.token.clone())
    }

    /// Keeps a token that was just made, for as long as it lives.
    pub(super) fn keep(&mut self, token: Token, life: Duration) {
        let (at, margin) = (Instant::now(), MARGIN.min(life / 10));
        let within = |life: Duration| at + life.clamp(SHORTEST_USE, LONGEST_LIFE);
        self.predecessor = self.present.replace(Minted {
            token,
            at,
            stale_at: within(life - margin),
            good_until: within(life - margin / 4),
            after_refusal: std::mem::take(&mut self.refused),
        });
    }

    /// What a refusal of `token` means, if it is kept here.
    pub(super) fn refuse(&mut self, token: &Token) -> Option<AfterRefusal> {
        let is = |kept: &&mut Minted| kept.token.expose() == token.expose();
        if self.predecessor.as_mut().filter(is).is_some() {
            self.predecessor = None;
            return Some(AfterRefusal::AskAgain(Duration::ZERO));
        }
        let present = self.present.as_mut().filter(is)?;
        if let Some(wait) = present.wait_while_young() {
            return Some(AfterRefusal::AskAgain(wait));
        }
        let age = present.at.elapsed();
        if present.after_refusal && age < SPREADING * 6 {
            return Some(AfterRefusal::GiveUp);
        }
        *self = Self {
            refused: true,
            renewed_at: self.renewed_at,
            ..Self::default()
        };
        Some(AfterRefusal::AskAgain(Duration::ZERO))
    }

    /// What an answer `403` or `404` to `token` means, if it is kept here: how long to wait before another attempt.
    pub(super) fn deny(&mut self, token: &Token, error: &Error, first: bool) -> Option<Duration> {
        let is = |kept: &&mut Minted| kept.token.expose() == token.expose();
        let present = self.present.as_mut().filter(is)?;
        // What is missing answers `404` at any time, and a token that has passed is known; so is one of which GitHub names
        // the permission that it lacks.
        let is_known = error.required_permission().is_some() || error.is_not_found() && !first;
        if !is_known {
            let wait = present.wait_while_young();
            if wait.is_some() {
                return wait;
            }
        }
        let says = error.message().unwrap_or_default();
        let lacks_permission =
            error.is_permission() && says.contains("not accessible by integration");
        let is_old = present.at.elapsed() > SPREADING * 2;
        let renewed = self
            .renewed_at
            .is_some_and(|at| at.elapsed() < BETWEEN_RENEWALS);
        if !lacks_permission || !is_old || renewed {
            return None;
        }
        self.renewed_at = Some(Instant::now());
        self.present = None;
        self.predecessor = None;
        Some(Duration::ZERO)
    }
}

impl Minted {
    /// How long to wait before the same token is tried again, while GitHub may not know it everywhere: after twice the
    /// time each time.
    fn wait_while_young(&self) -> Option<Duration> {
        let age = self.at.elapsed();
        (age < SPREADING).then(|| age.max(Duration::from_millis(250)).min(SPREADING - age))
    }
}
