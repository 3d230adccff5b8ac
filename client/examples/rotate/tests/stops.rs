//! Runs that are stopped at any step, and the runs after them.

use std::cell::Cell;
use std::future::pending;

use super::*;

/// Where a run is stopped: before or after the n-th thing it does at the issuer, or before or after the stand-in works
/// on the n-th request.
#[derive(Clone, Copy, Debug)]
enum Stop {
    Issuer(u32, bool),
    Request(u64, bool),
}

/// An issuer that hangs at one step, before or after doing it.
struct Stopping<'a> {
    fake: &'a Fake,
    steps: Cell<u32>,
    at: Option<(u32, bool)>,
}

impl Stopping<'_> {
    async fn step<T>(&self, done: impl Future<Output = T>) -> T {
        let step = self.steps.replace(self.steps.get() + 1);
        if self.at == Some((step, false)) {
            pending::<()>().await;
        }
        let done = done.await;
        if self.at == Some((step, true)) {
            pending::<()>().await;
        }
        done
    }
}

impl Issuer for Stopping<'_> {
    async fn valid(&self) -> Result<Vec<String>, BoxError> {
        self.step(self.fake.valid()).await
    }
    async fn issue(&self) -> Result<Credential, BoxError> {
        self.step(self.fake.issue()).await
    }
    async fn revoke(&self, id: &str) -> Result<(), BoxError> {
        self.step(self.fake.revoke(id)).await
    }
}

/// Runs until the run ends or hangs, and says whether it hung.
async fn run(world: &World, stop: Option<Stop>) -> Option<Result<(), BoxError>> {
    let at = match stop {
        Some(Stop::Issuer(step, after)) => Some((step, after)),
        _ => None,
    };
    let issuer = Stopping {
        fake: &world.issuer,
        steps: Cell::new(0),
        at,
    };
    if let Some(Stop::Request(request, after)) = stop {
        let stuck = if after {
            Fault::silence()
        } else {
            Fault::hang()
        };
        world.stand_in.inject(stuck.after(request).always());
    }
    // Shorter than an attempt may take, longer than all the rest.
    let ended = tokio::time::timeout(Duration::from_secs(5), world.rotate_with(&issuer)).await;
    world.stand_in.clear_faults();
    ended.ok()
}

/// Checks what holds whenever a run is stopped: every store has a valid credential.
fn assert_all_work(world: &World, story: &str) {
    let (stored, valid) = (world.stored(), world.issuer.ids());
    assert!(
        stored.iter().all(|id| valid.contains(id)),
        "{story}: {stored:?} of {valid:?}"
    );
}

/// Runs until one ends well, doing by hand what the errors say.
async fn finish(world: &World, story: &str) {
    for _ in 0..3 {
        let Err(error) = run(world, None).await.expect("nothing stops it") else {
            let (stored, valid) = (world.stored(), world.issuer.ids());
            assert!(
                valid.len() == 1 && stored.iter().all(|id| *id == valid[0]),
                "{story}: {stored:?} of {valid:?}"
            );
            return;
        };
        let error = error.to_string();
        let (_, id) = error
            .split_once("revoke ")
            .unwrap_or_else(|| panic!("{story}: {error}"));
        let id = id.split([',', ' ']).next().unwrap();
        let needed = world.stored().contains(&id.parse().unwrap());
        assert_eq!(
            needed,
            error.contains("works no longer"),
            "{story}: {error}"
        );
        world.issuer.revoke(id).await.unwrap();
    }
    panic!("{story}: no end");
}

/// Every step at which a run of this world can be stopped.
async fn stops(world: &World) -> Vec<Stop> {
    let issuer = Stopping {
        fake: &world.issuer,
        steps: Cell::new(0),
        at: None,
    };
    world.stand_in.clear_requests();
    let before = world.stand_in.request_count();
    let _ = world.rotate_with(&issuer).await;
    let requests = world.stand_in.request_count() - before;
    let steps = (0..issuer.steps.get())
        .flat_map(|step| [Stop::Issuer(step, false), Stop::Issuer(step, true)]);
    let requests = (0..requests).flat_map(|at| [Stop::Request(at, false), Stop::Request(at, true)]);
    steps.chain(requests).collect()
}

/// The state of the world before a run.
#[derive(Clone, Copy, Debug)]
enum Found {
    Nothing,
    AnEarlierRotation,
    AStoreThatFailed,
    AKeyThatChanged,
}

/// With the number of credentials that the issuer allows at once.
const WORLDS: [(Found, usize); 6] = [
    (Found::Nothing, 2),
    (Found::Nothing, 3),
    (Found::AnEarlierRotation, 2),
    (Found::AStoreThatFailed, 2),
    (Found::AKeyThatChanged, 2),
    (Found::AKeyThatChanged, 3),
];

async fn world(found: Found, most: usize) -> World {
    let mut world = World::new("stops");
    world.issuer = Fake::new(most);
    match found {
        Found::Nothing => {}
        Found::AnEarlierRotation => world.rotate().await.unwrap(),
        Found::AStoreThatFailed | Found::AKeyThatChanged => {
            world.stand_in.inject(refusal());
            world.unconfirmed().await;
        }
    }
    if let Found::AKeyThatChanged = found {
        world.stand_in.rotate_key(DEPENDABOT);
    }
    world
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_stopped_anywhere_is_finished_by_the_next_ones() {
    for (found, most) in WORLDS {
        let all = stops(&world(found, most).await).await;
        assert!(all.len() >= 8, "{all:?}");
        for stop in all {
            let (world, story) = (
                world(found, most).await,
                format!("{found:?}, {most} allowed, {stop:?}"),
            );
            assert!(run(&world, Some(stop)).await.is_none(), "{story}");
            assert_all_work(&world, &story);
            finish(&world, &story).await;
        }
    }
}
