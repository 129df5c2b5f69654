//! `GET /api/config/effective?application=…&profile=…&label=…`: each key that counts, with where it stands and what it
//! overrides. `GET /api/config/difference?…&from=…&to=…`: what would change if another branch, tag or commit were served.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use chassis::Problem;
use discovery::server::config::{Change, Versioned};
use serde::Deserialize;

use super::Interface;

/// Whose configuration is asked for, and of which labels. Secrets are masked in the answers.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    application: String,
    profile: String,
    label: Option<String>,
    from: Option<String>,
    to: Option<String>,
}

pub(super) async fn effective(
    State(interface): State<Arc<Interface>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Versioned>, Problem> {
    let Query(asked) = asked.map_err(|error| Problem::bad_request(error.body_text()))?;
    let label = asked.label.as_deref();
    Ok(Json(interface.config.effective(&asked.application, &asked.profile, label).await?))
}

pub(super) async fn difference(
    State(interface): State<Arc<Interface>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Vec<Change>>, Problem> {
    let Query(asked) = asked.map_err(|error| Problem::bad_request(error.body_text()))?;
    let Some(to) = asked.to.as_deref() else {
        return Err(Problem::bad_request("to is missing: the branch that might be served"));
    };
    let (application, profile) = (&asked.application, &asked.profile);
    Ok(Json(interface.config.difference(application, profile, asked.from.as_deref(), to).await?))
}
