//! The measurement against a small registry of our own, which can be told to fail.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use clap::Parser;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, Response, body::Incoming};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use super::*;
use crate::{
    process::Process,
    testing::{Line, serve},
};

/// What the registry does wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// Takes 50 instances and no more.
    Full,
    /// Does not know every tenth instance that renews.
    Forgets,
    /// Does not compress.
    Plain,
    /// Its gateway finds nobody, and refuses to say so.
    Lost,
}

/// Registry, Config server and gateway.
struct Fake {
    fault: Fault,
    instances: Mutex<BTreeMap<(String, String), Value>>,
    renewals: AtomicUsize,
    /// The gateway finds an instance at every second look.
    looks: AtomicUsize,
}

impl Fake {
    fn applications(&self) -> Value {
        let mut applications: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for ((name, _), instance) in &*self.instances.lock().unwrap() {
            applications.entry(name.clone()).or_default().push(instance["instance"].clone());
        }
        let list: Vec<_> = applications
            .into_iter()
            .map(|(name, instance)| json!({"name": name, "instance": instance}))
            .collect();
        json!({"applications": {"application": list}})
    }

    fn application(&self, name: &str) -> (u16, Value) {
        let instances = self.instances.lock().unwrap();
        let found: Vec<_> =
            instances.iter().filter(|((of, _), _)| of == name).map(|(_, value)| value).collect();
        (if found.is_empty() { 404 } else { 200 }, json!(found))
    }

    fn is_full(&self) -> bool {
        self.fault == Fault::Full && self.instances.lock().unwrap().len() >= 50
    }

    fn renew(&self, name: &str, id: &str) -> u16 {
        let tenth = self.renewals.fetch_add(1, Ordering::Relaxed) % 10 == 9;
        let key = (name.to_owned(), id.to_owned());
        let known = self.instances.lock().unwrap().contains_key(&key);
        if known && !(tenth && self.fault == Fault::Forgets) { 200 } else { 404 }
    }

    /// As a gateway does: asks the instance.
    async fn forward(&self, name: &str) -> (u16, Value) {
        if self.fault == Fault::Lost {
            return (401, json!("who are you"));
        }
        if self.looks.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            return (503, Value::Null);
        }
        let (_, found) = self.application(&name.to_uppercase());
        let url = found[0]["instance"]["homePageUrl"].as_str().unwrap().to_owned();
        let answer = Http::new().send(Request::get(url).body(Full::default()).unwrap()).await;
        (200, json!(String::from_utf8(answer.unwrap().to_vec()).unwrap()))
    }

    async fn answer(
        self: Arc<Fake>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let parts: Vec<_> = head.uri.path().split('/').skip(1).collect();
        let (status, answer) = match (&head.method, &parts[..]) {
            (_, ["services", name, "ping"]) => self.forward(name).await,
            _ if head.headers["authorization"] != "Basic YWRtaW46YWRtaW4=" => (401, Value::Null),
            (&Method::GET, ["eureka", "apps"]) => (200, self.applications()),
            (&Method::GET, ["eureka", "apps", name]) => self.application(name),
            (&Method::POST, ["eureka", "apps", _]) if self.is_full() => (503, Value::Null),
            (&Method::POST, ["eureka", "apps", name]) => {
                let instance: Value = serde_json::from_slice(&body).unwrap();
                let id = instance["instance"]["instanceId"].as_str().unwrap().to_owned();
                self.instances.lock().unwrap().insert(((*name).to_owned(), id), instance);
                (204, Value::Null)
            }
            (&Method::PUT, ["eureka", "apps", name, id]) => (self.renew(name, id), Value::Null),
            (&Method::DELETE, ["eureka", "apps", name, id]) => {
                let key = ((*name).to_owned(), (*id).to_owned());
                let found = self.instances.lock().unwrap().remove(&key);
                (if found.is_some() { 200 } else { 404 }, Value::Null)
            }
            (&Method::GET, ["config", "store", "prod"]) => {
                let source = json!({"name": "x.yml", "source": {"bench.mark": repository::MARK}});
                (200, json!({"propertySources": [source]}))
            }
            _ => (404, Value::Null),
        };
        let mut builder = Response::builder().status(status);
        if head.headers.contains_key("accept-encoding") && self.fault != Fault::Plain {
            builder = builder.header("content-encoding", "gzip");
        }
        let answer = if answer.is_null() { String::new() } else { answer.to_string() };
        Ok(builder.body(Full::new(answer.into())).unwrap())
    }
}

/// A registry on a port of its own, until dropped.
struct Served {
    fake: Arc<Fake>,
    base: String,
    _serving: JoinSet<()>,
}

impl Served {
    async fn start(fault: Fault) -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let fake = Arc::new(Fake {
            fault,
            instances: Mutex::default(),
            renewals: AtomicUsize::new(0),
            looks: AtomicUsize::new(0),
        });
        let mut serving = JoinSet::new();
        let answering = Arc::clone(&fake);
        serving.spawn(serve(listener, move |request| Arc::clone(&answering).answer(request)));
        Served { fake, base, _serving: serving }
    }

    async fn server(&self) -> Server {
        let process = Process(std::process::id());
        Server::find(&self.base, process, ("admin", "admin")).await.unwrap()
    }

    fn instances(&self) -> usize {
        self.fake.instances.lock().unwrap().len()
    }
}

