//! The mails that were sent, newest first, and each as it is.

use std::sync::Arc;

use ::pages::{Frame, Time, Visit, page, shortened};
use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use chassis::Problem;
use mail::{Letter, Mailbox};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::Pages;

/// How many mails are listed.
const LIMIT: usize = 100;
/// The longest text of a mail that is shown; all of it is in the file.
const TEXT_LIMIT: usize = 100_000;

#[derive(Template)]
#[template(path = "mails.html")]
struct List {
    frame: Frame,
    letters: Vec<Line>,
    limit: usize,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct View {
    frame: Frame,
    letter: Line,
    text: String,
}

/// What is told about a mail.
struct Line {
    href: String,
    received: Time,
    from: String,
    to: String,
    subject: String,
    message_id: String,
}

pub(super) fn routes() -> Router<Arc<Pages>> {
    Router::new()
        .route("/mails", get(list))
        .route("/mails/{name}", get(view))
        .route("/mails/{name}/raw", get(raw))
}

async fn list(State(pages): State<Arc<Pages>>, visit: Visit) -> Result<Response, Problem> {
    let letters = pages.mailbox()?.list(LIMIT).await.map_err(Problem::internal)?;
    let offers = pages.catalog.offers(&visit.token).await;
    let letters = letters.iter().map(line).collect();
    page(&List { frame: pages.frame("Mails", &visit, &offers), letters, limit: LIMIT })
}

async fn view(
    State(pages): State<Arc<Pages>>,
    visit: Visit,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let letter = pages.letter(&name).await?;
    let offers = pages.catalog.offers(&visit.token).await;
    let text = letter.text.chars().take(TEXT_LIMIT).collect();
    let letter = line(&letter);
    page(&View { frame: pages.frame(letter.subject.clone(), &visit, &offers), letter, text })
}

async fn raw(
    State(pages): State<Arc<Pages>>,
    _: Visit,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let letter = pages.letter(&name).await?;
    let file: String = letter
        .name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        .collect();
    let headers = [
        (header::CONTENT_TYPE, "message/rfc822".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{file}\"")),
    ];
    Ok((headers, letter.raw).into_response())
}

impl Pages {
    fn mailbox(&self) -> Result<&Mailbox, Problem> {
        self.mailbox.as_ref().ok_or_else(Problem::not_found)
    }

    async fn letter(&self, name: &str) -> Result<Letter, Problem> {
        self.mailbox()?.read(name).await.map_err(Problem::internal)?.ok_or_else(Problem::not_found)
    }
}

fn line(letter: &Letter) -> Line {
    let subject = shortened(letter.subject.trim());
    Line {
        href: format!("/mails/{}", utf8_percent_encode(&letter.name, NON_ALPHANUMERIC)),
        received: Time::of(letter.received),
        from: shortened(&letter.from),
        to: shortened(&letter.to.join(", ")),
        subject: if subject.is_empty() { "(no subject)".to_owned() } else { subject },
        message_id: letter.message_id.as_deref().map(shortened).unwrap_or_default(),
    }
}
