//! How many requests there were and what they took: by route, method and status.

use std::{
    collections::HashMap,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::http::Method;
use tokio::time::Instant;

/// The upper bounds of the histogram's buckets, in nanoseconds: every eighth or so of those that Micrometer has, so that
/// what asks for one of these finds it.
pub(crate) const BOUNDS: [u64; 16] = [
    1_000_000,
    2_097_151,
    4_194_304,
    8_388_607,
    16_777_216,
    33_554_431,
    67_108_864,
    134_217_727,
    268_435_456,
    536_870_911,
    1_073_741_824,
    2_147_483_647,
    4_294_967_296,
    8_589_934_591,
    17_179_869_184,
    30_000_000_000,
];

/// How long a longest duration is remembered: between one and two of these.
const WINDOW: Duration = Duration::from_secs(60);

/// The durations of all requests since the service started.
pub(crate) struct Requests {
    begun: Instant,
    /// A request takes the lock only to read, but for the first of its kind. Routes, methods and statuses are few.
    routes: RwLock<HashMap<Box<str>, Vec<Series>>>,
}

/// The requests of one route with one method and one status.
struct Series {
    method: &'static str,
    status: u16,
    /// One more than there are bounds: what took longer.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
    longest: Longest,
}

/// What there is to say of the requests of one route with one method and one status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Measured {
    /// The route as it is written in contracts: `/books/{id}`, `/management/health/**`.
    pub(crate) route: String,
    pub(crate) method: &'static str,
    pub(crate) status: u16,
    /// How many took at most as long as each of the bounds.
    pub(crate) within: [u64; BOUNDS.len()],
    pub(crate) count: u64,
    pub(crate) total: Duration,
    /// The longest of the last minute or two.
    pub(crate) longest: Duration,
}

impl Default for Requests {
    fn default() -> Self {
        Requests { begun: Instant::now(), routes: RwLock::default() }
    }
}

impl Requests {
    /// Counts one request; `route` is that of the router, with its `{*rest}`.
    pub(crate) fn record(&self, route: &str, method: &Method, status: u16, took: Duration) {
        let (method, window) = (known(method), self.window());
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let find = |all: &HashMap<Box<str>, Vec<Series>>| {
            let mut all = all.get(route).into_iter().flatten();
            let series = all.find(|series| series.method == method && series.status == status);
            series.map(|series| series.record(took, window)).is_some()
        };
        if find(&self.routes.read().unwrap_or_else(PoisonError::into_inner)) {
            return;
        }
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have been faster.
        if !find(&routes) {
            let series = Series::new(method, status);
            series.record(took, window);
            routes.entry(route.into()).or_default().push(series);
        }
    }

    /// Everything that was measured, in the order of routes, methods and statuses.
    pub(crate) fn measured(&self) -> Vec<Measured> {
        let window = self.window();
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        let all = routes.iter().flat_map(|(route, all)| all.iter().map(move |one| (route, one)));
        let mut measured: Vec<Measured> =
            all.map(|(route, series)| series.measured(public(route), window)).collect();
        drop(routes);
        measured
            .sort_by(|a, b| (&a.route, a.method, a.status).cmp(&(&b.route, b.method, b.status)));
        measured
    }

    fn window(&self) -> u64 {
        self.begun.elapsed().as_secs() / WINDOW.as_secs()
    }
}

impl Series {
    fn new(method: &'static str, status: u16) -> Self {
        Series {
            method,
            status,
            buckets: Default::default(),
            nanoseconds: AtomicU64::new(0),
            longest: Longest::default(),
        }
    }

    fn record(&self, took: u64, window: u64) {
        let bucket = BOUNDS.partition_point(|bound| *bound < took);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.nanoseconds.fetch_add(took, Ordering::Relaxed);
        self.longest.record(took, window);
    }