fn arguments(line: &str) -> Arguments {
    let line = format!(
        "registry --instances 120 --fetched 20 --seconds 0.2 --connections 4 --callers 4 --reads 5 --routed 3 {line}"
    );
    Line::<Arguments>::parse_from(line.split_whitespace()).arguments
}

/// What a measurement of the Eureka part came to.
struct Outcome {
    complete: bool,
    figures: Value,
    left: usize,
    left_at_other: usize,
}

async fn eureka(fault: Fault) -> Outcome {
    let (ours, other) = (Served::start(fault).await, Served::start(Fault::None).await);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let mut serving = JoinSet::new();
    serving.spawn(bare::serve(listener));
    let process = Process(std::process::id());
    let bare = Server::find(&address, process, ("admin", "admin")).await.unwrap();
    let servers = Servers { ours: ours.server().await, other: Some(other.server().await) };
    let arguments = arguments("--program /bin/sh --other http://127.0.0.1:1 --other-pid 1");
    let mut run = Run::new(&arguments).unwrap();
    run.eureka(&servers, &bare).await;
    Outcome {
        complete: run.complete && run.table.is_complete(),
        figures: run.table.to_json()["figures"].take(),
        left: ours.instances(),
        left_at_other: other.instances(),
    }
}

#[tokio::test]
async fn a_registry_without_a_fault_is_measured_beside_another() {
    let outcome = eureka(Fault::None).await;
    let figures = &outcome.figures;
    assert!(outcome.complete, "{figures:#}");
    for key in [
        "registrations",
        "fetch.json.p50",
        "fetch.xml.p99",
        "fetch.gzip.p50",
        "seen.p99",
        "memory.registered",
        "memory.renewed",
        "memory.peak",
        "pace.p50",
        "renewals.rate",
        "renewals.rate.bare",
    ] {
        assert!(figures[key]["value"].as_f64().unwrap() > 0.0, "{key}: {figures:#}");
        assert!(figures[key]["other"]["value"].as_f64().unwrap() > 0.0, "{key}: {figures:#}");
    }
    assert!(figures["bare.rate"]["value"].as_f64().unwrap() > 0.0, "{figures:#}");
    for key in ["pace.share", "pace.bare"] {
        assert!(figures[key]["value"].is_number(), "{key}: {figures:#}");
    }
    assert_eq!(figures["fetch.json.p50"]["goal"]["limit"], 5.0);
    assert_eq!((outcome.left, outcome.left_at_other), (120, 0));
}

#[tokio::test]
async fn what_a_registry_refuses_makes_the_figures_incomplete() {
    let outcome = eureka(Fault::Forgets).await;
    assert!(!outcome.complete);
    // The others are measured nevertheless.
    let seen = &outcome.figures["seen.p99"]["value"];
    assert!(seen.as_f64().unwrap() > 0.0, "{:#}", outcome.figures);
}

#[tokio::test]
async fn without_all_instances_there_are_no_figures_of_renewals() {
    let outcome = eureka(Fault::Full).await;
    assert!(!outcome.complete);
    assert!(outcome.figures["seen.p99"]["value"].is_number(), "{:#}", outcome.figures);
    assert!(outcome.figures["renewals.rate"].is_null(), "{:#}", outcome.figures);
    assert_eq!((outcome.left, outcome.left_at_other), (50, 0));
}

#[tokio::test]
async fn an_answer_that_is_not_compressed_is_no_figure_of_compressed_ones() {
    let outcome = eureka(Fault::Plain).await;
    assert!(!outcome.complete);
    assert_eq!(outcome.figures["fetch.gzip.p50"]["value"], Value::Null);
    assert!(outcome.figures["fetch.json.p50"]["value"].is_number());
}

/// Routes and reads configuration with a script in place of the program, which only says where the fake answers.
async fn with_a_program(fault: Fault) -> (bool, Value) {
    let served = Served::start(fault).await;
    let folder = tempfile::tempdir().unwrap();
    let base = &served.base;
    let line = json!({"registry": base, NAME: base, "gateway": base, "issuer": base});
    let script = format!("trap 'exit 0' TERM; echo '{line}'; while :; do sleep 0.01; done");
    let program = Program::new("/bin/sh".into(), folder.path(), &["-c", &script]);
    let arguments = arguments("--token abc --program /bin/sh");
    let mut run = Run::new(&arguments).unwrap();
    run.routing(&program).await;
    run.configuration(&program).await;
    (run.complete && run.table.is_complete(), run.table.to_json()["figures"].take())
}

#[tokio::test]
async fn routes_and_configuration_are_measured() {
    let (complete, figures) = with_a_program(Fault::None).await;
    assert!(complete, "{figures:#}");
    for key in ["routed.p50", "routed.p99", "config.p50", "config.p99"] {
        assert!(figures[key]["value"].as_f64().unwrap() > 0.0, "{key}: {figures:#}");
    }
    assert_eq!(figures["routed.p99"]["goal"]["limit"], 50.0);
    assert_eq!(figures["config.p50"]["goal"]["limit"], 1.0);
}

#[tokio::test]
async fn a_gateway_that_refuses_is_no_figure() {
    let (complete, figures) = with_a_program(Fault::Lost).await;
    assert!(!complete);
    assert_eq!(figures["routed.p99"]["value"], Value::Null, "{figures:#}");
    assert!(figures["config.p50"]["value"].is_number(), "{figures:#}");
}
