//! Eureka's REST interface, in JSON (XML is refused in so many words).
//!
//! Paths, statuses and texts are those of Netflix's server as Spring mounts it: no `v2` in the path.

mod answers;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use chassis::Problem;
use serde::Deserialize;
use serde_json::Value;
use tracing::{info, warn};

use super::{
    CAPACITY, Registry,
    leases::{Full, Heartbeat, Renewal},
};
use crate::instance::{Instance, Status};

/// The largest description of one instance that is kept, in bytes of JSON.
const INSTANCE_LIMIT: usize = 16 * 1024;

pub(super) fn routes(registry: Registry) -> Router {
    Router::new()
        .route("/apps", get(apps))
        .route("/apps/", get(apps))
        .route("/apps/delta", get(delta))
        .route("/apps/{app}", get(app).merge(post(register)))
        .route("/apps/{app}/{id}", get(instance).merge(put(renew)).delete(cancel))
        .route("/apps/{app}/{id}/status", put(override_status).delete(remove_override))
        .route("/apps/{app}/{id}/metadata", put(add_metadata))
        .route("/instances/{id}", get(instance_anywhere))
        .route("/vips/{vip}", get(vip))
        .route("/svips/{vip}", get(secure_vip))
        .layer(middleware::from_fn(negotiate))
        .with_state(registry)
}

/// Refuses a reader who understands no JSON, instead of sending what it cannot read.
async fn negotiate(request: Request, next: Next) -> Response {
    let reads = request.method().is_safe();
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let json = accept.is_none_or(|accept| {
        ["json", "*/*", "application/*"].iter().any(|kind| accept.contains(kind))
    });
    if reads && !json {
        return Problem::new(
            StatusCode::NOT_ACCEPTABLE,
            "The registry answers in JSON: send Accept: application/json",
        )
        .into_response();
    }
    next.run(request).await
}

