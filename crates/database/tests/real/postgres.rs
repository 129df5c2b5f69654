//! PostgreSQL keeps the promises of the port, whoever else uses the database.

#[path = "postgres/changelog.rs"]
mod changelog;
#[path = "postgres/drain.rs"]
mod drain;
#[path = "postgres/leases.rs"]
mod leases;
#[path = "postgres/restart.rs"]
mod restart;
#[path = "postgres/shared.rs"]
mod shared;
#[path = "postgres/silence.rs"]
mod silence;
#[path = "postgres/tables.rs"]
mod tables;
#[path = "postgres/wakes.rs"]
mod wakes;

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use database::{
    ChangeLog, Changes, ConnectError, Database, Message, Postgres, PostgresSettings, Table,
};
use futures_util::FutureExt;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::RwLock;

use crate::conformance::{self, TABLES, book, insert, message};

/// Who restarts the server has it alone.
static SERVER: RwLock<()> = RwLock::const_new(());
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A database of one test.
struct Place {
    /// `user@host:port`.
    server: String,
    name: String,
}

impl Place {
    fn settings(&self) -> PostgresSettings {
        let (user, server) = self.server.split_once('@').unwrap();
        let url = format!("jdbc:postgresql://{server}/{}?sslmode=disable", self.name);
        PostgresSettings::from_jdbc(&url, Some(user), None).unwrap()
    }

    async fn open(&self, tables: &[Table], log: &ChangeLog) -> Result<Arc<Postgres>, ConnectError> {
        Postgres::connect(&self.settings(), tables, log).await
    }

    async fn connect(&self) -> Arc<Postgres> {
        self.open(&TABLES, &ChangeLog::default()).await.unwrap()
    }

    /// A connection as another program has one.
    async fn other(&self) -> PgConnection {
        let url = format!("postgres://{}/{}?sslmode=disable", self.server, self.name);
        PgConnection::connect(&url).await.unwrap()
    }

    async fn run(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        sqlx::raw_sql(sql).execute(&mut self.other().await).await.unwrap();
    }

    async fn text(&self, sql: &str) -> Option<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        let query = sqlx::query_scalar(sql);
        query.fetch_optional(&mut self.other().await).await.unwrap().flatten()
    }
}

/// Makes a database, lets a test use it, and drops it.
async fn with_database<F>(options: &str, test: impl FnOnce(Arc<Place>) -> F)
where
    F: Future<Output = ()>,
{
    let _server = SERVER.read().await;
    with_database_alone(options, test).await;
}

async fn with_database_alone<F>(options: &str, test: impl FnOnce(Arc<Place>) -> F)
where
    F: Future<Output = ()>,
{
    let address = crate::address("REAL_POSTGRESQL");
    let address = address.strip_prefix("postgres://").unwrap();
    let (server, maintenance) = address.split_once('/').unwrap();
    let (number, process) = (DATABASES.fetch_add(1, Ordering::Relaxed), std::process::id());
    let place =
        Arc::new(Place { server: server.to_owned(), name: format!("test_{process}_{number}") });
    let first = Place { server: server.to_owned(), name: maintenance.to_owned() };
    let drop = format!("drop database if exists {} with (force)", place.name);
    first.run(&drop).await;
    first.run(&format!("create database {} template template0 {options}", place.name)).await;
    let outcome = AssertUnwindSafe(test(place)).catch_unwind().await;
    first.run(&drop).await;
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

async fn ids(database: &Postgres, channel: &str) -> Vec<String> {
    let unsent = database.unsent(channel, 0, 1000).await.unwrap();
    unsent.into_iter().map(|(_, message): (i64, Message)| message.id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_every_promise_of_the_port() {
    with_database("", async |place| {
        conformance::all(place.connect().await).await;
        conformance::all(place.connect().await).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_every_promise_where_texts_are_ordered_as_in_a_dictionary() {
    let options = "locale_provider icu icu_locale 'de-DE' locale 'C.UTF-8'";
    with_database(options, async |place| {
        conformance::all(place.connect().await).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_every_promise_in_tables_that_others_have_made() {
    with_database("", async |place| {
        place
            .run(
                "create schema library;
                 create table library.book (
                     id varchar(255) primary key, title varchar(400000), pages bigint, price double precision,
                     lent boolean, printed timestamp without time zone
                 );
                 create table library.reader (number bigint primary key, \"order\" text);
                 create table library.parcel (
                     id bigint primary key, label varchar(255), weight bigint, price double precision,
                     fragile boolean, sent timestamp without time zone
                 )",
            )
            .await;
        let (user, server) = place.server.split_once('@').unwrap();
        let url = format!("jdbc:postgresql://{server}/{}?currentSchema=library", place.name);
        let settings = PostgresSettings::from_jdbc(&url, Some(user), Some("unasked")).unwrap();
        let database = Postgres::connect(&settings, &TABLES, &ChangeLog::default()).await.unwrap();
        conformance::all(database).await;
        let tables = place
            .text("select string_agg(schemaname || '.' || tablename, ' ' order by tablename) from pg_tables where schemaname !~ '^pg_|^info'")
            .await;
        let expected = "library.book library.inbox library.outbox \
             library.outbox_lease library.parcel library.reader";
        assert_eq!(tables.as_deref(), Some(expected));
    })
    .await;
}

#[tokio::test]
async fn has_everything_after_it_was_closed() {
    with_database("", async |place| {
        let first = place.connect().await;
        let changes = insert("kept", book("kept", 1)).handled("group", "m");
        first.commit(changes.send(message("m", "c", "k"))).await.unwrap();
        assert_eq!(first.reserve("numbers", 1, 50).await.unwrap(), 1);
        drop(first);
        let second = place.connect().await;
        assert!(second.get(&conformance::BOOK, &conformance::id("kept")).await.unwrap().is_some());
        assert_eq!(ids(&second, "c").await, ["m"]);
        assert_eq!(second.reserve("numbers", 1, 50).await.unwrap(), 51);
        assert!(second.commit(Changes::new().handled("group", "m")).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn tells_what_it_is() {
    with_database("", async |place| {
        let database = place.connect().await;
        assert_eq!(database.name(), "db");
        let details = [("database", "PostgreSQL"), ("validationQuery", "isValid()")];
        let told = database.check().await.unwrap();
        assert_eq!(told, details.map(|(name, value)| (name, value.to_owned())));
        crate::until("the connection is given back", async || {
            let pool = database.pool_use();
            pool.open >= 1 && pool.idle == pool.open
        })
        .await;
        let pool = database.pool_use();
        assert_eq!((pool.most, pool.waiting), (10, 0));
    })
    .await;
}

#[tokio::test]
async fn says_at_once_why_there_is_no_connection() {
    let _server = SERVER.read().await;
    let server = crate::address("REAL_POSTGRESQL");
    let server = server.strip_prefix("postgres://").unwrap().split_once('/').unwrap().0;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for (server, name, reason) in [
        (server.to_owned(), "nowhere", "\"nowhere\" does not exist"),
        (format!("postgres@{closed}"), "books", "refused"),
        (format!("postgres@{}", silent.local_addr().unwrap()), "books", "does not answer within"),
    ] {
        let begun = Instant::now();
        let error = Place { server, name: name.to_owned() }.open(&[], &ChangeLog::default()).await;
        let error = error.err().unwrap();
        assert!(matches!(error, ConnectError::Unavailable(_)), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(8));
    }
}
