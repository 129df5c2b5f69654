//! Dead letters as a REST resource below `/management/deadletters`: a person sees, repairs, replays or discards what
//! could not be processed. Whoever mounts the routes lets only administrators in.

mod asked;
mod batch;
mod given;
mod operations;
mod shown;

use axum::{
    Extension, Json, Router,
    body::Body,
    extract::{OriginalUri, Path, RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use chassis::Problem;
use database::{CommitError, DatabaseRef};
use identity::Caller;
use messaging::dead_letters::{self, DeadLetter, Decided, Query};
use serde_json::{Value, json};

use asked::Asked;
pub(crate) use operations::operations;
use shown::Extent;

/// How many letters are read from the database at a time: they may be large.
const STEP: u32 = 20;
/// How many hexadecimal digits an id has.
const ID: usize = 24;

/// Who decides, by the name that people know; the guard has let nobody in without one.
type Who = Option<Extension<Caller>>;

/// The routes of the resource.
pub(crate) fn routes(database: DatabaseRef) -> Router {
    Router::new()
        .route("/management/deadletters", get(list))
        .route("/management/deadletters/reasons", get(reasons))
        .route("/management/deadletters/replay", post(replay_all))
        .route("/management/deadletters/{id}", get(show).put(correct).delete(discard))
        .route("/management/deadletters/{id}/replay", post(replay))
        .with_state(database)
}

async fn list(
    State(database): State<DatabaseRef>,
    OriginalUri(address): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = Asked::read(address.query().unwrap_or_default());
    let (mut shown, mut total) = (Vec::new(), 0);
    let mut left = asked.size();
    while left > 0 {
        let offset = asked.offset().saturating_add(shown.len() as u64);
        let query = Query { offset, limit: left.min(STEP), ..asked.query() };
        let (letters, count) = dead_letters::list(&database, &query).await.map_err(away)?;
        total = count;
        if letters.is_empty() {
            break;
        }
        left = left.saturating_sub(STEP);
        shown.extend(letters.iter().map(|letter| shown::json(letter, Extent::Excerpt)));
    }
    let base = chassis::http::base_address(&headers);
    let headers = asked.headers(&format!("{base}{}", address.path()), total);
    Ok((headers, Json(shown)).into_response())
}

async fn reasons(State(database): State<DatabaseRef>) -> Result<Json<Value>, Problem> {
    let reasons = dead_letters::reasons(&database).await.map_err(away)?;
    let shown = reasons.iter().map(|it| json!({ "reason": it.reason, "count": it.count }));
    Ok(Json(shown.collect()))
}

async fn show(
    State(database): State<DatabaseRef>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    let letter = find(&database, &id).await?;
    Ok(Json(shown::json(&letter, Extent::Whole)))
}

async fn replay(
    State(database): State<DatabaseRef>,
    Path(id): Path<String>,
    who: Who,
) -> Result<StatusCode, Problem> {
    let who = name(who)?;
    decided(dead_letters::replay(&database, known(&id)?, &who).await)
}

async fn replay_all(
    State(database): State<DatabaseRef>,
    RawQuery(query): RawQuery,
    who: Who,
) -> Result<Json<Value>, Problem> {
    let who = name(who)?;
    let asked = Asked::read(query.as_deref().unwrap_or_default());
    let batch::Outcome { replayed, left } =
        batch::replay(&database, asked.selection()?, &who).await?;
    Ok(Json(json!({ "replayed": replayed, "left": left })))
}

async fn correct(
    State(database): State<DatabaseRef>,
    Path(id): Path<String>,
    who: Who,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let who = name(who)?;
    let id = known(&id)?;
    let correction = given::correction(&headers, body).await?;
    decided(dead_letters::correct(&database, id, correction, &who).await)?;
    let letter = find(&database, id).await?;
    Ok(Json(shown::json(&letter, Extent::Whole)))
}

async fn discard(
    State(database): State<DatabaseRef>,
    Path(id): Path<String>,
    who: Who,
) -> Result<StatusCode, Problem> {
    let who = name(who)?;
    decided(dead_letters::discard(&database, known(&id)?, &who).await)
}

async fn find(database: &DatabaseRef, id: &str) -> Result<DeadLetter, Problem> {
    dead_letters::find(database, known(id)?).await.map_err(away)?.ok_or_else(gone)
}

/// An id as letters have them; another names none.
fn known(id: &str) -> Result<&str, Problem> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    match id.len() == ID && id.bytes().all(is_digit) {
        true => Ok(id),
        false => Err(gone()),
    }
}

fn name(who: Who) -> Result<String, Problem> {
    let Extension(caller) = who.ok_or_else(Problem::unauthorized)?;
    Ok(caller.login.clone())
}

fn decided(outcome: Result<Decided, CommitError>) -> Result<StatusCode, Problem> {
    match outcome {
        Ok(Decided::Done) => Ok(StatusCode::NO_CONTENT),
        Ok(Decided::Gone) => Err(gone()),
        Err(CommitError::Conflict | CommitError::AlreadyHandled) => Err(Problem::new(
            StatusCode::CONFLICT,
            "Somebody else decides about this dead letter at the same time",
        )),
        Err(CommitError::Refused(reason)) => {
            Err(Problem::unprocessable(format!("The database does not take it: {reason}")))
        }
        Err(CommitError::Unavailable(cause)) => Err(away(cause)),
    }
}

fn gone() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "There is no such dead letter, or not any more")
}

fn away(cause: anyhow::Error) -> Problem {
    Problem::unavailable("The database does not answer", cause)
}

#[cfg(test)]
mod tests;
