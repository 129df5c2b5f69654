//! Tables, rows and values: what a backend needs to know of an entity.

use std::{borrow::Cow, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A table, described by a value: a `const` in generated code, or built at run time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The table's or collection's name.
    pub name: Cow<'static, str>,
    /// What its ids are.
    pub id: IdKind,
    /// The name of the id's column in SQL, mostly `id`.
    pub key: Cow<'static, str>,
    /// The class that Spring Data MongoDB reads its documents into; they name it in `_class`.
    pub class: Option<Cow<'static, str>>,
    /// The columns beside the id.
    pub columns: Cow<'static, [Column]>,
}

/// A column beside the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The column's name in the database.
    pub name: Cow<'static, str>,
    /// What it holds.
    pub kind: Kind,
    /// Whether every row has a value.
    pub required: bool,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Any text; a backend may refuse one with U+0000 in it.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// A floating-point number of 64 bits.
    Real,
    /// True or false.
    Boolean,
    /// A point in time, kept to the millisecond at least; what a backend cannot keep of it is cut off, so that a kept
    /// instant is never later than the given one. A backend may refuse years before -4712.
    Instant,
}

/// What the ids of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdKind {
    /// Text; new ids are MongoDB object ids in hexadecimal, as Spring Data makes them.
    ObjectId,
    /// A number from a sequence, in blocks of 50 as Hibernate's pooled optimizer takes them.
    Sequence,
}

/// The id of a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Id {
    /// A textual id.
    Text(String),
    /// A number.
    Integer(i64),
}

/// A value of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// See [`Kind::Text`].
    Text(String),
    /// See [`Kind::Integer`].
    Integer(i64),
    /// See [`Kind::Real`].
    Real(f64),
    /// See [`Kind::Boolean`].
    Boolean(bool),
    /// See [`Kind::Instant`].
    Instant(Timestamp),
}

/// A row as it was read: values in the order of the table's columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The row's id.
    pub id: Id,
    /// Changes when the content changes; says nothing else. A replacement names the version that it was made from.
    pub version: i64,
    /// The values, one per column.
    pub values: Vec<Value>,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Id::Text(text) => f.write_str(text),
            Id::Integer(number) => number.fmt(f),
        }
    }
}

impl Value {
    /// What kind of value this is; `Null` is of none.
    pub(crate) fn kind(&self) -> Option<Kind> {
        match self {
            Value::Null => None,
            Value::Text(_) => Some(Kind::Text),
            Value::Integer(_) => Some(Kind::Integer),
            Value::Real(_) => Some(Kind::Real),
            Value::Boolean(_) => Some(Kind::Boolean),
            Value::Instant(_) => Some(Kind::Instant),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}
