//! What is known of an operation: the hand-written half of [`operations`](crate::operations).

use progenitor_client::OperationInfo;

use crate::operations::ALL;

/// One of GitHub's operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Operation {
    /// GitHub's id: `actions/list-org-secrets`.
    pub id: &'static str,
    /// The function of [`Client`](crate::Client) that calls it: `actions_list_org_secrets`.
    pub function: &'static str,
    /// The HTTP method, in upper case.
    pub method: &'static str,
    /// The path, with its parameters in braces: `/orgs/{org}/actions/secrets`.
    pub path: &'static str,
    /// What it counts as where GitHub limits traffic.
    pub cost: Cost,
    /// What it is a list of (`secrets`), if it is a list that is paged by number (`page`, `per_page`).
    pub entries: Option<&'static str>,
}

impl Operation {
    /// The operation that has this id, if the client has it.
    pub fn by_id(id: &str) -> Option<Self> {
        ALL.iter().find(|each| each.id == id).copied()
    }

    /// The operation that a hook is called for.
    pub fn of(info: &OperationInfo) -> Option<Self> {
        let function = info.operation_id;
        ALL.iter().find(|each| each.function == function).copied()
    }
}

/// What a call counts as where GitHub limits traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cost {
    /// It changes nothing.
    Read,
    /// It changes something.
    Write,
    /// It changes something that people are notified of, which the description marks (`triggersNotification`): GitHub
    /// limits these more tightly than other writes.
    Content,
}

/// One page of a list that is paged by number.
pub trait Paged {
    /// What the list is of.
    type Item;

    /// How many entries all pages have together, if the page tells.
    fn total_count(&self) -> Option<i64>;

    /// The entries of this page.
    fn into_items(self) -> Vec<Self::Item>;
}

impl<T> Paged for Vec<T> {
    type Item = T;

    fn total_count(&self) -> Option<i64> {
        None
    }

    fn into_items(self) -> Self {
        self
    }
}

/// A list that a kind of success leaves out is empty.
impl<P: Paged> Paged for Option<P> {
    type Item = P::Item;

    fn total_count(&self) -> Option<i64> {
        self.as_ref().and_then(P::total_count)
    }

    fn into_items(self) -> Vec<Self::Item> {
        self.map(P::into_items).unwrap_or_default()
    }
}
