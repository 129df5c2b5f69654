//! Reads XML within bounds: no document type, no entities but XML's own five, no deep nesting.

use quick_xml::{
    Reader,
    events::{BytesRef, BytesStart, Event},
};
use serde_json::{Map, Value};

use super::{names, text::is_allowed};

/// How many elements may stand in one another. Eureka's own documents need six.
const DEEPEST: usize = 16;

/// The text is not XML of the kind that the registry reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Malformed(&'static str);

/// An element that is being read.
struct Open {
    name: String,
    members: Map<String, Value>,
    text: String,
    has_children: bool,
}

/// Reads a document into the name of its outermost element and that element's value: attributes are members that begin
/// with `@`, the text beside them is `$`, and an element without attributes and children is its text.
///
/// # Errors
/// When it is not well-formed UTF-8 and XML, or goes beyond the bounds of this module.
pub(crate) fn read(document: &[u8]) -> Result<(String, Value), Malformed> {
    let document =
        std::str::from_utf8(document).map_err(|_| Malformed("the XML is not written in UTF-8"))?;
    let mut reader = Reader::from_str(document.trim_start_matches('\u{feff}'));
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    loop {
        let event = reader.read_event().map_err(|_| Malformed("the XML is not well-formed"))?;
        match event {
            Event::Start(start) => open.push(begin(&start, open.len(), root.is_some())?),
            Event::Empty(start) => {
                let element = begin(&start, open.len(), root.is_some())?;
                close(element, &mut open, &mut root);
            }
            Event::End(_) => {
                let element = open.pop().ok_or(Malformed("the XML is not well-formed"))?;
                close(element, &mut open, &mut root);
            }
            Event::Text(text) => push_text(open.last_mut(), &text.xml10_content())?,
            Event::CData(text) => push_text(open.last_mut(), &text.xml10_content())?,
            Event::GeneralRef(reference) => {
                push_text(open.last_mut(), referred(&reference)?.encode_utf8(&mut [0; 4]))?;
            }
            Event::DocType(_) => return Err(Malformed("the XML has a document type")),
            Event::Eof if open.is_empty() => {
                return root.ok_or(Malformed("the XML has no element"));
            }
            Event::Eof => return Err(Malformed("the XML ends early")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

fn begin(start: &BytesStart<'_>, depth: usize, after_root: bool) -> Result<Open, Malformed> {
    if depth >= DEEPEST {
        return Err(Malformed("the XML is nested too deeply"));
    }
    if after_root {
        return Err(Malformed("the XML has more than one outermost element"));
    }
    let mut members = Map::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| Malformed("an attribute is not well-formed"))?;
        let value = attribute.normalized_value(quick_xml::XmlVersion::Explicit1_0);
        let value = value.map_err(|_| Malformed("an attribute has an unknown entity"))?;
        let name: &str = attribute.key.as_ref();
        members.insert(format!("@{name}"), check(&value)?.into());
    }
    let name = names::decode(start.name().as_ref());
    Ok(Open { name, members, text: String::new(), has_children: false })
}

/// Gives a finished element to the one around it, or makes it the outermost.
fn close(element: Open, open: &mut [Open], root: &mut Option<(String, Value)>) {
    let Open { name, mut members, text, has_children } = element;
    let value = if members.is_empty() && !has_children {
        Value::String(text)
    } else {
        if !has_children && !text.is_empty() {
            members.insert("$".to_owned(), text.into());
        }
        Value::Object(members)
    };
    match open.last_mut() {
        Some(parent) => {
            parent.has_children = true;
            parent.members.insert(name, value);
        }
        None => *root = Some((name, value)),
    }
}

fn push_text(open: Option<&mut Open>, text: &str) -> Result<(), Malformed> {
    match open {
        Some(element) => element.text.push_str(check(text)?),
        None if text.trim().is_empty() => {}
        None => return Err(Malformed("the XML has text outside of its element")),
    }
    Ok(())
}

fn check(text: &str) -> Result<&str, Malformed> {
    if text.chars().all(is_allowed) {
        return Ok(text);
    }
    Err(Malformed("the XML has a character that XML does not allow"))
}

fn referred(reference: &BytesRef<'_>) -> Result<char, Malformed> {
    let number = reference.resolve_char_ref();
    if let Some(character) = number.map_err(|_| Malformed("a reference is no character"))? {
        return Ok(character);
    }
    match &*reference.xml10_content() {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(Malformed("the XML has an unknown entity")),
    }
}
