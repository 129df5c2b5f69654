//! What an entity is, as a value: generated code supplies it as a `const`, and it can be built at run time.

use std::borrow::Cow;

use database::{Column, IdKind, Kind, Table};

/// An entity: everything that serving, checking, keeping and showing it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity {
    /// The name in the model, for example `Order`.
    pub name: Cow<'static, str>,
    /// The path segment of the collection, for example `orders`.
    pub collection: Cow<'static, str>,
    /// The table's or collection's name in the database.
    pub table: Cow<'static, str>,
    /// The Java class that the twin reads it into, which documents of MongoDB name.
    pub class: Cow<'static, str>,
    /// What its ids are.
    pub id: IdKind,
    /// The fields beside the id, in the order of the wire.
    pub fields: Cow<'static, [Field]>,
}

/// A field beside the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The member's name in JSON.
    pub name: Cow<'static, str>,
    /// The column's name in the database.
    pub column: Cow<'static, str>,
    /// What it holds.
    pub kind: FieldKind,
    /// What every value must keep to.
    pub rules: Cow<'static, [Rule]>,
    /// How many characters its column takes, where that is bounded without a rule: JHipster's SQL databases have 255.
    pub width: Option<u32>,
}

/// What a field holds, in the model's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldKind {
    /// Any text.
    String,
    /// A whole number of 32 bits.
    Integer,
    /// A whole number of 64 bits.
    Long,
    /// A floating-point number of 64 bits.
    Double,
    /// True or false.
    Boolean,
    /// A point in time.
    Instant,
    /// One of these names.
    Enum(Cow<'static, [Cow<'static, str>]>),
}

/// A rule for the values of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// There must be a value.
    Required,
    /// A text has at least so many characters (UTF-16 units, as Java counts them).
    MinLength(u32),
    /// A text has at most so many characters (UTF-16 units, as Java counts them).
    MaxLength(u32),
    /// A number is at least this.
    Min(i64),
    /// A number is at most this.
    Max(i64),
}

impl Entity {
    /// What the database needs to know of it.
    pub fn table(&self) -> Table {
        let column = |field: &Field| Column {
            name: field.column.clone(),
            kind: field.kind.column(),
            required: field.is_required(),
        };
        Table {
            name: self.table.clone(),
            id: self.id,
            key: Cow::Borrowed("id"),
            class: Some(self.class.clone()),
            columns: self.fields.iter().map(column).collect(),
        }
    }

    /// The name with a small first letter, as it stands in error bodies: `order`.
    pub fn object_name(&self) -> String {
        let mut letters = self.name.chars();
        letters
            .next()
            .map(|first| first.to_lowercase().chain(letters).collect())
            .unwrap_or_default()
    }

    /// The name within an application, as it stands in the headers that pages read: `shopOrder`.
    pub fn qualified_name(&self, application: &str) -> String {
        format!("{application}{}", self.name)
    }

    /// The position of a field by its name.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }
}

impl Field {
    /// Whether there must be a value.
    pub fn is_required(&self) -> bool {
        self.rules.contains(&Rule::Required)
    }
}

impl FieldKind {
    fn column(&self) -> Kind {
        match self {
            FieldKind::String | FieldKind::Enum(_) => Kind::Text,
            FieldKind::Integer | FieldKind::Long => Kind::Integer,
            FieldKind::Double => Kind::Real,
            FieldKind::Boolean => Kind::Boolean,
            FieldKind::Instant => Kind::Instant,
        }
    }
}
