//! Runs services in stages: everything starts at once, and stops one stage after the other, so that whoever is still
//! at work finds what it needs.

use std::{collections::HashMap, time::Duration};

use anyhow::{Context, anyhow};
use tokio::{
    task::{AbortHandle, Id, JoinError, JoinSet},
    time::{Instant, timeout},
};
use tracing::{error, warn};

use crate::{Service, Stop, http};

/// How long all stages together may take to finish what is in flight.
const DRAIN: Duration = Duration::from_secs(4);
/// How long what was cut off may take to let go.
const LAST_BREATH: Duration = Duration::from_millis(400);

/// Runs services until `stop` or until the first of their parts ends. Then each stage in turn is told to stop and may
/// use half of what remains of four seconds, the last one all of it; what has not finished then is cut off.
///
/// # Errors
/// Names the part that ended although nobody had asked it to.
pub async fn run(stages: Vec<Vec<Service>>, stop: Stop) -> anyhow::Result<()> {
    let mut parts = Parts { tasks: JoinSet::new(), running: HashMap::new() };
    // No children of `stop`, which would all stop at once with it.
    let stops: Vec<Stop> = stages.iter().map(|_| Stop::new()).collect();
    for (stage, services) in stages.into_iter().enumerate() {
        for service in services {
            parts.start(service, stage, &stops[stage]);
        }
    }
    let outcome = parts.first_end(&stop).await;
    stop.cancel();
    let end = Instant::now() + DRAIN;
    for (stage, told) in stops.iter().enumerate() {
        told.cancel();
        let left = end.saturating_duration_since(Instant::now());
        let last = stage + 1 == stops.len();
        parts.drain(stage, if last { left } else { left / 2 }).await;
    }
    if timeout(LAST_BREATH, parts.tasks.shutdown()).await.is_err() {
        warn!("what was cut off does not let go");
    }
    outcome
}

/// Everything that runs: a service's listener and each of its loops.
struct Parts {
    tasks: JoinSet<anyhow::Result<()>>,
    running: HashMap<Id, Part>,
}

struct Part {
    name: String,
    stage: usize,
    task: AbortHandle,
}

impl Parts {
    fn start(&mut self, mut service: Service, stage: usize, stop: &Stop) {
        let name = service.name;
        let loops = std::mem::take(&mut service.loops);
        if let Some(listener) = service.listener.take() {
            let router = service.into_router();
            let task = self.tasks.spawn(http::serve(listener, router, stop.clone()));
            self.running.insert(task.id(), Part { name: format!("{name}: http"), stage, task });
        }
        for (part, start) in loops {
            let task = self.tasks.spawn(start(stop.clone()));
            self.running.insert(task.id(), Part { name: format!("{name}: {part}"), stage, task });
        }
    }

    async fn first_end(&mut self, stop: &Stop) -> anyhow::Result<()> {
        let ended = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            ended = self.next_end() => ended,
        };
        match ended {
            None => Ok(()),
            Some((part, Ok(Ok(())))) => Err(anyhow!("{part} ended although nobody asked it to")),
            Some((part, Ok(Err(cause)))) => Err(cause.context(format!("{part} failed"))),
            Some((part, Err(crash))) => Err(crash).context(format!("{part} crashed")),
        }
    }

    /// Waits for the end of a part that was not cut off.
    async fn next_end(&mut self) -> Option<(String, Result<anyhow::Result<()>, JoinError>)> {
        while let Some(ended) = self.tasks.join_next_with_id().await {
            let (id, outcome) = match ended {
                Ok((id, outcome)) => (id, Ok(outcome)),
                Err(crash) => (crash.id(), Err(crash)),
            };
            if let Some(part) = self.running.remove(&id) {
                return Some((part.name, outcome));
            }
        }
        None
    }

    /// Waits until a stage that was told to stop has done so, and cuts off what takes longer.
    async fn drain(&mut self, stage: usize, limit: Duration) {
        let drained = async {
            while self.running.values().any(|part| part.stage == stage) {
                match self.next_end().await {
                    None | Some((_, Ok(Ok(())))) => {}
                    Some((part, Ok(Err(cause)))) => {
                        error!("{part} failed while stopping: {cause:#}");
                    }
                    Some((part, Err(crash))) => error!("{part} crashed while stopping: {crash}"),
                }
            }
        };
        if timeout(limit, drained).await.is_ok() {
            return;
        }
        let late = self.running.extract_if(|_, part| part.stage == stage);
        let mut names: Vec<String> = late
            .map(|(_, part)| {
                part.task.abort();
                part.name
            })
            .collect();
        names.sort();
        warn!("cut off because they did not finish within {limit:?}: {}", names.join(", "));
    }
}

#[cfg(test)]
mod tests;
