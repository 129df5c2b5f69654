//! A page's filter as a `where` clause. What SQLite cannot tell is left to be looked at row by row: it knows upper and
//! lower case of ASCII letters only.

use anyhow::Context;

use super::columns::{instant_text, quoted};
use crate::{Condition, IdKind, Kind, Page, Row, Table, Test, Value};

/// A filter in two parts, both of which a row has to meet.
pub(super) struct Filter<'a> {
    /// `where …` with `?` for each of `values`, or nothing.
    pub(super) sql: String,
    /// Values for the clause.
    pub(super) values: Vec<Value>,
    /// What is left.
    rest: Vec<&'a Condition>,
}

impl<'a> Filter<'a> {
    pub(super) fn new(table: &Table, page: &'a Page) -> anyhow::Result<Self> {
        let (mut clauses, mut values, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        for condition in &page.filter {
            let (name, kind) = column(table, condition.column)?;
            match clause(&name, kind, &condition.test) {
                Some((sql, bound)) => {
                    clauses.push(sql);
                    values.extend(bound);
                }
                None => rest.push(condition),
            }
        }
        let sql = match clauses.is_empty() {
            true => String::new(),
            false => format!(" where {}", clauses.join(" and ")),
        };
        Ok(Filter { sql, values, rest })
    }

    /// Whether the clause says all that there is to say.
    pub(super) fn is_complete(&self) -> bool {
        self.rest.is_empty()
    }

    /// Whether a row that meets the clause meets the rest too.
    pub(super) fn selects(&self, row: &Row) -> bool {
        self.rest.iter().all(|condition| condition.is_met_by(row))
    }
}

/// The order of a page as the content of an `order by` clause.
pub(super) fn order(table: &Table, page: &Page) -> anyhow::Result<String> {
    let mut order = String::new();
    for sort in &page.sort {
        let (name, kind) = column(table, sort.column)?;
        let direction = match sort.direction {
            crate::Direction::Ascending => "asc",
            crate::Direction::Descending => "desc",
        };
        if kind == Kind::Instant {
            order.push_str(&format!("{} {direction}, ", year(&name)));
        }
        order.push_str(&format!("{name} {direction}, "));
    }
    Ok(order + "rowid")
}

/// The quoted name and the kind of a column; `None` is the id.
fn column(table: &Table, column: Option<usize>) -> anyhow::Result<(String, Kind)> {
    let Some(at) = column else {
        let kind = match table.id {
            IdKind::ObjectId => Kind::Text,
            IdKind::Sequence => Kind::Integer,
        };
        return Ok((quoted(&table.key), kind));
    };
    let column =
        table.columns.get(at).with_context(|| format!("{} has no column {at}", table.name))?;
    Ok((quoted(&column.name), column.kind))
}

/// The year of an instant's text. Before the year 0 the texts of earlier instants are greater, but not within one year.
fn year(text: &str) -> String {
    format!("cast({text} as integer)")
}

/// A condition in SQL and the values for its question marks; nothing when SQLite cannot tell.
fn clause(name: &str, kind: Kind, test: &Test) -> Option<(String, Vec<Value>)> {
    let compared = |operator, limit: &Value| match (limit.kind() == Some(kind), limit) {
        (false, _) => ("false".to_owned(), Vec::new()),
        (true, Value::Instant(instant)) => {
            let text = Value::Text(instant_text(*instant));
            let (year, limit) = (year(name), year("?"));
            (format!("({year}, {name}) {operator} ({limit}, ?)"), vec![text.clone(), text])
        }
        (true, limit) => (format!("{name} {operator} ?"), vec![limit.clone()]),
    };
    let listed = |operator, values: &[Value]| {
        let values: Vec<Value> =
            values.iter().filter(|value| value.kind() == Some(kind)).cloned().collect();
        let places = vec!["?"; values.len()].join(", ");
        // An empty list is equal to nothing, and unlike what is not there too.
        (format!("({name} is not null and {name} {operator} ({places}))"), values)
    };
    Some(match test {
        Test::OneOf(values) => listed("in", values),
        Test::NoneOf(values) => listed("not in", values),
        Test::Less(limit) => compared("<", limit),
        Test::AtMost(limit) => compared("<=", limit),
        Test::Greater(limit) => compared(">", limit),
        Test::AtLeast(limit) => compared(">=", limit),
        Test::IsSet(true) => (format!("{name} is not null"), Vec::new()),
        Test::IsSet(false) => (format!("{name} is null"), Vec::new()),
        Test::Contains(_) | Test::Lacks(_) if kind == Kind::Text => return None,
        Test::Contains(_) | Test::Lacks(_) => ("false".to_owned(), Vec::new()),
    })
}
