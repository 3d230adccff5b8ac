//! The best schedule, computed from the limits alone.

use std::collections::VecDeque;
use std::time::Duration;

use octoseal_mock::Limits;

use crate::{HOUR, LATENCY, MINUTE};

/// A limit: so much in any span of this length, of which a read takes the first share and a write the second.
struct Window {
    span: Duration,
    most: u32,
    shares: (u32, u32),
    spent: VecDeque<(Duration, u32)>,
}

impl Window {
    fn new(span: Duration, most: Option<u32>, shares: (u32, u32)) -> Option<Self> {
        let spent = VecDeque::new();
        most.map(|most| Self {
            span,
            most,
            shares,
            spent,
        })
    }

    /// The first instant from `at` on that has room for so much.
    fn room(&mut self, mut at: Duration, share: u32) -> Duration {
        loop {
            self.spent.retain(|(spent, _)| *spent + self.span > at);
            let used: u32 = self.spent.iter().map(|(_, share)| share).sum();
            match self.spent.front() {
                Some((first, _)) if used + share > self.most => at = *first + self.span,
                _ => return at,
            }
        }
    }
}

/// The least time in which a key can be fetched and then `secrets` be stored: each request as early as the limits
/// permit, a hundred at once, each taking the latency.
pub(crate) fn best(secrets: usize, limits: &Limits) -> Duration {
    let mut windows: Vec<Window> = [
        Window::new(MINUTE, limits.points_a_minute, (1, 5)),
        Window::new(MINUTE, limits.content_a_minute, (0, 1)),
        Window::new(HOUR, limits.content_an_hour, (0, 1)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let (mut at, mut used, mut reset) = (Duration::ZERO, 0, HOUR);
    let mut under_way = VecDeque::new();
    for n in 0..=secrets {
        let read = n == 0;
        if n == 1 {
            at = at.max(LATENCY);
        }
        if under_way.len() == 100 {
            at = at.max(under_way.pop_front().unwrap());
        }
        let share = |window: &Window| {
            if read {
                window.shares.0
            } else {
                window.shares.1
            }
        };
        loop {
            let before = at;
            for window in &mut windows {
                at = window.room(at, share(window));
            }
            // The primary limit counts by the hour that begins with the first request.
            if at >= reset {
                (used, reset) = (0, at + HOUR);
            }
            if limits.requests_an_hour.is_some_and(|most| used >= most) {
                at = reset;
            }
            if at == before {
                break;
            }
        }
        for window in &mut windows {
            let share = share(window);
            window.spent.push_back((at, share));
        }
        used += 1;
        under_way.push_back(at + LATENCY);
    }
    at + LATENCY
}