    fn measured(&self, route: String, window: u64) -> Measured {
        let mut count = 0;
        let mut sum = |bucket: &AtomicU64| {
            count += bucket.load(Ordering::Relaxed);
            count
        };
        let within = std::array::from_fn(|at| sum(&self.buckets[at]));
        let count = sum(&self.buckets[BOUNDS.len()]);
        let total = Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed));
        let longest = Duration::from_nanos(self.longest.read(window));
        let (method, status) = (self.method, self.status);
        Measured { route, method, status, within, count, total, longest }
    }
}

/// The greatest value of the current and of the last window of time. Two threads that begin a window at the same moment
/// may lose one value; a figure for people can bear that, and no request waits.
#[derive(Default)]
struct Longest {
    window: AtomicU64,
    current: AtomicU64,
    last: AtomicU64,
}

impl Longest {
    fn record(&self, value: u64, window: u64) {
        self.turn(window);
        self.current.fetch_max(value, Ordering::Relaxed);
    }

    fn read(&self, window: u64) -> u64 {
        self.turn(window);
        self.current.load(Ordering::Relaxed).max(self.last.load(Ordering::Relaxed))
    }

    fn turn(&self, window: u64) {
        let before = self.window.load(Ordering::Relaxed);
        let turned = || {
            self.window
                .compare_exchange(before, window, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        };
        if before != window && turned() {
            let ended = self.current.swap(0, Ordering::Relaxed);
            self.last.swap(if before + 1 == window { ended } else { 0 }, Ordering::Relaxed);
        }
    }
}

/// The name of a method, the same one for all that nobody knows, so that callers cannot make up new ones.
fn known(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] =
        ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT"];
    KNOWN.into_iter().find(|name| method == name).unwrap_or("UNKNOWN")
}

/// A route as Spring writes it: `{*rest}` is `**`.
fn public(route: &str) -> String {
    match route.rsplit_once("{*") {
        Some((before, _)) => format!("{before}**"),
        None => route.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn requests_are_measured_by_route_method_and_status() {
        let requests = Requests::default();
        requests.record("/books/{id}", &Method::GET, 200, MS);
        requests.record("/books/{id}", &Method::GET, 200, 3 * MS);
        requests.record("/books/{id}", &Method::GET, 404, 60_000 * MS);
        requests.record("/files/{*path}", &Method::from_bytes(b"BREW").unwrap(), 405, MS);
        let seen: Vec<_> = requests
            .measured()
            .into_iter()
            .map(|one| (one.route, one.method, one.status, one.count, one.total, one.longest))
            .collect();
        let expected = [
            ("/books/{id}", "GET", 200, 2, 4 * MS, 3 * MS),
            ("/books/{id}", "GET", 404, 1, 60_000 * MS, 60_000 * MS),
            ("/files/**", "UNKNOWN", 405, 1, MS, MS),
        ];
        assert_eq!(seen, expected.map(|(a, b, c, d, e, f)| (a.to_owned(), b, c, d, e, f)));
    }

    #[tokio::test(start_paused = true)]
    async fn buckets_hold_what_took_at_most_as_long() {
        let requests = Requests::default();
        for took in [0, 1_000_000, 1_000_001, 30_000_000_001] {
            requests.record("/", &Method::GET, 200, Duration::from_nanos(took));
        }
        let measured = requests.measured().remove(0);
        assert_eq!((measured.within[0], measured.within[1]), (2, 3));
        assert_eq!((measured.within[15], measured.count), (3, 4));
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_is_forgotten_after_a_while() {
        let requests = Requests::default();
        let longest = || requests.measured()[0].longest;
        requests.record("/", &Method::GET, 200, 9 * MS);
        tokio::time::advance(WINDOW).await;
        requests.record("/", &Method::GET, 200, MS);
        assert_eq!(longest(), 9 * MS);
        tokio::time::advance(WINDOW).await;
        assert_eq!(longest(), MS);
        tokio::time::advance(WINDOW * 2).await;
        assert_eq!(longest(), Duration::ZERO);
    }
}
