//! Limits on traffic: how fast requests may leave, for each identity that GitHub counts.
//!
//! [`Pacing`] says which limits are kept, [`Identity`] for whom, and a [`Ledger`] lets processes that call as one
//! identity keep them together.

// The room knows time and numbers, and no HTTP: `gate` gives leave to send, from the `line` in front of each
// identity's `tally`, which counts what was sent (`log`), what refusals taught (`lessons`), and what is leased of a
// ledger (`leases`, over the `link` to it). What replies say of limits are `signals`.
mod budget;
mod cost;
mod gate;
mod identity;
mod leases;
mod ledger;
mod lessons;
mod line;
mod link;
mod log;
mod pacing;
mod signals;
mod tally;

pub use cost::Cost;
pub use identity::Identity;
pub use ledger::{
    ABSENT_MS, Answer, CHUNK, Exchange, LATE_MS, LEASE_MS, Ledger, LedgerError, LedgerFuture, Note,
    Refused, SOON_MS, Settled, Sums,
};
pub use lessons::Learnt;
pub use log::Rule;
pub use pacing::Pacing;
pub use signals::{Closing, Quota, WaitReason};

pub(crate) use budget::Budget;
pub(crate) use gate::{Ask, Gate, Leave, Limits, Stop, Ticket, charge_again, random_number};
pub(crate) use line::{NoLeave, TooLong};
pub(crate) use signals::{Cause, LONGEST_WAIT, Refusal};
