//! JSON as the original writes it: indented by two blanks, with blanks around colons and inside of brackets.

use std::fmt::Write;

use super::{
    flat::{Nested, Ordered},
    source::{Source, Value},
};

/// How characters beyond the Basic Multilingual Plane are written; the original differs by form.
#[derive(Clone, Copy, PartialEq)]
enum Rare {
    Escaped,
    AsTheyAre,
}

/// What the answer to a question for sources begins with.
pub(super) struct Head<'a> {
    pub(super) name: &'a str,
    /// In one piece, as the original gives them.
    pub(super) profiles: &'a str,
    pub(super) label: Option<&'a str>,
    pub(super) version: Option<&'a str>,
}

/// Whether each value comes with its place.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Origins {
    With,
    Without,
}

/// The answer to a question for sources (contract §7.2).
pub(super) fn environment(head: &Head<'_>, sources: &[Source], origins: Origins) -> String {
    let mut out = Out { text: String::new(), rare: Rare::Escaped, depth: 0 };
    let given = |text: Option<&str>| text.map(|text| Value::Text(text.to_owned()));
    out.open('{');
    out.member("name", Some(&Value::Text(head.name.to_owned())));
    out.next();
    out.key("profiles");
    out.text.push_str("[ ");
    out.string(head.profiles);
    out.text.push_str(" ]");
    for (key, value) in [("label", head.label), ("version", head.version), ("state", None)] {
        out.next();
        out.member(key, given(value).as_ref());
    }
    out.next();
    out.key("propertySources");
    out.items(sources, |out, source| {
        out.open('{');
        out.member("name", Some(&Value::Text(source.name.clone())));
        out.next();
        out.key("source");
        out.members(source.properties.iter(), |out, property| {
            out.key(&property.key);
            // The original knows no place of what it has decrypted.
            if origins == Origins::Without || property.secret {
                return out.value(Some(&property.value));
            }
            let origin = match property.place {
                (0, 0) => source.file.clone(),
                (line, column) => format!("{line}:{column}"),
            };
            out.open('{');
            out.member("value", Some(&property.value));
            out.next();
            out.member("origin", Some(&Value::Text(origin)));
            out.close('}');
        });
        out.close('}');
    });
    out.close('}');
    out.text
}

/// Nested values.
pub(super) fn nested(root: &Ordered<Nested>) -> String {
    let mut out = Out { text: String::new(), rare: Rare::AsTheyAre, depth: 0 };
    out.mapping(root);
    out.text
}

/// A flat object of texts.
pub(super) fn texts(members: &[(&str, &str)]) -> String {
    let mut out = Out { text: String::new(), rare: Rare::Escaped, depth: 0 };
    out.members(members.iter(), |out, (key, value)| {
        out.member(key, Some(&Value::Text((*value).to_owned())));
    });
    out.text
}

struct Out {
    text: String,
    rare: Rare,
    depth: usize,
}

impl Out {
    fn open(&mut self, bracket: char) {
        self.text.push(bracket);
        self.depth += 1;
        self.line();
    }

    fn close(&mut self, bracket: char) {
        self.depth -= 1;
        self.line();
        self.text.push(bracket);
    }

    fn next(&mut self) {
        self.text.push(',');
        self.line();
    }

    fn line(&mut self) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n("  ", self.depth));
    }

    fn key(&mut self, key: &str) {
        self.string(key);
        self.text.push_str(" : ");
    }

    fn member(&mut self, key: &str, value: Option<&Value>) {
        self.key(key);
        self.value(value);
    }

    /// An object of what is written one by one.
    fn members<T>(&mut self, all: impl Iterator<Item = T>, write: impl Fn(&mut Self, T)) {
        let mut all = all.peekable();
        if all.peek().is_none() {
            self.text.push_str("{ }");
            return;
        }
        self.open('{');
        for (position, one) in all.enumerate() {
            if position > 0 {
                self.next();
            }
            write(self, one);
        }
        self.close('}');
    }

    /// A list, which stays on the line of what it is a list of.
    fn items<T>(&mut self, all: &[T], write: impl Fn(&mut Self, &T)) {
        self.text.push_str("[ ");
        for (position, one) in all.iter().enumerate() {
            if position > 0 {
                self.text.push_str(", ");
            }
            write(self, one);
        }
        self.text.push_str(if all.is_empty() { "]" } else { " ]" });
    }

    fn mapping(&mut self, mapping: &Ordered<Nested>) {
        self.members(mapping.iter(), |out, (key, value)| {
            out.key(key);
            out.nested(value);
        });
    }

    fn nested(&mut self, value: &Nested) {
        match value {
            Nested::Leaf(value) => self.value(Some(value)),
            Nested::Null => self.value(None),
            Nested::List(items) => self.items(items, |out, item| out.nested(item)),
            Nested::Mapping(members) => self.mapping(members),
        }
    }

    fn value(&mut self, value: Option<&Value>) {
        match value {
            None => self.text.push_str("null"),
            Some(Value::Text(text)) => self.string(text),
            Some(Value::Literal(text)) => self.text.push_str(text),
            Some(Value::EmptyList) => self.text.push_str("[ ]"),
            Some(Value::EmptyMapping) => self.text.push_str("{ }"),
        }
    }

    fn string(&mut self, text: &str) {
        self.text.push('"');
        for c in text.chars() {
            match c {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                '\u{8}' => self.text.push_str("\\b"),
                '\u{c}' => self.text.push_str("\\f"),
                c if c < ' ' || (c > '\u{ffff}' && self.rare == Rare::Escaped) => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        // Writing to a string cannot fail.
                        let _ = write!(self.text, "\\u{unit:04X}");
                    }
                }
                c => self.text.push(c),
            }
        }
        self.text.push('"');
    }
}
