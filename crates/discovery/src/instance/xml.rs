//! Eureka's XML, written from JSON and read into it, so that one description of the members serves both forms.
//!
//! The form is that of the Java codec (XStream): an indentation of two spaces, names with their underscores doubled, and
//! `@class` and `@enabled` as attributes, beside which `$` is the text.

pub(crate) mod names;
mod read;
mod text;

use serde_json::{Map, Value};

pub(crate) use read::{Malformed, read};
pub(crate) use text::{is_allowed, push_escaped};

/// Writes an element and what is in it, on lines of their own. `depth` is how many elements it stands in.
pub(crate) fn write(target: &mut String, depth: usize, name: &str, value: &Value) {
    let text = match value {
        Value::Null => return,
        Value::Array(items) => {
            return items.iter().for_each(|item| write(target, depth, name, item));
        }
        Value::Object(members) => return write_object(target, depth, name, members),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    open(target, depth, name);
    target.push('>');
    push_escaped(target, &text);
    end(target, name);
}

fn write_object(target: &mut String, depth: usize, name: &str, members: &Map<String, Value>) {
    open(target, depth, name);
    for (attribute, value) in members {
        let (Some(attribute), Some(value)) = (attribute_name(attribute), plain(value)) else {
            continue;
        };
        target.push_str(&format!(" {attribute}=\""));
        push_escaped(target, &value);
        target.push('"');
    }
    let text = members.get("$").filter(|_| members.contains_key("@enabled")).and_then(plain);
    if let Some(text) = text {
        target.push('>');
        push_escaped(target, &text);
        return end(target, name);
    }
    let mut children = members.iter().filter(|(name, _)| attribute_name(name).is_none()).peekable();
    if children.peek().is_none() {
        target.push_str("/>\n");
        return;
    }
    target.push_str(">\n");
    children.for_each(|(child, value)| write(target, depth + 1, child, value));
    indent(target, depth);
    end(target, name);
}

/// The members that are attributes: no others are, whatever a client calls them.
fn attribute_name(member: &str) -> Option<&str> {
    matches!(member, "@class" | "@enabled").then(|| member.trim_start_matches('@'))
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn open(target: &mut String, depth: usize, name: &str) {
    indent(target, depth);
    target.push('<');
    names::push_encoded(target, name);
}

fn end(target: &mut String, name: &str) {
    target.push_str("</");
    names::push_encoded(target, name);
    target.push_str(">\n");
}

fn indent(target: &mut String, depth: usize) {
    (0..depth).for_each(|_| target.push_str("  "));
}

#[cfg(test)]
mod tests;
