//! How fast requests may leave: GitHub's documented limits as sliding windows.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How fast a client sends, so that GitHub does not have to refuse it.
///
/// The default, [`Pacing::documented`], keeps every limit that GitHub documents for
/// [the REST API](https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits):
/// a burst leaves at once, and only what exceeds a limit waits, for as long as that limit asks and no longer.
/// When GitHub refuses all the same, the client halves its pace and regains it over time.
///
/// # Examples
/// ```
/// use octoseal::Pacing;
///
/// let as_documented = Pacing::documented();
/// let without_content_limits = Pacing::documented().writes_per_minute(None).writes_per_hour(None);
/// let own_server = Pacing::off();
/// # let _ = (as_documented, without_content_limits, own_server);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pacing {
    pub(crate) concurrent: usize,
    pub(crate) points_per_minute: Option<u32>,
    pub(crate) writes_per_minute: Option<u32>,
    pub(crate) writes_per_hour: Option<u32>,
}

impl Pacing {
    /// GitHub's documented limits: 100 requests at once, 900 points a minute (a read is 1, a write 5), and
    /// 80 content-creating requests a minute and 500 an hour.
    ///
    /// Whether GitHub counts a secret as content is not documented. This setting assumes that it does: being
    /// refused costs a minute each time and, repeated, may block the integration, while waiting costs
    /// something only from the 81st write of a minute on.
    pub fn documented() -> Self {
        Self {
            concurrent: 100,
            points_per_minute: Some(900),
            writes_per_minute: Some(80),
            writes_per_hour: Some(500),
        }
    }

    /// No pacing but 100 requests at once: for GitHub Enterprise Server, where limits are off by default.
    /// A server that refuses is still obeyed.
    pub fn off() -> Self {
        Self {
            concurrent: 100,
            points_per_minute: None,
            writes_per_minute: None,
            writes_per_hour: None,
        }
    }

    /// How many requests may be under way at once, at least 1. GitHub documents 100.
    pub fn concurrent(mut self, requests: usize) -> Self {
        self.concurrent = requests.max(1);
        self
    }

    /// Points in any 60 seconds, where a read counts 1 and a write 5; `None` for no such limit.
    pub fn points_per_minute(mut self, points: Option<u32>) -> Self {
        self.points_per_minute = points;
        self
    }

    /// Writes in any 60 seconds; `None` if secrets are not to count as content.
    pub fn writes_per_minute(mut self, writes: Option<u32>) -> Self {
        self.writes_per_minute = writes;
        self
    }

    /// Writes in any 60 minutes; `None` if secrets are not to count as content.
    pub fn writes_per_hour(mut self, writes: Option<u32>) -> Self {
        self.writes_per_hour = writes;
        self
    }
}

impl Default for Pacing {
    fn default() -> Self {
        Self::documented()
    }
}

/// Whether a request reads or writes: what it costs under the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cost {
    Read,
    Write,
}

impl Cost {
    fn points(self) -> u32 {
        match self {
            Self::Read => 1,
            Self::Write => 5,
        }
    }

    fn writes(self) -> u32 {
        match self {
            Self::Read => 0,
            Self::Write => 1,
        }
    }
}

/// Why a request can't leave yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// Until this instant, when a window has room again.
    Until(Instant),
    /// Until a request that is under way has ended.
    UntilOneEnds,
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// What a request costs in the units of one window.
type Units = fn(Cost) -> u32;

/// All windows of one client.
#[derive(Debug)]
pub(crate) struct Windows {
    windows: Vec<(Units, Window)>,
    pace: Pace,
    width: Width,
}

impl Windows {
    pub(crate) fn new(pacing: &Pacing) -> Self {
        let mut windows: Vec<(Units, Window)> = Vec::new();
        let mut add = |limit: Option<u32>, span: Duration, cost: Units| {
            if let Some(limit) = limit {
                windows.push((cost, Window::new(span, limit)));
            }
        };
        add(pacing.points_per_minute, MINUTE, Cost::points);
        add(pacing.writes_per_minute, MINUTE, Cost::writes);
        add(pacing.writes_per_hour, HOUR, Cost::writes);
        Self {
            windows,
            pace: Pace::default(),
            width: Width::default(),
        }
    }

