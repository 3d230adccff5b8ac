//! The way from a line to the ledger.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tracing::{info, warn};

use super::identity::Identity;
use super::ledger::{Exchange, Ledger};
use super::line::Line;
use super::log::Ms;

/// A ledger that takes longer counts as away.
pub(super) const LEDGER_TIMEOUT: Duration = Duration::from_millis(300);

/// The ledger, for one identity.
pub(super) struct Link {
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) identity: Identity,
    /// The number of this process.
    pub(super) process: u32,
}

/// Makes an exchange in a task of its own, since a future of a caller may be polled no longer.
pub(super) fn spawn(line: Arc<Line>, asked_at: Ms, exchange: Exchange) {
    tokio::spawn(async move {
        let Some(link) = &line.link else { return };
        let answer = link.ledger.exchange(link.identity, &exchange);
        let answer = match timeout(LEDGER_TIMEOUT, answer).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err("it does not answer in time".to_owned()),
        };
        line.update(|tally, now| {
            let leases = tally.leases.as_mut()?;
            let was_away = leases.is_away();
            match answer {
                Ok(answer) => {
                    leases.take_answer(asked_at, now, &exchange, &answer);
                    tally.heed_answer(now, &answer);
                    was_away.then_some(Ok(()))
                }
                Err(why) => {
                    leases.take_failure(asked_at, now, exchange);
                    if was_away {
                        return None;
                    }
                    tally.count_others(now);
                    Some(Err(why))
                }
            }
        })
        .inspect(|change| match change {
            Ok(()) => {
                info!(target: "octoseal", { octoseal.identity = %link.identity }, "ledger back");
            }
            Err(why) => {
                warn!(target: "octoseal", { octoseal.identity = %link.identity, octoseal.why = why }, "ledger away");
            }
        });
        line.ring_all();
        line.exchange_ended.notify_waiters();
    });
}
