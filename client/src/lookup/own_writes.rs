//! What this client wrote itself a short while ago, place by place: GitHub may go on telling the state before it for
//! some seconds. Writes at one place follow each other.

use std::collections::{BTreeSet, HashMap};
use std::ops::{Deref, DerefMut};
use std::pin::pin;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, SystemTime};

use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::{Error, ErrorKind};
use crate::runtime::{Allowance, Used, lock};

/// For so long after a write, what is read is compared with it. GitHub's replicas lag by seconds.
pub(crate) const MAY_LAG: Duration = Duration::from_secs(30);

/// So many places are remembered at once.
const MAX_REMEMBERED: usize = 4096;

/// What holds a place and was not polled for so long is passed by: it must not hold up others for ever.
const SILENT_AFTER: Duration = Duration::from_secs(60);

/// The places of one client.
#[derive(Default)]
pub(crate) struct OwnWrites(Mutex<HashMap<String, Arc<Place>>>);

/// A place in the hand of one write at a time.
#[derive(Default)]
struct Place {
    written: Arc<tokio::sync::Mutex<Option<OwnWrite>>>,
    /// What holds it.
    holder: Mutex<Weak<Used>>,
}

/// A place that is held, with what was written there.
pub(crate) struct HeldPlace {
    written: OwnedMutexGuard<Option<OwnWrite>>,
    place: Arc<Place>,
}

impl Deref for HeldPlace {
    type Target = Option<OwnWrite>;

    fn deref(&self) -> &Option<OwnWrite> {
        &self.written
    }
}

impl DerefMut for HeldPlace {
    fn deref_mut(&mut self) -> &mut Option<OwnWrite> {
        &mut self.written
    }
}

impl Drop for HeldPlace {
    fn drop(&mut self) {
        // What is known of the holder is not kept any longer than it holds.
        *lock(&self.place.holder) = Weak::new();
    }
}

/// What a write left behind.
#[derive(Clone, Debug)]
pub(crate) struct OwnWrite {
    /// When GitHub answered, by its clock.
    pub(crate) at: Option<SystemTime>,
    pub(crate) left: Left,
    answered: Instant,
}

/// What is there after a write.
#[derive(Clone, Debug)]
pub(crate) enum Left {
    Nothing,
    Secret {
        /// If the write said it.
        visibility: Option<String>,
        selection: Selection,
    },
}

/// What is known of the repositories that a secret is selected for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// All of them.
    pub(crate) all: Option<BTreeSet<i64>>,
    /// Some that are, and some that are not.
    pub(crate) with: BTreeSet<i64>,
    pub(crate) without: BTreeSet<i64>,
}

impl Selection {
    pub(crate) fn of(ids: Option<&[i64]>) -> Self {
        Self {
            all: ids.map(|ids| ids.iter().copied().collect()),
            ..Self::default()
        }
    }

    /// One repository more, or one fewer.
    pub(crate) fn change(&mut self, id: i64, is_added: bool) {
        let [into, out_of] = match is_added {
            true => [&mut self.with, &mut self.without],
            false => [&mut self.without, &mut self.with],
        };
        into.insert(id);
        out_of.remove(&id);
        match &mut self.all {
            Some(all) if is_added => drop(all.insert(id)),
            Some(all) => drop(all.remove(&id)),
            None => {}
        }
    }

    pub(crate) fn fits(&self, ids: &[i64]) -> bool {
        let ids: BTreeSet<i64> = ids.iter().copied().collect();
        let is_all = self.all.as_ref().is_none_or(|all| *all == ids);
        is_all && self.with.is_subset(&ids) && self.without.is_disjoint(&ids)
    }
}

impl OwnWrite {
    pub(crate) fn new(at: Option<SystemTime>, left: Left) -> Self {
        Self {
            at,
            left,
            answered: Instant::now(),
        }
    }

    /// Whether GitHub may still tell the state before it.
    pub(crate) fn may_lag(&self) -> bool {
        self.answered.elapsed() < MAY_LAG
    }
}

impl Place {
    fn is_held(&self) -> bool {
        Arc::strong_count(&self.written) > 1
    }

    /// Whether GitHub may still tell the state before what was written there.
    fn may_lag(&self) -> bool {
        let own = self.written.try_lock();
        own.is_ok_and(|own| own.as_ref().is_some_and(OwnWrite::may_lag))
    }

    /// Waits until it is free; `None` if what holds it is not polled any more.
    async fn take(self: &Arc<Self>, life: &Weak<Used>) -> Option<HeldPlace> {
        let mut held = pin!(self.written.clone().lock_owned());
        let mut is_silent = false;
        loop {
            // What has just been given the place is heard of in the second after.
            let patience = match is_silent {
                true => Duration::from_secs(1),
                false => SILENT_AFTER,
            };
            if let Ok(written) = timeout(patience, &mut held).await {
                *lock(&self.holder) = life.clone();
                let place = self.clone();
                return Some(HeldPlace { written, place });
            }
            let holder = lock(&self.holder).upgrade();
            let is_heard = holder.is_some_and(|holder| holder.since_polled() < SILENT_AFTER);
            if is_silent && !is_heard {
                return None;
            }
            is_silent = !is_heard;
        }
    }
}

impl OwnWrites {
    /// Waits until no other write of this client is under way at the place.
    pub(crate) async fn hold(
        &self,
        place: &str,
        allowance: &Allowance,
    ) -> Result<HeldPlace, Error> {
        let life = allowance.life_sign();
        let held = async {
            loop {
                let there = self.place(place);
                match there.take(&life).await {
                    Some(held) => return held,
                    None => self.pass_by(place, &there),
                }
            }
        };
        let Some(deadline) = allowance.deadline() else {
            return Ok(held.await);
        };
        timeout_at(deadline, held).await.map_err(|_| {
            let why = "another write to the same place was under way until the time was used up";
            Error::new(ErrorKind::Timeout, why)
        })
    }

    fn pass_by(&self, name: &str, silent: &Arc<Place>) {
        let mut places = lock(&self.0);
        if places
            .get(name)
            .is_some_and(|there| Arc::ptr_eq(there, silent))
        {
            places.remove(name);
        }
    }

    fn place(&self, name: &str) -> Arc<Place> {
        let mut places = lock(&self.0);
        if let Some(place) = places.get(name) {
            return place.clone();
        }
        if places.len() >= MAX_REMEMBERED {
            places.retain(|_, place| place.is_held() || place.may_lag());
        }
        if places.len() >= MAX_REMEMBERED {
            places.retain(|_, place| place.is_held());
        }
        let new = Arc::<Place>::default();
        places.insert(name.to_owned(), new.clone());
        new
    }
}
