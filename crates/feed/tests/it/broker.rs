//! A broker that goes away on demand, and what the feed makes of that.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use anyhow::anyhow;
use async_trait::async_trait;
use axum::http::Method;
use chassis::Stop;
use messaging::{Broker, Failure, Message, Publish, Record, Subscription};
use tokio::sync::broadcast;

use crate::support::{feed, piece, publish, register, request, send, service};

pub(crate) struct Scripted {
    sent: broadcast::Sender<Record>,
    pub(crate) messages: Mutex<Vec<Message>>,
    away: AtomicBool,
    /// How many polls fail from now on.
    failing: Arc<AtomicUsize>,
    tails: AtomicUsize,
}

impl Scripted {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Scripted {
            sent: broadcast::Sender::new(1024),
            messages: Mutex::default(),
            away: AtomicBool::new(false),
            failing: Arc::default(),
            tails: AtomicUsize::new(0),
        })
    }

    fn is_away(&self, away: bool) {
        self.away.swap(away, Ordering::SeqCst);
    }
}

#[async_trait]
impl Publish for Scripted {
    async fn publish(&self, messages: &[Message]) -> Vec<Result<(), Failure>> {
        if self.away.load(Ordering::SeqCst) {
            return messages
                .iter()
                .map(|_| Err(Failure::Retry(anyhow!("nobody answers"))))
                .collect();
        }
        for message in messages {
            let record = Record {
                topic: message.topic.clone(),
                partition: 0,
                offset: 0,
                key: None,
                headers: message.headers.clone(),
                payload: Some(message.payload.clone()),
                timestamp: message.created,
            };
            self.messages.lock().unwrap().push(message.clone());
            let _ = self.sent.send(record);
        }
        messages.iter().map(|_| Ok(())).collect()
    }
}

#[async_trait]
impl Broker for Scripted {
    async fn subscribe(&self, _: &str, _: &str) -> anyhow::Result<Box<dyn Subscription>> {
        unreachable!("a feed joins no group")
    }

    async fn tail(&self, _: &str) -> anyhow::Result<Box<dyn Subscription>> {
        self.tails.fetch_add(1, Ordering::SeqCst);
        if self.away.load(Ordering::SeqCst) {
            return Err(anyhow!("nobody answers"));
        }
        Ok(Box::new(Tail { received: self.sent.subscribe(), failing: self.failing.clone() }))
    }
}

struct Tail {
    received: broadcast::Receiver<Record>,
    failing: Arc<AtomicUsize>,
}

#[async_trait]
impl Subscription for Tail {
    async fn poll(&mut self, _: u32) -> anyhow::Result<Vec<Record>> {
        let less = |count: usize| count.checked_sub(1);
        if self.failing.try_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            return Err(anyhow!("the connection broke"));
        }
        Ok(vec![self.received.recv().await?])
    }

    async fn commit(&mut self, _: &Record) -> anyhow::Result<()> {
        unreachable!("there is nothing to remember")
    }
}

#[tokio::test(start_paused = true)]
async fn who_publishes_while_the_broker_is_away_is_told_so() {
    let broker = Scripted::new();
    let feed = feed(broker.clone());
    let router = service(&feed, "/api/news").into_router();
    broker.is_away(true);
    let answer = send(&router, request(Method::POST, "publish?message=x", Some("ann"))).await;
    assert_eq!(answer.status(), 503);
    broker.is_away(false);
    assert_eq!(publish(&router, "x").await, 200);
}

#[tokio::test(start_paused = true)]
async fn listeners_stay_while_the_broker_is_away_and_get_what_comes_when_it_is_back() {
    let broker = Scripted::new();
    broker.is_away(true);
    let feed = feed(broker.clone());
    let router = service(&feed, "/api/news").into_router();
    let stop = Stop::new();
    let listening = async {
        let mut stream = register(&router, "ann").await;
        assert_eq!(piece(&mut stream).await.unwrap(), ":\n\n");
        assert!(broker.tails.load(Ordering::SeqCst) > 1, "it was asked again");
        broker.is_away(false);
        let tails = broker.tails.load(Ordering::SeqCst);
        while broker.tails.load(Ordering::SeqCst) == tails {
            assert_eq!(piece(&mut stream).await.unwrap(), ":\n\n");
        }
        assert_eq!(publish(&router, "a").await, 200);
        assert_eq!(piece(&mut stream).await.unwrap(), "data:a\n\n");
        broker.failing.fetch_add(3, Ordering::SeqCst);
        for text in ["b", "c"] {
            assert_eq!(publish(&router, text).await, 200);
            assert_eq!(piece(&mut stream).await.unwrap(), format!("data:{text}\n\n"));
        }
        stop.cancel();
        assert_eq!(piece(&mut stream).await, None);
    };
    let (ran, ()) = tokio::join!(feed.run(stop.clone()), listening);
    ran.unwrap();
    assert_eq!(broker.failing.load(Ordering::SeqCst), 0, "polls failed in between");
}
