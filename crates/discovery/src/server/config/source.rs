//! What a file says: documents of properties, each with its place, and for which profiles each document counts.

use std::{fmt, sync::Arc};

use chassis::config::yaml::{self, Kind};

use super::{conditions, properties};

/// The kinds of files, the strongest first.
pub(super) const EXTENSIONS: [&str; 3] = ["properties", "yml", "yaml"];
/// The keys by which a document of a file says for which profiles it counts; the second is the older one.
const CONDITIONS: [&str; 2] = ["spring.config.activate.on-profile", "spring.profiles"];

/// One file, or one document of a file with several.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Source {
    /// The name by which clients know it.
    pub(super) name: String,
    /// Where people find it: a path, or a repository's address and the path in it, or what else it is.
    pub(super) file: String,
    /// The commit it is of, where there are commits.
    pub(super) commit: Option<String>,
    pub(super) properties: Arc<Vec<Property>>,
}

impl Source {
    /// What the server itself is told to say first; nothing when that is nothing.
    pub(super) fn overrides(pairs: &[(String, String)]) -> Option<Self> {
        let property = |(key, value): &(String, String)| Property {
            key: key.clone(),
            value: Value::Text(value.clone()),
            place: (0, 0),
            secret: false,
        };
        (!pairs.is_empty()).then(|| Source {
            name: "overrides".to_owned(),
            file: "Config server overrides".to_owned(),
            commit: None,
            properties: Arc::new(pairs.iter().map(property).collect()),
        })
    }
}

/// One value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Property {
    pub(super) key: String,
    pub(super) value: Value,
    /// The line and the column, both from 1; both 0 in what is no file.
    pub(super) place: (usize, usize),
    /// Whether the value was encrypted.
    pub(super) secret: bool,
}

/// A value as the forms of the interface need it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    /// A number or a truth value, whose text is JSON as well.
    Literal(String),
    EmptyList,
    EmptyMapping,
}

impl fmt::Display for Value {
    /// Writes the value as Java's `toString` does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Value::Text(text) | Value::Literal(text) => text,
            Value::EmptyList => "[]",
            Value::EmptyMapping => "{}",
        })
    }
}

/// One document of a file.
#[derive(Debug, PartialEq)]
pub(super) struct Document {
    pub(super) properties: Arc<Vec<Property>>,
    /// The profiles, or expressions of profiles, one of which must be active; none when it counts always.
    pub(super) conditions: Vec<String>,
}

impl Document {
    fn new(properties: Vec<Property>) -> Self {
        let items = |key: &str| {
            let is_item = |name: &str| {
                name.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
            };
            let found = properties.iter().filter(|property| is_item(&property.key));
            found.map(|property| property.value.to_string()).collect::<Vec<_>>()
        };
        let texts = CONDITIONS.iter().flat_map(|key| items(key)).collect::<Vec<_>>();
        let conditions = texts.iter().flat_map(|text| text.split(','));
        let conditions = conditions.map(|text| text.trim().to_owned()).collect();
        Document { properties: Arc::new(properties), conditions }
    }

    /// Whether it counts when these profiles are active.
    pub(super) fn counts_for(&self, profiles: &[String]) -> bool {
        let holds = |condition: &String| conditions::hold(condition, profiles);
        self.conditions.is_empty() || self.conditions.iter().any(holds)
    }
}

/// Reads a file by the end of its name.
///
/// # Errors
/// Says what is wrong and where.
pub(super) fn parse(file: &str, bytes: &[u8]) -> Result<Vec<Document>, String> {
    if file.ends_with(".properties") {
        // Java reads such a file in ISO 8859-1, in which each byte is a character.
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        return Ok(properties::documents(&text).into_iter().map(Document::new).collect());
    }
    let text = std::str::from_utf8(bytes).map_err(|error| format!("not UTF-8: {error}"))?;
    let documents = yaml::documents(text.trim_start_matches('\u{feff}'))?;
    let read =
        |entries: Vec<yaml::Entry>| Document::new(entries.into_iter().map(property).collect());
    Ok(documents.into_iter().map(read).collect())
}

fn property(entry: yaml::Entry) -> Property {
    let value = match entry.kind {
        Kind::Text => Value::Text(entry.value),
        Kind::Literal => Value::Literal(entry.value),
        Kind::EmptyList => Value::EmptyList,
        Kind::EmptyMapping => Value::EmptyMapping,
    };
    Property { key: entry.key, value, place: (entry.line, entry.column), secret: false }
}
