//! The figures of a service under the names by which JHipster's boards ask for them. A figure that only a Java program
//! can have is not made up.

use super::{
    CacheFigures, Figures, Measured, PoolFigures,
    exposition::{Family, Kind},
    requests::BOUNDS,
};
use crate::{
    management::{gauges, health::Space},
    telemetry::Counts,
};

/// Where the figures come from.
pub(crate) struct Source<'a> {
    pub(crate) requests: Vec<Measured>,
    pub(crate) process: Figures,
    pub(crate) disk: Option<Space>,
    pub(crate) lines: Option<&'a Counts>,
    pub(crate) pools: Vec<(&'a str, PoolFigures)>,
    pub(crate) caches: Vec<(&'a str, CacheFigures)>,
    pub(crate) gauges: Vec<gauges::Said<'a>>,
}

/// Everything that there is to say.
pub(crate) fn families(source: &Source<'_>) -> Vec<Family> {
    let mut families = Vec::from(requests(&source.requests));
    families.extend(process(&source.process));
    families.extend(disk(source.disk));
    families.extend(source.lines.map(lines));
    families.extend(pools(&source.pools));
    families.extend(caches(&source.caches));
    families.extend(source.gauges.iter().map(gauge));
    families
}

fn requests(measured: &[Measured]) -> [Family; 2] {
    const HELP: &str = "Duration of HTTP server request handling";
    let mut durations = Family::new("http_server_requests_seconds", Kind::Histogram, HELP);
    let mut longest = Family::new("http_server_requests_seconds_max", Kind::Gauge, HELP);
    for one in measured {
        let labels = vec![
            ("exception", "None".to_owned()),
            ("method", one.method.to_owned()),
            ("outcome", outcome(one.status).to_owned()),
            ("status", one.status.to_string()),
            ("uri", one.route.clone()),
        ];
        let within = BOUNDS.iter().map(|bound| seconds(*bound)).zip(one.within);
        for (bound, count) in within.chain([("+Inf".to_owned(), one.count)]) {
            let labels = labels.iter().cloned().chain([("le", bound)]).collect();
            durations.add("_bucket", labels, count as f64);
        }
        durations.add("_count", labels.clone(), one.count as f64);
        durations.add("_sum", labels.clone(), one.total.as_secs_f64());
        longest.add("", labels, one.longest.as_secs_f64());
    }
    [durations, longest]
}

fn seconds(nanoseconds: u64) -> String {
    format!("{:?}", nanoseconds as f64 / 1e9)
}

fn outcome(status: u16) -> &'static str {
    match status {
        100..200 => "INFORMATIONAL",
        200..300 => "SUCCESS",
        300..400 => "REDIRECTION",
        400..500 => "CLIENT_ERROR",
        500..600 => "SERVER_ERROR",
        _ => "UNKNOWN",
    }
}

fn process(figures: &Figures) -> Vec<Family> {
    let mut used = Family::new("process_cpu_seconds", Kind::Counter, "Time of all processors used");
    if let Some(seconds) = figures.cpu_seconds {
        used.add("_total", Vec::new(), seconds);
    }
    let gauge = Family::gauge;
    vec![
        used,
        gauge("process_cpu_usage", "The recent cpu usage of the process", figures.process_cpu),
        gauge("process_files_max_files", "The maximum file descriptor count", figures.most_files),
        gauge("process_files_open_files", "The open file descriptor count", figures.open_files),
        gauge("process_resident_memory_bytes", "Memory in use", figures.resident_bytes),
        gauge(
            "process_start_time_seconds",
            "Start time of the process since unix epoch.",
            figures.started,
        ),
        gauge("process_uptime_seconds", "The uptime of the process", figures.uptime),
        gauge("system_cpu_count", "The number of processors available", figures.processors),
        gauge("system_cpu_usage", "The recent cpu usage of the system", figures.system_cpu),
        gauge(
            "system_load_average_1m",
            "The number of runnable entities, averaged over a minute",
            figures.load,
        ),
    ]
}

fn disk(space: Option<Space>) -> Vec<Family> {
    let Some(Space { total, free }) = space else { return Vec::new() };
    let figure = |name, help, bytes: u64| {
        let mut family = Family::new(name, Kind::Gauge, help);
        family.add("", vec![("path", ".".to_owned())], bytes as f64);
        family
    };
    vec![
        figure("disk_free_bytes", "Usable space for path", free),
        figure("disk_total_bytes", "Total space for path", total),
    ]
}

fn lines(counts: &Counts) -> Family {
    let help = "Number of events that made it to the logs";
    let mut family = Family::new("logback_events", Kind::Counter, help);
    for (level, count) in counts.by_level() {
        family.add("_total", vec![("level", level.to_owned())], count as f64);
    }
    family
}

fn gauge((gauge, figures): &gauges::Said<'_>) -> Family {
    let mut family = Family::new(gauge.name, Kind::Gauge, gauge.help);
    for (value, figure) in figures.iter() {
        family.add("", vec![(gauge.label, value.clone())], *figure as f64);
    }
    family
}

type Figure<T> = (&'static str, &'static str, fn(&T) -> u64);

fn pools(pools: &[(&str, PoolFigures)]) -> Vec<Family> {
    const FIGURES: [Figure<PoolFigures>; 6] = [
        ("hikaricp_connections", "Total connections", |pool| pool.active + pool.idle),
        ("hikaricp_connections_active", "Active connections", |pool| pool.active),
        ("hikaricp_connections_idle", "Idle connections", |pool| pool.idle),
        ("hikaricp_connections_max", "Max connections", |pool| pool.max),
        ("hikaricp_connections_min", "Min connections", |pool| pool.min),
        ("hikaricp_connections_pending", "Pending threads", |pool| pool.pending),
    ];
    let family = |(name, help, figure): Figure<PoolFigures>| {
        let mut family = Family::new(name, Kind::Gauge, help);
        for (pool, figures) in pools {
            family.add("", vec![("pool", (*pool).to_owned())], figure(figures) as f64);
        }
        family
    };
    FIGURES.into_iter().map(family).collect()
}

fn caches(caches: &[(&str, CacheFigures)]) -> Vec<Family> {
    let labels = |cache: &str| vec![("cache", cache.to_owned())];
    let mut gets = Family::new("cache_gets", Kind::Counter, "Look-ups by what they found");
    let mut puts = Family::new("cache_puts", Kind::Counter, "Entries added to the cache");
    let help = "Entries that had to leave the cache";
    let mut evictions = Family::new("cache_evictions", Kind::Counter, help);
    let mut removals = Family::new("cache_removals", Kind::Gauge, "Cache removals");
    for (cache, figures) in caches {
        for (result, count) in [("hit", figures.hits), ("miss", figures.misses)] {
            let labels = vec![("cache", (*cache).to_owned()), ("result", result.to_owned())];
            gets.add("_total", labels, count as f64);
        }
        puts.add("_total", labels(cache), figures.puts as f64);
        evictions.add("_total", labels(cache), figures.evictions as f64);
        removals.add("", labels(cache), figures.removals as f64);
    }
    vec![gets, puts, evictions, removals]
}
