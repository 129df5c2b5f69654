//! What a commit does: on copies of the rows that it touches, which replace them when nothing was in its way.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::Content;
use crate::{Changes, CommitError, Id, Row, Table, Value, Write};

/// Rows in the middle of a commit; `None` is one that was removed. With each its place in the order of insertion.
type Touched = HashMap<(String, Id), Option<(i64, Row)>>;

impl Content {
    /// Makes all changes or none.
    pub(super) fn apply(&mut self, changes: Changes, now: Timestamp) -> Result<(), CommitError> {
        let mut seen = HashSet::new();
        if changes.handled.iter().any(|it| self.inbox.contains_key(it) || !seen.insert(it)) {
            return Err(CommitError::AlreadyHandled);
        }
        let mut touched = Touched::new();
        for write in changes.writes {
            self.touch(&mut touched, write)?;
        }
        for ((table, id), row) in touched {
            let rows = &mut self.tables.entry(table).or_default().0;
            match row {
                Some(row) => drop(rows.insert(id, row)),
                None => drop(rows.remove(&id)),
            }
        }
        for message in changes.outgoing {
            let position = self.next();
            self.outbox.insert(position, message);
        }
        self.inbox.extend(changes.handled.into_iter().map(|handled| (handled, now)));
        Ok(())
    }

    fn touch(&mut self, touched: &mut Touched, write: Write) -> Result<(), CommitError> {
        let (table, id, expected, values) = match write {
            Write::Insert { table, id, values } => return self.insert(touched, &table, id, values),
            Write::Replace { table, id, version, values } => {
                (table, id, Some(version), Some(values))
            }
            Write::Overwrite { table, id, values } => (table, id, None, Some(values)),
            Write::Delete { table, id, version } => (table, id, version, None),
        };
        let Some((place, row)) = self.current(touched, &table, &id) else {
            return match (expected, values) {
                (None, None) => Ok(()),
                _ => Err(CommitError::Conflict),
            };
        };
        if expected.is_some_and(|version| version != row.version) {
            return Err(CommitError::Conflict);
        }
        let row =
            values.map(|values| (place, Row { id: id.clone(), version: row.version + 1, values }));
        touched.insert((table.name.into_owned(), id), row);
        Ok(())
    }

    fn insert(
        &mut self,
        touched: &mut Touched,
        table: &Table,
        id: Id,
        values: Vec<Value>,
    ) -> Result<(), CommitError> {
        if self.current(touched, table, &id).is_some() {
            return Err(CommitError::Conflict);
        }
        let row = (self.next(), Row { id: id.clone(), version: 1, values });
        touched.insert((table.name.to_string(), id), Some(row));
        Ok(())
    }

    /// A row as it is by now.
    fn current(&self, touched: &Touched, table: &Table, id: &Id) -> Option<(i64, Row)> {
        match touched.get(&(table.name.to_string(), id.clone())) {
            Some(row) => row.clone(),
            None => self.tables.get(table.name.as_ref())?.0.get(id).cloned(),
        }
    }

    fn next(&mut self) -> i64 {
        self.last += 1;
        self.last
    }
}
