//! The look that all pages share: frame, style sheet, failures for people, security headers, and who is visiting.
//! Knows nothing of what a page shows.

pub mod errors;
mod frame;
pub mod headers;
pub mod style;
mod text;
mod visit;

use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use chassis::Problem;

pub use frame::{Frame, Link};
pub use text::{Time, brief, shortened};
pub use visit::{ADMIN, Visit, is_administrator, sign_in};

/// Renders a page.
///
/// # Errors
/// 500 when the template cannot be rendered.
pub fn page(template: &impl Template) -> Result<Response, Problem> {
    let html = template.render().map_err(Problem::internal)?;
    Ok(Html(html).into_response())
}

/// Renders a page that tells of a failure, with the status of that failure.
///
/// # Errors
/// 500 when the template cannot be rendered.
pub fn page_with(status: StatusCode, template: &impl Template) -> Result<Response, Problem> {
    let mut response = page(template)?;
    *response.status_mut() = status;
    Ok(response)
}
