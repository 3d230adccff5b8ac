//! Words about what is under way, for what takes longer than a moment.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How often work that goes on is told again.
const EVERY: Duration = Duration::from_secs(10);

/// Says what begins now, on standard error.
pub fn step(what: &str) {
    eprintln!("{what} …");
}

/// Works, and says what begins and every ten seconds that it goes on, on standard error.
pub fn during<T>(what: &str, work: impl FnOnce() -> T) -> T {
    telling(|line| eprintln!("{line}"), EVERY, what, work)
}

/// Works, and `tell`s at once what begins, then after `every` so long that it goes on.
pub fn telling<T>(
    tell: impl Fn(&str) + Sync,
    every: Duration,
    what: &str,
    work: impl FnOnce() -> T,
) -> T {
    tell(&format!("{what} …"));
    let started = Instant::now();
    let (working, ended) = channel::<()>();
    thread::scope(|scope| {
        scope.spawn(|| {
            let ended = ended;
            while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                tell(&format!("{what} … {} s", started.elapsed().as_secs()));
            }
        });
        // Dropped when the work is done, even by a panic.
        let _working = working;
        work()
    })
}
