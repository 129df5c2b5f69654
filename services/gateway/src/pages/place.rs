//! A collection of a service, where its pages are, and its entities as the pages show them.

use ::pages::brief;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::shown::{Shown, label, plain, shown};
use crate::{
    openapi::{Collection, Kind},
    words,
};

/// A segment of a path: everything that could be read as something else is encoded, dots included.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

/// A collection of a service.
pub(crate) struct Place {
    pub(crate) service: String,
    pub(crate) collection: Collection,
}

/// An entity as it is shown.
pub(crate) struct Row {
    /// What people tell it by.
    pub(crate) name: String,
    /// Where its page is; an entity without an id has none.
    pub(crate) href: Option<String>,
    pub(crate) cells: Vec<Cell>,
}

/// A value and what it is called.
pub(crate) struct Cell {
    pub(crate) label: String,
    pub(crate) shown: Shown,
}

impl Place {
    /// Where the list is.
    pub(crate) fn href(&self) -> String {
        format!("/entities/{}/{}", self.service, self.collection.name)
    }

    /// Where a new one is made.
    pub(crate) fn new_href(&self) -> String {
        format!("{}/new", self.href())
    }

    /// Where one of them is.
    pub(crate) fn item_href(&self, id: &str) -> String {
        format!("{}/{}", self.href(), segment(id))
    }

    /// The collection's path at the service.
    pub(crate) fn api(&self) -> String {
        format!("/api/{}", self.collection.name)
    }

    /// The path of one of them at the service.
    pub(crate) fn item_api(&self, id: &str) -> String {
        format!("{}/{}", self.api(), segment(id))
    }

    /// The title within a sentence.
    pub(crate) fn title_inside(&self) -> String {
        words::words(&self.collection.name)
    }

    /// What the columns of the list are called.
    pub(crate) fn labels(&self) -> Vec<String> {
        self.collection.fields.iter().map(label).collect()
    }

    /// Prepares an entity for a line of a table, where long values are shortened.
    pub(crate) fn line(&self, entity: &Map<String, Value>) -> Row {
        let mut row = self.row(entity);
        for cell in &mut row.cells {
            cell.shown = std::mem::replace(&mut cell.shown, Shown::Nothing).brief();
        }
        row
    }

    /// Prepares an entity for showing.
    pub(crate) fn row(&self, entity: &Map<String, Value>) -> Row {
        let cells = self.collection.fields.iter();
        Row {
            name: self.name(entity),
            href: entity.get("id").and_then(id).map(|id| self.item_href(&id)),
            cells: cells
                .map(|field| Cell { label: label(field), shown: shown(field, entity) })
                .collect(),
        }
    }

    /// Calls an entity by its first text, else by its id.
    fn name(&self, entity: &Map<String, Value>) -> String {
        let texts = self
            .collection
            .fields
            .iter()
            .filter(|field| !field.is_id() && field.kind == Kind::Text);
        let text = texts
            .filter_map(|field| entity.get(&field.name)?.as_str())
            .find(|text| !text.trim().is_empty());
        let name = text.map(brief).or_else(|| entity.get("id").map(|id| brief(&plain(id))));
        format!("{} {}", self.collection.singular, name.unwrap_or_default()).trim_end().to_owned()
    }
}

fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::openapi::Field;

    fn place() -> Place {
        let field = |name: &str| Field {
            name: name.into(),
            label: name.into(),
            kind: Kind::Text,
            required: false,
            read_only: false,
            max_length: None,
        };
        let collection = Collection {
            name: "book-orders".into(),
            title: "Book orders".into(),
            singular: "book order".into(),
            fields: vec![field("id"), field("title")],
            can_create: true,
            can_edit: true,
            can_delete: true,
        };
        Place { service: "library".into(), collection }
    }

    #[test]
    fn ids_cannot_leave_their_segment() {
        for (id, expected) in
            [("7", "7"), ("a/../b", "a%2F%2E%2E%2Fb"), ("..", "%2E%2E"), ("?x#y", "%3Fx%23y")]
        {
            assert_eq!(place().item_api(id), format!("/api/book-orders/{expected}"));
            assert_eq!(place().item_href(id), format!("/entities/library/book-orders/{expected}"));
        }
    }

    #[test]
    fn entities_are_called_by_their_first_text_or_their_id() {
        for (entity, expected) in [
            (json!({ "id": 7, "title": "Moby Dick" }), "book order Moby Dick"),
            (json!({ "id": 7, "title": " " }), "book order 7"),
            (json!({}), "book order"),
        ] {
            assert_eq!(place().row(entity.as_object().unwrap()).name, expected);
        }
        assert_eq!(place().row(&Map::new()).href, None);
    }
}
