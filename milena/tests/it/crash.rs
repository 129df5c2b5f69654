//! Whenever the program is killed, no update that was acknowledged is lost, and none is recorded twice.

pub(crate) mod dead_letters;
mod place;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::Path,
    time::{Duration, Instant},
};

use chassis::Outside;
use database::{DatabaseRef, Durability, Sqlite};
use futures_util::future::{join, join_all};
use messaging::dead_letters::Query;
use reqwest::StatusCode;
use tokio::time::{sleep, timeout};

use self::dead_letters::publish_embedded;
use crate::program::{Api, Program, System, crash_points::survives_every_point, mails, until};

/// How often the program is killed, unless `MILENA_CRASH_ROUNDS` says otherwise.
const ROUNDS: u64 = 50;

/// How many stores there are, each updated by a caller of its own, one update after the other.
const CALLERS: usize = 4;

/// One round in so many kills the program while it is still starting.
const EARLY: u64 = 5;

/// How long the callers of a killed program may take to notice.
const NOTICE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn no_acknowledged_update_is_lost_however_often_the_program_is_killed() {
    let rounds = number("MILENA_CRASH_ROUNDS").unwrap_or(ROUNDS);
    let fresh = u64::from_be_bytes(Outside::system().bytes());
    let seed = number("MILENA_CRASH_SEED").unwrap_or(fresh);
    println!("{rounds} rounds; MILENA_CRASH_SEED={seed} chooses the same moments again");
    let moments = Outside::fixed(jiff::Timestamp::UNIX_EPOCH, seed);
    let (folder, begun) = (tempfile::tempdir().unwrap(), Instant::now());

    let mut callers = make_stores(folder.path()).await;
    for round in 1..=rounds {
        if round % EARLY == 0 {
            kill_while_starting(folder.path(), moment(&moments, 1, 400)).await;
        } else {
            kill_under_updates(folder.path(), &mut callers, moment(&moments, 20, 300)).await;
        }
    }

    let system = up(folder.path()).await;
    let token = system.api.token().await;
    for caller in &mut callers {
        assert!(caller.update(&system.api, &token).await, "the last update is answered");
    }
    let found = wait_until_quiet(&system, &token, &callers, folder.path()).await;
    no_errors(&system.program);
    system.stop().await;
    tell(&callers, &found, begun.elapsed());
    judge(&callers, &found);
    nothing_waits(folder.path()).await;
}

#[tokio::test]
async fn an_update_survives_a_crash_at_every_point() {
    let folder = tempfile::tempdir().unwrap();
    survives_every_point(folder.path(), &[], &[]).await;
}

#[tokio::test]
async fn mails_that_are_refused_for_good_are_kept_once_whenever_the_program_dies() {
    let folder = tempfile::tempdir().unwrap();
    dead_letters::refused_mails_are_kept_once(folder.path(), &[]).await;
}

#[tokio::test]
async fn a_record_that_is_unreadable_is_kept_once_whenever_the_program_dies() {
    let folder = tempfile::tempdir().unwrap();
    let publish = async |records: &[_]| publish_embedded(folder.path(), records).await;
    let topic = "store-alerts-topic";
    dead_letters::an_unreadable_record_is_kept_once(folder.path(), &[], topic, publish).await;
}

/// Updates one store, and remembers what it was answered.
struct Caller {
    number: usize,
    store: String,
    /// How many updates were sent; they are numbered from 1.
    sent: usize,
    /// The numbers of the updates that were answered with 200.
    acknowledged: BTreeSet<usize>,
}

impl Caller {
    fn name(&self, update: usize) -> String {
        format!("store {} update {update}", self.number)
    }

    /// Sends the next update. False when the connection broke: then it may or may not have happened.
    async fn update(&mut self, api: &Api, token: &str) -> bool {
        self.sent += 1;
        let name = self.name(self.sent);
        let Ok(answer) = api.update_store(token, &self.store, &name).await else { return false };
        assert_eq!(answer.status(), StatusCode::OK, "{name}");
        self.acknowledged.insert(self.sent);
        // The status is the acknowledgement; the rest is read so that the connection can be used again.
        answer.bytes().await.is_ok()
    }

    async fn update_until_it_breaks(&mut self, api: &Api, token: &str) {
        while self.update(api, token).await {}
    }
}

/// What there is in the end.
struct Found {
    /// The names in the alerts, first one first.
    rows: Vec<String>,
    /// The `Message-ID` of each mail, by the name in its subject.
    mails: HashMap<String, Vec<String>>,
}

async fn up(folder: &Path) -> System {
    System::start(folder, &["--log-format", "json"], &[]).await
}

/// Makes the stores, and kills the program as soon as the last one is acknowledged.
async fn make_stores(folder: &Path) -> Vec<Caller> {
    let mut system = up(folder).await;
    let token = system.api.token().await;
    let mut callers = Vec::new();
    for number in 1..=CALLERS {
        let store = system.api.create_store(&token, &format!("store {number}")).await;
        callers.push(Caller { number, store, sent: 0, acknowledged: BTreeSet::new() });
    }
    system.program.kill().await;
    callers
}

async fn kill_while_starting(folder: &Path, moment: Duration) {
    let mut program = System::launch(folder, &["--log-format", "json"], &[]);
    sleep(moment).await;
    program.kill().await;
    no_errors(&program);
}

