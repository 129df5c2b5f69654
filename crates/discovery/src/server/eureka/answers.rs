//! The bodies of the registry's answers, put together from the instances' texts.
//!
//! Underscores in two names are doubled, in both forms, as the Java codec does.

mod list;

use axum::{http::StatusCode, response::Response};
use chassis::http::in_pieces;
use serde_json::Value;

use super::asked::Asked;
use crate::{
    instance::{Form, Instance, xml},
    server::leases::Listed,
};
use list::List;

/// One instance; 404 without.
pub(super) fn instance(asked: Asked, listed: Option<Listed>) -> Response {
    match listed {
        Some(listed) => one(asked, StatusCode::OK, &listed.instance()),
        None => asked.empty(StatusCode::NOT_FOUND),
    }
}

/// One instance, with any status.
pub(super) fn one(asked: Asked, status: StatusCode, instance: &Instance) -> Response {
    let mut body = String::new();
    match asked.form {
        Form::Json => body = format!("{{\"instance\":{}}}", described(asked, instance)),
        Form::Xml if asked.compact => {
            xml::write(&mut body, 0, "instance", &instance.to_compact_value());
        }
        Form::Xml => instance.push_xml(&mut body, 0),
    }
    asked.answer(status, without_last_line_end(body))
}

/// The instances of one application; 404 without any.
pub(super) fn application(asked: Asked, name: &str, listed: &[Listed]) -> Response {
    if listed.is_empty() {
        return asked.empty(StatusCode::NOT_FOUND);
    }
    let mut body = String::new();
    match asked.form {
        Form::Json => {
            body.push_str("{\"application\":");
            list::push_application(&mut body, asked, name, listed);
            body.push('}');
        }
        Form::Xml => {
            body.push_str("<application>\n");
            xml::write(&mut body, 1, "name", &name.into());
            for listed in listed {
                let instance = listed.instance();
                match asked.compact {
                    true => xml::write(&mut body, 1, "instance", &instance.to_compact_value()),
                    false => instance.push_xml(&mut body, 1),
                }
            }
            body.push_str("</application>");
        }
    }
    asked.answer(StatusCode::OK, body)
}

/// A list of instances, which come in order of their applications.
pub(super) fn applications(
    asked: Asked,
    version: &str,
    hash_code: &str,
    listed: Vec<Listed>,
) -> Response {
    let list = List::new(asked, version, hash_code, listed);
    match asked.compact {
        true => asked.answer(StatusCode::OK, list.collect::<String>()),
        false => asked.answer(StatusCode::OK, in_pieces(list.length(), list)),
    }
}

/// How many instances have which status.
pub(super) fn hash_code(listed: &[Listed]) -> String {
    crate::hash_code::hash_code(listed.iter().map(Listed::description))
}

fn described(asked: Asked, instance: &Instance) -> Value {
    if asked.compact { instance.to_compact_value() } else { instance.to_value() }
}

pub(super) fn without_last_line_end(mut text: String) -> String {
    text.truncate(text.trim_end_matches('\n').len());
    text
}
