//! A whole system for each test: its own folder, its own ports, and at the end a look at what it has left behind.

mod browser;
mod caller;
pub(crate) mod logs;
mod mails;
mod page;
pub(crate) mod tokens;
pub(crate) mod wire;

use std::{
    path::PathBuf,
    sync::{Arc, Once},
    time::Duration,
};

use chassis::{Outside, Stop, telemetry::Loggers};
use database::{Database, DatabaseRef, Durability, Message, Sqlite};
use messaging::{
    BROKER, Embedded,
    dead_letters::{self, DeadLetter},
};
use milena::{
    layers::Layers,
    up::{Addresses, Options, Ports, System},
};
use reqwest::{Client, redirect::Policy};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    sync::oneshot,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

pub(crate) use browser::Browser;
pub(crate) use caller::{Caller, sent, store};
pub(crate) use page::Answer;

use logs::Secrets;

/// How long anything that is waited for may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a system may take to stop in good order.
const STOPPING: Duration = Duration::from_secs(5);
/// Who gets the mails.
pub(crate) const DISTRIBUTION_LIST: [&str; 2] = ["a@example.com", "b@example.com"];

/// Asks again and again until there is an answer.
pub(crate) async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

/// Where a system keeps everything, from start to start.
pub(crate) struct Home {
    folder: TempDir,
    ports: Ports,
    /// The registry's password: no other test's.
    pub(crate) password: String,
    /// What must not stand in the log.
    pub(crate) secrets: Secrets,
}

impl Home {
    /// A new folder. The ports change from start to start.
    pub(crate) fn new() -> Arc<Self> {
        Home::on(Ports::System)
    }

    /// A new folder, and addresses that stay the same from start to start, as they do for a person.
    pub(crate) async fn with_lasting_addresses() -> Arc<Self> {
        Home::on(free_ports().await)
    }

    fn on(ports: Ports) -> Arc<Self> {
        prepare_process();
        let home = Home {
            folder: tempfile::tempdir().unwrap(),
            ports,
            password: Outside::system().token(),
            secrets: Secrets::default(),
        };
        home.secrets.add(&home.password);
        Arc::new(home)
    }

    pub(crate) async fn start(self: &Arc<Self>) -> Running {
        self.start_with(&[]).await
    }

    /// Starts a system with these configuration keys, and waits until it is ready.
    pub(crate) async fn start_with(self: &Arc<Self>, keys: &[(&str, &str)]) -> Running {
        let list = DISTRIBUTION_LIST.join(",");
        let own = [
            ("alert.distribution-list", list.as_str()),
            ("spring.security.user.password", &self.password),
        ];
        let arguments = own.iter().chain(keys);
        let arguments =
            arguments.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let options = Options {
            data_dir: self.path(""),
            ports: self.ports.clone(),
            layers: Layers { arguments, ..Layers::default() },
            told: Vec::new(),
            // All systems of this process write one log, whose levels none of them may change.
            loggers: Some(Loggers::detached("info".parse().unwrap(), &milena::CRATES)),
            outside: Outside::system(),
        };
        let system = System::prepare(options).await.unwrap();
        let (stop, mut task) = (Stop::new(), JoinSet::new());
        let (tell, ready) = oneshot::channel();
        let stopping = stop.clone();
        task.spawn(async move {
            system.run(stopping, move |addresses| tell.send(addresses.clone()).unwrap()).await
        });
        let at = tokio::select! {
            at = timeout(PATIENCE, ready) => at.unwrap().unwrap(),
            ended = task.join_next() => panic!("the system ended before it was ready: {ended:?}"),
        };
        Running { at, home: self.clone(), stop, task }
    }

    /// A file or folder of the system.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("data").join(name)
    }

    /// The database of a service. May be opened beside a running system.
    async fn database(&self, service: &str) -> Arc<Sqlite> {
        Sqlite::open(&self.path(&format!("{service}.db")), &[], Durability::ProcessCrash)
            .await
            .unwrap()
    }

    /// The messages that wait in an outbox.
    pub(crate) async fn outbox(&self, service: &str, channel: &str) -> Vec<Message> {
        let waiting = self.database(service).await.unsent(channel, 0, 10_000).await.unwrap();
        waiting.into_iter().map(|(_, message)| message).collect()
    }

    /// What a service could not process.
    pub(crate) async fn dead_letters(&self, service: &str) -> Vec<DeadLetter> {
        let query = dead_letters::Query { limit: 1000, ..Default::default() };
        let database: DatabaseRef = self.database(service).await;
        dead_letters::list(&database, &query).await.unwrap().0
    }

    /// The broker of a system that is stopped.
    pub(crate) async fn broker(&self) -> Embedded {
        Embedded::open(&self.path("broker.db"), 1, Durability::ProcessCrash).await.unwrap()
    }
}

