//! Which rows of a table a caller wants to see.

use crate::Row;

/// A page of rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// How many rows to pass over.
    pub offset: u64,
    /// How many rows to read at most.
    pub limit: u32,
    /// The order; rows that it leaves equal, or all rows when it is empty, come in the order of their insertion.
    pub sort: Vec<Sort>,
}

/// One step of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// The position of the column in the table; `None` is the id.
    pub column: Option<usize>,
    /// Which way.
    pub direction: Direction,
}

/// Which way an order goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Ascending,
    /// Largest first.
    Descending,
}

/// The rows of a page, and how many there are in all.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// The rows of the page.
    pub rows: Vec<Row>,
    /// How many rows the table has.
    pub total: u64,
}

impl Page {
    /// The first `limit` rows in the order of their insertion.
    pub fn first(limit: u32) -> Self {
        Page { offset: 0, limit, sort: Vec::new() }
    }
}
