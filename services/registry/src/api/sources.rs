//! Where the configuration comes from.

use std::path::Path;

use anyhow::{Context, bail};
use discovery::server::{ConfigServer, config::BackendState};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

/// The sources in the form of Spring Cloud's composite configuration.
pub(crate) fn sources(config: &ConfigServer) -> Value {
    let source = |state: BackendState| match state.kind {
        "git" => json!({ "type": "git", "uri": state.places.join(",") }),
        kind => json!({ "type": kind, "search": { "locations": state.places.join(",") } }),
    };
    config.state().into_iter().map(source).collect()
}

/// The text of a file that is not longer than this.
pub(super) async fn read_bounded(path: &Path, limit: u64) -> anyhow::Result<String> {
    let file = tokio::fs::File::open(path).await;
    let file = file.with_context(|| format!("open {}", path.display()))?;
    let mut text = String::new();
    let read = file.take(limit + 1).read_to_string(&mut text).await;
    read.with_context(|| format!("read {}", path.display()))?;
    if text.len() as u64 > limit {
        bail!("{} is longer than {limit} bytes", path.display());
    }
    Ok(text)
}
