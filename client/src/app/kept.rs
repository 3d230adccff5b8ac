//! The tokens of installations that are kept, and which of them to use.

use std::collections::HashMap;
use std::fmt;

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

/// How often a token is replaced at most because it lacks a permission, or because GitHub refused the one made after
/// another was refused.
const BETWEEN_RENEWALS: Duration = Duration::from_secs(60);

/// So many tokens are kept at once, of installations and of what they are narrowed to.
const MAX_KEPT: usize = 4096;

/// What a token is made for.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Purpose {
    pub(super) installation: u64,
    /// What it is narrowed to by the call that needs it.
    pub(super) repository: Option<String>,
    pub(super) permission: Option<String>,
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            installation,
            repository,
            permission,
        } = self;
        write!(f, "a token of the App's installation {installation}")?;
        if let Some(permission) = permission {
            write!(f, " for {permission}")?;
        }
        if let Some(repository) = repository {
            write!(f, " in {repository}")?;
        }
        Ok(())
    }
}

/// Tokens by their purpose.
#[derive(Default)]
pub(super) struct KeptTokens(HashMap<Purpose, Kept>);

impl KeptTokens {
    /// See [`Kept::usable`].
    pub(super) fn usable(&mut self, purpose: &Purpose) -> Option<Token> {
        self.0.get_mut(purpose)?.usable()
    }

    /// Keeps a token that was just made, and says which to use. The one that was made first goes if there are too many.
    pub(super) fn keep(&mut self, purpose: &Purpose, token: Token, life: Duration) -> Token {
        if self.0.len() >= MAX_KEPT && !self.0.contains_key(purpose) {
            let made = |kept: &Kept| kept.present.as_ref().map(|present| present.at);
            let oldest = self.0.iter().min_by_key(|(_, kept)| made(kept));
            if let Some(oldest) = oldest.map(|(purpose, _)| purpose.clone()) {
                self.0.remove(&oldest);
            }
        }
        let kept = self.0.entry(purpose.clone()).or_default();
        kept.keep(token.clone(), life);
        kept.usable().unwrap_or(token)
    }

    /// See [`Kept::refuse`].
    pub(super) fn refuse(&mut self, token: &Token) -> Option<AfterRefusal> {
        self.0.values_mut().find_map(|kept| kept.refuse(token))
    }

    /// See [`Kept::deny`].
    pub(super) fn deny(&mut self, token: &Token, error: &Error, first: bool) -> Option<Duration> {
        let purpose = self.0.iter().find(|(_, kept)| kept.gives(token))?.0.clone();
        let of_installation =
            |(other, _): &(&Purpose, &Kept)| other.installation == purpose.installation;
        let mut kept = self.0.iter().filter(of_installation);
        let was_renewed = kept.any(|(_, kept)| kept.was_renewed());
        self.0
            .get_mut(&purpose)?
            .deny(token, error, first, was_renewed)
    }

    /// Forgets the tokens of an installation that is gone.
    pub(super) fn remove(&mut self, installation: u64) {
        self.0
            .retain(|purpose, _| purpose.installation != installation);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// What is kept for one purpose.
#[derive(Default)]
struct Kept {
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
    /// GitHub refused it, too.
    given_up: bool,
}

impl Kept {
    /// The token to use, unless a new one must be made. While GitHub may not know a new token everywhere, that is its
    /// predecessor: a refusal of many requests at once would lock the client out.
    fn usable(&mut self) -> Option<Token> {
        let now = Instant::now();
        let present = self.present.as_ref().filter(|it| now < it.ends_at())?;
        let spreads = now < present.at + SPREADING;
        self.predecessor = self
            .predecessor
            .take()
            .filter(|it| spreads && now < it.good_until);
        let used = self.predecessor.as_ref().unwrap_or(present);
        Some(used.token.clone())
    }

    /// Keeps a token that was just made, for as long as it lives.
    fn keep(&mut self, token: Token, life: Duration) {
        let (at, margin) = (Instant::now(), MARGIN.min(life / 10));
        let within = |life: Duration| at + life.clamp(SHORTEST_USE, LONGEST_LIFE);
        let new = Minted {
            token,
            at,
            stale_at: within(life - margin),
            good_until: within(life - margin / 4),
            after_refusal: std::mem::take(&mut self.refused),
            given_up: false,
        };
        self.predecessor = self.present.replace(new).filter(|old| !old.given_up);
    }

    /// What a refusal of `token` means, if it is kept here.
    fn refuse(&mut self, token: &Token) -> Option<AfterRefusal> {
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
            present.given_up = true;
            self.refused = true;
            return Some(AfterRefusal::GiveUp);
        }
        *self = Self {
            refused: true,
            renewed_at: self.renewed_at,
            ..Self::default()
        };
        Some(AfterRefusal::AskAgain(Duration::ZERO))
    }

    /// Whether this is the token to use.
    fn gives(&self, token: &Token) -> bool {
        let present = self.present.as_ref();
        present.is_some_and(|present| present.token.expose() == token.expose())
    }

    fn was_renewed(&self) -> bool {
        self.renewed_at
            .is_some_and(|at| at.elapsed() < BETWEEN_RENEWALS)
    }

    /// What an answer `403` or `404` to `token` means, if it is kept here: how long to wait before another attempt.
    /// `was_renewed`: a token of the installation was replaced a moment ago.
    fn deny(
        &mut self,
        token: &Token,
        error: &Error,
        first: bool,
        was_renewed: bool,
    ) -> Option<Duration> {
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
        if !lacks_permission || !is_old || was_renewed {
            return None;
        }
        self.renewed_at = Some(Instant::now());
        self.present = None;
        self.predecessor = None;
        Some(Duration::ZERO)
    }
}

impl Minted {
    /// When a new one is made: GitHub may have refused it by mistake, and takes another by then.
    fn ends_at(&self) -> Instant {
        match self.given_up {
            true => self.stale_at.min(self.at + BETWEEN_RENEWALS),
            false => self.stale_at,
        }
    }

    /// How long to wait before the same token is tried again, while GitHub may not know it everywhere: after twice the
    /// time each time.
    fn wait_while_young(&self) -> Option<Duration> {
        let age = self.at.elapsed();
        (age < SPREADING).then(|| age.max(Duration::from_millis(250)).min(SPREADING - age))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_many_tokens_are_kept_and_the_one_made_first_goes() {
        let mut kept = KeptTokens::default();
        let purpose = |installation: usize| Purpose {
            installation: installation as u64,
            repository: None,
            permission: None,
        };
        let hour = Duration::from_secs(3600);
        let one_more = MAX_KEPT + 1;
        for number in 0..one_more {
            let token = Token::new(format!("token-{number}")).expect("a token");
            kept.keep(&purpose(number), token, hour);
            advance(Duration::from_millis(1)).await;
        }
        let usable = (0..one_more).filter(|number| kept.usable(&purpose(*number)).is_some());
        let usable: Vec<_> = usable.collect();
        assert_eq!(usable, (1..one_more).collect::<Vec<_>>());
    }
}
