//! Who may go where apart from the pages, and what stands at paths that nobody else answers (contract §5.2).

use axum::{Router, extract::Request, http::StatusCode, routing::any};
use chassis::Problem;
use identity::login::Visitor;

/// The role of administrators.
pub(crate) const ADMIN: &str = "ROLE_ADMIN";

/// 401 as the Java gateway says it.
pub(crate) fn not_authenticated() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "Not Authenticated")
}

/// 403 as the Java gateway says it.
pub(crate) fn forbidden() -> Problem {
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
        Some(signed_in) if for_admins && !signed_in.caller.has_role(ADMIN) => forbidden(),
        _ => Problem::not_found(),
    }
}
