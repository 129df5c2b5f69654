//! The changes that were made to a database's schema, in Liquibase's words.

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Watched, media};
use crate::Problem;

/// One change, as Liquibase keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSet {
    /// Who wrote it.
    pub author: String,
    /// The file that it is in.
    pub change_log: String,
    /// What its author said about it.
    pub comments: String,
    /// Where it applies; everywhere when empty.
    pub contexts: Vec<String>,
    /// When it was made.
    pub executed: Timestamp,
    /// Together with which others.
    pub deployment: String,
    /// What it does.
    pub description: String,
    /// How it went: `EXECUTED`, `MARK_RAN` and others.
    pub outcome: String,
    /// Its name within the file.
    pub id: String,
    /// By which it can be chosen.
    pub labels: Vec<String>,
    /// Tells whether it was edited since.
    pub checksum: Option<String>,
    /// Its place in the order in which the changes were made.
    pub order: i64,
    /// A name for the state that it led to.
    pub tag: Option<String>,
}

pub(super) type ChangeLog =
    Box<dyn Fn() -> BoxFuture<'static, anyhow::Result<Vec<ChangeSet>>> + Send + Sync>;

pub(super) async fn show(
    State(watched): State<Arc<Watched>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let kind = media::kind(&headers)?;
    let change_sets = match &watched.change_log {
        Some(change_log) => change_log().await?,
        None => Vec::new(),
    };
    let change_sets: Vec<Value> = change_sets.iter().map(ChangeSet::json).collect();
    let context = json!({
        "liquibaseBeans": { "liquibase": { "changeSets": change_sets } },
        "parentId": "bootstrap",
    });
    let body = json!({ "contexts": {
        "bootstrap": { "liquibaseBeans": {}, "parentId": null },
        format!("{}-1", watched.about.name): context,
    }});
    Ok(media::answer(kind, &body))
}

impl ChangeSet {
    fn json(&self) -> Value {
        json!({
            "author": self.author,
            "changeLog": self.change_log,
            "comments": self.comments,
            "contexts": self.contexts,
            "dateExecuted": format!("{:.3}", self.executed),
            "deploymentId": self.deployment,
            "description": self.description,
            "execType": self.outcome,
            "id": self.id,
            "labels": self.labels,
            "checksum": self.checksum,
            "orderExecuted": self.order,
            "tag": self.tag,
        })
    }
}