    /// Counts a request as under way, if every window has room for it.
    pub(crate) fn enter(&mut self, now: Instant, cost: Cost) -> Result<(), Full> {
        let pace = self.pace.at(now);
        for (of, window) in &mut self.windows {
            // A refusal says little about the hour, and half of it would make a batch wait for long.
            let pace = if window.span < HOUR { pace } else { 1.0 };
            window.room(now, of(cost), pace)?;
        }
        for (of, window) in &mut self.windows {
            window.in_flight += of(cost);
        }
        Ok(())
    }

    /// Counts a request as ended. Its place is free again one span after its end, not after its start: GitHub
    /// counted it somewhere between the two.
    pub(crate) fn leave(&mut self, now: Instant, cost: Cost) {
        for (of, window) in &mut self.windows {
            window.ended(now, of(cost));
        }
    }

    /// Counts a request that nobody asked for leave.
    pub(crate) fn charge(&mut self, now: Instant, cost: Cost) {
        for (of, window) in &mut self.windows {
            window.in_flight += of(cost);
            window.ended(now, of(cost));
        }
    }

    /// Slows down after a refusal that the windows did not foresee: half the pace, and half as many at once as
    /// there were.
    pub(crate) fn slow_down(&mut self, now: Instant, in_flight: u32) {
        self.pace.halve(now);
        self.width.halve(now, in_flight);
    }

    /// How many of `concurrent` places a request takes.
    pub(crate) fn places(&mut self, now: Instant, concurrent: u32) -> u32 {
        match self.width.at(now) {
            Some(width) => (concurrent / width).max(1),
            None => 1,
        }
    }
}

/// One limit: so many units in any span of this length.
#[derive(Debug)]
struct Window {
    span: Duration,
    limit: u32,
    in_flight: u32,
    used: u32,
    log: VecDeque<(Instant, u32)>,
}

impl Window {
    fn new(span: Duration, limit: u32) -> Self {
        // Half a percent for clocks that run apart.
        Self {
            span: span + span / 200,
            limit: limit.max(1),
            in_flight: 0,
            used: 0,
            log: VecDeque::new(),
        }
    }

    fn room(&mut self, now: Instant, units: u32, pace: f64) -> Result<(), Full> {
        while let Some(&(ended, spent)) = self.log.front()
            && ended + self.span <= now
        {
            self.log.pop_front();
            self.used -= spent;
        }
        let limit = (f64::from(self.limit) * pace).ceil() as u32;
        if units == 0 || self.in_flight + self.used + units <= limit.max(units) {
            return Ok(());
        }
        Err(match self.log.front() {
            Some(&(ended, _)) => Full::Until(ended + self.span),
            None => Full::UntilOneEnds,
        })
    }

    fn ended(&mut self, now: Instant, units: u32) {
        if units == 0 {
            return;
        }
        self.in_flight -= units;
        self.used += units;
        match self.log.back_mut() {
            Some((at, spent)) if *at == now => *spent += units,
            _ => self.log.push_back((now, units)),
        }
    }
}

/// A step back after a refusal is taken back after this long without another.
const REGAIN: Duration = Duration::from_secs(600);

/// How much of its limits a client uses: all of them, or less after a refusal.
#[derive(Debug, Default)]
struct Pace {
    halvings: u32,
    since: Option<Instant>,
}

impl Pace {
    const MOST: u32 = 4;

    fn at(&mut self, now: Instant) -> f64 {
        while let Some(since) = self.since
            && now >= since + REGAIN
        {
            self.halvings -= 1;
            self.since = (self.halvings > 0).then_some(since + REGAIN);
        }
        0.5_f64.powi(self.halvings as i32)
    }

    fn halve(&mut self, now: Instant) {
        self.halvings = (self.halvings + 1).min(Self::MOST);
        self.since = Some(now);
    }
}

/// How many requests may be under way at once after a refusal, until that is forgotten.
#[derive(Debug, Default)]
struct Width(Option<(u32, Instant)>);

impl Width {
    fn at(&mut self, now: Instant) -> Option<u32> {
        self.0 = self.0.filter(|&(_, since)| now < since + REGAIN);
        self.0.map(|(width, _)| width)
    }

    fn halve(&mut self, now: Instant, in_flight: u32) {
        // One alone can't have been too many at once.
        if in_flight > 1 {
            let width = self.at(now).map_or(in_flight, |width| width.min(in_flight));
            self.0 = Some(((width / 2).max(1), now));
        }
    }
}
