//! The store in which processes that call as one identity keep count together.

use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

use super::cost::Cost;
use super::identity::Identity;
use super::log::Rule;
use super::signals::{Closing, Quota, WaitReason};

/// Any error of a ledger.
pub type LedgerError = Box<dyn std::error::Error + Send + Sync>;

/// The future of a [`Ledger`].
pub type LedgerFuture<'a> = Pin<Box<dyn Future<Output = Result<Answer, LedgerError>> + Send + 'a>>;

/// A lease that is not settled this many milliseconds after it begins counts as spent: its process has died, or waits
/// for a reply.
pub const LEASE_MS: u64 = 4_000;

/// A lease begins at most this many milliseconds after it is given.
pub const SOON_MS: u64 = 2_000;

/// A process that was not heard of for this many milliseconds is no longer counted.
pub const ABSENT_MS: u64 = 600_000;

/// A process that waits for its turn loses it if it comes more than this many milliseconds after it was told to.
pub const LATE_MS: u64 = 2_000;

/// The most requests of each kind that a process waits in the line for, or is granted while others are to come soon.
pub const CHUNK: u32 = 16;

/// A store in which processes that call as one identity keep count together, so that all of them keep to the limits
/// that hold for all of them.
///
/// A process takes capacity in **leases**: leave to send some requests within some seconds. Within a lease it asks
/// nothing. It tells what it used of a lease, and what it did not, when it asks for the next one, or when nothing of
/// the lease is under way any more.
///
/// # What a ledger keeps
/// For each identity, and forgotten a day after it was last asked:
/// - the **spent** requests of the last minute and those of the last hour: by 1/240 of the span (250 ms, 15 s; the
///   instant divided by it, rounded down) how many of each kind, how many of them passed, and the last of their ends.
///   These are free again half a percent after a span from that end (60,300 ms, 3,618,000 ms), since clocks run apart;
/// - the **leases** that are not settled: a number, what is left, when it ends, and whether it has **ended**. The first
///   number is the instant at which the identity was first asked for, but 1 at least, so that a ledger which has lost its
///   memory gives out none again; each further is one more. What has ended is leased no longer;
/// - what is left of the **quota**, and when it is full again;
/// - until when the gate is **closed** and why; the lease that has gone ahead to see whether the wait is over (the
///   probe); the number of refusals in a row; and the number of the first lease after the last refusal (`since`, at
///   first 0);
/// - a **note**, of which it reads the version alone;
/// - the **processes** that it has heard of, and when;
/// - the **line** of those that wait, in the order in which they came: what each wants, and when it was told to come.
///
/// # What an exchange does
/// All of it is one atomic step, by the ledger's own clock. What the exchange tells is true as of `at_ms`, or as of now if
/// that is 0, later than now or [`ABSENT_MS`] ago. In this order:
/// 1. Leases whose end has come are ended, and what is left of them counts as spent as of that end. Spent requests that
///    are free again, a quota that is full again, processes not heard of for [`ABSENT_MS`], leases that ended so long
///    ago, and those in the line that are more than [`LATE_MS`] late are forgotten. So are, unless this exchange is late,
///    the leases that exchanges of this process after `answered` were granted: it has not heard of them, and nothing of
///    them is spent; what was counted when they ended counts no longer. An exchange is **late** if its `number`, not
///    being 0, is not higher than that of one before it: it was given up, and grants nothing.
/// 2. Each of `refusals`: if its lease is `since` or later, the refusals in a row become one more, and `since` the number
///    of the next lease. From `ago_ms` before on, the gate is closed for the longer of `wait_ms` and `doubled_ms`, the
///    latter doubled for each refusal in a row but the first (12 times at most), and for 3,601 s at most. If it is closed
///    for longer already, that stays, and its reason. There is no probe any more.
/// 3. Each of `settled`, unless this exchange is late: what is left of its lease becomes less by `spent` and `unused`, and
///    so does what counts as of its end, if it has ended and that is not free again. A lease of which nothing is left is
///    forgotten. Of the first `told_again`, so many are passed over as the process's last exchange told, if its number
///    was higher than `answered`. `spent` and `passed` count as of `ago_ms` before, unless the lease is not known: it was
///    settled or given back, or ended [`ABSENT_MS`] ago. Lease 0 is none, and what is told of it counts. If something
///    `passed` and the lease is `since` or later, there are no refusals in a row any more. If it is the probe: if
///    something `passed`, the gate is open, and if nothing did, there is no probe any more.
/// 4. `quota`, unless its `reset_ms` is 0, is full again after `reset_ms` (3,601 s at most) and a second; if it is so by
///    now, it is not kept. Of two that are full again within 5 s of each other the lower `remaining` holds, with the
///    instant known before; otherwise the one that is full again later.
/// 5. `note` replaces the note if its version is not lower.
/// 6. The process counts as heard of now. What is late ends here.
/// 7. One read, one write, one request that creates content, in turn and again and again: each that it still wants is
///    granted if there is [room](#room) for it within [`SOON_MS`] (at once, if the reason is another than the pace),
///    with those before it in the line that are to come by then; beyond [`CHUNK`] of its kind, with all others in the
///    line that are. What is granted is one lease, which begins as soon as there is room for all of it and ends
///    [`LEASE_MS`] after that. Of what changes something either all of a lease walks, [`CHUNK`] of a kind at most, or
///    nothing does. While the gate is closed there is no room; when its time is over, the first lease is the probe, and
///    there is no room besides it.
/// 8. A process that was granted something, or wants nothing more, leaves the line. If it still wants something, it
///    waits in its place, or at the end, for [`CHUNK`] of each kind at most. It is told to come again (`again_ms`) when
///    there is room for that and for all before it in the line, after 300 s at most, or 75 s, if it was not heard of
///    before, or no other in the line that was heard of within the last 75 s is to come within the next 75 s: should all
///    before it have died, it finds out. If it is not known when there is room (`or_sooner`), it comes after 250 ms for
///    itself and for each before it, 5 s at most.
///
/// # Room
/// There is room for requests, with others `before` them, from the latest of these instants on; the reason is that of
/// the first that does not hold now. If it is not known for one of the first three, it is not known.
/// - the gate is open, or closed no longer and without a probe that is still leased: known if it is closed; its reason;
/// - the quota's `remaining` is not below these, those before and all that is leased: known if nothing is leased or
///   nothing remains; the primary limit;
/// - these and all that is leased are `at_once` requests at most; and so they are with those before, unless the rules
///   have no room for those now: never known; the pace;
/// - each of `rules` that counts one of these at all: the units spent within its span, of these, of those before and of
///   all that is leased are `most` at most. Otherwise, for `walkers`, which count requests that change something:
///   these, those before and of each other lease what may be under way at once are so many at most, and if not, it is
///   not known. These then **walk**: of their lease, so many as the walkers leave may be under way at once (`at_once`),
///   and where they leave none, nothing is granted. Without walkers it is known: when enough of the spent requests are
///   free again, in the order of their ends, or if these do not suffice, after a span. For each `most` by which it is
///   too much, that is a span later. Both of these spans are a 240th longer (rounded down to a millisecond), since what
///   is spent until then ends later than what is leased now. A later instant that is known goes before one that is not;
///   the pace.
///
/// These alone, where they are more than `at_once`, `most` or `walkers`, count as if they were just as many.
///
/// # When it fails
/// An exchange may be given up after some hundred milliseconds, whether it was carried out or not: a lease that was not
/// heard of ends by itself, or with the next exchange; and what became of leases is told again, and counts once. The
/// process then keeps to its share of the limits, by the last known number of processes, and asks again later.
pub trait Ledger: Send + Sync {
    /// Tells what became of leases, and takes another.
    ///
    /// # Errors
    /// Any error that kept the ledger from answering.
    fn exchange<'a>(&'a self, identity: Identity, exchange: &'a Exchange) -> LedgerFuture<'a>;
}

