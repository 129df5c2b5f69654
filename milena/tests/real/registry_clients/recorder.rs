//! Stands between a client and a registry, passes everything on as it is, and remembers what was asked and answered.

use std::{
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use reqwest::{Client, redirect::Policy};
use tokio::{net::TcpListener, task::JoinSet};

use super::client;

/// The largest body that is passed on, in bytes.
const LIMIT: usize = 16 * 1024 * 1024;
/// How long a registry may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A question of the client, and what became of it.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) method: String,
    /// With the query.
    pub(super) path: String,
    /// Which format the client wants.
    pub(super) accept: String,
    pub(super) status: u16,
    /// Which format it got.
    pub(super) kind: String,
    /// The coding of the answer, such as `gzip`.
    pub(super) coding: String,
}

/// Where a client finds the registry. It stops when it is dropped.
pub(super) struct Recorder {
    /// Its own address, `http://host:port`.
    pub(super) url: String,
    exchanges: Arc<Mutex<Vec<Exchange>>>,
    _serving: JoinSet<()>,
}

#[derive(Clone)]
struct Passing {
    to: String,
    client: Client,
    exchanges: Arc<Mutex<Vec<Exchange>>>,
}

impl Recorder {
    /// One in front of the registry at `http://host:port`.
    pub(super) async fn before(registry: &str) -> Recorder {
        let exchanges = Arc::default();
        let client = client().redirect(Policy::none()).timeout(PATIENCE).build().unwrap();
        let passing =
            Passing { to: registry.to_owned(), client, exchanges: Arc::clone(&exchanges) };
        let routes = Router::new().fallback(pass_on).with_state(passing);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Recorder { url, exchanges, _serving: serving }
    }

    /// Everything so far, in the order of the answers.
    pub(super) fn exchanges(&self) -> Vec<Exchange> {
        self.exchanges.lock().unwrap().clone()
    }

    /// The exchanges with this method and a path that the condition holds for, without its query.
    pub(super) fn with(&self, method: &str, path: impl Fn(&str) -> bool) -> Vec<Exchange> {
        let mut exchanges = self.exchanges();
        exchanges.retain(|exchange| {
            let plain = exchange.path.split('?').next().unwrap();
            exchange.method == method && path(plain)
        });
        exchanges
    }
}

async fn pass_on(State(passing): State<Passing>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().unwrap().to_string();
    let accept = text(&parts.headers, header::ACCEPT);
    let body: Bytes = axum::body::to_bytes(body, LIMIT).await.unwrap();
    let asked = passing
        .client
        .request(parts.method.clone(), format!("{}{path}", passing.to))
        .headers(end_to_end(parts.headers))
        .body(body)
        .send()
        .await;
    let answer = match asked {
        Ok(answer) => {
            let (status, headers) = (answer.status(), end_to_end(answer.headers().clone()));
            (status, headers, Body::from(answer.bytes().await.unwrap_or_default())).into_response()
        }
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    };
    let exchange = Exchange {
        method: parts.method.to_string(),
        path,
        accept,
        status: answer.status().as_u16(),
        kind: text(answer.headers(), header::CONTENT_TYPE),
        coding: text(answer.headers(), header::CONTENT_ENCODING),
    };
    passing.exchanges.lock().unwrap().push(exchange);
    answer
}

/// Without those that are about one connection only, of which there are two here.
fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    let ours =
        [header::HOST, header::CONNECTION, header::CONTENT_LENGTH, header::TRANSFER_ENCODING];
    for name in ours {
        headers.remove(name);
    }
    headers
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> String {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.collect::<Vec<_>>().join(", ")
}
