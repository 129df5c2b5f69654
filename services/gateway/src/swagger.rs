//! Swagger UI from the program itself: one page that shows every document that administrators may see, with its own
//! content security policy. Lets nothing come from elsewhere.

mod archive;
mod assets;
mod list;

use std::sync::Arc;

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, header},
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use chassis::Problem;

use assets::Assets;
pub(crate) use list::routes as list_routes;

/// Where the page is.
pub(crate) const PAGE: &str = "/swagger-ui/index.html";

/// Swagger UI needs inline styles. Scripts come from files of ours only, and what they call is ours too.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     font-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "swagger.html")]
struct Page<'a> {
    sheets: [&'a str; 2],
    scripts: [&'a str; 2],
}

/// The page and what it needs; for everybody, because it holds nothing of the system.
///
/// # Errors
/// When the program was built with another archive of Swagger UI than it expects.
pub(crate) fn routes() -> anyhow::Result<Router> {
    let to_the_page = || async { Redirect::to(PAGE) };
    Ok(Router::new()
        .route(PAGE, get(page))
        .route("/swagger-ui/{file}", get(file))
        .route("/swagger-ui", get(to_the_page))
        .route("/swagger-ui/", get(to_the_page))
        .route("/swagger-ui.html", get(to_the_page))
        .route("/admin/docs", get(to_the_page))
        .with_state(Arc::new(Assets::unpacked()?)))
}

async fn page(State(assets): State<Arc<Assets>>) -> Result<Response, Problem> {
    let page = Page { sheets: assets.sheets(), scripts: assets.scripts() };
    let html = page.render().map_err(Problem::internal)?;
    Ok(([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(html)).into_response())
}

async fn file(
    State(assets): State<Arc<Assets>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asset = assets.find(&name).ok_or_else(Problem::not_found)?;
    asset.response(&headers).await
}
