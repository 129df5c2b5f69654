//! All instances at once, and one instance from its registration until it is seen.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};

use super::{
    instance::Instance,
    server::{ANSWER_LIMIT, Server},
};
use crate::connection::Line;

/// The application whose instances come and go.
const APPLICATION: &str = "SEEN";

/// How long an instance may stay unseen: a list of Spring's is renewed every 30 s by default.
const UNSEEN: Duration = Duration::from_secs(90);

/// No further instance is registered when so much time has passed.
const LONG_ENOUGH: Duration = Duration::from_secs(60);

/// By how much an answer may be longer or shorter than the first: compressed ones are never quite the same.
const TOLERANCE: f64 = 0.01;

/// How the instances are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Form {
    Json,
    Xml,
    /// JSON, compressed.
    Gzip,
}

impl Form {
    /// For programs.
    pub(super) fn key(self) -> &'static str {
        match self {
            Form::Json => "json",
            Form::Xml => "xml",
            Form::Gzip => "gzip",
        }
    }

    /// For people.
    pub(super) fn label(self) -> &'static str {
        match self {
            Form::Json => "JSON",
            Form::Xml => "XML",
            Form::Gzip => "JSON, gzip",
        }
    }

    fn headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Form::Json => &[("accept", "application/json")],
            Form::Xml => &[("accept", "application/xml")],
            Form::Gzip => &[("accept", "application/json"), ("accept-encoding", "gzip")],
        }
    }
}

/// Fetches all instances so many times, one after the other; returns how long each took, to its last byte.
///
/// # Errors
/// Quotes an answer that is not as the form says, or of another length than the first.
pub(super) async fn all(
    server: &Server,
    form: Form,
    times: usize,
) -> anyhow::Result<Vec<Duration>> {
    let request = server.request("GET", "/eureka/apps", form.headers());
    let mut line = Line::for_answers_up_to(ANSWER_LIMIT, &server.peer).await?;
    let mut first = None;
    let mut taken = Vec::with_capacity(times);
    // The first one is not counted: it opens the connection's windows.
    for _ in 0..=times {
        let began = Instant::now();
        let answer = line.ask(&request).await?;
        let lasted = began.elapsed();
        ensure!(answer.status == 200, "no 200: {}", answer.excerpt());
        let compressed = answer.header("content-encoding") == Some(b"gzip");
        ensure!(compressed == (form == Form::Gzip), "compressed by gzip: {compressed}");
        let Some(expected) = first else {
            first = Some(answer.length as f64);
            continue;
        };
        let length = answer.length as f64;
        ensure!(
            (length - expected).abs() <= expected * TOLERANCE,
            "an answer has {length} bytes, the first one had {expected}"
        );
        taken.push(lasted);
    }
    Ok(taken)
}

/// Registers up to so many instances of one application, one after the other; returns for each how long it took from the
/// first byte of its registration until a whole answer of the application's list had it.
///
/// # Errors
/// Quotes an answer that is no success, and names an instance that was not seen.
pub(super) async fn seen(server: &Server, times: usize) -> anyhow::Result<Vec<Duration>> {
    let mut line = Line::open(&server.peer).await?;
    // The list is there before: one that is asked for the first time cannot be old.
    let staying = Instance::of(APPLICATION.to_owned(), times, 8_082);
    let mut outcome = see(server, &mut line, &staying).await.map(|_| Vec::with_capacity(times));
    let began = Instant::now();
    for number in 0..times {
        let Ok(taken) = &mut outcome else { break };
        if began.elapsed() > LONG_ENOUGH {
            eprintln!("only {number} instances were registered until they were seen");
            break;
        }
        let instance = Instance::of(APPLICATION.to_owned(), number, 8_082);
        let lasted = see(server, &mut line, &instance).await;
        let cancelled = cancel(server, &mut line, &instance).await;
        match lasted.and_then(|lasted| cancelled.map(|()| lasted)) {
            Ok(lasted) => taken.push(lasted),
            Err(cause) => outcome = Err(cause),
        }
    }
    cancel(server, &mut line, &staying).await?;
    outcome
}

async fn see(server: &Server, line: &mut Line, instance: &Instance) -> anyhow::Result<Duration> {
    let register = server.register(instance);
    let read = server.read(&instance.application_path());
    let began = Instant::now();
    let answer = line.ask(&register).await?;
    ensure!(answer.status == 204, "register an instance: {}", answer.excerpt());
    loop {
        let answer = line.ask(&read).await?;
        if answer.status == 200 && answer.contains(instance.id.as_bytes()) {
            return Ok(began.elapsed());
        }
        // An application that is not known yet is 404.
        ensure!(matches!(answer.status, 200 | 404), "read an application: {}", answer.excerpt());
        if began.elapsed() > UNSEEN {
            bail!("an instance was not seen {} s after its registration", UNSEEN.as_secs());
        }
    }
}

async fn cancel(server: &Server, line: &mut Line, instance: &Instance) -> anyhow::Result<()> {
    let answer = line.ask(&server.cancel(instance)).await?;
    ensure!(answer.status == 200, "cancel an instance: {}", answer.excerpt());
    Ok(())
}
