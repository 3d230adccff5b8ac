//! What a fault does to the requests that it strikes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;

use crate::answer::reply::Reply;
use crate::github::GitHub;
use crate::mount::delivery::{Delivery, Way};

/// Changes a reply.
pub(crate) type Change = Arc<dyn Fn(Response<Bytes>) -> Response<Bytes> + Send + Sync>;
/// Happens before a request is worked on.
pub(crate) type Action = Arc<dyn Fn(&GitHub) + Send + Sync>;

#[derive(Clone)]
pub(crate) enum Effect {
    /// The request is not worked on: this is the answer.
    Instead(Instead),
    /// The key of the scope that the request is about is replaced before the request is worked on.
    RotateKey,
    /// Something happens before the request is worked on.
    Meanwhile(Action),
    /// The request is worked on, and what it is shown is twisted.
    Twist(Twist),
    /// The request is worked on, and its reply changed.
    Change(Change),
    /// The request is worked on or not, and its reply travels badly.
    Delivery { applied: bool, delivery: Delivery },
}

/// An answer in place of GitHub's.
#[derive(Clone)]
pub(crate) struct Instead {
    pub(crate) reply: Reply,
    /// So long after the refusal the primary limit comes back, which a header says.
    pub(crate) reset_in: Option<Duration>,
    /// It does not come from GitHub, and has none of its headers.
    pub(crate) foreign: bool,
}

/// One thing that is not as it is in what a request is shown.
#[derive(Clone, Debug)]
pub(crate) enum Twist {
    /// Pages hold at most so many entries.
    ShortPages(usize),
    /// So many entries at the end of a list are hidden by single sign-on.
    Hidden(usize),
    /// `Link` is left out.
    NoLinks,
    /// `Link` names another host.
    LinksTo(String),
    /// `Link` names the page that it comes with as the next one.
    LinksToItself,
    /// `total_count` says so.
    Total(u64),
    /// `total_count` is left out.
    NoTotal,
    /// What is shown is so old.
    Stale(Duration),
}

/// All that a fault does to one request.
#[derive(Clone, Default)]
pub(crate) struct Strike {
    pub(crate) instead: Option<Instead>,
    pub(crate) rotate_key: bool,
    pub(crate) meanwhile: Vec<Action>,
    pub(crate) twists: Vec<Twist>,
    pub(crate) changes: Vec<Change>,
    pub(crate) delivery: Delivery,
    pub(crate) not_applied: bool,
}

impl Strike {
    pub(crate) fn of(effects: &[Effect]) -> Self {
        let mut strike = Self::default();
        for effect in effects.iter().cloned() {
            match effect {
                Effect::Instead(instead) => strike.instead = Some(instead),
                Effect::RotateKey => strike.rotate_key = true,
                Effect::Meanwhile(action) => strike.meanwhile.push(action),
                Effect::Twist(twist) => strike.twists.push(twist),
                Effect::Change(change) => strike.changes.push(change),
                Effect::Delivery { applied, delivery } => {
                    strike.not_applied |= !applied;
                    strike.delivery.delay += delivery.delay;
                    strike.delivery.interim += delivery.interim;
                    if delivery.how != Way::Whole {
                        strike.delivery.how = delivery.how;
                    }
                }
            }
        }
        strike
    }

    /// Whether GitHub works on the request.
    pub(crate) fn is_worked_on(&self) -> bool {
        self.instead.is_none() && !self.not_applied
    }
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instead(instead) => write!(f, "answer {}", instead.reply.status()),
            Self::RotateKey => f.write_str("rotate the key"),
            Self::Meanwhile(_) => f.write_str("something happens before"),
            Self::Twist(twist) => write!(f, "{twist:?}"),
            Self::Change(_) => f.write_str("change the reply"),
            Self::Delivery { applied, delivery } => write!(f, "applied: {applied}, {delivery:?}"),
        }
    }
}
