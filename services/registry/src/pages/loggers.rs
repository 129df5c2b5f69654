//! What an instance logs, and changing it.

use std::sync::Arc;

use ::pages::{Frame, page, shortened};
use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use chassis::{Problem, http::Form};
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

use super::{
    Pages, Which,
    instance::Head,
    query::Query,
    report::titled,
    shown::{encoded, query},
    visit::Administrator,
};
use crate::call::{Endpoint, Failure};

/// How many loggers are shown; the others are found by their names.
const MOST: usize = 100;
/// The levels that every logging system knows, loudest first.
const LEVELS: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "OFF"];

#[derive(Template)]
#[template(path = "loggers.html")]
struct Loggers {
    frame: Frame,
    head: Head,
    app: String,
    id: String,
    wanted: String,
    failure: Option<Failure>,
    loggers: Vec<Logger>,
    total: usize,
}

struct Logger {
    /// As it is sent back.
    name: String,
    level: String,
    /// Whether the level is the logger's own and not that of the one above it.
    is_own: bool,
}

impl Logger {
    fn levels(&self) -> [(&'static str, bool); 6] {
        LEVELS.map(|level| (level, level == self.level))
    }
}

/// Which instance, and which loggers.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(flatten)]
    which: Which,
    #[serde(default)]
    name: String,
}

/// Which logger of which instance gets which level.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    #[serde(flatten)]
    which: Which,
    #[serde(default)]
    name: String,
    logger: String,
    /// Empty: the level of the logger above it.
    #[serde(default)]
    level: String,
}

pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    Administrator(visit): Administrator,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let instance = pages.find(&asked.which)?;
    let answered = pages.calls.get(&instance, Endpoint::Loggers, &visit).await;
    let (mut loggers, failure) = match answered {
        Ok(answer) => (loggers(&answer, asked.name.trim()), None),
        Err(failure) => (Vec::new(), Some(failure)),
    };
    let total = loggers.len();
    loggers.truncate(MOST);
    page(&Loggers {
        frame: titled("Loggers", instance.id(), &visit),
        head: Head::of(&instance, &visit),
        app: asked.which.app,
        id: asked.which.id,
        wanted: asked.name,
        failure,
        loggers,
        total,
    })
}

pub(super) async fn change(
    State(pages): State<Arc<Pages>>,
    Administrator(visit): Administrator,
    Form(wanted): Form<Wanted>,
) -> Result<Response, Problem> {
    let Wanted { which, name, logger, level } = wanted;
    let instance = pages.find(&which)?;
    let level = match level.as_str() {
        "" => None,
        level if LEVELS.contains(&level) => Some(level),
        _ => {
            return Err(Problem::bad_request(format!("The level is one of {}", LEVELS.join(", "))));
        }
    };
    let changed = pages.calls.set_level(&instance, &logger, level, &visit).await;
    changed.map_err(|failure| {
        Problem::new(axum::http::StatusCode::BAD_GATEWAY, failure.to_string())
    })?;
    let (app, id) = (&which.app, &which.id);
    info!(
        instance.app = %app,
        instance.id = %id,
        user.login = %visit.login,
        "an operator set logger {:?} of {app}/{id} to {}",
        shortened(&logger),
        level.unwrap_or("the level above")
    );
    let place = format!("/instance/loggers{}&name={}", query(app, id), encoded(&name));
    Ok(Redirect::to(&place).into_response())
}

/// The loggers with this in their names, those with a level of their own first.
fn loggers(answer: &Value, wanted: &str) -> Vec<Logger> {
    let wanted = wanted.to_lowercase();
    let all = answer["loggers"].as_object().into_iter().flatten();
    let mut found: Vec<Logger> = all
        .filter(|(name, _)| name.to_lowercase().contains(&wanted))
        .map(|(name, logger)| Logger {
            name: name.clone(),
            level: logger["effectiveLevel"].as_str().unwrap_or_default().to_owned(),
            is_own: logger["configuredLevel"].is_string(),
        })
        .collect();
    found.sort_by_key(|logger| (!logger.is_own, logger.name.clone()));
    found
}
