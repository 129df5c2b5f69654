//! The files of the page. The address of each carries a mark of its content, so that browsers may keep it for a year and
//! still see every change at once.

use std::convert::Infallible;

use anyhow::Context;
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use chassis::{Problem, http::takes_gzip};
use futures_util::stream;
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;

use super::archive::{self, Packed};
use ::pages::style::fnv1a;

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const OUR_SHEET: &str = include_str!("../../swagger/page.css");
const OUR_SCRIPT: &str = include_str!("../../swagger/page.js");

/// Every file, in the order in which the page names them.
pub(super) struct Assets {
    sheets: [Asset; 2],
    scripts: [Asset; 2],
}

/// A file.
pub(super) struct Asset {
    /// The last segment of its address.
    name: String,
    kind: &'static str,
    content: Content,
}

#[derive(Clone, Copy)]
enum Content {
    Packed(Packed),
    Plain(&'static str),
}

impl Assets {
    /// Finds every file in the program.
    ///
    /// # Errors
    /// Names the file that is not there.
    pub(super) fn unpacked() -> anyhow::Result<Self> {
        Ok(Assets {
            sheets: [packed("swagger-ui", "css", CSS)?, ours(OUR_SHEET, "css", CSS)],
            scripts: [packed("swagger-ui-bundle", "js", SCRIPT)?, ours(OUR_SCRIPT, "js", SCRIPT)],
        })
    }

    /// The style sheets' names.
    pub(super) fn sheets(&self) -> [&str; 2] {
        self.sheets.each_ref().map(|asset| &*asset.name)
    }

    /// The scripts' names.
    pub(super) fn scripts(&self) -> [&str; 2] {
        self.scripts.each_ref().map(|asset| &*asset.name)
    }

    /// The file of this name.
    pub(super) fn find(&self, name: &str) -> Option<&Asset> {
        self.sheets.iter().chain(&self.scripts).find(|asset| asset.name == name)
    }
}

fn packed(stem: &str, ending: &str, kind: &'static str) -> anyhow::Result<Asset> {
    let path = format!("dist/{stem}.{ending}");
    let packed = archive::find(SWAGGER_UI_VENDORED, &path)
        .with_context(|| format!("find {path} in the archive of Swagger UI"))?;
    let name = format!("{stem}-{:08x}.{ending}", packed.checksum());
    Ok(Asset { name, kind, content: Content::Packed(packed) })
}

fn ours(text: &'static str, ending: &str, kind: &'static str) -> Asset {
    let name = format!("page-{:016x}.{ending}", fnv1a(text.as_bytes()));
    Asset { name, kind, content: Content::Plain(text) }
}

impl Asset {
    /// The answer to who asked for the file: packed, where it is and the caller can unpack it.
    pub(super) async fn response(&self, asked: &HeaderMap) -> Result<Response, Problem> {
        let mut response = match self.content {
            Content::Plain(text) => text.into_response(),
            Content::Packed(packed) if takes_gzip(asked) => gzip(&packed),
            Content::Packed(packed) => {
                let unpacked = tokio::task::spawn_blocking(move || packed.unpacked()).await;
                unpacked.map_err(Problem::internal)?.map_err(Problem::internal)?.into_response()
            }
        };
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CONTENT_TYPE, self.kind),
            (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            (header::PRAGMA, "cache"),
            (header::VARY, "accept-encoding"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        Ok(response)
    }
}

fn gzip(packed: &Packed) -> Response {
    let parts = packed.gzip();
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    let body = Body::from_stream(stream::iter(parts.map(Ok::<_, Infallible>)));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response
}
