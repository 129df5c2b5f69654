//! YAML as the original writes it (SnakeYAML's block style): which texts need quotes, and where long ones are folded.

mod style;

use super::{
    flat::{Nested, Ordered},
    source::Value,
};
use style::{Style, style};

/// The column after which a long text goes on in the next line.
const WIDTH: usize = 80;

/// Nested values as a YAML document.
pub(super) fn yaml(root: &Ordered<Nested>) -> String {
    let mut out = Out { text: String::new(), column: 0 };
    if root.is_empty() {
        return "{}\n".to_owned();
    }
    out.mapping(root, 0, false);
    out.text
}

struct Out {
    text: String,
    column: usize,
}

impl Out {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.chars().count();
    }

    fn line(&mut self, indent: usize) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
    }

    /// Members, each in lines of its own; the first goes on in the line that is begun when `inline`.
    fn mapping(&mut self, mapping: &Ordered<Nested>, indent: usize, inline: bool) {
        for (position, (key, value)) in mapping.iter().enumerate() {
            if position > 0 || !inline {
                self.text.extend(std::iter::repeat_n(' ', indent));
                self.column = indent;
            }
            self.scalar(key, indent + 2, Place::Key);
            self.push(":");
            match value {
                Nested::Mapping(below) if !below.is_empty() => {
                    self.text.push('\n');
                    self.mapping(below, indent + 2, false);
                }
                Nested::List(items) if !items.is_empty() => {
                    self.text.push('\n');
                    self.items(items, indent, false);
                }
                value => {
                    self.push(" ");
                    self.leaf(value, indent + 2);
                }
            }
        }
    }

    /// Items, whose dashes stand below the first letter of the key.
    fn items(&mut self, items: &[Nested], indent: usize, inline: bool) {
        for (position, item) in items.iter().enumerate() {
            if position > 0 || !inline {
                self.text.extend(std::iter::repeat_n(' ', indent));
                self.column = indent;
            }
            self.push("- ");
            match item {
                Nested::Mapping(below) if !below.is_empty() => {
                    self.mapping(below, indent + 2, true)
                }
                Nested::List(below) if !below.is_empty() => self.items(below, indent + 2, true),
                item => self.leaf(item, indent + 2),
            }
        }
    }

    fn leaf(&mut self, value: &Nested, indent: usize) {
        match value {
            Nested::Leaf(Value::Text(text)) => self.scalar(text, indent, Place::Value),
            Nested::Leaf(value) => self.push(&value.to_string()),
            Nested::Null => self.push("null"),
            Nested::List(_) => self.push("[]"),
            Nested::Mapping(_) => self.push("{}"),
        }
        self.text.push('\n');
    }

    fn scalar(&mut self, text: &str, indent: usize, place: Place) {
        match style(text, place) {
            Style::Plain => self.folded(text, indent, place, ""),
            Style::Single => self.folded(&text.replace('\'', "''"), indent, place, "'"),
            Style::Double => self.double_quoted(text, indent, place),
            Style::Literal => self.literal(text, indent),
        }
    }

    /// Writes words; beyond the width, a single blank becomes a line break.
    fn folded(&mut self, text: &str, indent: usize, place: Place, quote: &str) {
        self.push(quote);
        let mut rest = text;
        while let Some(blank) = rest.find(' ') {
            let (word, after) = rest.split_at(blank);
            self.push(word);
            let blanks = after.len() - after.trim_start_matches(' ').len();
            let inside = !self.begins(text, rest) || !word.is_empty();
            let splits = place == Place::Value && blanks == 1 && after.len() > 1 && inside;
            match splits && self.column > WIDTH {
                true => self.line(indent),
                false => self.push(&after[..blanks]),
            }
            rest = &after[blanks..];
        }
        self.push(rest);
        self.push(quote);
    }

    /// Whether nothing of the text has been written yet.
    fn begins(&self, text: &str, rest: &str) -> bool {
        text.len() == rest.len()
    }

    fn double_quoted(&mut self, text: &str, indent: usize, place: Place) {
        self.push("\"");
        let length = text.chars().count();
        for (position, c) in text.chars().enumerate() {
            if c == ' '
                && place == Place::Value
                && self.column > WIDTH
                && (1..length - 1).contains(&position)
            {
                // A blank at the end of a line is lost unless the break is escaped.
                self.push("\\");
                self.line(indent);
                self.push("\\ ");
                continue;
            }
            match style::escaped(c) {
                Some(escaped) => self.push(&escaped),
                None => self.push(c.encode_utf8(&mut [0; 4])),
            }
        }
        self.push("\"");
    }

    /// Writes lines as they are, below a bar that tells how the text ends.
    fn literal(&mut self, text: &str, indent: usize) {
        self.push("|");
        if text.starts_with([' ', '\n']) {
            self.push("2");
        }
        match text.strip_suffix('\n') {
            None => self.push("-"),
            Some(rest) if rest.is_empty() || rest.ends_with('\n') => self.push("+"),
            Some(_) => {}
        }
        let lines: Vec<&str> = text.split('\n').collect();
        let last = lines.len() - 1;
        for (position, line) in lines.iter().enumerate() {
            if position == last && line.is_empty() {
                break;
            }
            match line.is_empty() {
                true => self.text.push('\n'),
                false => self.line(indent),
            }
            self.push(line);
        }
    }
}

/// Where a text stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Key,
    Value,
}

#[cfg(test)]
mod tests;
