//! Who may go where: machines with the one password, people and programs with the administrator's role; health and info
//! are for everybody. Decided before a handler is looked for, so that an unknown path tells nothing to nobody.

use axum::{
    Router,
    extract::{Request, State},
    http::{Method, StatusCode, header},
    middleware::{self, Next},
    response::Response,
};
use chassis::{
    Problem,
    management::{Administrator, Endpoints},
};
use discovery::server::{Gate, challenge};
use identity::{csrf::Exempt, login::Visitor};
use pages::is_administrator;

/// The one user that machines name themselves.
pub(crate) const USER: &str = "admin";

/// In the extensions of a request that came with the right password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Machine;

/// Lets machines in by their password, and nobody by a wrong one. Belongs outside of [`identity::csrf::protect`].
pub(crate) fn machines(routes: Router, gate: Gate) -> Router {
    routes.layer(middleware::from_fn_with_state(gate, know_machines))
}

async fn know_machines(
    State(gate): State<Gate>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if !shows_password(&request) {
        return Ok(next.run(request).await);
    }
    if !gate.admits(request.headers()) {
        return Err(challenge());
    }
    if is_forged(&request) {
        return Err(Problem::forbidden());
    }
    request.extensions_mut().insert(Machine);
    request.extensions_mut().insert(Exempt);
    Ok(next.run(request).await)
}

fn shows_password(request: &Request) -> bool {
    let value = request.headers().get(header::AUTHORIZATION);
    let value = value.and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(' ').next().is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic"))
}

/// Whether a page of another site made a browser, which remembers passwords, send the request: browsers say so themselves
/// (W3C Fetch Metadata), and nothing else sends this header.
fn is_forged(request: &Request) -> bool {
    let site = request.headers().get("sec-fetch-site");
    let is_safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    !is_safe && site.is_some_and(|site| site != "same-origin" && site != "none")
}

/// Keeps everybody but administrators away from what programs call. Needs [`identity::login::sessions`] around it.
pub(crate) fn guarded(routes: Router) -> Router {
    routes.layer(middleware::from_fn(admit))
}

async fn admit(visitor: Visitor, mut request: Request, next: Next) -> Result<Response, Problem> {
    let is_machine = request.extensions().get::<Machine>().is_some();
    let signed_in = visitor.signed_in();
    if is_machine || signed_in.is_some_and(is_administrator) {
        request.extensions_mut().insert(Administrator);
    } else if is_for_administrators(request.uri().path()) {
        return Err(if signed_in.is_some() {
            Problem::forbidden()
        } else {
            Problem::unauthorized()
        });
    }
    Ok(next.run(request).await)
}

/// The figures are among them: the Java registry has them guarded, unlike the services.
fn is_for_administrators(path: &str) -> bool {
    let is_below = |root: &str| {
        path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let is_open = path == "/management/info" || is_below("/management/health");
    !is_open && ["/eureka", "/config", "/api", "/management"].into_iter().any(is_below)
}

/// The endpoints that show the process; [`guarded`] belongs around them.
pub(crate) fn management(endpoints: &Endpoints) -> Router {
    endpoints.open_routes().merge(endpoints.admin_routes())
}

/// 405, said here so that the doors are in front of it: nobody else learns which paths there are.
pub(crate) async fn wrong_method(request: Request) -> Problem {
    Problem::method_not_allowed(request.method().as_str())
}

/// What a machine is told that wants to sign out: it has no session (contract §7).
pub(crate) async fn sign_out_people(request: Request, next: Next) -> Result<Response, Problem> {
    if request.extensions().get::<Machine>().is_some() && request.uri().path() == "/api/logout" {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "A password has no session to be ended"));
    }
    Ok(next.run(request).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_call_is_for_administrators() {
        for (path, expected) in [
            ("/eureka", true),
            ("/eureka/apps", true),
            ("/config/x/y", true),
            ("/api/account", true),
            ("/management", true),
            ("/management/prometheus", true),
            ("/management/healthy", true),
            ("/management/information", true),
            ("/management/health", false),
            ("/management/health/readiness", false),
            ("/management/info", false),
            ("/configuration", false),
            ("/", false),
        ] {
            assert_eq!(is_for_administrators(path), expected, "{path}");
        }
    }

    #[test]
    fn only_what_a_foreign_page_made_a_browser_send_is_forged() {
        for (method, site, expected) in [
            ("POST", Some("cross-site"), true),
            ("DELETE", Some("same-site"), true),
            ("POST", Some("same-origin"), false),
            ("POST", Some("none"), false),
            ("POST", None, false),
            ("GET", Some("cross-site"), false),
        ] {
            let mut request = Request::builder().method(method).uri("/eureka/apps/A");
            if let Some(site) = site {
                request = request.header("sec-fetch-site", site);
            }
            let request = request.body(axum::body::Body::empty()).unwrap();
            assert_eq!(is_forged(&request), expected, "{method} {site:?}");
        }
    }
}
