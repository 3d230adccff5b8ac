//! What this client wrote itself a short while ago, place by place: GitHub may go on telling the state before it for
//! some seconds. Writes at one place follow each other.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, timeout_at};

use crate::error::{Error, Kind};
use crate::runtime::Allowance;

/// For so long after a write, what is read is compared with it. GitHub's replicas lag by seconds.
const MAY_LAG: Duration = Duration::from_secs(30);

/// So many places are remembered at once.
const MAX_REMEMBERED: usize = 4096;

/// The places of one client.
#[derive(Default)]
pub(crate) struct OwnWrites(Mutex<HashMap<String, Arc<Place>>>);

/// A place in the hand of one write at a time.
type Place = tokio::sync::Mutex<Option<OwnWrite>>;
pub(crate) type HeldPlace = OwnedMutexGuard<Option<OwnWrite>>;

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

impl OwnWrites {
    /// Waits until no other write of this client is under way at the place.
    pub(crate) async fn hold(
        &self,
        place: String,
        allowance: &Allowance,
    ) -> Result<HeldPlace, Error> {
        let held = self.place(place).lock_owned();
        let Some(deadline) = allowance.deadline() else {
            return Ok(held.await);
        };
        timeout_at(deadline, held).await.map_err(|_| {
            let why = "another write to the same secret was under way until the time was used up";
            Error::new(Kind::Timeout, why)
        })
    }

    fn place(&self, place: String) -> Arc<Place> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.get(&place) {
            return place.clone();
        }
        if places.len() >= MAX_REMEMBERED {
            places.retain(|_, place| Arc::strong_count(place) > 1);
        }
        let new = Arc::<Place>::default();
        places.insert(place, new.clone());
        new
    }
}
