//! Who may use which path, decided before a handler is looked for, so that an unknown path tells nothing to nobody.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
};
use chassis::Problem;

use crate::{Caller, Verifier, identified};

/// What a path asks of who calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing; a token that is not good is refused all the same.
    Open,
    /// A good token.
    Caller,
    /// A good token with this role.
    Role(&'static str),
}

/// Rules for paths, of which the first that fits counts: a path as it stands, or everything below it with `/**`, the
/// path itself included. A path without a rule is open.
pub type Rules = &'static [(&'static str, Access)];

/// The rules of a JHipster microservice (contract §6).
pub const MICROSERVICE: Rules = &[
    ("/api/authenticate", Access::Open),
    ("/api/auth-info", Access::Open),
    ("/api/admin/**", Access::Role("ROLE_ADMIN")),
    ("/api/**", Access::Caller),
    ("/management/health/**", Access::Open),
    ("/management/info", Access::Open),
    ("/management/prometheus", Access::Open),
    ("/management/**", Access::Role("ROLE_ADMIN")),
];

/// Puts the rules around a service.
pub fn guarded(router: Router, verifier: Arc<Verifier>, rules: Rules) -> Router {
    identified(router.layer(middleware::from_fn_with_state(rules, enforce)), verifier)
}

async fn enforce(
    State(rules): State<Rules>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let caller = request.extensions().get::<Caller>();
    match (access(rules, request.uri().path()), caller) {
        (Access::Open, _) | (Access::Caller, Some(_)) => {}
        (Access::Role(role), Some(caller)) if caller.has_role(role) => {}
        (Access::Role(_), Some(_)) => return Err(Problem::forbidden()),
        (_, None) => return Err(Problem::unauthorized()),
    }
    Ok(next.run(request).await)
}

fn access(rules: Rules, path: &str) -> Access {
    let fits = |pattern: &str| match pattern.strip_suffix("/**") {
        Some(above) => {
            path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        }
        None => path == pattern,
    };
    rules.iter().find(|(pattern, _)| fits(pattern)).map_or(Access::Open, |(_, access)| *access)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_counts() {
        const RULES: Rules = &[
            ("/api/hello", Access::Open),
            ("/api/admin/**", Access::Role("ROLE_ADMIN")),
            ("/api/**", Access::Caller),
        ];
        for (path, expected) in [
            ("/api/hello", Access::Open),
            ("/api/hello/you", Access::Caller),
            ("/api/admin", Access::Role("ROLE_ADMIN")),
            ("/api/admin/x", Access::Role("ROLE_ADMIN")),
            ("/api/administration", Access::Caller),
            ("/api", Access::Caller),
            ("/apis", Access::Open),
            ("/", Access::Open),
        ] {
            assert_eq!(access(RULES, path), expected, "{path}");
        }
    }
}