/// A message of a process to a [`Ledger`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The process, by a random number.
    pub process: u32,
    /// Counts the exchanges of the process, from 1 on; 0 for one that is not counted.
    pub number: u64,
    /// The number of the last exchange of the process that was answered; 0 for none.
    pub answered: u64,
    /// The ledger's time as this is sent, reckoned by its last answer; 0 if there was none.
    pub at_ms: u64,
    /// How many of `settled`, from the first on, the exchange before this one told already.
    pub told_again: u32,
    /// Refusals since the last exchange.
    pub refusals: Vec<Refused>,
    /// The outcomes of requests since then.
    pub settled: Vec<Settled>,
    /// The rest of the quota, by the last reply.
    pub quota: Option<Quota>,
    /// The note, if it is to be changed.
    pub note: Option<Note>,
    /// Requests to be leased, as many of them as there is room for.
    pub wants: Cost,
    /// Requests under way at once, for all processes.
    pub at_once: u32,
    /// The limits, for all processes.
    pub rules: Vec<Rule>,
}

/// A refusal for a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The lease that the request belonged to.
    pub lease: u64,
    /// How many milliseconds ago it came.
    pub ago_ms: u64,
    /// For how long it closes the gate.
    pub closing: Closing,
}

/// The outcome of requests of a lease.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// The lease; 0 for requests that had none.
    pub lease: u64,
    /// How many milliseconds ago the requests ended.
    pub ago_ms: u64,
    /// Requests that were sent.
    pub spent: Cost,
    /// Those of them that were answered without a refusal.
    pub passed: Cost,
    /// Requests that will not be sent.
    pub unused: Cost,
}

/// A note that the processes of an identity share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The higher, the newer; 0 for none.
    pub version: u64,
    /// Text of some hundred bytes, for the processes alone to read.
    pub text: String,
}

/// The answer of a [`Ledger`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The ledger's clock, in milliseconds since any instant that stays the same.
    pub now_ms: u64,
    /// The new lease; 0 for none.
    pub lease: u64,
    /// The requests that it is for.
    pub granted: Cost,
    /// How many of these may be under way at once, of those that change something; `None` for all.
    pub at_once: Option<u32>,
    /// In how many milliseconds the lease begins.
    pub from_ms: u64,
    /// In how many milliseconds to ask again, if not everything was granted.
    pub again_ms: Option<u64>,
    /// Whether to ask again before that, as soon as nothing of the process is under way any more.
    pub or_sooner: bool,
    /// Why not everything was granted.
    pub reason: Option<WaitReason>,
    /// For how many milliseconds the gate is closed.
    pub closed_ms: Option<u64>,
    /// Why it is.
    pub closed_for: Option<WaitReason>,
    /// The number of the first lease after the last refusal.
    pub since: u64,
    /// Requests of the last minute.
    pub minute: Sums,
    /// Requests of the last hour.
    pub hour: Sums,
    /// Requests that are leased, those just granted included.
    pub leased: Cost,
    /// The note.
    pub note: Note,
    /// How many processes there are, this one included.
    pub processes: u32,
}

/// Requests within a span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Those that were sent.
    pub spent: Cost,
    /// Those of them that were answered without a refusal.
    pub passed: Cost,
}
