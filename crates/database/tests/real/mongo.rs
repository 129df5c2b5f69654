//! MongoDB keeps the promises of the port, stand-alone and as a replica set, whoever else uses the database.

#[path = "mongo/documents.rs"]
mod documents;
#[path = "mongo/drain.rs"]
mod drain;
#[path = "mongo/leases.rs"]
mod leases;
#[path = "mongo/left.rs"]
mod left;
#[path = "mongo/parts.rs"]
mod parts;
#[path = "mongo/restart.rs"]
mod restart;
#[path = "mongo/together.rs"]
mod together;
#[path = "mongo/units.rs"]
mod units;
#[path = "mongo/wakes.rs"]
mod wakes;

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use database::{
    ChangeUnit, Changes, CommitError, ConnectError, Database, Id, Listing, Message, Mongo,
    MongoSettings, Page, Row, Table,
};
use futures_util::FutureExt;
use jiff::Timestamp;
use mongodb::{
    Client, Collection,
    bson::{Bson, DateTime, Document, doc, oid::ObjectId},
};
use tokio::sync::{RwLock, watch};
use tokio_util::sync::CancellationToken;

use crate::conformance::{self, TABLES};

const STAND_ALONE: &str = "REAL_MONGODB";
const REPLICA_SET: &str = "REAL_MONGODB_REPLICA_SET";
const BOTH: [&str; 2] = [STAND_ALONE, REPLICA_SET];

/// Who restarts a server has it alone.
static SERVER: RwLock<()> = RwLock::const_new(());
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A database of one test.
struct Place {
    uri: String,
    name: String,
    /// Another program's way to it.
    other: mongodb::Database,
}

impl Place {
    fn settings(&self) -> MongoSettings {
        MongoSettings::new(&self.uri, Some(&self.name))
    }

    async fn open(
        &self,
        tables: &[Table],
        units: &[ChangeUnit],
    ) -> Result<Arc<Mongo>, ConnectError> {
        Mongo::connect(&self.settings(), tables, units).await
    }

    async fn connect(&self) -> Arc<Mongo> {
        self.open(&TABLES, &[]).await.unwrap()
    }

    fn collection(&self, name: &str) -> Collection<Document> {
        self.other.collection(name)
    }

    /// The documents of a collection without what changes from run to run.
    async fn find(&self, collection: &str) -> Vec<Document> {
        let mut cursor = self.collection(collection).find(doc! {}).await.unwrap();
        let mut documents = Vec::new();
        while cursor.advance().await.unwrap() {
            documents.push(cursor.deserialize_current().unwrap());
        }
        documents
    }
}

/// Gives a test a database, and drops it.
async fn with_database<F>(variable: &str, test: impl FnOnce(Arc<Place>) -> F)
where
    F: Future<Output = ()>,
{
    let _server = SERVER.read().await;
    with_database_alone(variable, test).await;
}

