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
/// How long a stage may take to leave the rotation, before it stops to listen.
const LEAVING: Duration = Duration::from_secs(1);
/// How long what was cut off may take to let go.
const LAST_BREATH: Duration = Duration::from_millis(400);

/// Runs services until `stop` or until the first of their parts ends. Then each stage in turn leaves the rotation, is
/// told to stop and may use half of what remains of four seconds, the last one all of it; what has not finished then is
/// cut off.
///
/// # Errors
/// Names the part that ended although nobody had asked it to.
pub async fn run(stages: Vec<Vec<Service>>, stop: Stop) -> anyhow::Result<()> {
    let mut parts = Parts { tasks: JoinSet::new(), running: HashMap::new() };
    // No children of `stop`, which would all stop at once with it.
    let stops: Vec<Stops> = stages.iter().map(|_| Stops::default()).collect();
    for (stage, services) in stages.into_iter().enumerate() {
        for service in services {
            parts.start(service, stage, &stops[stage]);
        }
    }
    let outcome = parts.first_end(&stop).await;
    stop.cancel();
    let end = Instant::now() + DRAIN;
    for (stage, told) in stops.iter().enumerate() {
        let left = || {
            let left = end.saturating_duration_since(Instant::now());
            if stage + 1 == stops.len() { left } else { left / 2 }
        };
        told.rotation.cancel();
        parts.drain(|part| part.stage == stage && part.rotation, left().min(LEAVING)).await;
        told.work.cancel();
        parts.drain(|part| part.stage == stage, left()).await;
    }
    if timeout(LAST_BREATH, parts.tasks.shutdown()).await.is_err() {
        warn!("what was cut off does not let go");
    }
    outcome
}

/// What tells a stage to stop.
#[derive(Default)]
struct Stops {
    /// Those who make others call it.
    rotation: Stop,
    /// Everything else.
    work: Stop,
}

/// Everything that runs: a service's listener and each of its loops.
struct Parts {
    tasks: JoinSet<anyhow::Result<()>>,
    running: HashMap<Id, Part>,
}

struct Part {
    name: String,
    stage: usize,
    /// Whether it makes others call its service.
    rotation: bool,
    task: AbortHandle,
}

impl Parts {
    fn start(&mut self, mut service: Service, stage: usize, stops: &Stops) {
        let name = service.name;
        let (loops, rotation) =
            (std::mem::take(&mut service.loops), std::mem::take(&mut service.rotation));
        let mut add = |part: &str, rotation, task: AbortHandle| {
            let part = Part { name: format!("{name}: {part}"), stage, rotation, task };
            self.running.insert(part.task.id(), part);
        };
        if let Some(listener) = service.listener.take() {
            let finished = service.finished();
            let serving = http::serve(listener, finished, stops.work.clone());
            add("http", false, self.tasks.spawn(serving));
        }
        for (part, start) in loops {
            add(part, false, self.tasks.spawn(start(stops.work.clone())));
        }
        for (part, start) in rotation {
            add(part, true, self.tasks.spawn(start(stops.rotation.clone())));
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

    /// Waits until parts that were told to stop have done so, and cuts off what takes longer.
    async fn drain(&mut self, told: impl Fn(&Part) -> bool, limit: Duration) {
        let drained = async {
            while self.running.values().any(&told) {
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
        let late = self.running.extract_if(|_, part| told(part));
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
