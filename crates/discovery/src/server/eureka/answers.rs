//! The bodies of the registry's answers, put together from the instances' texts.
//!
//! Underscores in two names are doubled, in both forms, as the Java codec does.

use axum::{http::StatusCode, response::Response};
use serde_json::Value;

use super::asked::Asked;
use crate::{
    instance::{Form, Instance, xml},
    server::leases::Listed,
};

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
            push_application(&mut body, asked, name, listed);
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
    listed: &[Listed],
) -> Response {
    let groups = listed.chunk_by(|one, next| one.description().app == next.description().app);
    let groups = groups.filter_map(|group| Some((group.first()?.description().app.as_str(), group)));
    // About what an instance takes, so that a large list is not copied again and again while it grows.
    let mut body = String::with_capacity(256 + 1_800 * listed.len());
    match asked.form {
        Form::Json => {
            body.push_str(&format!(
                "{{\"applications\":{{\"versions__delta\":\"{version}\",\"apps__hashcode\":\"{hash_code}\",\"application\":["
            ));
            for (place, (name, group)) in groups.enumerate() {
                if place > 0 {
                    body.push(',');
                }
                push_application(&mut body, asked, name, group);
            }
            body.push_str("]}}");
        }
        Form::Xml => {
            body.push_str("<applications>\n");
            xml::write(&mut body, 1, "versions_delta", &version.into());
            xml::write(&mut body, 1, "apps_hashcode", &hash_code.into());
            for (name, group) in groups {
                body.push_str("  <application>\n");
                xml::write(&mut body, 2, "name", &name.into());
                group.iter().for_each(|listed| push(&mut body, asked, listed));
                body.push_str("  </application>\n");
            }
            body.push_str("</applications>");
        }
    }
    asked.answer(StatusCode::OK, body)
}

/// The number that clients compare with that of their own list.
pub(super) fn hash_code(listed: &[Listed]) -> String {
    crate::hash_code::hash_code(listed.iter().map(|listed| listed.description()))
}

/// Appends `{"name":…,"instance":[…]}`.
fn push_application(body: &mut String, asked: Asked, name: &str, listed: &[Listed]) {
    body.push_str(&format!("{{\"name\":{},\"instance\":[", Value::from(name)));
    for (place, listed) in listed.iter().enumerate() {
        if place > 0 {
            body.push(',');
        }
        push(body, asked, listed);
    }
    body.push_str("]}");
}

/// Appends an instance in a list of applications.
fn push(body: &mut String, asked: Asked, listed: &Listed) {
    match (asked.compact, asked.form) {
        (false, form) => listed.push(form, body),
        (true, Form::Json) => {
            body.push_str(&listed.description().to_compact_value().to_string());
        }
        (true, Form::Xml) => {
            xml::write(body, 2, "instance", &listed.description().to_compact_value());
        }
    }
}

fn described(asked: Asked, instance: &Instance) -> Value {
    if asked.compact { instance.to_compact_value() } else { instance.to_value() }
}

pub(super) fn without_last_line_end(mut text: String) -> String {
    text.truncate(text.trim_end_matches('\n').len());
    text
}
