//! A list of instances, written piece by piece.

use serde_json::Value;

use super::Asked;
use crate::{
    instance::{Form, xml},
    server::leases::Listed,
};

/// How many instances are in one piece: about as much as a connection takes at once.
const PIECE: usize = 64;

/// The pieces of a list's text.
pub(super) struct List {
    asked: Asked,
    listed: Vec<Listed>,
    /// What stands before the first instance, until it is written.
    head: Option<String>,
    /// The next instance.
    at: usize,
}

impl List {
    /// A list of instances, which come in order of their applications.
    pub(super) fn new(asked: Asked, version: &str, hash_code: &str, listed: Vec<Listed>) -> Self {
        let head = match asked.form {
            Form::Json => format!(
                "{{\"applications\":{{\"versions__delta\":\"{version}\",\"apps__hashcode\":\"{hash_code}\",\"application\":["
            ),
            Form::Xml => {
                let mut head = "<applications>\n".to_owned();
                xml::write(&mut head, 1, "versions_delta", &version.into());
                xml::write(&mut head, 1, "apps_hashcode", &hash_code.into());
                head
            }
        };
        List { asked, listed, head: Some(head), at: 0 }
    }

    /// How many bytes are still to be written; not for the compact form.
    pub(super) fn length(&self) -> usize {
        let mut around = String::new();
        let mut length = self.head.as_ref().map_or(0, String::len);
        for at in self.at..self.listed.len() {
            self.push_before(at, &mut around);
            length += around.len() + self.listed[at].length(self.asked.form);
            around.clear();
        }
        self.push_end(&mut around);
        length + around.len()
    }

    fn push(&self, at: usize, text: &mut String) {
        self.push_before(at, text);
        push(text, self.asked, &self.listed[at]);
    }

    /// What stands between the instance before and this one.
    fn push_before(&self, at: usize, text: &mut String) {
        let name = self.listed[at].description().app.as_str();
        let before = at.checked_sub(1).and_then(|before| self.listed.get(before));
        match before {
            Some(before) if before.description().app == name => {
                return if self.asked.form == Form::Json {
                    text.push(',')
                };
            }
            Some(_) => self.push_end_of_application(text, ","),
            None => {}
        }
        match self.asked.form {
            Form::Json => push_start_of_application(text, name),
            Form::Xml => {
                text.push_str("  <application>\n");
                xml::write(text, 2, "name", &name.into());
            }
        }
    }

    fn push_end_of_application(&self, text: &mut String, between: &str) {
        match self.asked.form {
            Form::Json => {
                text.push_str("]}");
                text.push_str(between);
            }
            Form::Xml => text.push_str("  </application>\n"),
        }
    }

    fn push_end(&self, text: &mut String) {
        if !self.listed.is_empty() {
            self.push_end_of_application(text, "");
        }
        text.push_str(match self.asked.form {
            Form::Json => "]}}",
            Form::Xml => "</applications>",
        });
    }
}

impl Iterator for List {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let mut piece = match self.head.take() {
            Some(head) => head,
            None if self.at < self.listed.len() => String::new(),
            None => return None,
        };
        let end = (self.at + PIECE).min(self.listed.len());
        (self.at..end).for_each(|at| self.push(at, &mut piece));
        self.at = end;
        if end == self.listed.len() {
            self.push_end(&mut piece);
        }
        Some(piece)
    }
}

/// Appends `{"name":…,"instance":[…]}`.
pub(super) fn push_application(text: &mut String, asked: Asked, name: &str, listed: &[Listed]) {
    push_start_of_application(text, name);
    for (place, listed) in listed.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        push(text, asked, listed);
    }
    text.push_str("]}");
}

fn push_start_of_application(text: &mut String, name: &str) {
    text.push_str(&format!("{{\"name\":{},\"instance\":[", Value::from(name)));
}

/// Appends an instance in a list of applications.
fn push(text: &mut String, asked: Asked, listed: &Listed) {
    match (asked.compact, asked.form) {
        (false, form) => listed.push(form, text),
        (true, Form::Json) => {
            text.push_str(&listed.description().to_compact_value().to_string());
        }
        (true, Form::Xml) => {
            xml::write(text, 2, "instance", &listed.description().to_compact_value());
        }
    }
}
