//! Event streams: what registered callers of the originals received, received again here.

use serde_json::Value;

use super::replay::{
    case::{self, Case, Request, files},
    exchange::{Reply, ask},
    head_deviations,
};
use crate::support::{Running, wire::Wire};

/// What the original wrote of a text of two lines, after which it wrote nothing more: it failed at the empty text that
/// followed, and tried that again and again.
const TWO_LINES: &str = "data:a\nb\n\n";
/// What ours writes of the same texts: each line is one, so that a browser reads the whole text; an empty text is one, too.
const ALL_TEXTS: &str = "data:a\ndata:b\n\ndata:\n\ndata:m1,m2\n\n";

/// A caller who listens.
struct Listener {
    wire: Wire,
    bytes: Vec<u8>,
}

impl Listener {
    /// Registers, and waits until the stream has begun.
    async fn register(address: &str, resource: &str, token: &str) -> Self {
        let request = Request {
            method: "GET".to_owned(),
            path: format!("/api/{resource}/register"),
            headers: vec![
                authorization(token),
                ("Accept".to_owned(), "text/event-stream".to_owned()),
            ],
            body: None,
        };
        let mut wire = Wire::to(address).await;
        wire.send(request.bytes(address, "keep-alive")).await;
        let mut listener = Listener { wire, bytes: Vec::new() };
        while listener.received().head.status == 0 {
            assert!(listener.hear().await, "no stream has begun");
        }
        assert_eq!(listener.received().head.status, 200, "{:?}", listener.received());
        listener
    }

    /// Waits for more; false when the stream has ended.
    async fn hear(&mut self) -> bool {
        let some = self.wire.some().await;
        self.bytes.extend_from_slice(&some);
        // A stream that is over ends with an empty chunk; the connection stays for other requests.
        !some.is_empty() && !self.bytes.ends_with(b"\r\n0\r\n\r\n")
    }

    async fn hear_until(&mut self, events: &str) {
        while !events_of(&self.received()).ends_with(events) {
            let more = self.hear().await;
            assert!(more, "ended with {:?}", self.received());
        }
    }

    async fn hear_to_the_end(mut self) -> Reply {
        while self.hear().await {}
        self.received()
    }

    fn received(&self) -> Reply {
        Reply::read(&self.bytes)
    }
}

/// The events as they were written, without the comments that only keep a stream open.
fn events_of(reply: &Reply) -> String {
    let text = String::from_utf8(reply.body.clone()).unwrap();
    text.split_inclusive("\n\n").filter(|event| !event.starts_with(':')).collect()
}

fn authorization(token: &str) -> (String, String) {
    ("Authorization".to_owned(), format!("Bearer {token}"))
}

/// The bytes of a recorded stream.
fn recorded(stream: &Value) -> Reply {
    let pieces = stream.as_array().unwrap().iter();
    let bytes: String = pieces.map(|piece| piece[1].as_str().unwrap()).collect();
    Reply::read(bytes.as_bytes())
}

/// Group, and the first part of the paths of its resource.
const FEEDS: [(&str, &str); 2] = [("sse-store", "store-kafka"), ("sse-alert", "alert-kafka")];

/// A group of cases at the service that they are about.
struct Feed {
    /// A system of its own: both services tell everything that is published at one of them.
    system: Running,
    address: String,
    resource: &'static str,
    cases: Vec<Case>,
    files: Vec<(u16, Value)>,
    token: String,
}

impl Feed {
    async fn start((group, resource): (&'static str, &'static str)) -> Self {
        let system = Running::start().await;
        let address = match resource {
            "store-kafka" => system.at.store.clone(),
            _ => system.at.alert.clone(),
        };
        let token = system.admin().await.token().to_owned();
        Feed { system, address, resource, cases: case::of(group), files: files(group), token }
    }

    fn file(&self, number: u16) -> &Value {
        let (_, file) = self.files.iter().find(|(found, _)| *found == number).unwrap();
        file
    }

    /// Sends a recorded request.
    async fn send(&self, number: u16) {
        let case = self.cases.iter().find(|case| case.number == number).unwrap();
        let mut request = case.request.clone();
        request.headers.retain(|(name, _)| name != "Authorization");
        request.headers.push(authorization(&self.token));
        let reply = ask(&self.address, &request).await;
        assert_eq!((reply.head.status, &*reply.text()), (200, ""), "{}", case.title());
    }

    async fn listener(&self) -> Listener {
        Listener::register(&self.address, self.resource, &self.token).await
    }
}

#[tokio::test]
async fn a_registered_caller_receives_what_was_recorded_and_what_the_original_lost() {
    for feed in FEEDS {
        let feed = Feed::start(feed).await;
        let recorded = recorded(&feed.file(15)["received"]);
        let events = events_of(&recorded);
        let mut listener = feed.listener().await;
        // At one of the two, the caller was registered in time for the text of a form.
        let first = if events.contains("form body") { 7 } else { 9 };
        for number in [7, 9, 10, 11, 12, 13].into_iter().filter(|number| *number >= first) {
            feed.send(number).await;
        }
        listener.hear_until(ALL_TEXTS).await;
        feed.send(14).await;
        let received = listener.hear_to_the_end().await;

        assert_eq!(head_deviations(&recorded.head, &received.head), [] as [String; 0]);
        assert!(events.ends_with(TWO_LINES), "{events:?}");
        assert_eq!(events_of(&received), events.replace(TWO_LINES, ALL_TEXTS));
        feed.system.stop().await;
    }
}

#[tokio::test]
async fn who_has_left_keeps_nothing_from_those_who_listen() {
    for feed in FEEDS {
        let feed = Feed::start(feed).await;
        let user = feed.system.caller("user").await;
        assert_eq!(feed.file(18)["received_by_user"], Value::Array(Vec::new()), "as recorded");
        let gone = feed.listener().await;
        feed.send(14).await;
        gone.hear_to_the_end().await;
        let mut listener = Listener::register(&feed.address, feed.resource, user.token()).await;
        feed.send(16).await;
        feed.send(17).await;
        listener.hear_until("data:after-complete\n\ndata:after-complete-2\n\n").await;
        feed.system.stop().await;
    }
}

#[tokio::test]
async fn who_registers_twice_receives_everything_twice() {
    for feed in FEEDS {
        let feed = Feed::start(feed).await;
        let file = feed.file(20);
        assert_eq!(file["first"], Value::Array(Vec::new()), "as recorded");
        let events = events_of(&recorded(&file["second"]));
        let (mut first, mut second) = (feed.listener().await, feed.listener().await);
        feed.send(19).await;
        for listener in [&mut first, &mut second] {
            listener.hear_until(&events).await;
        }
        feed.send(21).await;
        for listener in [first, second] {
            assert_eq!(events_of(&listener.hear_to_the_end().await), events);
        }
        feed.system.stop().await;
    }
}
