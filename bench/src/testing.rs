//! What the tests of both measurements need: command lines, and a small server.

use std::convert::Infallible;

use bytes::Bytes;
use clap::{Args, Parser};
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};

/// A command line of one measurement.
#[derive(Parser)]
pub(crate) struct Line<A: Args> {
    #[command(flatten)]
    pub(crate) arguments: A,
}

/// Fails unless the arguments are described so, or refused with a message that has this in it.
pub(crate) fn check<A: Args>(
    line: &str,
    describe: impl Fn(&A) -> anyhow::Result<String>,
    expected: Result<&str, &str>,
) {
    let words = std::iter::once("bench").chain(line.split_whitespace());
    let described = match Line::<A>::try_parse_from(words) {
        Ok(line) => describe(&line.arguments).map_err(|cause| cause.to_string()),
        Err(cause) => Err(cause.to_string()),
    };
    match (&described, expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{line}"),
        (Err(found), Err(expected)) => assert!(found.contains(expected), "{line}: {found}"),
        _ => panic!("{line}: {described:?}, not {expected:?}"),
    }
}

/// Answers every request on every connection, for ever.
pub(crate) async fn serve<F>(
    listener: TcpListener,
    answer: impl Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
) where
    F: Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        let stream = TokioIo::new(listener.accept().await.unwrap().0);
        let service = service_fn(answer.clone());
        connections.spawn(http1::Builder::new().serve_connection(stream, service));
    }
}
