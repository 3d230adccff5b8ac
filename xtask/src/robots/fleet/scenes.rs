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
/// Secrets of each process.
const SECRETS: usize = 100;
/// GitHub's limit on points, by the five of a write.
const WRITES_A_MINUTE: u64 = 180;
const MINUTE: Duration = Duration::from_secs(60);
/// When so many requests have come, some of each process, a fleet is in the middle of its first burst.
const MIDDLE: u64 = 100;
/// So long is the store away.
const AWAY: Duration = Duration::from_secs(10);
/// Of the best schedule, so many times as long may it take.
const SLOWER: f64 = 1.1;
const LOOKS_EVERY: Duration = Duration::from_millis(20);

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
            let worker = Worker::start(programs, &store, &github, &name, SECRETS, clock)?;
            workers.push(worker);
        }
        let away = self.happen(&mut store, &mut github, &mut workers)?;
        for worker in &mut workers {
            tells_once(&worker.end()?, away)?;
        }
        let taken = began.elapsed();
        for worker in &workers {
            for number in 0..SECRETS {
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
            ratio <= SLOWER,
            "{taken:.1?} instead of {best:.1?} for {sent} requests"
        );
        let (exchanges, cost) = store.exchanges()?;
        let each = exchanges as f64 / sent as f64;
        Ok(format!(
            "{sent} requests in {taken:.1?}, {ratio:.2} of the best; {each:.2} exchanges each, of {cost:.0} µs"
        ))
    }

    /// Lets happen what does, and says whether the store was away.
    fn happen(
        &self,
        store: &mut Store,
        github: &mut StandIn,
        workers: &mut Vec<Worker>,
    ) -> Result<bool> {
        while github.ask("requests")?.parse::<u64>()? < MIDDLE {
            sleep(LOOKS_EVERY);
        }
        // A process that has not reached the store before it goes away can't know how many share the limits.
        for worker in workers.iter() {
            while github.plaintext(&format!("{}_0", worker.name))?.is_none() {
                sleep(LOOKS_EVERY);
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
                sleep(AWAY);
                store.start_again()?;
            }
            Happens::StoreHangs => {
                store.hang(true)?;
                sleep(AWAY);
                store.hang(false)?;
            }
        }
        Ok(true)
    }
}

/// A process says once that the store is away, and once that it is back. On a machine that is busy it may be away for a
/// moment without us.
fn tells_once(said: &str, away: bool) -> Result<()> {
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
