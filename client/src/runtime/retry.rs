//! The retry loop. It knows time, budget and verdicts, and no HTTP.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::allowance::Allowance;
use super::observer::Observer;
use super::policy::A_YEAR;
use crate::error::Error;
use crate::limits::{Budget, Identity, LONGEST_WAIT, WaitReason};

/// The value that an attempt gave, or what follows it.
pub(super) type Verdict<T> = Result<T, Next>;

/// The step after an attempt without a value.
pub(super) enum Next {
    /// Nothing: another attempt would fail the same way.
    Stop(Error),
    /// Another attempt, as soon as there is leave.
    Again,
    /// Another attempt after a pause, if attempts, time and budget allow it.
    After(Pause, Failed),
}

/// How long to pause before another attempt.
pub(super) enum Pause {
    /// As the policy says. The retry counts against the policy's attempts and the budget.
    Backoff,
    /// This long: until there may be another token, or GitHub may know a new one or a new place.
    Fixed(Duration),
}

/// A failure after which another attempt may succeed.
pub(super) struct Failed {
    pub(super) error: Error,
    /// How long the server asks to wait.
    pub(super) retry_after: Option<Duration>,
}

/// The bounds of a call's attempts.
pub(super) struct Bounds<'a> {
    pub(super) allowance: &'a Allowance,
    pub(super) budget: &'a Budget,
    pub(super) observer: &'a Observer,
    /// The identity that GitHub counts them for, as far as is known by then.
    pub(super) identity: &'a (dyn Fn() -> Identity + Sync),
}

/// Makes attempts until one gives a value, or none can.
pub(super) async fn retry<T, Fut>(
    bounds: Bounds<'_>,
    mut attempt: impl FnMut() -> Fut,
) -> Result<T, Error>
where
    Fut: Future<Output = Verdict<T>>,
{
    let mut pauses = bounds.allowance.pauses();
    loop {
        let (pause, failed) = match attempt().await {
            Ok(value) => {
                bounds.budget.deposit();
                return Ok(value);
            }
            Err(Next::Stop(error)) => return Err(error),
            Err(Next::Again) => continue,
            Err(Next::After(pause, failed)) => (pause, failed),
        };
        let waited = match pause {
            Pause::Fixed(pause) => bounds.wait_for_retry(pause, &failed).await,
            Pause::Backoff => match pauses.next() {
                Some(pause) => {
                    bounds.wait_for_retry(pause, &failed).await && bounds.wait_for_budget().await
                }
                None => false,
            },
        };
        if !waited {
            return Err(failed.with_retry_time());
        }
    }
}

impl Bounds<'_> {
    /// Waits for as long as the server asks, if it asks, and for the pause. Says `false` at once if no useful
    /// attempt would fit in afterwards.
    async fn wait_for_retry(&self, pause: Duration, failed: &Failed) -> bool {
        // A wait that the server asks for is not taken from the retry window, like one for a limit.
        let asked = failed.retry_after.unwrap_or_default().min(LONGEST_WAIT);
        let pause = pause.min(A_YEAR);
        // Pauses differ, so calls that were all asked to wait as long do not go on in one instant.
        let until = Instant::now() + asked + pause;
        if !self.allowance.leaves_time_after(pause, until) {
            return false;
        }
        self.pause(until).await;
        self.allowance.spend(pause);
        true
    }

    /// Waits until the client's budget has a retry left. Says `false` if that takes too long.
    async fn wait_for_budget(&self) -> bool {
        let in_time = |pause: Duration| {
            self.allowance
                .leaves_time_after(pause, Instant::now() + pause)
        };
        let Some(pause) = self.budget.withdraw(in_time) else {
            return false;
        };
        if !pause.is_zero() {
            self.pause(Instant::now() + pause).await;
        }
        self.allowance.spend(pause);
        true
    }

    async fn pause(&self, until: Instant) {
        self.observer
            .tell_wait((self.identity)(), until, WaitReason::Backoff);
        sleep_until(until).await;
    }
}

