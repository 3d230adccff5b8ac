//! The tokens of installations that are kept, and which of them to use.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use crate::auth::{AfterRefusal, Token};
use crate::error::Error;

/// How long before its end a token is replaced, if that is less than a tenth of its life.
const MARGIN: Duration = Duration::from_secs(120);

/// The longest that a token is used, whatever the server says.
const LONGEST_USE: Duration = Duration::from_secs(24 * 3600);

/// The shortest that a token is used, unless GitHub refuses it: a server that gives tokens only seconds to live would be
/// asked again and again.
const SHORTEST_USE: Duration = Duration::from_secs(60);

/// How long GitHub may not know a new token everywhere.
const SPREADS_FOR: Duration = Duration::from_secs(5);

/// The shortest time between two replacements of a token that lacks a permission, or that GitHub refused although it had
/// replaced a refused one.
const BETWEEN_RENEWALS: Duration = Duration::from_secs(60);

/// Tokens that are kept at once.
const MAX_KEPT: usize = 4096;

/// The purpose of a token.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Purpose {
    pub(super) installation: u64,
    /// The repository of the call that it is narrowed to.
    pub(super) repository: Option<String>,
    /// The permission of the call that it is narrowed to.
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
    pub(super) fn deny(
        &mut self,
        token: &Token,
        error: &Error,
        is_first: bool,
    ) -> Option<Duration> {
        let of_token = self.0.iter().find(|(_, kept)| kept.is_present(token));
        let installation = of_token?.0.installation;
        let of_installation = |purpose: &Purpose| purpose.installation == installation;
        let was_renewed = self
            .0
            .iter()
            .any(|(purpose, kept)| of_installation(purpose) && kept.was_renewed());
        let kept = self.0.values_mut().find(|kept| kept.is_present(token))?;
        kept.deny(error, is_first, was_renewed)
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

/// The tokens of one purpose.
#[derive(Default)]
struct Kept {
    present: Option<Made>,
    /// The token that `present` replaced before it expired.
    predecessor: Option<Made>,
    /// GitHub refused the token before.
    was_refused: bool,
    /// When a token was last replaced because it lacked a permission, which may have been granted after it was made.
    renewed_at: Option<Instant>,
}

struct Made {
    token: Token,
    at: Instant,
    /// When it is replaced.
    stale_at: Instant,
    /// The last instant at which a request may leave with it.
    good_until: Instant,
    /// It was made because GitHub refused its predecessor.
    after_refusal: bool,
    /// GitHub refused it, too.
    given_up: bool,
}

impl Kept {
    /// The token to use, unless a new one must be made: the predecessor while GitHub may not know the new one everywhere,
    /// since refusals of many requests at once would lock the client out.
    fn usable(&mut self) -> Option<Token> {
        let now = Instant::now();
        let present = self.present.as_ref().filter(|it| now < it.ends_at())?;
        let spreads = now < present.at + SPREADS_FOR;
        self.predecessor = self
            .predecessor
            .take()
            .filter(|it| spreads && now < it.good_until);
        let used = self.predecessor.as_ref().unwrap_or(present);
        Some(used.token.clone())
    }

    fn keep(&mut self, token: Token, life: Duration) {
        let (at, margin) = (Instant::now(), MARGIN.min(life / 10));
        let within = |life: Duration| at + life.clamp(SHORTEST_USE, LONGEST_USE);
        let new = Made {
            token,
            at,
            stale_at: within(life - margin),
            good_until: within(life - margin / 4),
            after_refusal: std::mem::take(&mut self.was_refused),
            given_up: false,
        };
        self.predecessor = self.present.replace(new).filter(|old| !old.given_up);
    }

    /// Whether to ask for another token after a refusal of `token`; `None` if that is not kept here.
    fn refuse(&mut self, token: &Token) -> Option<AfterRefusal> {
        let is = |kept: &&mut Made| kept.token.expose() == token.expose();
        if self.predecessor.as_mut().filter(is).is_some() {
            self.predecessor = None;
            return Some(AfterRefusal::AskAgain(Duration::ZERO));
        }
        let present = self.present.as_mut().filter(is)?;
        if let Some(wait) = present.wait_while_young() {
            return Some(AfterRefusal::AskAgain(wait));
        }
        let age = present.at.elapsed();
        if present.after_refusal && age < SPREADS_FOR * 6 {
            present.given_up = true;
            self.was_refused = true;
            return Some(AfterRefusal::GiveUp);
        }
        *self = Self {
            was_refused: true,
            renewed_at: self.renewed_at,
            ..Self::default()
        };
        Some(AfterRefusal::AskAgain(Duration::ZERO))
    }

    fn is_present(&self, token: &Token) -> bool {
        let present = self.present.as_ref();
        present.is_some_and(|present| present.token.expose() == token.expose())
    }

    fn was_renewed(&self) -> bool {
        self.renewed_at
            .is_some_and(|at| at.elapsed() < BETWEEN_RENEWALS)
    }

    /// How long to wait before another attempt after an answer `403` or `404` to the token, if it may be the cause.
    /// `was_renewed`: a token of the installation was replaced a moment ago.
    fn deny(&mut self, error: &Error, is_first: bool, was_renewed: bool) -> Option<Duration> {
        let present = self.present.as_ref()?;
        // GitHub knows a token that it has accepted before, or of which it names the permission that it lacks.
        let is_known = match error.is_not_found() {
            true => !is_first,
            false => error.required_permission().is_some(),
        };
        if !is_known {
            let wait = present.wait_while_young();
            if wait.is_some() {
                return wait;
            }
        }
        let says = error.message().unwrap_or_default();
        let lacks_permission =
            error.is_permission() && says.contains("not accessible by integration");
        let is_old = present.at.elapsed() > SPREADS_FOR * 2;
        if !lacks_permission || !is_old || was_renewed {
            return None;
        }
        self.renewed_at = Some(Instant::now());
        self.present = None;
        self.predecessor = None;
        Some(Duration::ZERO)
    }
}

impl Made {
    /// When a new one is made; earlier if GitHub refused this one, perhaps by mistake.
    fn ends_at(&self) -> Instant {
        match self.given_up {
            true => self.stale_at.min(self.at + BETWEEN_RENEWALS),
            false => self.stale_at,
        }
    }

    /// How long to wait before the same token is tried again, while GitHub may not know it everywhere; doubles each time.
    fn wait_while_young(&self) -> Option<Duration> {
        let age = self.at.elapsed();
        (age < SPREADS_FOR).then(|| age.max(Duration::from_millis(250)).min(SPREADS_FOR - age))
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
