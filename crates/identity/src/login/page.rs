//! The plain page that tells a person why signing in did not work.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use chassis::Problem;
use tracing::warn;

use super::SIGN_IN;

/// Why a sign-in did not work: a sentence for the person, the cause for the log.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    sentence: String,
    cause: Option<anyhow::Error>,
}

#[derive(Template)]
#[template(path = "sign_in_failed.html")]
struct Page<'a> {
    sentence: &'a str,
    sign_in: &'a str,
}

impl Failure {
    /// The browser brought something that cannot be used.
    pub(super) fn bad_request(sentence: impl Into<String>) -> Self {
        Failure { status: StatusCode::BAD_REQUEST, sentence: sentence.into(), cause: None }
    }

    /// The issuer answered with something that must not be believed.
    pub(super) fn untrusted(cause: anyhow::Error) -> Self {
        let sentence = "The identity provider's answer could not be trusted.".to_owned();
        Failure { status: StatusCode::BAD_GATEWAY, sentence, cause: Some(cause) }
    }

    /// Something that is needed does not answer.
    pub(super) fn unavailable(sentence: &str, cause: anyhow::Error) -> Self {
        Failure {
            status: StatusCode::SERVICE_UNAVAILABLE,
            sentence: sentence.to_owned(),
            cause: Some(cause),
        }
    }

    /// Adds what the log should know.
    pub(super) fn because(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.cause = Some(cause.into());
        self
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = self.status.as_u16();
        match &self.cause {
            Some(cause) => {
                warn!(http.status = status, "a sign-in failed: {} ({cause:#})", self.sentence)
            }
            None => warn!(http.status = status, "a sign-in failed: {}", self.sentence),
        }
        match (Page { sentence: &self.sentence, sign_in: SIGN_IN }).render() {
            Ok(page) => (self.status, Html(page)).into_response(),
            Err(error) => Problem::internal(error).into_response(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_issuer_says_is_shown_as_text() {
        let page =
            Page { sentence: "<script>steal()</script>", sign_in: SIGN_IN }.render().unwrap();
        assert!(!page.contains("<script>"), "{page}");
        assert!(page.contains(r#"href="/oauth2/authorization/oidc""#), "{page}");
    }
}