impl Failed {
    fn with_retry_time(self) -> Error {
        match self.retry_after {
            Some(after) => self.error.with_retry(after),
            None => self.error,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::error::ErrorKind;
    use crate::runtime::observer::Event;
    use crate::runtime::{RetryPolicy, Terms};

    /// One run of the loop: its result, its attempts, its duration, and the waits that the observer was told of.
    struct Ran {
        result: Result<&'static str, Error>,
        attempts: usize,
        took: Duration,
        waits: Vec<Duration>,
    }

    /// Runs the loop with an attempt that takes no time and gives these verdicts, the last of them again and again.
    async fn run(policy: &RetryPolicy, verdicts: &[fn() -> Verdict<&'static str>]) -> Ran {
        let waits = Arc::new(Mutex::new(Vec::new()));
        let told = waits.clone();
        let observer = Observer::new(Some(Arc::new(move |event| {
            if let Event::Wait(wait) = event {
                told.lock().unwrap().push(wait.duration);
            }
        })));
        let (allowance, budget) = (
            Allowance::new(policy, &Terms::default()),
            policy.budget_of_retries(),
        );
        let bounds = Bounds {
            allowance: &allowance,
            budget: &budget,
            observer: &observer,
            identity: &|| Identity::named("any"),
        };
        let (began, mut attempts) = (Instant::now(), 0);
        let result = retry(bounds, || {
            let verdict = verdicts[attempts.min(verdicts.len() - 1)];
            attempts += 1;
            ready(verdict())
        });
        Ran {
            result: result.await,
            attempts,
            took: began.elapsed(),
            waits: std::mem::take(&mut waits.lock().unwrap()),
        }
    }

    fn after(pause: Pause, retry_after: Option<Duration>) -> Verdict<&'static str> {
        let error = Error::new(ErrorKind::Transport, "broke");
        Err(Next::After(pause, Failed { error, retry_after }))
    }

    const DONE: fn() -> Verdict<&'static str> = || Ok("done");
    const BROKE: fn() -> Verdict<&'static str> = || after(Pause::Backoff, None);
    const BUSY: fn() -> Verdict<&'static str> =
        || after(Pause::Backoff, Some(Duration::from_secs(60)));
    const NEW_TOKEN: fn() -> Verdict<&'static str> =
        || after(Pause::Fixed(Duration::from_secs(1)), None);
    const AGAIN: fn() -> Verdict<&'static str> = || Err(Next::Again);
    const STOP: fn() -> Verdict<&'static str> =
        || Err(Next::Stop(Error::new(ErrorKind::Config, "wrong")));

    #[tokio::test(start_paused = true)]
    async fn a_failure_that_passes_is_followed_by_another_attempt_after_a_pause() {
        let ran = run(&RetryPolicy::default(), &[BROKE, BROKE, DONE]).await;
        assert_eq!((ran.result.unwrap(), ran.attempts), ("done", 3));
        assert_eq!(ran.waits.len(), 2);
        let longest = [500, 1000].map(Duration::from_millis);
        assert!(
            ran.waits
                .iter()
                .zip(longest)
                .all(|(wait, most)| *wait <= most)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_that_goes_on_is_given_back_after_the_last_attempt() {
        let ran = run(&RetryPolicy::default().attempts(4), &[BROKE]).await;
        assert!(ran.result.unwrap_err().is_transport());
        assert_eq!((ran.attempts, ran.waits.len()), (4, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_for_good_is_given_back_at_once() {
        let ran = run(&RetryPolicy::default(), &[STOP, DONE]).await;
        assert!(ran.result.unwrap_err().is_config());
        assert_eq!((ran.attempts, ran.took), (1, Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_waits_at_the_gate_costs_neither_pause_nor_budget() {
        let policy = RetryPolicy::default().attempts(1).budget(0, 0);
        let ran = run(&policy, &[AGAIN, AGAIN, AGAIN, DONE]).await;
        assert_eq!((ran.result.unwrap(), ran.took), ("done", Duration::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_token_is_waited_for_without_counting_as_a_retry() {
        let policy = RetryPolicy::default().attempts(1).budget(0, 0);
        let ran = run(&policy, &[NEW_TOKEN, NEW_TOKEN, DONE]).await;
        assert_eq!(
            (ran.result.unwrap(), ran.took),
            ("done", Duration::from_secs(2))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn the_server_is_left_alone_for_as_long_as_it_asks() {
        let ran = run(&RetryPolicy::default(), &[BUSY, DONE]).await;
        assert_eq!(ran.result.unwrap(), "done");
        assert!(
            (60_000..=60_500).contains(&ran.took.as_millis()),
            "{:?}",
            ran.took
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_that_would_pass_the_deadline_is_not_begun() {
        let policy = RetryPolicy::default().deadline(Duration::from_secs(60));
        let ran = run(&policy, &[BUSY, DONE]).await;
        let error = ran.result.unwrap_err();
        assert_eq!((ran.attempts, ran.took), (1, Duration::ZERO));
        assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_error_after_the_last_attempt_says_how_long_the_server_asks_to_wait() {
        let ran = run(&RetryPolicy::default().attempts(1), &[BUSY]).await;
        let error = ran.result.unwrap_err();
        assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_retry_that_the_budget_has_no_room_for_in_time_is_not_waited_for() {
        let policy = RetryPolicy::default().budget(0, 0);
        let ran = run(&policy, &[BROKE, DONE]).await;
        assert!(ran.result.unwrap_err().is_transport());
        assert_eq!(ran.attempts, 1);
        assert!(ran.took <= Duration::from_millis(500), "{:?}", ran.took);
    }
}