async fn with_database_alone<F>(variable: &str, test: impl FnOnce(Arc<Place>) -> F)
where
    F: Future<Output = ()>,
{
    let uri = crate::address(variable);
    let number = DATABASES.fetch_add(1, Ordering::Relaxed);
    let name = format!("test_{}_{number}", std::process::id());
    let other = Client::with_uri_str(&uri).await.unwrap().database(&name);
    other.drop().await.unwrap();
    let place = Arc::new(Place { uri, name, other: other.clone() });
    let outcome = AssertUnwindSafe(test(place)).catch_unwind().await;
    other.drop().await.unwrap();
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

/// Runs what runs beside the commits as long as the test runs.
async fn keeping(mongo: &Arc<Mongo>, test: impl Future<Output = ()>) {
    let stop = CancellationToken::new();
    let keep = mongo.clone().keep(stop.clone());
    let test = async {
        test.await;
        stop.cancel();
    };
    let (kept, ()) = tokio::join!(keep, test);
    kept.unwrap();
}

async fn ids(database: &Mongo, channel: &str) -> Vec<String> {
    let (mut ids, mut after) = (Vec::new(), 0);
    loop {
        let more = database.unsent(channel, after, 1000).await.unwrap();
        let Some((last, _)) = more.last() else { return ids };
        after = *last;
        ids.extend(more.into_iter().map(|(_, message)| message.id));
    }
}

/// A value of recorded JSON, in MongoDB's extended form.
fn bson(value: &serde_json::Value) -> Bson {
    match value {
        serde_json::Value::Null => Bson::Null,
        serde_json::Value::String(text) => Bson::String(text.clone()),
        serde_json::Value::Number(number) => Bson::Int64(number.as_i64().unwrap()),
        serde_json::Value::Object(members) => match members.iter().next().unwrap() {
            (name, id) if name == "$oid" => {
                Bson::ObjectId(ObjectId::parse_str(id.as_str().unwrap()).unwrap())
            }
            (name, date) if name == "$date" => {
                Bson::DateTime(DateTime::parse_rfc3339_str(date.as_str().unwrap()).unwrap())
            }
            _ => Bson::Document(document(value)),
        },
        other => panic!("{other}"),
    }
}

/// A recorded document.
fn document(value: &serde_json::Value) -> Document {
    let members = value.as_object().unwrap();
    members.iter().map(|(name, value)| (name.clone(), bson(value))).collect()
}

/// A database whose messages are moved beside the commits: they are there soon, not at once.
struct Patient {
    mongo: Arc<Mongo>,
    place: Arc<Place>,
}

#[async_trait]
impl Database for Patient {
    async fn get(&self, table: &Table, id: &Id) -> anyhow::Result<Option<Row>> {
        self.mongo.get(table, id).await
    }

    async fn list(&self, table: &Table, page: &Page) -> anyhow::Result<Listing> {
        self.mongo.list(table, page).await
    }

    async fn commit(&self, changes: Changes) -> Result<(), CommitError> {
        self.mongo.commit(changes).await
    }

    async fn unsent(
        &self,
        channel: &str,
        after: i64,
        limit: u32,
    ) -> anyhow::Result<Vec<(i64, Message)>> {
        for collection in ["book", "reader", "parcel", "inbox", "milena_journal"] {
            let collection = self.place.collection(collection);
            let deadline = Instant::now() + Duration::from_secs(20);
            let waiting = doc! { "_outbox.entry": { "$exists": true } };
            while collection.find_one(waiting.clone()).await?.is_some() {
                assert!(Instant::now() < deadline, "messages are not moved");
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        self.mongo.unsent(channel, after, limit).await
    }

    async fn waiting(&self) -> anyhow::Result<Vec<(String, u64)>> {
        self.mongo.waiting().await
    }

    async fn lease(
        &self,
        channel: &str,
        holder: &str,
        time: Duration,
    ) -> anyhow::Result<Option<i64>> {
        self.mongo.lease(channel, holder, time).await
    }

    async fn release(&self, channel: &str, lease: i64) -> anyhow::Result<()> {
        self.mongo.release(channel, lease).await
    }

    async fn sent(&self, channel: &str, positions: &[i64], lease: i64) -> anyhow::Result<bool> {
        self.mongo.sent(channel, positions, lease).await
    }

    async fn reserve(&self, sequence: &str, start: i64, count: i64) -> anyhow::Result<i64> {
        self.mongo.reserve(sequence, start, count).await
    }

    async fn forget_handled(&self, before: Timestamp) -> anyhow::Result<u64> {
        self.mongo.forget_handled(before).await
    }

    fn name(&self) -> &'static str {
        self.mongo.name()
    }

    async fn check(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        self.mongo.check().await
    }

    fn added(&self, channel: &str) -> watch::Receiver<u64> {
        self.mongo.added(channel)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_every_promise_of_the_port() {
    for variable in BOTH {
        with_database(variable, async |place| {
            let mongo = place.connect().await;
            assert_eq!(mongo.has_transactions(), variable == REPLICA_SET);
            conformance::all(mongo).await;
            conformance::all(place.connect().await).await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_every_promise_while_messages_are_moved_beside_the_commits() {
    for variable in BOTH {
        with_database(variable, async |place| {
            let mongo = place.connect().await;
            let patient = Arc::new(Patient { mongo: mongo.clone(), place: place.clone() });
            keeping(&mongo, conformance::all(patient)).await;
        })
        .await;
    }
}

#[tokio::test]
async fn tells_what_it_is() {
    with_database(STAND_ALONE, async |place| {
        let mongo = place.connect().await;
        assert_eq!(mongo.name(), "mongo");
        let told = mongo.check().await.unwrap();
        assert_eq!(told[0].0, "version");
        assert!(told.len() == 1 && told[0].1.starts_with(|digit: char| digit.is_ascii_digit()));
    })
    .await;
}

#[tokio::test]
async fn says_soon_why_there_is_no_connection() {
    // Nobody listens, and somebody who never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for address in [free, silent.local_addr().unwrap()] {
        let begun = Instant::now();
        let settings = MongoSettings::new(&format!("mongodb://ann:secret@{address}/books"), None);
        let error = Mongo::connect(&settings, &TABLES, &[]).await.err().unwrap();
        assert!(matches!(error, ConnectError::Unavailable(_)), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    }
}