async fn kill_under_updates(folder: &Path, callers: &mut [Caller], moment: Duration) {
    let System { mut program, api } = up(folder).await;
    let token = api.token().await;
    let stream =
        join_all(callers.iter_mut().map(|caller| caller.update_until_it_breaks(&api, &token)));
    let death = async {
        sleep(moment).await;
        program.kill().await;
    };
    let both = timeout(NOTICE, join(stream, death)).await;
    both.expect("the callers notice that the program is gone");
    no_errors(&program);
}

/// Waits until everything that was sent before the last update of each store must have arrived: rows and mails of a
/// store come in order, so the last one shows that none is still on its way.
async fn wait_until_quiet(
    system: &System,
    token: &str,
    callers: &[Caller],
    folder: &Path,
) -> Found {
    let last: Vec<String> = callers.iter().map(|caller| caller.name(caller.sent)).collect();
    until("the last updates' alerts and mails", async || {
        let mails = mails(&folder.join("data/mails"));
        if !last.iter().all(|name| mails.contains_key(name)) {
            return None;
        }
        Some(Found { rows: system.api.alerts(token).await, mails })
    })
    .await
}

fn judge(callers: &[Caller], found: &Found) {
    let rows: HashSet<&String> = found.rows.iter().collect();
    assert_eq!(rows.len(), found.rows.len(), "recorded twice: {:?}", repeated(&found.rows));
    for caller in callers {
        let lost: Vec<&usize> = caller
            .acknowledged
            .iter()
            .filter(|update| !rows.contains(&caller.name(**update)))
            .collect();
        assert!(lost.is_empty(), "store {} lost acknowledged updates: {lost:?}", caller.number);
        let sent: Vec<String> = (1..=caller.sent).map(|update| caller.name(update)).collect();
        let expected: Vec<&String> = sent.iter().filter(|name| rows.contains(name)).collect();
        let own = format!("store {} ", caller.number);
        let actual: Vec<&String> =
            found.rows.iter().filter(|name| name.starts_with(&own)).collect();
        let astray = actual.iter().zip(&expected).find(|(actual, expected)| actual != expected);
        assert_eq!(astray, None, "alerts are in the order of the updates");
        assert_eq!(actual.len(), expected.len(), "alerts of updates that nobody sent");
    }
    let unmailed: Vec<_> = rows.iter().filter(|name| !found.mails.contains_key(**name)).collect();
    assert!(unmailed.is_empty(), "an alert, and no mail: {unmailed:?}");
    let unrecorded: Vec<_> = found.mails.keys().filter(|name| !rows.contains(name)).collect();
    assert!(unrecorded.is_empty(), "a mail, and no alert: {unrecorded:?}");
    let mut ids = HashSet::new();
    for (name, mails) in &found.mails {
        let own: HashSet<&String> = mails.iter().collect();
        assert_eq!(own.len(), 1, "a mail that comes again keeps its Message-ID: {name} {own:?}");
        assert!(ids.is_disjoint(&own), "two updates, one Message-ID: {name} {own:?}");
        ids.extend(own);
    }
}

fn repeated(names: &[String]) -> Vec<&String> {
    let mut seen = HashSet::new();
    names.iter().filter(|name| !seen.insert(*name)).collect()
}

/// Opens the files of a system that has stopped: nothing waits in an outbox, and nothing is a dead letter.
async fn nothing_waits(folder: &Path) {
    for file in ["store.db", "alert.db"] {
        let path = folder.join("data").join(file);
        let database: DatabaseRef =
            Sqlite::open(&path, &[], Durability::ProcessCrash).await.unwrap();
        for channel in [messaging::BROKER, mail::CHANNEL] {
            let waiting = database.unsent(channel, 0, 10).await.unwrap();
            assert!(waiting.is_empty(), "{file} has in channel {channel}: {waiting:?}");
        }
        let query = Query { limit: 10, ..Query::default() };
        let (letters, _) = messaging::dead_letters::list(&database, &query).await.unwrap();
        assert!(letters.is_empty(), "{file} has dead letters: {letters:?}");
    }
}

/// Being killed is nothing that anybody must act on.
fn no_errors(program: &Program) {
    let log = program.err();
    let errors: Vec<&str> = log
        .lines()
        .filter(|line| line.contains(r#""level":"ERROR""#) || line.starts_with("milena:"))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

fn tell(callers: &[Caller], found: &Found, took: Duration) {
    let sent: usize = callers.iter().map(|caller| caller.sent).sum();
    let acknowledged: usize = callers.iter().map(|caller| caller.acknowledged.len()).sum();
    let mails: usize = found.mails.values().map(Vec::len).sum();
    assert!(acknowledged > sent / 2, "the updates hardly reached the program");
    println!(
        "{acknowledged} updates acknowledged, {} unanswered, {} alerts, {mails} mails, in {took:.1?}",
        sent - acknowledged,
        found.rows.len()
    );
}

/// A random moment between these two, in milliseconds.
fn moment(moments: &Outside, from: u64, to: u64) -> Duration {
    Duration::from_millis(from + u64::from_be_bytes(moments.bytes()) % (to - from + 1))
}

/// A number from the environment.
fn number(variable: &str) -> Option<u64> {
    let text = std::env::var_os(variable)?.into_string().expect("a number");
    Some(text.parse().unwrap_or_else(|error| panic!("{variable}={text}: {error}")))
}
