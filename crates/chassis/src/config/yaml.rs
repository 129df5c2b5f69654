//! YAML as a flat list of dotted keys, the way Spring reads it.

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};

/// One value of a YAML file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The dotted key, for example `spring.mail.port`; list items end in `[0]`, `[1]`, ….
    pub key: String,
    /// The value as text; empty for null.
    pub value: String,
    /// The line of the value, from 1.
    pub line: usize,
    /// The column of the value in its line, from 1.
    pub column: usize,
    /// Whether the value is a number or a truth value, so that its text is JSON as well.
    pub literal: bool,
}

/// How deep a document may be nested.
const DEPTH: usize = 64;

/// Reads the first document of a YAML text into dotted keys, in the order of the text.
///
/// # Errors
/// Says what is wrong and where.
pub fn flatten(text: &str) -> Result<Vec<Entry>, String> {
    Ok(documents(text)?.into_iter().next().unwrap_or_default())
}

/// Reads every document of a YAML text, which `---` separates, as [`flatten`] reads the first.
///
/// # Errors
/// Says what is wrong and where.
pub fn documents(text: &str) -> Result<Vec<Vec<Entry>>, String> {
    let documents = MarkedYaml::load_from_str(text).map_err(|error| error.to_string())?;
    let entries = documents.iter().map(|document| {
        let mut entries = Vec::new();
        walk(document, String::new(), 0, &mut entries)?;
        Ok(entries)
    });
    entries.collect()
}

fn walk(
    node: &MarkedYaml<'_>,
    key: String,
    depth: usize,
    entries: &mut Vec<Entry>,
) -> Result<(), String> {
    let line = node.span.start.line();
    if depth > DEPTH {
        return Err(format!("line {line}: nested deeper than {DEPTH} levels"));
    }
    match &node.data {
        YamlData::Mapping(members) => {
            for (name, value) in members {
                let name =
                    scalar(name).ok_or_else(|| format!("line {line}: a key must be text"))?;
                let key = if key.is_empty() { name } else { format!("{key}.{name}") };
                walk(value, key, depth + 1, entries)?;
            }
            Ok(())
        }
        YamlData::Sequence(items) if items.is_empty() && !key.is_empty() => {
            // Spring, too, keeps the key, so that a list can be emptied.
            let column = node.span.start.col() + 1;
            entries.push(Entry { key, value: String::new(), line, column, literal: false });
            Ok(())
        }
        YamlData::Sequence(items) => {
            for (position, item) in items.iter().enumerate() {
                walk(item, format!("{key}[{position}]"), depth + 1, entries)?;
            }
            Ok(())
        }
        _ if key.is_empty() => Ok(()),
        _ => {
            let value = scalar(node)
                .ok_or_else(|| format!("line {line}: cannot read the value of {key}"))?;
            let literal = matches!(
                &node.data,
                YamlData::Value(Scalar::Boolean(_) | Scalar::Integer(_) | Scalar::FloatingPoint(_))
            );
            entries.push(Entry { key, value, line, column: node.span.start.col() + 1, literal });
            Ok(())
        }
    }
}

fn scalar(node: &MarkedYaml<'_>) -> Option<String> {
    match &node.data {
        YamlData::Value(Scalar::Null) => Some(String::new()),
        YamlData::Value(Scalar::Boolean(value)) => Some(value.to_string()),
        YamlData::Value(Scalar::Integer(value)) => Some(value.to_string()),
        // Not `to_string`, which makes 1 of 1.0.
        YamlData::Value(Scalar::FloatingPoint(value)) => Some(format!("{value:?}")),
        YamlData::Value(Scalar::String(value)) => Some(value.to_string()),
        YamlData::Representation(value, ..) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{documents, flatten};

    fn check(text: &str, expected: &[(&str, &str)]) {
        let entries = flatten(text).unwrap();
        let entries: Vec<_> =
            entries.iter().map(|entry| (entry.key.as_str(), entry.value.as_str())).collect();
        assert_eq!(entries, expected);
    }

    #[test]
    fn reads_nested_and_dotted_keys() {
        check("a:\n  b: 1\n  c.d: true\n", &[("a.b", "1"), ("a.c.d", "true")]);
        check("list:\n  - x\n  - y: 2\n", &[("list[0]", "x"), ("list[1].y", "2")]);
        check("empty:\n", &[("empty", "")]);
        check("empty: []\n", &[("empty", "")]);
        check("", &[]);
    }

    #[test]
    fn tells_numbers_from_text_and_where_they_are() {
        let entries = flatten("a:\n  b: 1.0\n  c: '1'\n").unwrap();
        let seen: Vec<_> =
            entries.iter().map(|e| (e.value.as_str(), e.literal, e.line, e.column)).collect();
        assert_eq!(seen, [("1.0", true, 2, 6), ("1", false, 3, 6)]);
    }

    #[test]
    fn reads_every_document() {
        let documents = documents("a: 1\n---\na: 2\nb: 3\n").unwrap();
        assert_eq!(documents.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn says_where_it_cannot_go_on() {
        assert!(flatten("a: [1\nb: }").is_err());
        assert!(flatten(&"[".repeat(200)).is_err());
    }
}
