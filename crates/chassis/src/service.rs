//! A service is a name, a router and background loops, built without starting anything; `run` starts them.

use std::{future::Future, pin::Pin};

use axum::{Router, extract::Request, response::Response};
use tokio::net::TcpListener;

use crate::http::{self, Answers, Around, Finished, Shortcut};

/// Tells everything that runs to finish; see [`run`](crate::run()).
pub type Stop = tokio_util::sync::CancellationToken;

pub(crate) type Background =
    Box<dyn FnOnce(Stop) -> Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>> + Send>;

/// A name, routes and background loops. Starts nothing by itself.
pub struct Service {
    pub(crate) name: &'static str,
    router: Router,
    around: Vec<Around>,
    answers: Answers,
    shortcut: Option<Shortcut>,
    pub(crate) listener: Option<TcpListener>,
    pub(crate) loops: Vec<(&'static str, Background)>,
    pub(crate) rotation: Vec<(&'static str, Background)>,
}

impl Service {
    /// A service without routes or loops.
    pub fn new(name: &'static str) -> Self {
        Service {
            name,
            router: Router::new(),
            around: Vec::new(),
            answers: Answers::default(),
            shortcut: None,
            listener: None,
            loops: Vec::new(),
            rotation: Vec::new(),
        }
    }

    /// Adds routes.
    pub fn routes(mut self, router: Router) -> Self {
        self.router = self.router.merge(router);
        self
    }

    /// Puts something around all routes, however they were added, and around the answers to unknown paths and methods:
    /// a guard, a measurement. What was added last is outermost.
    pub fn around(mut self, wrap: impl FnOnce(Router) -> Router + Send + 'static) -> Self {
        self.around.push(Box::new(wrap));
        self
    }

    /// Decides how to answer what no handler answers; with problems otherwise.
    pub fn answering_as(mut self, answers: Answers) -> Self {
        self.answers = answers;
        self
    }

    /// Answers by themselves those requests that are nearly all there are, before a route is looked for and past whatever
    /// is [around](Service::around) the routes; what it gives no answer to goes there. Its answers have to be the same.
    pub fn shortcut<F>(mut self, answer: F) -> Self
    where
        F: Fn(&Request) -> Option<Response> + Send + Sync + 'static,
    {
        self.shortcut = Some(Box::new(answer));
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

    /// Adds a loop that makes others call this service, such as its registration. It is told to stop first: the
    /// listener accepts, and the other loops go on, until it has ended or a second has passed.
    pub fn in_rotation<F, T>(mut self, name: &'static str, start: F) -> Self
    where
        F: FnOnce(Stop) -> T + Send + 'static,
        T: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.rotation.push((name, Box::new(move |stop| Box::pin(start(stop)))));
        self
    }

    /// The service's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The routes as they are served, for a test that needs no socket.
    pub fn into_router(self) -> Router {
        Router::new().fallback_service(self.finished())
    }

    pub(crate) fn finished(self) -> Finished {
        http::finished(self.router, self.around, self.answers, self.shortcut)
    }
}
