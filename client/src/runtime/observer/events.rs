//! The events that an observer is told of.

use std::time::{Duration, SystemTime};

use crate::error::ErrorKind;
use crate::limits::{Identity, Learnt, WaitReason};

/// Something that happened to a client's calls. None of it holds a value, a token, or what a server sent back.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A request has ended, with a reply or without.
    Request(Request),
    /// A wait begins: told once, however many calls wait together.
    Wait(Wait),
    /// GitHub refused for a limit, and nothing of this identity is sent until then: told once for each refusal that
    /// makes the wait longer.
    Limited(Wait),
    /// A refusal taught what the server's limits are: told once, by the client that was refused.
    Learnt(Lesson),
    /// GitHub says that an operation is deprecated: told once for each operation.
    Deprecated(Deprecation),
    /// A secret whose access is kept has a setting that this version does not know, so that the write may reset it: told
    /// once for each setting. See
    /// [`ClientBuilder::refuse_unknown_settings`](crate::ClientBuilder::refuse_unknown_settings).
    UnknownSetting(UnknownSetting),
    /// A member of a batch has its outcome, whether it was tried or not.
    Batch(Batch),
    /// A call of the public API has ended. One whose future was dropped does not end.
    Call(Call),
}

/// One request: an attempt of a call, or what a call needs beside it (a public key, an App's token).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// The id of GitHub's operation: `actions/create-or-update-org-secret`.
    pub operation: &'static str,
    /// Where: a scope as text, or what else the operation is about.
    pub place: String,
    /// The identity that GitHub counts it for.
    pub identity: Identity,
    /// The number of the attempt, from 1 on.
    pub attempt: u32,
    /// From handing it on, waits for a connection and for its turn there included, to the last byte of the reply.
    pub duration: Duration,
    /// The reply's status, if there was a reply.
    pub status: Option<u16>,
    /// What failed; `None` for a success.
    pub error: Option<ErrorKind>,
    /// GitHub's id of the request.
    pub request_id: Option<String>,
    /// How many requests are left of the hour's quota, if the reply says.
    pub quota_left: Option<u64>,
}

/// A wait of all calls of an identity, or of one before it tries again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait {
    /// The identity that GitHub counts the waiting calls for.
    pub identity: Identity,
    /// Why nothing is sent meanwhile.
    pub reason: WaitReason,
    /// How long.
    pub duration: Duration,
    /// Until when, by this machine's clock.
    pub until: SystemTime,
}

/// A lesson of a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lesson {
    /// The identity whose limits these are.
    pub identity: Identity,
    /// The rule that holds from now on.
    pub learnt: Learnt,
}

/// A deprecated operation, by the headers `Deprecation` and `Sunset` of a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deprecation {
    /// The id of GitHub's operation.
    pub operation: &'static str,
    /// Since when it is deprecated, or from when on, if the reply says.
    pub since: Option<SystemTime>,
    /// From when on it may no longer be there, if the reply says.
    pub sunset: Option<SystemTime>,
}

/// A setting of a secret that this version does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownSetting {
    /// Where the secret is: a scope as text.
    pub place: String,
    /// The secret's name; empty if it may be a token in the place of one.
    pub name: String,
    /// GitHub's name of the setting.
    pub setting: String,
}

/// How far a batch is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Batch {
    /// Its number in this process, from 1 on.
    pub number: u64,
    /// How many members have succeeded.
    pub succeeded: u64,
    /// How many have failed, those included that were not tried.
    pub failed: u64,
    /// The kind of the latest failure; `None` if the latest member succeeded.
    pub error: Option<ErrorKind>,
}

/// A call of the public API: a put, a deletion, a list. Each member of a batch is one, and so is each page of a list that
/// is taken page by page.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Call {
    /// The id of GitHub's operation that it is for: `actions/create-or-update-org-secret`.
    pub operation: &'static str,
    /// Where: a scope as text, or what else the operation is about.
    pub place: String,
    /// The name of the secret or the registry; empty if it is about none, or if what was given may be a value or a
    /// token in its place.
    pub name: String,
    /// From its beginning, all waits included.
    pub duration: Duration,
    /// What failed; `None` for a success.
    pub error: Option<ErrorKind>,
    /// The status of the reply that it failed with, if there was one.
    pub status: Option<u16>,
}
