//! Which rows of a table a caller wants to see.

use crate::{Row, Value};

/// A page of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// How many rows to pass over.
    pub offset: u64,
    /// How many rows to read at most.
    pub limit: u32,
    /// The order. Rows that it leaves equal, or all rows when it is empty, come in the order of their insertion, provided
    /// that later rows have greater ids, as new ids have: a backend may go by either.
    pub sort: Vec<Sort>,
    /// What a row must meet to be seen and counted: all of these.
    pub filter: Vec<Condition>,
}

/// One step of an order. Texts are ordered by their bytes; no value is smaller than every value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// The position of the column in the table; `None` is the id.
    pub column: Option<usize>,
    /// Which way.
    pub direction: Direction,
}

/// A condition on one column.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The position of the column in the table; `None` is the id.
    pub column: Option<usize>,
    /// What its value must be like.
    pub test: Test,
}

/// What a value must be like. No value meets `IsSet(false)` and nothing else, as in SQL. Values are of the column's kind;
/// for the id they are texts or integers; a value of another kind is unlike every value. Texts are compared by their
/// bytes, `Contains` and `Lacks` ignore case.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// It is one of these.
    OneOf(Vec<Value>),
    /// It is none of these.
    NoneOf(Vec<Value>),
    /// It is a text with this in it, in upper or lower case.
    Contains(String),
    /// It is a text without this in it, in upper or lower case.
    Lacks(String),
    /// It is smaller.
    Less(Value),
    /// It is smaller or equal.
    AtMost(Value),
    /// It is greater.
    Greater(Value),
    /// It is greater or equal.
    AtLeast(Value),
    /// There is a value, or there is none.
    IsSet(bool),
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
    /// How many rows meet the page's filter.
    pub total: u64,
}

impl Page {
    /// The first `limit` rows in the order of their insertion.
    pub fn first(limit: u32) -> Self {
        Page { offset: 0, limit, sort: Vec::new(), filter: Vec::new() }
    }
}
