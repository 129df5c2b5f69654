//! Who may see what of the registry's management endpoints: health and info everybody, the rest only who knows the password.

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
    routing::any,
};
use chassis::{
    Problem,
    management::{Administrator, Endpoints},
};
use discovery::server::{Gate, challenge};

/// The endpoints with their guard; also in front of paths that do not exist, which tell nothing to nobody.
pub(crate) fn management(endpoints: &Endpoints, gate: Gate) -> Router {
    Router::new()
        .route("/management/{*rest}", any(|| async { Problem::not_found() }))
        .merge(endpoints.open_routes())
        .merge(endpoints.admin_routes())
        .method_not_allowed_fallback(|request: Request| async move {
            Problem::method_not_allowed(request.method().as_str())
        })
        .layer(middleware::from_fn_with_state(gate, guard))
}

async fn guard(
    State(gate): State<Gate>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if gate.admits(request.headers()) {
        request.extensions_mut().insert(Administrator);
    } else if !is_open(request.uri().path()) {
        return Err(challenge());
    }
    Ok(next.run(request).await)
}

/// The figures are not among them: the Java registry has them guarded, unlike the services.
fn is_open(path: &str) -> bool {
    let Some(rest) = path.strip_prefix("/management/") else { return false };
    matches!(rest, "health" | "info") || rest.starts_with("health/")
}
