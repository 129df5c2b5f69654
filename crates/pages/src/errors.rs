//! Failures for people: where a browser asked for a page, a problem is shown as one. Programs get problem+json.

use askama::Template;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use chassis::{Problem, problem};
use tracing::warn;

use crate::Frame;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    status: u16,
    text: String,
}

/// What failures say of the service.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    /// What stands at the top of every page.
    pub brand: &'static str,
    /// Whose log holds causes, for example `gateway`.
    pub service: &'static str,
    /// What programs call begins with one of these; everything else is a page.
    pub programs: &'static [&'static str],
}

/// Shows problems as pages to those who asked for a page. A layer, with its [`Place`] as state.
pub async fn for_people(State(place): State<Place>, request: Request, next: Next) -> Response {
    let is_person = accepts_html(request.headers()) && place.is_page(request.uri().path());
    let response = next.run(request).await;
    if !is_person {
        return response;
    }
    let mut response =
        if is_forgery(&response) { outdated_form().into_response() } else { response };
    let Some(problem) = response.extensions().get::<Problem>() else { return response };
    match place.error_page(problem).render() {
        Ok(html) => drop(response.extensions_mut().insert(problem::Page(html))),
        Err(error) => warn!("render an error page: {error}"),
    }
    response
}

impl Place {
    /// Everything is a page but what programs call.
    fn is_page(&self, path: &str) -> bool {
        !self.programs.iter().any(|root| path.starts_with(root))
    }

    fn error_page(&self, problem: &Problem) -> ErrorPage {
        let status = problem.status();
        let (title, text) = match status {
            StatusCode::NOT_FOUND => {
                ("Nothing is here", "The page does not exist, or what it showed was deleted.")
            }
            StatusCode::FORBIDDEN if problem.detail() == "Access Denied" => (
                "Not for you",
                "Your user may not see this. Ask an administrator for the role that may.",
            ),
            StatusCode::FORBIDDEN => ("Not accepted", problem.detail()),
            StatusCode::METHOD_NOT_ALLOWED => {
                ("Not possible here", "This page cannot be used in that way.")
            }
            StatusCode::INTERNAL_SERVER_ERROR => {
                return self.unexpected();
            }
            StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::BAD_GATEWAY
            | StatusCode::GATEWAY_TIMEOUT => ("Not available right now", problem.detail()),
            _ => (status.canonical_reason().unwrap_or("Something went wrong"), problem.detail()),
        };
        ErrorPage {
            frame: Frame::bare(self.brand, title),
            status: status.as_u16(),
            text: text.to_owned(),
        }
    }

    fn unexpected(&self) -> ErrorPage {
        ErrorPage {
            frame: Frame::bare(self.brand, "Something went wrong"),
            status: StatusCode::INTERNAL_SERVER_ERROR.as_u16(),
            text: format!("The cause is in the log of the {}.", self.service),
        }
    }
}

/// Whether a request asks for a page, as browsers do.
pub fn accepts_html(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|range| {
        range.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/html")
    })
}

/// A form without this browser's token is answered in plain text, as programs expect it.
fn is_forgery(response: &Response) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    response.status() == StatusCode::FORBIDDEN
        && content_type.is_some_and(|value| value == "text/plain")
}

fn outdated_form() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "The form is out of date. Go back, reload the page and try again.",
    )
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn browsers_are_known_by_what_they_accept() {
        for (accept, expected) in [
            ("text/html,application/xhtml+xml,*/*;q=0.8", true),
            ("application/json, Text/HTML ;q=0.5", true),
            ("*/*", false),
            ("application/json", false),
            ("application/x-text/html", false),
        ] {
            let headers =
                HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(accepts_html(&headers), expected, "{accept}");
        }
    }

    #[test]
    fn a_detail_is_shown_as_text() {
        let problem = Problem::new(StatusCode::BAD_GATEWAY, "<script>alert(1)</script>");
        let place = Place { brand: "Library", service: "library", programs: &[] };
        let html = place.error_page(&problem).render().unwrap();
        assert!(html.contains("&#60;script&#62;") && !html.contains("<script"), "{html}");
    }
}
