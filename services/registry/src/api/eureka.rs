//! What is registered, what happened lately and how the registry is, in the form of the Java registry.

use std::sync::Arc;

use axum::{Json, extract::State};
use chassis::Problem;
use discovery::Instance;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Interface, forgetful};
use crate::{
    history::{Event, Kind},
    machine,
};

/// Every application with its instances, in order of their names.
pub(super) async fn applications(State(interface): State<Arc<Interface>>) -> Json<Value> {
    let mut applications: Vec<(String, Vec<Value>)> = Vec::new();
    for found in interface.registry.instances() {
        match applications.last_mut() {
            Some((name, instances)) if *name == found.app => instances.push(instance(&found)),
            _ => applications.push((found.app.clone(), vec![instance(&found)])),
        }
    }
    let applications: Vec<Value> = applications
        .into_iter()
        .map(|(name, instances)| json!({ "name": name, "instances": instances }))
        .collect();
    Json(json!({ "applications": applications, "status": null }))
}

fn instance(instance: &Instance) -> Value {
    json!({
        "metadata": *instance.metadata,
        "instanceId": instance.id(),
        "healthCheckUrl": instance.health_check_url,
        "statusPageUrl": instance.status_page_url,
        "homePageUrl": instance.home_page_url,
        "status": instance.status.name(),
    })
}

/// Who came and went last, by the time in milliseconds. Of what happened in the same one, the last is told.
pub(super) async fn last(State(interface): State<Arc<Interface>>) -> Result<Json<Value>, Problem> {
    let history = &interface.history;
    let canceled = history.last(&[Kind::Cancelled, Kind::Evicted]).await.map_err(forgetful)?;
    let registered = history.last(&[Kind::Registered]).await.map_err(forgetful)?;
    Ok(Json(json!({ "canceled": by_time(&canceled), "registered": by_time(&registered) })))
}

fn by_time(events: &[Event]) -> Map<String, Value> {
    let told = |event: &Event| {
        let name = format!("{}({})", event.app, event.id);
        (event.at.as_millisecond().to_string(), Value::String(name))
    };
    events.iter().rev().map(told).collect()
}

pub(super) async fn replicas(State(interface): State<Arc<Interface>>) -> Json<Vec<String>> {
    Json(interface.registry.peers().iter().map(|peer| host_and_port(&peer.address)).collect())
}

pub(super) async fn status(State(interface): State<Arc<Interface>>) -> Json<Value> {
    let now = interface.outside.now();
    let up = up_time(interface.started, now);
    let memory = machine::memory();
    let mb = |bytes: u64| bytes / 1024 / 1024;
    Json(json!({
        "applications": null,
        "status": {
            "currentTime": now.strftime("%Y-%m-%dT%H:%M:%S +0000").to_string(),
            "isBelowRenewThreshold": interface.registry.figures().is_below_threshold,
            "instanceInfo": { "ipAddr": interface.ip_address, "status": "UP" },
            "upTime": up,
            "environment": "JHipster-DataCenter",
            "datacenter": "JHipster-Environment",
            "time": now.strftime("%Y-%m-%dT%H:%M:%S%.3f+00:00").to_string(),
            "generalStats": {
                "num-of-cpus": machine::processors().to_string(),
                "total-avail-memory": format!("{}mb", mb(memory.total)),
                "current-memory-usage": format!("{}mb ({}%)", mb(memory.used), memory.percent()),
                "server-uptime": up,
            },
        },
    }))
}

/// `registry:8761` of `http://registry:8761/eureka`.
pub(crate) fn host_and_port(address: &str) -> String {
    let (_, place) = address.split_once("://").unwrap_or(("", address));
    place.split('/').next().unwrap_or_default().to_owned()
}

/// `00:14`, or `2 days 03:07`, as Netflix's server writes it.
pub(crate) fn up_time(started: Timestamp, now: Timestamp) -> String {
    let minutes = now.duration_since(started).as_mins().max(0);
    let (days, hours, minutes) = (minutes / (24 * 60), minutes / 60 % 24, minutes % 60);
    let days = match days {
        0 => String::new(),
        1 => "1 day ".to_owned(),
        days => format!("{days} days "),
    };
    format!("{days}{hours:02}:{minutes:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_since_the_start_is_written_as_netflix_does() {
        let check = |seconds: i64, expected: &str| {
            let at = |second| Timestamp::from_second(second).unwrap();
            assert_eq!(up_time(at(1_000_000), at(1_000_000 + seconds)), expected);
        };
        check(59, "00:00");
        check(14 * 60, "00:14");
        check(25 * 3600 + 120, "1 day 01:02");
        check(49 * 3600, "2 days 01:00");
        check(-5, "00:00");
    }

    #[test]
    fn a_replica_is_told_by_its_host_and_port() {
        assert_eq!(host_and_port("http://localhost:18771/eureka"), "localhost:18771");
        assert_eq!(host_and_port("localhost:18771"), "localhost:18771");
    }

    #[test]
    fn of_one_millisecond_the_last_event_is_told() {
        let at = Timestamp::from_millisecond(1_795_485_520_533).unwrap();
        let event = |id: &str| Event {
            at,
            kind: Kind::Registered,
            app: "DEMO".into(),
            id: id.into(),
            status: discovery::Status::Up,
            address: String::new(),
            by: String::new(),
        };
        let told = Value::Object(by_time(&[event("demo:2"), event("demo:1")]));
        assert_eq!(told, json!({ "1795485520533": "DEMO(demo:2)" }));
    }
}
