//! From an instance's registration until the gateway forwards to it.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Response, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};

use super::{instance::Instance, server::Server};
use crate::{
    connection::{Line, Peer},
    token::Bearer,
};

/// What the instances answer: nobody else does.
const ANSWER: &str = "an instance of bench answers";

/// How long the gateway may not find an instance.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many may be connected to the instances at a time.
const CONNECTIONS: usize = 64;

/// A gateway, and who calls it.
pub(super) struct Gateway {
    pub(super) peer: Arc<Peer>,
    pub(super) bearer: Bearer,
}

/// Registers so many instances, each of a new application; returns for each how long it took from the answer to its
/// registration until the gateway's answer was the instance's own.
///
/// # Errors
/// Quotes an answer that is no success, and names an instance that the gateway did not find.
pub(super) async fn routed(
    registry: &Server,
    gateway: &Gateway,
    times: usize,
) -> anyhow::Result<Vec<Duration>> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("listen as an instance")?;
    let port = listener.local_addr()?.port();
    let mut answering = JoinSet::new();
    answering.spawn(serve(listener));
    let mut to_registry = Line::open(&registry.peer).await?;
    let mut to_gateway = Line::open(&gateway.peer).await?;
    let mut taken = Vec::with_capacity(times);
    for number in 0..times {
        let instance = Instance::of(format!("ROUTED-{number}"), number, port);
        let answer = to_registry.ask(&registry.register(&instance)).await?;
        ensure!(answer.status == 204, "register an instance: {}", answer.excerpt());
        taken.push(until_found(gateway, &mut to_gateway, &instance).await?);
        let answer = to_registry.ask(&registry.cancel(&instance)).await?;
        ensure!(answer.status == 200, "cancel an instance: {}", answer.excerpt());
    }
    Ok(taken)
}

async fn until_found(
    gateway: &Gateway,
    line: &mut Line,
    instance: &Instance,
) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let token = gateway.bearer.header();
    let headers = [("authorization", token.to_str().context("the token")?)];
    let path = format!("/services/{}/ping", instance.application.to_lowercase());
    let request = gateway.peer.request("GET", &path, &headers, b"");
    loop {
        let answer = line.ask(&request).await?;
        match answer.status {
            200 if answer.contains(ANSWER.as_bytes()) => return Ok(began.elapsed()),
            // The gateway does not know the instance yet.
            404 | 502 | 503 | 504 => {}
            _ => bail!("GET {path} at the gateway: {}", answer.excerpt()),
        }
        if began.elapsed() > PATIENCE {
            let seconds = PATIENCE.as_secs();
            bail!(
                "GET {path} at the gateway, {seconds} s after the registration: {}",
                answer.excerpt()
            );
        }
    }
}

/// Answers as every instance, for ever.
async fn serve(listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream));
                }
                Err(cause) => {
                    eprintln!("an instance: {cause}");
                    sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse(stream: TcpStream) {
    let body = Full::new(Bytes::from_static(ANSWER.as_bytes()));
    let answer = service_fn(async |_| Ok::<_, Infallible>(Response::new(body.clone())));
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new());
    // A connection that breaks is the gateway's to complain about.
    let _ = server.serve_connection(TokioIo::new(stream), answer).await;
}
