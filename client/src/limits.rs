//! How fast requests may leave, and when none may: time and numbers, no HTTP.
//!
//! What the runtime asks of a [`Gate`]:
//! - [`pass`](Gate::pass) waits for leave to send one request of a [`Cost`], and tells of each wait. It gives a
//!   [`Pass`], or says why the request [stays](Stays).
//! - A [`Pass`] is told what the reply said: [`refused`](Pass::refused) for a limit, or [`answered`](Pass::answered)
//!   with what is left of the quota. Dropped without either, it gives its place back. [`outdated`](Pass::outdated)
//!   says whether the gate has closed since it was given.
//! - [`closed`](Gate::closed) says until when the gate is closed, for callers that wait for another's request.
//! - [`charge`](Gate::charge) counts a request that left without a pass.

mod gate;
mod pacing;

pub use gate::WaitReason;
pub(crate) use gate::{Gate, LONGEST, Pass, Quota, Refusal, Stays, TooLong};
pub(crate) use pacing::Cost;
pub use pacing::Pacing;
