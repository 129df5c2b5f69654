//! How the registry is: `GET /status`.

use axum::{extract::State, http::StatusCode, response::Response};
use serde_json::json;

use super::{answers::without_last_line_end, asked::Asked};
use crate::{
    instance::{Form, xml},
    server::{PeerState, Registry},
};

pub(super) async fn status(State(registry): State<Registry>, asked: Asked) -> Response {
    let minutes = registry.figures().uptime.as_secs() / 60;
    let peers = registry.peers();
    let named = |wanted: Option<PeerState>| -> String {
        let wanted = peers.iter().filter(|peer| wanted.is_none_or(|state| peer.state == state));
        wanted.map(|peer| format!("{}/,", peer.address)).collect()
    };
    let all = named(None);
    let status = json!({
        "generalStats": {
            "num-of-cpus": std::thread::available_parallelism().map_or(1, usize::from).to_string(),
            "server-uptime": format!("{:02}:{:02}", minutes / 60, minutes % 60),
        },
        "applicationStats": {
            "registered-replicas": all.trim_end_matches(','),
            "available-replicas": named(Some(PeerState::Reached)),
            "unavailable-replicas": named(Some(PeerState::Away)),
        },
    });
    let body = match asked.form {
        Form::Json => status.to_string(),
        Form::Xml => {
            let mut body = String::new();
            xml::write(&mut body, 0, "status", &status);
            without_last_line_end(body)
        }
    };
    asked.answer(StatusCode::OK, body)
}
