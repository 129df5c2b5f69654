//! The three resources of a feed (contract §4.6): publish, register, unregister.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    body::Body,
    extract::{FromRequest, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use chassis::{
    Problem,
    http::{CallerName, Form},
};
use futures_util::stream;
use tokio::time::timeout;

use crate::{
    Feed,
    event::HEARTBEAT,
    listeners::{self, MOST_OF_ONE, Place, Refusal, lock},
};

/// How long a stream may be silent before a comment shows that it is alive.
const SILENCE: Duration = Duration::from_secs(15);
/// How long a new listener waits for the topic to be read, so that it misses nothing from its first answer on.
const START: Duration = Duration::from_secs(2);

const FORM: &str = "application/x-www-form-urlencoded";
const MISSING: &str =
    "Required request parameter 'message' for method parameter type String is not present";

type Pairs = Vec<(String, String)>;

impl Feed {
    /// Serves `POST publish?message=…`, `GET register` and `GET unregister` below a prefix such as `/api/news`. Callers are
    /// known by their [`CallerName`]: the routes belong behind a door that tells it.
    pub fn routes(self: &Arc<Self>, prefix: &str) -> Router {
        Router::new()
            .route(&format!("{prefix}/publish"), post(publish))
            .route(&format!("{prefix}/register"), get(register))
            .route(&format!("{prefix}/unregister"), get(unregister))
            .with_state(self.clone())
    }
}

async fn publish(State(feed): State<Arc<Feed>>, request: Request) -> Result<StatusCode, Problem> {
    if request.extensions().get::<CallerName>().is_none() {
        return Err(Problem::unauthorized());
    }
    let query = Query::<Pairs>::try_from_uri(request.uri());
    let Query(mut pairs) = query.map_err(|_| Problem::bad_request("The query cannot be read"))?;
    if is_form(request.headers()) {
        let Form(more) = Form::<Pairs>::from_request(request, &()).await?;
        pairs.extend(more);
    }
    let values: Vec<String> =
        pairs.into_iter().filter(|(name, _)| name == "message").map(|(_, value)| value).collect();
    if values.is_empty() {
        return Err(Problem::bad_request(MISSING));
    }
    // Several values are one text, as Spring makes it of them.
    feed.publish(values.join(",")).await?;
    Ok(StatusCode::OK)
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(FORM)
}

async fn register(
    State(feed): State<Arc<Feed>>,
    caller: Option<Extension<CallerName>>,
) -> Result<Response, Problem> {
    let Some(Extension(CallerName(caller))) = caller else { return Err(Problem::unauthorized()) };
    let mut reads = feed.reads.subscribe();
    // A broker that is away is no reason to refuse: the stream begins, and messages come when it is back.
    let _ = timeout(START, reads.wait_for(|reads| *reads)).await;
    let place = listeners::join(&feed.listeners, &caller).map_err(Problem::from)?;
    let body = Body::from_stream(stream::unfold(place, |place| async {
        let (event, place) = next(place).await?;
        Some((Ok::<_, Infallible>(event), place))
    }));
    Ok(([(header::CONTENT_TYPE, "text/event-stream")], body).into_response())
}

/// The next event for a listener, or a sign of life.
async fn next(mut place: Place) -> Option<(Bytes, Place)> {
    match timeout(SILENCE, place.queue.recv()).await {
        Ok(event) => event.map(|event| (event, place)),
        Err(_) => Some((HEARTBEAT, place)),
    }
}

async fn unregister(
    State(feed): State<Arc<Feed>>,
    caller: Option<Extension<CallerName>>,
) -> Result<StatusCode, Problem> {
    let Some(Extension(CallerName(caller))) = caller else { return Err(Problem::unauthorized()) };
    lock(&feed.listeners).end(&caller);
    Ok(StatusCode::OK)
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Full => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "Too many streams are open; try again later",
            ),
            Refusal::TooManyOfOne => Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                format!("You have {MOST_OF_ONE} streams open; close one first"),
            ),
            Refusal::Closed => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "The service stops; ask another instance",
            ),
        }
    }
}
