//! A handler that does nothing, in a process of its own: how many requests the HTTP library itself can answer on this
//! machine, at this moment.

use std::process::ExitCode;

use anyhow::Context;
use axum::{Router, serve::ListenerExt};
use serde_json::json;
use tokio::net::TcpListener;

/// What it is called in its first line.
pub(crate) const NAME: &str = "bare";

/// Answers every request with 200 and an empty body, on a port of this machine's own, which its first line names. Does
/// not end by itself.
pub(crate) async fn run() -> anyhow::Result<ExitCode> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("listen")?;
    let address = format!("http://{}", listener.local_addr()?);
    println!("{}", json!({ NAME: address }));
    serve(listener).await?;
    Ok(ExitCode::SUCCESS)
}

/// Answers for ever.
pub(crate) async fn serve(listener: TcpListener) -> anyhow::Result<()> {
    let listener = listener.tap_io(|stream| {
        // Without it the answers come late, not wrong.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, Router::new().fallback(async || ())).await.context("answer requests")
}
