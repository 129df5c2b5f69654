//! Encrypting a value for a file of the configuration, and decrypting one. The texts are not kept and not logged.

use std::sync::Arc;

use ::pages::{Frame, Visit, page};
use askama::Template;
use axum::{extract::State, response::Response};
use chassis::{Problem, http::Form};
use discovery::server::config::NotDone;
use serde::Deserialize;

use super::{Pages, frame, visit::Administrator};

/// The longest text, in bytes.
const LIMIT: usize = 64 * 1024;

#[derive(Template)]
#[template(path = "encryption.html")]
struct Page {
    frame: Frame,
    text: String,
    result: Option<String>,
    wrong: Option<String>,
}

/// What is to be done with a text.
#[derive(Deserialize)]
pub(super) struct Work {
    text: String,
    action: Action,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Encrypt,
    Decrypt,
}

pub(super) async fn show(Administrator(visit): Administrator) -> Result<Response, Problem> {
    shown(&visit, String::new(), None, None)
}

pub(super) async fn work(
    State(pages): State<Arc<Pages>>,
    Administrator(visit): Administrator,
    Form(work): Form<Work>,
) -> Result<Response, Problem> {
    if work.text.len() > LIMIT {
        return Err(Problem::too_large(LIMIT));
    }
    let done = match work.action {
        Action::Encrypt => pages.config.encrypt(&work.text).map(|text| format!("{{cipher}}{text}")),
        // As it stands in a file, with or without quotes around it.
        Action::Decrypt => pages.config.decrypt(work.text.trim().trim_matches(['\'', '"'])),
    };
    let wrong = match done {
        Ok(result) => return shown(&visit, work.text, Some(result), None),
        Err(NotDone::NoKey) => "The registry has no key: set ENCRYPT_KEY and start it again.",
        Err(NotDone::OtherKey) => "Text not encrypted with this key",
        Err(NotDone::Failed(cause)) => return Err(Problem::internal(cause)),
    };
    shown(&visit, work.text, None, Some(wrong.to_owned()))
}

fn shown(
    visit: &Visit,
    text: String,
    result: Option<String>,
    wrong: Option<String>,
) -> Result<Response, Problem> {
    page(&Page { frame: frame("Encryption", visit), text, result, wrong })
}
