//! Reads that may take for ever.

use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::spawn_blocking;

/// A paused clock stands still for so long, in real time, while a thread works.
const CLOCK_HELD: Duration = Duration::from_secs(1);

/// At most one read at a time, which all who ask meanwhile wait for. It has a thread of its own: one that hangs takes
/// one of the runtime's and keeps the runtime from ending for a second at most.
pub(super) struct Reading<T>(Arc<Mutex<UnderWay<T>>>);

type UnderWay<T> = Weak<watch::Sender<Option<T>>>;

impl<T> Default for Reading<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Clone for Reading<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Clone + Send + Sync + 'static> Reading<T> {
    /// What the read that is under way gives, or this one. `None` if it has no thread, or panicked.
    pub(super) async fn join_or(&self, read: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let mut result = self.begin(read)?;
        let result = result.wait_for(Option::is_some).await.ok()?;
        result.clone()
    }

    fn begin(
        &self,
        read: impl FnOnce() -> T + Send + 'static,
    ) -> Option<watch::Receiver<Option<T>>> {
        let mut under_way = self.under_way();
        if let Some(other) = under_way.upgrade() {
            return Some(other.subscribe());
        }
        let result = Arc::new(watch::Sender::new(None));
        *under_way = Arc::downgrade(&result);
        let receiver = result.subscribe();
        let (working, ended) = mpsc::channel::<()>();
        let reading = self.clone();
        let work = move || {
            let value = read();
            // From here on, others begin anew.
            *reading.under_way() = Weak::new();
            result.send_replace(Some(value));
            drop(working);
        };
        thread::Builder::new().spawn(work).ok()?;
        // A paused clock runs on while only a thread is waited for, and stands still for the runtime's own work.
        spawn_blocking(move || ended.recv_timeout(CLOCK_HELD));
        Some(receiver)
    }

    fn under_way(&self) -> MutexGuard<'_, UnderWay<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .max_blocking_threads(2)
            .build()
            .unwrap()
    }

    #[test]
    fn a_read_that_hangs_is_one_for_all_and_keeps_neither_the_pool_nor_the_runtime() {
        let (reading, reads) = (Reading::default(), Arc::new(AtomicUsize::new(0)));
        let (hold, held) = mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let runtime = runtime();
        runtime.block_on(async {
            for _ in 0..600 {
                let (reads, held) = (reads.clone(), held.clone());
                let read = reading.join_or(move || {
                    reads.fetch_add(1, Ordering::SeqCst);
                    let _ = held.lock().unwrap().recv();
                });
                let read = tokio::time::timeout(Duration::from_secs(28), read);
                assert!(read.await.is_err());
            }
            assert_eq!(spawn_blocking(|| 7).await.unwrap(), 7);
        });
        drop(runtime);
        assert_eq!(reads.load(Ordering::SeqCst), 1);
        drop(hold);
    }

    #[test]
    fn each_read_that_begins_after_the_last_has_ended_is_a_new_one() {
        let reading = Reading::default();
        runtime().block_on(async {
            for number in 0..50 {
                // The clock does not run on meanwhile.
                let read =
                    tokio::time::timeout(Duration::from_millis(1), reading.join_or(move || number));
                assert_eq!(read.await.unwrap(), Some(number));
            }
            let broken = reading.join_or(|| panic!("a read that fails"));
            assert_eq!(broken.await, None);
        });
    }
}