/// A system that runs.
pub(crate) struct Running {
    pub(crate) at: Addresses,
    home: Arc<Home>,
    stop: Stop,
    task: JoinSet<anyhow::Result<()>>,
}

impl Running {
    /// A new system in a new folder.
    pub(crate) async fn start() -> Self {
        Home::new().start().await
    }

    pub(crate) fn home(&self) -> &Arc<Home> {
        &self.home
    }

    /// A person who has just opened a browser.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.home.clone())
    }

    /// A program that speaks for the user `admin`.
    pub(crate) async fn admin(&self) -> Caller {
        self.caller("admin").await
    }

    /// A program that speaks for a user.
    pub(crate) async fn caller(&self, user: &str) -> Caller {
        let token = tokens::by_password(&self.home.secrets, &self.at.issuer, user).await;
        self.anonymous().with_token(&token)
    }

    /// A program without a token.
    pub(crate) fn anonymous(&self) -> Caller {
        Caller::new(self.at.clone(), self.home.clone())
    }

    /// Begins to stop, and leaves what is under way alone.
    pub(crate) fn begin_to_stop(&self) {
        self.stop.cancel();
    }

    /// Stops in good order once everything is delivered, and checks that nothing is left over.
    pub(crate) async fn stop(self) -> Arc<Home> {
        let databases = [self.home.database("store").await, self.home.database("alert").await];
        eventually("every message is delivered", async || {
            waiting(&databases, &DELIVERED).await.is_empty().then_some(())
        })
        .await;
        let home = self.stop_at_once().await;
        assert_eq!(waiting(&databases, &DELIVERED).await, [], "messages are left in an outbox");
        for service in ["store", "alert"] {
            assert_eq!(home.dead_letters(service).await, [], "messages could not be processed");
        }
        home
    }

    /// Stops in good order at once, whatever is still to be done.
    pub(crate) async fn stop_at_once(mut self) -> Arc<Home> {
        self.stop.cancel();
        let ended = timeout(STOPPING, self.task.join_next()).await;
        ended.expect("the system stops in time").unwrap().unwrap().unwrap();
        self.home.secrets.check_log();
        self.home.clone()
    }

    /// Stops in good order and starts again on the same folder.
    pub(crate) async fn restart(self) -> Self {
        self.stop().await.start().await
    }

    /// Fails unless a store can be made and changed, and the change is recorded and mailed.
    pub(crate) async fn still_works(&self) {
        let admin = self.admin().await;
        let (alerts, mails) = (admin.alerts().await.len(), self.home.mails().len());
        let id = admin.create("Survivor").await;
        admin.update(&id, "Survivor", "CLOSED").await;
        self.home.mails_when(mails + 1).await;
        assert_eq!(admin.alerts().await.len(), alerts + 1);
    }
}

impl Drop for Running {
    /// A test that failed shows what the system said last.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the end of the log of all tests:\n{}", logs::end(60));
        }
    }
}

/// The channels of messages that somebody delivers.
const DELIVERED: [&str; 2] = [BROKER, mail::CHANNEL];

/// Every message that waits in one of these channels.
async fn waiting(databases: &[Arc<Sqlite>], channels: &[&str]) -> Vec<(i64, Message)> {
    let mut waiting = Vec::new();
    for database in databases {
        for channel in channels {
            waiting.extend(database.unsent(channel, 0, 1000).await.unwrap());
        }
    }
    waiting
}

/// Finds an offset at which every usual port is free, below those that the operating system hands out.
async fn free_ports() -> Ports {
    for _ in 0..50 {
        let offset = 10_000 + i32::from(u16::from_le_bytes(Outside::system().bytes()) % 9_000);
        let mut taken = false;
        for usual in [8761, 8082, 8083, 8081, 9080, 1025] {
            let port = u16::try_from(usual + offset).unwrap();
            taken |= TcpListener::bind(("127.0.0.1", port)).await.is_err();
        }
        if !taken {
            return Ports::Offset(offset);
        }
    }
    panic!("no free ports found");
}

fn prepare_process() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error only says that another part of this process was faster with the same provider.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        logs::capture();
    });
}

/// A client that shows every answer as it came.
fn client() -> Client {
    let client = Client::builder().redirect(Policy::none()).no_proxy();
    client.timeout(Duration::from_secs(10)).build().unwrap()
}
