//! What happens to a fleet: nothing, or something bad in the middle.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::Programs;
use super::store::Store;
use super::worker::Worker;
use crate::robots::stand_in::StandIn;

/// How far off the clock of each process is, where clocks differ.
const CLOCKS: [Option<&str>; 3] = [None, Some("+1h"), Some("-1h")];
const SECRETS_PER_PROCESS: usize = 100;
/// GitHub's 900 points a minute, at five points for a write.
const WRITES_A_MINUTE: u64 = 180;
const MINUTE: Duration = Duration::from_secs(60);
/// The number of requests of all processes before trouble: a fleet is in the middle of its first burst.
const REQUESTS_BEFORE_TROUBLE: u64 = 100;
/// How long the store is away.
const STORE_AWAY_FOR: Duration = Duration::from_secs(10);
/// How many times as long as the best schedule a fleet may take.
const MAX_RATIO_TO_BEST: f64 = 1.1;
const POLL_INTERVAL: Duration = Duration::from_millis(20);

pub(super) struct Scene {
    pub(super) title: &'static str,
    happens: Happens,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Happens {
    Nothing,
    ProcessDies,
    StoreRestarts,
    StoreHangs,
    ClocksDiffer,
}

/// The scenes that can be played here.
pub(super) fn all(programs: &Programs) -> Vec<Scene> {
    let scene = |title, happens| Scene { title, happens };
    let mut all = vec![
        scene("three processes", Happens::Nothing),
        scene("one is killed in the middle", Happens::ProcessDies),
        scene("the store starts again, empty", Happens::StoreRestarts),
        scene("the store hangs for ten seconds", Happens::StoreHangs),
    ];
    if programs.faketime.is_some() {
        all.push(scene("clocks an hour apart", Happens::ClocksDiffer));
    }
    all
}

impl Scene {
    pub(super) fn play(&self, programs: &Programs) -> Result<String> {
        let mut store = Store::start(&programs.server)?;
        let flags = [
            "--organization",
            "acme",
            "--latency",
            "40ms",
            "--limits",
            "documented",
        ];
        let mut github = StandIn::start(&programs.root, &flags)?;
        let began = Instant::now();
        let mut workers = Vec::new();
        for (number, clock) in CLOCKS.iter().enumerate() {
            let clock = clock.filter(|_| self.happens == Happens::ClocksDiffer);
            let name = format!("WORKER_{number}");
            let worker =
                Worker::start(programs, &store, &github, &name, SECRETS_PER_PROCESS, clock)?;
            workers.push(worker);
        }
        let away = self.cause_trouble(&mut store, &mut github, &mut workers)?;
        for worker in &mut workers {
            ensure_told_once(&worker.end()?, away)?;
        }
        let taken = began.elapsed();
        for worker in &workers {
            for number in 0..SECRETS_PER_PROCESS {
                let name = format!("{}_{number}", worker.name);
                ensure!(github.plaintext(&name)?.is_some(), "{name} is not stored");
            }
        }
        let refused = github.ask("refusals")?;
        ensure!(refused == "0", "{refused} requests were refused");
        let sent = github.ask("requests")?.parse()?;
        let best = best(sent);
        let ratio = taken.as_secs_f64() / best.as_secs_f64();
        ensure!(
            ratio <= MAX_RATIO_TO_BEST,
            "{taken:.1?} instead of {best:.1?} for {sent} requests"
        );
        let (exchanges, cost) = store.exchanges()?;
        let each = exchanges as f64 / sent as f64;
        Ok(format!(
            "{sent} requests in {taken:.1?}, {ratio:.2} of the best; {each:.2} exchanges each, of {cost:.0} µs"
        ))
    }

    /// Causes the scene's trouble once the burst is under way. Gives whether the store was away.
    fn cause_trouble(
        &self,
        store: &mut Store,
        github: &mut StandIn,
        workers: &mut Vec<Worker>,
    ) -> Result<bool> {
        // A process that has not reached the store before it goes away can't know how many share the limits. One that has
        // ended says why later.
        for worker in workers.iter_mut() {
            let first = format!("{}_0", worker.name);
            while worker.is_running()? && github.plaintext(&first)?.is_none() {
                sleep(POLL_INTERVAL);
            }
            while worker.is_running()?
                && github.ask("requests")?.parse::<u64>()? < REQUESTS_BEFORE_TROUBLE
            {
                sleep(POLL_INTERVAL);
            }
        }
        match self.happens {
            Happens::Nothing | Happens::ClocksDiffer => return Ok(false),
            Happens::ProcessDies => {
                workers.remove(0).kill()?;
                return Ok(false);
            }
            Happens::StoreRestarts => {
                store.stop()?;
                sleep(STORE_AWAY_FOR);
                store.start_again()?;
            }
            Happens::StoreHangs => {
                store.set_hanging(true)?;
                sleep(STORE_AWAY_FOR);
                store.set_hanging(false)?;
            }
        }
        Ok(true)
    }
}

/// Fails unless a process said once that the store is away and once that it is back. On a busy machine the store may
/// also seem away in scenes that leave it alone.
fn ensure_told_once(said: &str, away: bool) -> Result<()> {
    let times = |words| said.matches(words).count();
    let (gone, back) = (times("ledger away"), times("ledger back"));
    ensure!(
        gone == back && (gone == 1 || !away),
        "it was said {gone} times that the store is away, and {back} times that it is back"
    );
    Ok(())
}

/// The least time that so many requests take, nearly all of which write, and the last of which travels too.
fn best(requests: u64) -> Duration {
    let minutes = requests.saturating_sub(1) / WRITES_A_MINUTE;
    MINUTE * u32::try_from(minutes).unwrap_or(u32::MAX) + Duration::from_millis(40)
}
