//! The client's own last writes, since GitHub may tell the state before a write for some seconds; and the order of writes
//! to one secret.

use std::collections::{BTreeSet, HashMap};
use std::ops::{Deref, DerefMut};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, SystemTime};

use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, timeout, timeout_at};

use crate::error::{Error, ErrorKind};
use crate::runtime::{Allowance, Used, lock};

/// How long after a write what is read is compared with it, since GitHub's replicas lag by seconds.
pub(crate) const MAY_LAG_FOR: Duration = Duration::from_secs(30);

/// Secrets remembered at once, unless more are in use.
const MAX_REMEMBERED: usize = 4096;

/// A holder of a secret that was not polled for this time holds up others no longer.
const SILENT_AFTER: Duration = Duration::from_secs(60);

/// Secrets by their keys.
#[derive(Default)]
pub(crate) struct OwnWrites(Mutex<HashMap<String, Arc<Slot>>>);

/// A secret, which one call at a time holds.
#[derive(Default)]
struct Slot {
    written: Arc<tokio::sync::Mutex<Option<OwnWrite>>>,
    holder: Mutex<Weak<Used>>,
}

/// A secret that is held, with the client's last write to it.
pub(crate) struct Held {
    written: OwnedMutexGuard<Option<OwnWrite>>,
    slot: Arc<Slot>,
    /// A write has left, of which nothing is known yet.
    is_open: AtomicBool,
}

impl Held {
    /// Tells that a write of the secret leaves.
    pub(crate) fn leaves(&self) {
        self.is_open.store(true, Ordering::Relaxed);
    }

    /// Tells that it is known what became of the write.
    pub(crate) fn ended(&mut self) {
        *self.is_open.get_mut() = false;
    }
}

impl Deref for Held {
    type Target = Option<OwnWrite>;

    fn deref(&self) -> &Option<OwnWrite> {
        &self.written
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut Option<OwnWrite> {
        &mut self.written
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // A write that is dropped while it is under way may be made or not.
        if *self.is_open.get_mut() {
            *self.written = None;
        }
        // A weak reference keeps the memory of what it points to.
        *lock(&self.slot.holder) = Weak::new();
    }
}

/// A write of this client.
#[derive(Clone, Debug)]
pub(crate) struct OwnWrite {
    /// When GitHub answered, by its clock.
    pub(crate) at: Option<SystemTime>,
    pub(crate) left: Left,
    answered: Instant,
}

/// How a write left its secret.
#[derive(Clone, Debug)]
pub(crate) enum Left {
    Nothing,
    Secret {
        /// `None` if the write did not set it.
        visibility: Option<String>,
        selection: Selection,
    },
}

/// Knowledge of the repositories that a secret is selected for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// All of them, if that is known.
    pub(crate) all: Option<BTreeSet<i64>>,
    /// Some that are selected.
    pub(crate) with: BTreeSet<i64>,
    /// Some that are not selected.
    pub(crate) without: BTreeSet<i64>,
}

impl Selection {
    pub(crate) fn of(ids: Option<&[i64]>) -> Self {
        Self {
            all: ids.map(|ids| ids.iter().copied().collect()),
            ..Self::default()
        }
    }

    /// Adds or removes a repository.
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
        self.answered.elapsed() < MAY_LAG_FOR
    }
}

impl Slot {
    /// When GitHub answered the last write there, unless the secret is held.
    fn answered(&self) -> Option<Instant> {
        let own = self.written.try_lock().ok()?;
        own.as_ref().map(|own| own.answered)
    }

    /// Waits until the secret is free; `None` if its holder is no longer polled.
    async fn take(self: &Arc<Self>, life_sign: &Weak<Used>) -> Option<Held> {
        let mut held = pin!(self.written.clone().lock_owned());
        let mut is_silent = false;
        loop {
            // A call that has just got hold of it shows that it is polled within a second.
            let patience = match is_silent {
                true => Duration::from_secs(1),
                false => SILENT_AFTER,
            };
            if let Ok(written) = timeout(patience, &mut held).await {
                *lock(&self.holder) = life_sign.clone();
                let slot = self.clone();
                let is_open = AtomicBool::new(false);
                return Some(Held {
                    written,
                    slot,
                    is_open,
                });
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
    /// Waits until no other call of this client holds the secret of this key.
    pub(crate) async fn hold(&self, key: &str, allowance: &Allowance) -> Result<Held, Error> {
        let life_sign = allowance.life_sign();
        let held = async {
            loop {
                let slot = self.slot(key);
                match slot.take(&life_sign).await {
                    Some(held) => return held,
                    None => self.abandon(key, &slot),
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

    /// Leaves a slot to its silent holder: the next call gets a new one.
    fn abandon(&self, key: &str, silent: &Arc<Slot>) {
        lock(&self.0).retain(|other, slot| other != key || !Arc::ptr_eq(slot, silent));
    }

    fn slot(&self, key: &str) -> Arc<Slot> {
        let mut slots = lock(&self.0);
        if let Some(slot) = slots.get(key) {
            return slot.clone();
        }
        // What holds a slot, or waits for it, has it too.
        let in_use = |slot: &Arc<Slot>| Arc::strong_count(slot) > 1;
        if slots.len() >= MAX_REMEMBERED {
            let may_lag = |at: Instant| at.elapsed() < MAY_LAG_FOR;
            slots.retain(|_, slot| in_use(slot) || slot.answered().is_some_and(may_lag));
        }
        if slots.len() >= MAX_REMEMBERED {
            // The older half goes at once: to look for the oldest each time would take longer than a put.
            let mut answered: Vec<_> = slots.values().filter_map(|slot| slot.answered()).collect();
            let half = answered.len() / 2;
            if half > 0 {
                let (_, median, _) = answered.select_nth_unstable(half);
                let is_newer = |slot: &Slot| slot.answered().is_some_and(|at| at > *median);
                slots.retain(|_, slot| in_use(slot) || is_newer(slot));
            }
        }
        let new = Arc::<Slot>::default();
        slots.insert(key.to_owned(), new.clone());
        new
    }
}
