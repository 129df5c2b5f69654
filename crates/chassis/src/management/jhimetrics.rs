//! The figures that JHipster's page of metrics shows. What only a Java program has is empty or zero.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{extract::State, http::HeaderMap, response::Response};
use serde_json::{Map, Value, json};

use super::{
    CacheFigures, PoolFigures, Watched, media,
    metrics::{Figures, Measured},
};
use crate::Problem;

pub(super) async fn show(
    State(watched): State<Arc<Watched>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let measured = watched.observed.requests.measured();
    let body = json!({
        "jvm": {},
        "databases": databases(watched.pools.iter().map(|(_, figures)| figures())),
        "http.server.requests": requests(&measured),
        "cache": caches(&watched),
        "garbageCollector": no_garbage_collector(),
        "services": services(&measured),
        "processMetrics": process(&watched.process.figures()),
    });
    media::json(&headers, &body)
}

/// Some requests taken together.
#[derive(Default)]
struct Sum {
    count: u64,
    total: Duration,
    longest: Duration,
}

impl Sum {
    fn add(&mut self, one: &Measured) {
        self.count += one.count;
        self.total += one.total;
        self.longest = self.longest.max(one.longest);
    }

    fn json(&self) -> Value {
        let mean = milliseconds(self.total) / self.count.max(1) as f64;
        json!({ "max": milliseconds(self.longest), "mean": mean, "count": self.count })
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn requests(measured: &[Measured]) -> Value {
    let mut by_status: BTreeMap<String, Sum> = BTreeMap::new();
    for one in measured {
        by_status.entry(one.status.to_string()).or_default().add(one);
    }
    let count: u64 = measured.iter().map(|one| one.count).sum();
    json!({ "all": { "count": count }, "percode": json_of(by_status) })
}

fn services(measured: &[Measured]) -> Value {
    let mut by_route: BTreeMap<String, BTreeMap<String, Sum>> = BTreeMap::new();
    for one in measured {
        let methods = by_route.entry(one.route.clone()).or_default();
        methods.entry(one.method.to_owned()).or_default().add(one);
    }
    let routes = by_route.into_iter().map(|(route, methods)| (route, json_of(methods)));
    Value::Object(routes.collect())
}

fn json_of(sums: BTreeMap<String, Sum>) -> Value {
    Value::Object(sums.into_iter().map(|(name, sum)| (name, sum.json())).collect())
}

/// All pools taken together: the page knows only one.
fn databases(pools: impl Iterator<Item = PoolFigures>) -> Value {
    let sum = pools.reduce(|a, b| PoolFigures {
        active: a.active + b.active,
        idle: a.idle + b.idle,
        pending: a.pending + b.pending,
        min: a.min + b.min,
        max: a.max + b.max,
    });
    let Some(PoolFigures { active, idle, pending, min, max }) = sum else { return json!({}) };
    let value = |count: u64| json!({ "value": count });
    json!({
        "connections": value(active + idle),
        "active": value(active),
        "idle": value(idle),
        "pending": value(pending),
        "min": value(min),
        "max": value(max),
    })
}

fn caches(watched: &Watched) -> Value {
    let shown = watched.caches.iter().map(|cache| {
        let CacheFigures { hits, misses, puts, removals, evictions } = (cache.figures)();
        let figures = json!({
            "cache.gets.miss": misses,
            "cache.puts": puts,
            "cache.gets.hit": hits,
            "cache.removals": removals,
            "cache.evictions": evictions,
        });
        (cache.name.clone(), figures)
    });
    Value::Object(shown.collect::<Map<String, Value>>())
}

/// The page reads these members without asking whether they are there. A program without a collector has stopped for
/// none, and loads no classes.
fn no_garbage_collector() -> Value {
    let pause = json!({
        "0.0": 0.0, "0.5": 0.0, "0.75": 0.0, "0.95": 0.0, "0.99": 0.0, "1.0": 0.0,
        "max": 0.0, "totalTime": 0.0, "mean": 0.0, "count": 0,
    });
    json!({ "jvm.gc.pause": pause, "classesLoaded": 0, "classesUnloaded": 0 })
}

fn process(figures: &Figures) -> Value {
    let milliseconds = |seconds: Option<f64>| seconds.map(|seconds| (seconds * 1000.0).round());
    json!({
        "system.load.average.1m": figures.load,
        "system.cpu.usage": figures.system_cpu,
        "process.start.time": milliseconds(figures.started),
        "system.cpu.count": figures.processors,
        "process.files.open": figures.open_files,
        "process.cpu.usage": figures.process_cpu,
        "process.uptime": milliseconds(figures.uptime),
        "process.files.max": figures.most_files,
    })
}
