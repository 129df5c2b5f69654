//! One instance: what it registered, and the ways to what it tells of itself.

use std::sync::Arc;

use ::pages::{Frame, Time, Visit, page, shortened};
use askama::Template;
use axum::{extract::State, response::Response};
use chassis::{Problem, config::masked};
use discovery::{Instance, Status};
use jiff::Timestamp;
use serde_json::Value;

use super::{
    Pages, Which,
    flat::{Leaf, leaves},
    frame,
    query::Query,
    shown::{Badge, address, query, text},
    visit::Administrator,
};

/// How many entries of the metadata are shown.
const ENTRIES: usize = 500;

/// What stands at the top of each page about an instance.
pub(super) struct Head {
    pub(super) app: String,
    pub(super) id: String,
    pub(super) status: Badge,
    pub(super) tabs: Vec<Tab>,
}

/// A page about an instance.
pub(super) struct Tab {
    pub(super) title: &'static str,
    pub(super) href: String,
    pub(super) current: bool,
}

#[derive(Template)]
#[template(path = "instance.html")]
struct View {
    frame: Frame,
    head: Head,
    address: String,
    ip_address: String,
    overridden: Option<Badge>,
    urls: Vec<(&'static str, String)>,
    times: Vec<(&'static str, Time)>,
    lease: String,
    metadata: Vec<Leaf>,
    changes: Vec<Change>,
}

/// A status that an operator can give the instance.
struct Change {
    title: &'static str,
    href: String,
}

impl Head {
    pub(super) fn of(instance: &Instance, visit: &Visit) -> Self {
        const TABS: [(&str, &str); 7] = [
            ("Registration", "/instance"),
            ("Health", "/instance/health"),
            ("Metrics", "/instance/metrics"),
            ("Loggers", "/instance/loggers"),
            ("Environment", "/instance/environment"),
            ("Properties", "/instance/properties"),
            ("API", "/instance/documents"),
        ];
        let query = query(&instance.app, instance.id());
        let tab = |(title, path): (&'static str, &str)| Tab {
            title,
            href: format!("{path}{query}"),
            current: visit.path == path,
        };
        Head {
            app: shortened(&instance.app),
            id: shortened(instance.id()),
            status: Badge::of(instance.status),
            tabs: TABS.into_iter().map(tab).collect(),
        }
    }
}

pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    Administrator(visit): Administrator,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    let instance = pages.find(&which)?;
    let json = serde_json::to_value(&*instance).map_err(Problem::internal)?;
    let lease = &json["leaseInfo"];
    let overridden = instance.overridden_status;
    let is_overridden = overridden != Status::Unknown;
    page(&View {
        frame: frame(shortened(instance.id()), &visit),
        head: Head::of(&instance, &visit),
        address: shortened(&address(&instance)),
        ip_address: shortened(&instance.ip_addr),
        overridden: is_overridden.then(|| Badge::of(overridden)),
        urls: urls(&instance),
        times: times(&json),
        lease: format!(
            "a sign of life every {} s, forgotten after {} s",
            text(&lease["renewalIntervalInSecs"]),
            text(&lease["durationInSecs"])
        ),
        metadata: leaves(&Value::Object((*instance.metadata).clone()), ENTRIES)
            .into_iter()
            .filter(|leaf| !leaf.name.is_empty())
            .map(|leaf| Leaf { value: masked(&leaf.name, &leaf.value), ..leaf })
            .collect(),
        changes: changes(&instance),
    })
}

fn urls(instance: &Instance) -> Vec<(&'static str, String)> {
    [
        ("Home page", &instance.home_page_url),
        ("Status page", &instance.status_page_url),
        ("Health check", &instance.health_check_url),
    ]
    .into_iter()
    .filter_map(|(name, url)| Some((name, shortened(url.as_deref()?))))
    .collect()
}

fn times(json: &Value) -> Vec<(&'static str, Time)> {
    let lease = &json["leaseInfo"];
    [
        ("Registered (UTC)", &lease["registrationTimestamp"]),
        ("Up since (UTC)", &lease["serviceUpTimestamp"]),
        ("Last sign of life (UTC)", &lease["lastRenewalTimestamp"]),
    ]
    .into_iter()
    .filter_map(|(name, millis)| {
        let millis = millis.as_i64().filter(|millis| *millis > 0)?;
        Some((name, Time::of(Timestamp::from_millisecond(millis).ok()?)))
    })
    .collect()
}

/// What an operator can do to the status that counts.
fn changes(instance: &Instance) -> Vec<Change> {
    let query = query(&instance.app, instance.id());
    let overridden = instance.overridden_status;
    let offered = [
        (overridden != Status::OutOfService, "Take out of service", "OUT_OF_SERVICE"),
        (overridden != Status::Up, "Put into service", "UP"),
        (overridden != Status::Unknown, "Let it decide itself", "UNKNOWN"),
    ];
    let change =
        |(_, title, to)| Change { title, href: format!("/instance/status{query}&to={to}") };
    offered.into_iter().filter(|(is_offered, _, _)| *is_offered).map(change).collect()
}
