//! A network that forgets its connections: nobody is told, and nothing comes any more.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use database::{ChangeLog, Database, Postgres, PostgresSettings};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::with_database;
use crate::conformance::{BOOK, TABLES, id};

/// How soon the pool has to be of use again: after the caller's time-out, and that of who looks at the connection then.
const SOON: Duration = Duration::from_secs(20);

/// A way to the server.
struct Way {
    address: String,
    silence: Arc<Mutex<CancellationToken>>,
    _keeper: JoinSet<()>,
}

impl Way {
    async fn to(server: String) -> Way {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let silence = Arc::new(Mutex::new(CancellationToken::new()));
        let (mut keeper, of_now) = (JoinSet::new(), silence.clone());
        keeper.spawn(async move {
            let mut guests = JoinSet::new();
            loop {
                let (mut guest, _) = listener.accept().await.unwrap();
                let (server, silence) = (server.clone(), of_now.lock().unwrap().clone());
                guests.spawn(async move {
                    let mut host = TcpStream::connect(server).await.unwrap();
                    let carried = copy_bidirectional(&mut guest, &mut host);
                    if silence.run_until_cancelled(carried).await.is_none() {
                        std::future::pending().await
                    }
                });
            }
        });
        Way { address, silence, _keeper: keeper }
    }

    /// Forgets all connections. New ones are carried.
    fn forget(&self) {
        std::mem::take(&mut *self.silence.lock().unwrap()).cancel();
    }
}

#[tokio::test]
async fn connections_that_fall_silent_do_not_use_up_the_pool() {
    with_database("", async |place| {
        let (user, server) = place.server.split_once('@').unwrap();
        let way = Way::to(server.to_owned()).await;
        let url = format!("jdbc:postgresql://{}/{}?sslmode=disable", way.address, place.name);
        let mut settings = PostgresSettings::from_jdbc(&url, Some(user), None).unwrap();
        (settings.connections, settings.statement_timeout) = (1, Duration::from_secs(1));
        let database = Postgres::connect(&settings, &TABLES, &ChangeLog::default()).await.unwrap();
        let ask = async || database.get(&BOOK, &id("nowhere")).await;
        assert!(ask().await.unwrap().is_none());
        way.forget();
        ask().await.unwrap_err();
        let begun = Instant::now();
        while let Err(error) = ask().await {
            assert!(begun.elapsed() < SOON, "{error:#}");
        }
    })
    .await;
}
