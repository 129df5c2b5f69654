//! YAML as a flat list of dotted keys, the way Spring reads it: with the words and numbers of YAML 1.1, anchors and merges,
//! and with bounds for all that a text could blow up.

mod nodes;
mod words;

use std::rc::Rc;

use nodes::{Node, Tree};
use words::{Word, word};

/// One value of a YAML file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The dotted key, for example `spring.mail.port`; list items end in `[0]`, `[1]`, ….
    pub key: String,
    /// The value as text; empty for null and for what is empty.
    pub value: String,
    /// The line of the value, from 1.
    pub line: usize,
    /// The column of the value in its line, from 1.
    pub column: usize,
    /// What the value is.
    pub kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text, and null.
    Text,
    /// A number or a truth value, whose text is JSON as well.
    Literal,
    /// A list without items. Spring, too, keeps its key, so that a list can be emptied.
    EmptyList,
    /// A mapping without members.
    EmptyMapping,
}

/// How many values the documents of one text may have together, after anchors are followed.
const ENTRIES: usize = 50_000;
/// Below which key Spring puts a document that is no mapping.
const DOCUMENT: &str = "document";

/// Reads the first document of a YAML text into dotted keys, in the order of the text. Empty mappings are left out.
///
/// # Errors
/// Says what is wrong and where.
pub fn flatten(text: &str) -> Result<Vec<Entry>, String> {
    let first = documents(text)?.into_iter().next().unwrap_or_default();
    Ok(first.into_iter().filter(|entry| entry.kind != Kind::EmptyMapping).collect())
}

/// Reads every document of a YAML text, which `---` separates, as [`flatten`] reads the first, but with empty mappings.
/// A document without anything is left out.
///
/// # Errors
/// Says what is wrong and where: what is no YAML, a key that stands twice, nested deeper than 64 levels, more than 50
/// aliases of lists and mappings (Spring's own limit), more than 50,000 values.
pub fn documents(text: &str) -> Result<Vec<Vec<Entry>>, String> {
    let (mut documents, mut left) = (Vec::new(), ENTRIES);
    for document in nodes::documents(text)? {
        let is_null = matches!(&document.tree, Tree::Scalar { text, plain: true } if matches!(word(text), Word::Null));
        if is_null {
            continue;
        }
        let mut entries = Entries { found: Vec::new(), left };
        let root = match document.tree {
            Tree::Mapping(_) => String::new(),
            _ => DOCUMENT.to_owned(),
        };
        entries.walk(&document, root)?;
        left = entries.left;
        documents.push(entries.found);
    }
    Ok(documents)
}

/// Whether a plain scalar would be read as text, not as a word, a number, a time or a merge (YAML 1.1).
pub fn is_text(text: &str) -> bool {
    !matches!(text, "<<" | " ") && word(text) == Word::Text && !words::is_time(text)
}

struct Entries {
    found: Vec<Entry>,
    left: usize,
}

impl Entries {
    fn walk(&mut self, node: &Rc<Node>, key: String) -> Result<(), String> {
        match &node.tree {
            Tree::Scalar { text, plain } => {
                let (value, kind) = value(text, *plain);
                self.add(node, key, value, kind)
            }
            Tree::List(items) if items.is_empty() => {
                self.add(node, key, String::new(), Kind::EmptyList)
            }
            Tree::List(items) => {
                for (position, item) in items.iter().enumerate() {
                    self.walk(item, format!("{key}[{position}]"))?;
                }
                Ok(())
            }
            Tree::Mapping(members) if members.is_empty() && !key.is_empty() => {
                self.add(node, key, String::new(), Kind::EmptyMapping)
            }
            Tree::Mapping(members) => {
                for (name, value) in members {
                    // A name in brackets belongs to the key before it, as an index does.
                    let key = match key.as_str() {
                        "" => name.clone(),
                        key if name.starts_with('[') => format!("{key}{name}"),
                        key => format!("{key}.{name}"),
                    };
                    self.walk(value, key)?;
                }
                Ok(())
            }
        }
    }

    fn add(&mut self, node: &Node, key: String, value: String, kind: Kind) -> Result<(), String> {
        self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| format!("line {}: more than {ENTRIES} values", node.line))?;
        self.found.push(Entry { key, value, line: node.line, column: node.column, kind });
        Ok(())
    }
}

fn value(text: &str, plain: bool) -> (String, Kind) {
    if !plain {
        return (text.to_owned(), Kind::Text);
    }
    match word(text) {
        Word::Null => (String::new(), Kind::Text),
        Word::Truth(truth) => (truth.to_string(), Kind::Literal),
        Word::Number(number) => (number, Kind::Literal),
        Word::NoFinite(name) => (name.to_owned(), Kind::Text),
        Word::Text => (text.to_owned(), Kind::Text),
    }
}

#[cfg(test)]
mod tests;
