//! Numbers of requests, by the kinds that GitHub counts.

use std::ops::{Add, Sub};

use serde::{Deserialize, Serialize};

/// A number of requests of each kind that GitHub counts. Costs add up: leave for a read and a write is
/// `Cost::READ + Cost::WRITE`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Requests that change nothing: 1 point each.
    pub reads: u32,
    /// Requests that change something and create no content: 5 points each.
    pub writes: u32,
    /// Requests that create content, which GitHub limits besides: 5 points each.
    pub content: u32,
}

impl Cost {
    /// No request.
    pub const NONE: Self = Self::new(0, 0, 0);
    /// One request that changes nothing.
    pub const READ: Self = Self::new(1, 0, 0);
    /// One request that changes something.
    pub const WRITE: Self = Self::new(0, 1, 0);
    /// One request that creates content.
    pub const CONTENT: Self = Self::new(0, 0, 1);

    /// This many requests of each kind.
    pub const fn new(reads: u32, writes: u32, content: u32) -> Self {
        Self {
            reads,
            writes,
            content,
        }
    }

    /// These requests, `n` times.
    pub fn times(self, n: u32) -> Self {
        self.each(Self::new(n, n, n), u32::saturating_mul)
    }

    /// How many requests these are.
    pub fn requests(self) -> u32 {
        self.reads.saturating_add(self.changes())
    }

    /// How many of them change something.
    pub fn changes(self) -> u32 {
        self.writes.saturating_add(self.content)
    }

    /// How many units these requests count for, at `weights` units for one of each kind.
    pub fn weighed(self, weights: Self) -> u32 {
        let units = self.each(weights, u32::saturating_mul);
        units.requests()
    }

    /// Whether these include the others.
    pub fn covers(self, others: Self) -> bool {
        others - self == Self::NONE
    }

    /// Reads alone, writes alone, and content alone.
    pub(super) fn kinds(self) -> [Self; 3] {
        [Self::READ, Self::WRITE, Self::CONTENT].map(|kind| self.each(kind, |n, one| n * one))
    }

    pub(super) fn each(self, other: Self, f: impl Fn(u32, u32) -> u32) -> Self {
        Self::new(
            f(self.reads, other.reads),
            f(self.writes, other.writes),
            f(self.content, other.content),
        )
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.each(other, u32::saturating_add)
    }
}

impl Sub for Cost {
    type Output = Self;

    /// The difference of each kind, at least 0.
    fn sub(self, other: Self) -> Self {
        self.each(other, u32::saturating_sub)
    }
}