async fn register(
    State(registry): State<Registry>,
    Path(app): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if kind.is_some_and(|kind| !kind.contains("json")) {
        let detail = "The registry reads JSON: send Content-Type: application/json";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let body: Bytes = chassis::http::body(body).await?;
    if body.len() > INSTANCE_LIMIT {
        return Err(Problem::too_large(INSTANCE_LIMIT));
    }
    let Ok(mut instance) = Instance::from_registration(&body) else {
        return Ok((
            StatusCode::BAD_REQUEST,
            answers::json(r#"{"error": "cannot parse request body"}"#),
        )
            .into_response());
    };
    let app = app.to_uppercase();
    instance.app = instance.app.to_uppercase();
    if let Some(fault) = fault(&instance, &app) {
        return Ok((StatusCode::BAD_REQUEST, fault).into_response());
    }
    let (id, authority) = (instance.id().to_owned(), instance.authority().unwrap_or_default());
    let now = registry.now();
    let registered = registry.leases().register(instance, now, CAPACITY);
    match registered {
        Ok(true) => {
            info!(instance.app = app, instance.id = id, "registered {app}/{id} at {authority}")
        }
        Ok(false) => {}
        Err(Full) => {
            warn!(
                instance.app = app,
                instance.id = id,
                "refused {app}/{id}: {CAPACITY} instances are registered already"
            );
            let detail = format!("The registry is full: it holds {CAPACITY} instances");
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
        }
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What Netflix's server finds wrong with a registration, in its order and words.
fn fault(instance: &Instance, app: &str) -> Option<String> {
    let blank = |text: &str| text.trim().is_empty();
    let center = instance.data_center_info.as_ref();
    if blank(instance.id()) {
        return Some("Missing instanceId".into());
    }
    if blank(&instance.host_name) {
        return Some("Missing hostname".into());
    }
    if blank(&instance.ip_addr) {
        return Some("Missing ip address".into());
    }
    if blank(&instance.app) {
        return Some("Missing appName".into());
    }
    if instance.app != app {
        return Some(format!("Mismatched appName, expecting {app} but was {}", instance.app));
    }
    match center {
        None => Some("Missing dataCenterInfo".into()),
        Some(center) if center.get("name").and_then(Value::as_str).is_none() => {
            Some("Missing dataCenterInfo Name".into())
        }
        Some(_) => None,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Renew {
    last_dirty_timestamp: Option<String>,
}

async fn renew(
    State(registry): State<Registry>,
    Path((app, id)): Path<(String, String)>,
    Query(query): Query<Renew>,
    headers: HeaderMap,
) -> Response {
    let from_peer =
        headers.get("x-netflix-discovery-replication").is_some_and(|value| value == "true");
    let heartbeat = Heartbeat {
        dirty: query.last_dirty_timestamp.and_then(|text| text.parse().ok()),
        from_peer,
    };
    let now = registry.now();
    let renewal = registry.leases().renew(&app.to_uppercase(), &id, heartbeat, now);
    match renewal {
        Renewal::Renewed => StatusCode::OK.into_response(),
        Renewal::Forgotten => StatusCode::NOT_FOUND.into_response(),
        Renewal::Newer(instance) => {
            (StatusCode::CONFLICT, answers::instance(&instance)).into_response()
        }
    }
}

async fn cancel(
    State(registry): State<Registry>,
    Path((app, id)): Path<(String, String)>,
) -> StatusCode {
    let (app, now) = (app.to_uppercase(), registry.now());
    let there = registry.leases().cancel(&app, &id, now);
    if there {
        info!(instance.app = app, instance.id = id, "cancelled {app}/{id}");
    }
    found(there)
}

#[derive(Deserialize)]
struct Override {
    value: Option<String>,
}

impl Override {
    fn status(&self) -> Result<Option<Status>, Problem> {
        let Some(value) = &self.value else { return Ok(None) };
        let status = Status::named(value);
        status.map(Some).ok_or_else(|| {
            Problem::bad_request("value must be UP, DOWN, STARTING, OUT_OF_SERVICE or UNKNOWN")
        })
    }
}

async fn override_status(
    State(registry): State<Registry>,
    Path((app, id)): Path<(String, String)>,
    Query(query): Query<Override>,
) -> Result<StatusCode, Problem> {
    let Some(status) = query.status()? else {
        return Err(Problem::bad_request("value is missing: the new status"));
    };
    let now = registry.now();
    Ok(found(registry.leases().override_status(&app.to_uppercase(), &id, status, now)))
}

async fn remove_override(
    State(registry): State<Registry>,
    Path((app, id)): Path<(String, String)>,
    Query(query): Query<Override>,
) -> Result<StatusCode, Problem> {
    let own = query.status()?.unwrap_or(Status::Unknown);
    let now = registry.now();
    Ok(found(registry.leases().remove_override(&app.to_uppercase(), &id, own, now)))
}

async fn add_metadata(
    State(registry): State<Registry>,
    Path((app, id)): Path<(String, String)>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<StatusCode, Problem> {
    let now = registry.now();
    let mut leases = registry.leases();
    let Some(mut changed) = leases.instance(&app.to_uppercase(), &id).cloned() else {
        return Ok(StatusCode::NOT_FOUND);
    };
    changed.metadata.extend(query.into_iter().map(|(name, value)| (name, value.into())));
    if answers::size(&changed) > INSTANCE_LIMIT {
        return Err(Problem::too_large(INSTANCE_LIMIT));
    }
    Ok(found(leases.register(changed, now, CAPACITY).is_ok()))
}

async fn apps(State(registry): State<Registry>) -> Response {
    let leases = registry.leases();
    let instances: Vec<_> = leases.instances().collect();
    answers::applications("1", &answers::hash_code(instances.iter().copied()), &instances)
}

async fn delta(State(registry): State<Registry>) -> Response {
    let now = registry.now();
    let mut leases = registry.leases();
    let recent = leases.recent(now);
    let hash_code = answers::hash_code(leases.instances());
    answers::applications(
        &leases.changes().to_string(),
        &hash_code,
        &recent.iter().collect::<Vec<_>>(),
    )
}

async fn app(State(registry): State<Registry>, Path(app): Path<String>) -> Response {
    let app = app.to_uppercase();
    let leases = registry.leases();
    let instances: Vec<_> = leases.instances().filter(|instance| instance.app == app).collect();
    answers::application(&instances)
}

async fn instance(
    State(registry): State<Registry>,
    Path((app, id)): Path<(String, String)>,
) -> Response {
    registry.leases().instance(&app.to_uppercase(), &id).map_or_else(missing, answers::instance)
}

async fn instance_anywhere(State(registry): State<Registry>, Path(id): Path<String>) -> Response {
    registry.leases().instance_anywhere(&id).map_or_else(missing, answers::instance)
}

async fn vip(State(registry): State<Registry>, Path(vip): Path<String>) -> Response {
    by_address(&registry, &vip, |instance| instance.vip_address.as_deref())
}

async fn secure_vip(State(registry): State<Registry>, Path(vip): Path<String>) -> Response {
    by_address(&registry, &vip, |instance| instance.secure_vip_address.as_deref())
}

fn by_address(
    registry: &Registry,
    wanted: &str,
    address: impl Fn(&Instance) -> Option<&str>,
) -> Response {
    let leases = registry.leases();
    let named = |instance: &&Instance| {
        address(instance).is_some_and(|names| names.split(',').any(|name| name == wanted))
    };
    let instances: Vec<_> = leases.instances().filter(named).collect();
    answers::applications("-1", &answers::hash_code(instances.iter().copied()), &instances)
}

fn found(there: bool) -> StatusCode {
    if there { StatusCode::OK } else { StatusCode::NOT_FOUND }
}

fn missing() -> Response {
    StatusCode::NOT_FOUND.into_response()
}
