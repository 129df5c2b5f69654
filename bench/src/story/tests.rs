//! The whole story against a small system of our own, which can be told to fail.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use clap::Parser;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, Response, body::Incoming};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::*;
use crate::testing::{Line, serve};

/// What the system does wrong, and with which of its updates.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    Forgets(usize),
    Refuses(usize),
    Repeats(usize),
}

/// Answers as an issuer and a store, and sends the mails.
struct System {
    address: SocketAddr,
    mail: SocketAddr,
    fault: Fault,
    updates: AtomicUsize,
}

impl System {
    async fn answer(
        self: Arc<System>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let (status, answer) = match (&head.method, head.uri.path()) {
            (_, "/.well-known/openid-configuration") => {
                (200, json!({"token_endpoint": format!("http://{}/token", self.address)}))
            }
            (_, "/token") => {
                assert!(body.starts_with(b"grant_type=password&"), "{body:?}");
                (200, json!({"access_token": "abc", "expires_in": 300}))
            }
            _ if head.headers.get("authorization").is_none_or(|value| value != "Bearer abc") => {
                (401, json!({}))
            }
            (&Method::POST, "/api/stores") => (201, json!({"id": "1"})),
            (&Method::PUT, "/api/stores/1") => {
                self.update(serde_json::from_slice(&body).unwrap()).await
            }
            _ => (404, json!({})),
        };
        Ok(Response::builder().status(status).body(Full::new(answer.to_string().into())).unwrap())
    }

    async fn update(&self, store: Value) -> (u16, Value) {
        let number = self.updates.fetch_add(1, Ordering::Relaxed);
        if self.fault == Fault::Refuses(number) {
            return (500, json!({"title": "no luck"}));
        }
        let copies = match self.fault {
            Fault::Forgets(forgotten) if forgotten == number => 0,
            Fault::Repeats(repeated) if repeated == number => 2,
            _ => 1,
        };
        for _ in 0..copies {
            self.send(store["name"].as_str().unwrap()).await;
        }
        (200, store)
    }

    async fn send(&self, name: &str) {
        let mut stream = BufStream::new(TcpStream::connect(self.mail).await.unwrap());
        let mail = format!(
            "HELO me\r\nDATA\r\nSubject: Store Alert: {name}\r\n\r\nCLOSED\r\n.\r\nQUIT\r\n"
        );
        stream.write_all(mail.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        let mut lines = stream.lines();
        while lines.next_line().await.unwrap().is_some() {}
    }
}

/// Runs a short story against a system with a fault; `expected`: whether it counts as complete, and the figures for
/// updates acknowledged, refused, lost and repeated.
async fn check(fault: Fault, expected: (bool, [f64; 4])) {
    let line =
        "story --updates-alone 5 --rate 50 --seconds 1 --updates 40 --callers 4 --patience 3";
    let arguments = Line::<Arguments>::parse_from(line.split(' ')).arguments;
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let name = "test".to_owned();
    let mailbox = Mailbox::open(arguments.smtp_listen(), Load::subjects_of(&name)).await.unwrap();
    let updates = AtomicUsize::new(0);
    let system = Arc::new(System { address, mail: mailbox.address(), fault, updates });
    let mut serving = JoinSet::new();
    serving.spawn(serve(listener, move |request| Arc::clone(&system).answer(request)));
    let report = Report::new(String::new(), String::new());
    let outcome = Outcome::default();
    let mut run =
        Run { arguments: &arguments, name, mailbox, report, limit_milliseconds: None, outcome };

    let url = format!("http://{address}");
    run.disk(folder.path()).await.unwrap();
    let load = run.prepare(&url, &url).await.unwrap();
    run.loads(&load, Some(Process(std::process::id()))).await.unwrap();
    let complete = run.count_losses();

    let report = run.report.to_json();
    let figure = |key: &str| report["figures"][key]["value"].as_f64().unwrap_or(f64::NAN);
    let found = ["acknowledged", "refused", "lost", "twice"].map(figure);
    assert_eq!((complete, found), expected, "{fault:?}: {report:#}");
    for key in
        ["alone.mail.p99", "steady.mail.to_limit", "many.rate", "many.processor", "memory.after"]
    {
        assert!(figure(key) >= 0.0, "{fault:?}: {key} in {report:#}");
    }
}

#[tokio::test]
async fn a_system_without_a_fault_is_measured() {
    check(Fault::None, (true, [95.0, 0.0, 0.0, 0.0])).await;
}

#[tokio::test]
async fn a_lost_mail_is_found() {
    // Update 0 is the one that tries the way, 1 to 5 go one at a time, the others follow.
    check(Fault::Forgets(20), (false, [95.0, 0.0, 1.0, 0.0])).await;
    check(Fault::Forgets(80), (false, [95.0, 0.0, 1.0, 0.0])).await;
}

#[tokio::test]
async fn a_refused_update_is_counted_and_not_as_lost() {
    check(Fault::Refuses(20), (false, [94.0, 1.0, 0.0, 0.0])).await;
    check(Fault::Refuses(80), (false, [94.0, 1.0, 0.0, 0.0])).await;
}

#[tokio::test]
async fn a_repeated_mail_is_counted() {
    check(Fault::Repeats(30), (true, [95.0, 0.0, 0.0, 1.0])).await;
}
