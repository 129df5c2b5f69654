//! Who may go where apart from the pages, and what stands at paths that nobody else answers (contract §5.2).

use ::pages::is_administrator;
use axum::{
    Router, extract::Request, http::StatusCode, middleware, middleware::Next, response::Response,
    routing::any,
};
use chassis::{
    Problem,
    management::{Administrator, Endpoints},
};
use identity::login::{SignedIn, Visitor};

/// Who a visitor is that may see and do everything.
///
/// # Errors
/// 401 for nobody known, 403 for everybody else.
pub(crate) fn administrator(visitor: &Visitor) -> Result<&SignedIn, Problem> {
    let signed_in = visitor.signed_in().ok_or_else(not_authenticated)?;
    if is_administrator(signed_in) { Ok(signed_in) } else { Err(forbidden()) }
}

/// The management endpoints: some for everybody, what is inside of them and the others for administrators.
pub(crate) fn management(endpoints: &Endpoints) -> Router {
    let for_admins = endpoints
        .admin_routes()
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn(admit_administrators));
    endpoints.open_routes().merge(for_admins).layer(middleware::from_fn(tell_of_administrators))
}

async fn admit_administrators(
    visitor: Visitor,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    administrator(&visitor)?;
    Ok(next.run(request).await)
}

async fn tell_of_administrators(visitor: Visitor, mut request: Request, next: Next) -> Response {
    if visitor.signed_in().is_some_and(is_administrator) {
        request.extensions_mut().insert(Administrator);
    }
    next.run(request).await
}

/// 401 as the Java gateway says it.
pub(crate) fn not_authenticated() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "Not Authenticated")
}

/// 403 as the Java gateway says it.
fn forbidden() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "Access Denied")
}

/// Answers every path that nothing else answers. A route and not a fallback, so that the layers are around it.
pub(crate) fn dead_ends() -> Router {
    Router::new().route("/{*path}", any(dead_end))
}

/// 405 as the Java gateway says it.
pub(crate) async fn wrong_method(request: Request) -> Problem {
    let detail =
        format!("405 METHOD_NOT_ALLOWED \"Request method '{}' not supported\"", request.method());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

/// Only those who may go somewhere learn that nothing is there.
async fn dead_end(visitor: Visitor, request: Request) -> Problem {
    let path = request.uri().path();
    let is_below = |root: &str| {
        path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let for_admins = is_below("/management") || is_below("/api/admin");
    let for_callers = for_admins || is_below("/api") || is_below("/services");
    match visitor.signed_in() {
        None if for_callers => not_authenticated(),
        Some(signed_in) if for_admins && !is_administrator(signed_in) => forbidden(),
        _ => Problem::not_found(),
    }
}
