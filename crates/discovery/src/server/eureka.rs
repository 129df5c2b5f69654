//! Eureka's REST interface, in JSON and in XML.
//!
//! Paths, statuses and texts are those of Netflix's server as Spring mounts it: no `v2` in the path. The answer is in XML
//! unless `Accept` names JSON, as theirs is (contract §7.1 and the recorded cases).

mod answers;
mod asked;
mod batch;
mod checks;
mod heartbeat;
mod reads;
mod status;
mod writes;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{any, get, post, put},
};
use chassis::Problem;
use tracing::debug;

use super::{Origin, Registry, leases::Full, peers::REGISTRY_ID};
use crate::instance::Instance;

pub(super) use asked::REPLICATION;
pub(super) use heartbeat::answer as answer_heartbeat;

/// The largest description of one instance that is kept, in bytes of JSON.
const INSTANCE_LIMIT: usize = 16 * 1024;

pub(super) fn routes(registry: Registry) -> Router {
    let lists = Router::new()
        .route("/apps", get(reads::apps))
        .route("/apps/", get(reads::apps))
        .route("/apps/delta", get(reads::delta))
        .route("/vips/{vip}", get(reads::vip))
        .route("/svips/{vip}", get(reads::secure_vip))
        .layer(middleware::from_fn_with_state(registry.clone(), wait_for_peers));
    Router::new()
        .merge(lists)
        .route("/apps/{app}", get(reads::app).merge(post(writes::register)))
        .route(
            "/apps/{app}/{id}",
            get(reads::instance).merge(put(writes::renew)).delete(writes::cancel),
        )
        .route(
            "/apps/{app}/{id}/status",
            put(writes::override_status).delete(writes::remove_override),
        )
        .route("/apps/{app}/{id}/metadata", put(writes::add_metadata))
        .route("/instances/{id}", get(reads::instance_anywhere))
        .route("/peerreplication/batch", post(batch::take))
        .route("/peerreplication/batch/", post(batch::take))
        .route("/status", get(status::status))
        .route("/asg/{group}/status", put(writes::auto_scaling_group))
        .route("/", any(nowhere))
        .route("/{*rest}", any(nowhere))
        .layer(middleware::from_fn(negotiate))
        .layer(middleware::from_fn_with_state(registry.clone(), sign))
        .with_state(registry)
}

/// Takes an instance that a peer knows, if it can be taken.
///
/// # Errors
/// When there is no room for it.
pub(super) fn take_from_peer(registry: &Registry, mut instance: Instance) -> Result<(), Full> {
    instance.app = instance.app.to_uppercase();
    match checks::fault(&instance, &instance.app) {
        Some(fault) => {
            debug!("a peer's instance is left out: {fault}");
            Ok(())
        }
        None => registry.register(instance, Origin::Peer),
    }
}

/// Refuses a reader who understands neither form, and compresses for who takes that.
async fn negotiate(request: Request, next: Next) -> Response {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let is_understood = accept.is_none_or(|accept| {
        ["json", "xml", "*/*", "application/*"].iter().any(|kind| accept.contains(kind))
    });
    if request.method().is_safe() && !is_understood {
        let detail = "The registry answers in XML, or with Accept: application/json in JSON";
        return Problem::new(StatusCode::NOT_ACCEPTABLE, detail).into_response();
    }
    let takes_gzip = chassis::http::takes_gzip(request.headers());
    let response = next.run(request).await;
    if takes_gzip { chassis::http::compressed(response).await } else { response }
}

/// Tells a peer who answers, by which a registry that is its own peer notices.
async fn sign(State(registry): State<Registry>, request: Request, next: Next) -> Response {
    let is_from_peer = request.headers().contains_key(REPLICATION);
    let mut response = next.run(request).await;
    if let (true, Ok(id)) = (is_from_peer, HeaderValue::from_str(&registry.peers.id)) {
        response.headers_mut().insert(REGISTRY_ID, id);
    }
    response
}

/// Refuses to list anything before a peer was asked what it knows: an empty list would be believed.
async fn wait_for_peers(
    State(registry): State<Registry>,
    request: Request,
    next: Next,
) -> Response {
    // Registries that start together ask one another.
    if registry.peers.may_serve() || request.headers().contains_key(REPLICATION) {
        return next.run(request).await;
    }
    StatusCode::FORBIDDEN.into_response()
}

async fn nowhere() -> StatusCode {
    StatusCode::NOT_FOUND
}
