//! Encrypting a value for a file of the configuration, and decrypting one. The texts are not kept and not logged.

use std::sync::Arc;

use ::pages::{Frame, Visit, page};
use askama::Template;
use axum::{
    extract::{Request, State},
    response::Response,
};
use chassis::{Problem, http::Form};
use serde::Deserialize;

use super::{Pages, frame, request, visit::Administrator};

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

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
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
    let (path, text) = match work.action {
        Action::Encrypt => ("/encrypt", work.text.as_str()),
        // As it stands in a file, with or without quotes around it.
        Action::Decrypt => ("/decrypt", work.text.trim().trim_matches(['\'', '"'])),
    };
    let body = text.strip_prefix("{cipher}").filter(|_| work.action == Action::Decrypt);
    let body = body.unwrap_or(text).to_owned();
    let asked = request(Request::post(path).header("content-type", "text/plain"), body)?;
    match pages.configured(asked).await? {
        Ok(body) => {
            let told = String::from_utf8_lossy(&body).into_owned();
            let result =
                if work.action == Action::Encrypt { format!("{{cipher}}{told}") } else { told };
            shown(&visit, work.text, Some(result), None)
        }
        Err(problem) if problem.status().is_server_error() => Err(problem),
        Err(problem) => {
            let wrong = match problem.status().as_u16() {
                404 => "The registry has no key: set ENCRYPT_KEY and start it again.".to_owned(),
                _ => problem.detail().to_owned(),
            };
            shown(&visit, work.text, None, Some(wrong))
        }
    }
}

fn shown(
    visit: &Visit,
    text: String,
    result: Option<String>,
    wrong: Option<String>,
) -> Result<Response, Problem> {
    page(&Page { frame: frame("Encryption", visit), text, result, wrong })
}
