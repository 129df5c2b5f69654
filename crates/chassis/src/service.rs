//! A service is a name, a router and background loops, built without starting anything; `run` starts them.

use std::{future::Future, pin::Pin, time::Duration};

use anyhow::{Context, anyhow};
use axum::Router;
use tokio::{net::TcpListener, task::JoinSet};
use tracing::{error, warn};

use crate::http;

/// Tells everything that runs to finish; see [`run`].
pub type Stop = tokio_util::sync::CancellationToken;

type Background =
    Box<dyn FnOnce(Stop) -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>> + Send>;

/// How long a stopping service may take to finish what is in flight.
const DRAIN: Duration = Duration::from_secs(4);

/// A name, routes and background loops. Starts nothing by itself.
pub struct Service {
    name: &'static str,
    router: Router,
    listener: Option<TcpListener>,
    loops: Vec<(&'static str, Background)>,
}

impl Service {
    /// A service without routes or loops.
    pub fn new(name: &'static str) -> Self {
        Service { name, router: Router::new(), listener: None, loops: Vec::new() }
    }

    /// Adds routes.
    pub fn routes(mut self, router: Router) -> Self {
        self.router = self.router.merge(router);
        self
    }

    /// Answers on this listener, which is bound already, so that its address is known before anything starts.
    pub fn on(mut self, listener: TcpListener) -> Self {
        self.listener = Some(listener);
        self
    }

    /// Adds a loop that runs until `Stop`. One that ends earlier, with or without an error, ends the process.
    pub fn background<F, T>(mut self, name: &'static str, start: F) -> Self
    where
        F: FnOnce(Stop) -> T + Send + 'static,
        T: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.loops.push((name, Box::new(move |stop| Box::pin(start(stop)))));
        self
    }

    /// The service's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The routes, for a test that needs no socket.
    pub fn into_router(self) -> Router {
        http::finished(self.router)
    }
}

/// Runs services until `stop` or until the first of their loops ends, then lets everything finish within four seconds.
///
/// # Errors
/// Names the loop that ended although nobody had asked it to, or what did not finish in time.
pub async fn run(services: Vec<Service>, stop: Stop) -> anyhow::Result<()> {
    let mut tasks = JoinSet::new();
    for service in services {
        let name = service.name;
        if let Some(listener) = service.listener {
            let (router, stop) = (service.router, stop.clone());
            tasks.spawn(async move {
                (format!("{name}: http"), http::serve(listener, router, stop).await)
            });
        }
        for (part, start) in service.loops {
            let running = start(stop.clone());
            tasks.spawn(async move { (format!("{name}: {part}"), running.await) });
        }
    }
    let outcome = first_end(&mut tasks, &stop).await;
    stop.cancel();
    let drained = tokio::time::timeout(DRAIN, drain(&mut tasks)).await;
    if drained.is_err() {
        tasks.abort_all();
        warn!("{} parts did not finish within {DRAIN:?} and were cut off", tasks.len());
    }
    outcome
}

type Ended = Result<(String, anyhow::Result<()>), tokio::task::JoinError>;

async fn first_end(
    tasks: &mut JoinSet<(String, anyhow::Result<()>)>,
    stop: &Stop,
) -> anyhow::Result<()> {
    let ended: Option<Ended> = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        ended = tasks.join_next() => ended,
    };
    match ended {
        None => Ok(()),
        Some(_) if stop.is_cancelled() => Ok(()),
        Some(Ok((part, Ok(())))) => Err(anyhow!("{part} ended although nobody asked it to")),
        Some(Ok((part, Err(cause)))) => Err(cause.context(format!("{part} failed"))),
        Some(Err(crash)) => Err(crash).context("a part of the program crashed"),
    }
}

async fn drain(tasks: &mut JoinSet<(String, anyhow::Result<()>)>) {
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok((_, Ok(()))) => {}
            Ok((part, Err(cause))) => error!("{part} failed while stopping: {cause:#}"),
            Err(crash) => error!("a part of the program crashed while stopping: {crash}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_loop_that_dies_ends_the_run_by_name() {
        let healthy = Service::new("orders").background("relay", |stop| async move {
            stop.cancelled().await;
            Ok(())
        });
        let dying =
            Service::new("letters").background("consume", |_| async { Err(anyhow!("disk full")) });
        let outcome = run(vec![healthy, dying], Stop::new()).await.unwrap_err();
        assert_eq!(format!("{outcome:#}"), "letters: consume failed: disk full");
    }

    #[tokio::test]
    async fn a_loop_that_returns_early_ends_the_run_too() {
        let leaving = Service::new("letters").background("consume", |_| async { Ok(()) });
        let outcome = run(vec![leaving], Stop::new()).await.unwrap_err();
        assert_eq!(outcome.to_string(), "letters: consume ended although nobody asked it to");
    }

    #[tokio::test]
    async fn a_loop_that_panics_ends_the_run() {
        let crashing = Service::new("letters").background("consume", |_| async { panic!("boom") });
        assert!(run(vec![crashing], Stop::new()).await.is_err());
    }

    #[tokio::test]
    async fn stopping_waits_for_the_loops() {
        let stop = Stop::new();
        let (done, finished) = tokio::sync::oneshot::channel();
        let slow = Service::new("orders").background("relay", |stop| async move {
            stop.cancelled().await;
            tokio::task::yield_now().await;
            done.send(()).map_err(|()| anyhow!("nobody waits"))
        });
        stop.cancel();
        run(vec![slow], stop).await.unwrap();
        finished.await.unwrap();
    }
}
