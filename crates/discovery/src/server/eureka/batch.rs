//! What another registry passes on, in batches: `POST /peerreplication/batch/`.

use std::time::Duration;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use chassis::Problem;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::{INSTANCE_LIMIT, answers::without_last_line_end, asked::Asked, checks};
use crate::{
    instance::{Form, Instance, Status, xml},
    server::{
        Origin, Registry,
        leases::{Heartbeat, Renewal, StatusChange},
        peers::{Action, Entry},
    },
};

/// The largest batch that is read, in bytes: Netflix's 250 entries with the largest instances that are taken.
const BATCH_LIMIT: usize = 251 * INSTANCE_LIMIT;
/// How long a peer may take to send it.
const PATIENCE: Duration = Duration::from_secs(20);
const PROTOCOL: &str = "com.netflix.eureka.cluster.protocol";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    replication_list: Vec<Value>,
}

/// What is answered to one entry.
struct Answer {
    status: StatusCode,
    instance: Option<Box<Instance>>,
}

impl From<StatusCode> for Answer {
    fn from(status: StatusCode) -> Self {
        Answer { status, instance: None }
    }
}

pub(super) async fn take(
    State(registry): State<Registry>,
    asked: Asked,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if kind.is_some_and(|kind| !kind.contains("json")) {
        return Ok(asked.empty(StatusCode::UNSUPPORTED_MEDIA_TYPE));
    }
    let read = timeout(PATIENCE, axum::body::to_bytes(body, BATCH_LIMIT)).await;
    let read = read.map_err(|_| Problem::new(StatusCode::REQUEST_TIMEOUT, "The batch is too slow"))?;
    let body = read.map_err(|_| Problem::too_large(BATCH_LIMIT))?;
    let batch: Batch = serde_json::from_slice(&body).map_err(|error| {
        Problem::bad_request(format!("The batch cannot be read: {error}"))
    })?;
    let answers: Vec<Answer> =
        batch.replication_list.into_iter().map(|entry| take_entry(&registry, entry)).collect();
    Ok(asked.answer(StatusCode::OK, written(asked.form, &answers)))
}

fn take_entry(registry: &Registry, entry: Value) -> Answer {
    let Ok(mut entry) = serde_json::from_value::<Entry>(entry) else {
        return StatusCode::BAD_REQUEST.into();
    };
    let (app, id) = (entry.app_name.to_uppercase(), entry.id.clone());
    let found = |there: bool| -> Answer {
        if there { StatusCode::OK.into() } else { StatusCode::NOT_FOUND.into() }
    };
    let status = |or: Option<Status>| {
        let status = entry.status_named().or(or);
        status.map(|status| StatusChange { status, dirty: entry.dirty() })
    };
    match entry.action {
        Action::Register => take_registration(registry, &app, entry.instance_info.take()),
        Action::Cancel => found(registry.cancel(&app, &id, Origin::Peer)),
        Action::StatusUpdate => status(None).map_or(StatusCode::BAD_REQUEST.into(), |change| {
            found(registry.override_status(&app, &id, change, Origin::Peer))
        }),
        Action::DeleteStatusOverride => {
            let own = status(Some(Status::Unknown));
            found(own.is_some_and(|own| registry.remove_override(&app, &id, own, Origin::Peer)))
        }
        Action::Heartbeat => {
            let (dirty, overridden) = (entry.dirty(), entry.overridden());
            let heartbeat = Heartbeat { dirty, overridden, from_peer: true };
            match registry.renew(&app, &id, heartbeat, Origin::Peer) {
                Renewal::Renewed => found(true),
                Renewal::Forgotten => found(false),
                Renewal::Newer(instance) => {
                    Answer { status: StatusCode::CONFLICT, instance: Some(instance) }
                }
            }
        }
    }
}

fn take_registration(registry: &Registry, app: &str, instance: Option<Value>) -> Answer {
    let read = instance.and_then(|instance| Instance::from_value(instance).ok());
    let Some(mut instance) = read else { return StatusCode::BAD_REQUEST.into() };
    instance.app = instance.app.to_uppercase();
    if checks::fault(&instance, app).is_some()
        || instance.to_value().to_string().len() > INSTANCE_LIMIT
    {
        return StatusCode::BAD_REQUEST.into();
    }
    match registry.register(instance, Origin::Peer) {
        Ok(()) => StatusCode::OK.into(),
        Err(_) => StatusCode::TOO_MANY_REQUESTS.into(),
    }
}

fn written(form: Form, answers: &[Answer]) -> String {
    let answers = answers.iter().map(|answer| {
        let mut members = Map::new();
        members.insert("statusCode".to_owned(), answer.status.as_u16().into());
        if let Some(instance) = &answer.instance {
            members.insert("responseEntity".to_owned(), instance.to_value());
        }
        Value::Object(members)
    });
    let answers = Value::Array(answers.collect());
    match form {
        Form::Json => json!({ "responseList": answers }).to_string(),
        Form::Xml => {
            let one = format!("{PROTOCOL}.ReplicationInstanceResponse");
            let is_empty = answers.as_array().is_none_or(Vec::is_empty);
            let list = if is_empty { json!({}) } else { json!({ one: answers }) };
            let mut body = String::new();
            let name = format!("{PROTOCOL}.ReplicationListResponse");
            xml::write(&mut body, 0, &name, &json!({ "responseList": list }));
            without_last_line_end(body)
        }
    }
}
