//! A page's filter and order in SQL.

use anyhow::Context;

use super::{
    columns::{Bound, quoted},
    instant::Instant,
};
use crate::{Direction, Kind, Page, Table, Test, Value};

/// A condition that no row meets.
const NEVER: &str = "false";

/// A `where` clause and the values for its places, which begin with `$1`.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    clauses: Vec<String>,
    places: Vec<Place>,
}

#[derive(Debug, Clone)]
enum Place {
    Text(String),
    Integer(i64),
    Real(f64),
    Boolean(bool),
    Instant(Instant),
    Texts(Vec<String>),
    Integers(Vec<i64>),
    Reals(Vec<f64>),
    Booleans(Vec<bool>),
    Instants(Vec<Instant>),
}

impl Filter {
    /// Writes a filter. `folding` is the collation that knows upper and lower case.
    pub(super) fn new(table: &Table, page: &Page, folding: &str) -> anyhow::Result<Self> {
        let mut filter = Filter::default();
        for condition in &page.filter {
            let (name, kind) = column(table, condition.column)?;
            let clause = filter.clause(&name, kind, &condition.test, folding);
            filter.clauses.push(clause);
        }
        Ok(filter)
    }

    /// `where …`, or nothing.
    pub(super) fn sql(&self) -> String {
        match self.clauses.is_empty() {
            true => String::new(),
            false => format!(" where {}", self.clauses.join(" and ")),
        }
    }

    /// The first place that the clause leaves free.
    pub(super) fn next_place(&self) -> usize {
        self.places.len() + 1
    }

    pub(super) fn bind<'q>(self, query: Bound<'q>) -> Bound<'q> {
        self.places.into_iter().fold(query, |query, place| match place {
            Place::Text(value) => query.bind(value),
            Place::Integer(value) => query.bind(value),
            Place::Real(value) => query.bind(value),
            Place::Boolean(value) => query.bind(value),
            Place::Instant(value) => query.bind(value),
            Place::Texts(values) => query.bind(values),
            Place::Integers(values) => query.bind(values),
            Place::Reals(values) => query.bind(values),
            Place::Booleans(values) => query.bind(values),
            Place::Instants(values) => query.bind(values),
        })
    }

    fn place(&mut self, place: Place) -> String {
        self.places.push(place);
        format!("${}", self.places.len())
    }

    fn clause(&mut self, name: &str, kind: Kind, test: &Test, folding: &str) -> String {
        match test {
            Test::OneOf(values) => {
                let list = self.place(list(kind, values));
                format!("{name} = any({list})")
            }
            // An empty list is unlike what is not there too.
            Test::NoneOf(values) => {
                let list = self.place(list(kind, values));
                format!("({name} is not null and {name} <> all({list}))")
            }
            Test::Contains(_) | Test::Lacks(_) if kind != Kind::Text => NEVER.to_owned(),
            Test::Contains(part) => self.contained(name, part, folding, ("> 0", NEVER)),
            Test::Lacks(part) => {
                self.contained(name, part, folding, ("= 0", &format!("{name} is not null")))
            }
            Test::Less(limit) => self.compared(name, kind, "<", limit),
            Test::AtMost(limit) => self.compared(name, kind, "<=", limit),
            Test::Greater(limit) => self.compared(name, kind, ">", limit),
            Test::AtLeast(limit) => self.compared(name, kind, ">=", limit),
            Test::IsSet(true) => format!("{name} is not null"),
            Test::IsSet(false) => format!("{name} is null"),
        }
    }

    /// Looks where a part is in a text, both in lower case: no character of it is a pattern.
    fn contained(
        &mut self,
        name: &str,
        part: &str,
        folding: &str,
        (found, null_character): (&str, &str),
    ) -> String {
        if part.contains('\0') {
            return null_character.to_owned();
        }
        let part = self.place(Place::Text(part.to_owned()));
        format!(
            "strpos(lower({name}::text collate {folding}), lower({part} collate {folding})) {found}"
        )
    }

    fn compared(&mut self, name: &str, kind: Kind, operator: &str, limit: &Value) -> String {
        let (operator, place) = match limit {
            limit if limit.kind() != Some(kind) => return NEVER.to_owned(),
            Value::Null => return NEVER.to_owned(),
            Value::Text(text) => match text.split_once('\0') {
                None => (operator, Place::Text(text.clone())),
                // No text has the character, so that none lies between what stands before it and the whole.
                Some((before, _)) if operator.starts_with('<') => {
                    ("<=", Place::Text(before.to_owned()))
                }
                Some((before, _)) => (">", Place::Text(before.to_owned())),
            },
            Value::Integer(number) => (operator, Place::Integer(*number)),
            Value::Real(number) => (operator, Place::Real(*number)),
            Value::Boolean(truth) => (operator, Place::Boolean(*truth)),
            Value::Instant(instant) => (operator, Place::Instant(Instant::to_compare(*instant))),
        };
        let place = self.place(place);
        match kind {
            Kind::Text => format!("{name}::text collate \"C\" {operator} {place}"),
            _ => format!("{name} {operator} {place}"),
        }
    }
}

/// The content of an `order by` clause; the id decides last, later rows have greater ones.
pub(super) fn order(table: &Table, page: &Page) -> anyhow::Result<String> {
    let mut order = String::new();
    for sort in &page.sort {
        let (name, kind) = column(table, sort.column)?;
        let direction = match sort.direction {
            Direction::Ascending => "asc nulls first",
            Direction::Descending => "desc nulls last",
        };
        order.push_str(&format!("{} {direction}, ", ordered(&name, kind)));
    }
    Ok(order + &ordered(&quoted(&table.key), table.id.kind()))
}

fn ordered(name: &str, kind: Kind) -> String {
    match kind {
        Kind::Text => format!("{name}::text collate \"C\""),
        _ => name.to_owned(),
    }
}

/// The quoted name and the kind of a column; `None` is the id.
fn column(table: &Table, column: Option<usize>) -> anyhow::Result<(String, Kind)> {
    let Some(at) = column else { return Ok((quoted(&table.key), table.id.kind())) };
    let column =
        table.columns.get(at).with_context(|| format!("{} has no column {at}", table.name))?;
    Ok((quoted(&column.name), column.kind))
}

/// Those values that a column of this kind can have.
fn list(kind: Kind, values: &[Value]) -> Place {
    let mut list = match kind {
        Kind::Text => Place::Texts(Vec::new()),
        Kind::Integer => Place::Integers(Vec::new()),
        Kind::Real => Place::Reals(Vec::new()),
        Kind::Boolean => Place::Booleans(Vec::new()),
        Kind::Instant => Place::Instants(Vec::new()),
    };
    for value in values {
        match (&mut list, value) {
            (Place::Texts(list), Value::Text(text)) if !text.contains('\0') => {
                list.push(text.clone());
            }
            (Place::Integers(list), Value::Integer(number)) => list.push(*number),
            (Place::Reals(list), Value::Real(number)) => list.push(*number),
            (Place::Booleans(list), Value::Boolean(truth)) => list.push(*truth),
            (Place::Instants(list), Value::Instant(instant)) => {
                list.push(Instant::to_compare(*instant));
            }
            _ => {}
        }
    }
    list
}
