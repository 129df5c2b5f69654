//! The program dies between any two effects, and nothing that was acknowledged is lost. `docs/reliability.md` lists the
//! points; a debug build dies at the one that `CRASH_AT` names.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    time::Duration,
};

use reqwest::StatusCode;
use tokio::time::{Instant, sleep};

use super::{Api, Program, System, mails, until};

/// Points that every system passes for an update.
const POINTS: [&str; 14] = [
    "after-commit",
    "after-lease/broker",
    "after-lease/mail",
    "before-publish/broker",
    "after-publish/broker",
    "before-delete/broker",
    "after-delete/broker",
    "after-poll",
    "before-commit",
    "before-offset",
    "after-offset",
    "after-publish/mail",
    "before-delete/mail",
    "after-accept",
];

/// How long an update may wait for what a dead process has locked.
const LOCKED: Duration = Duration::from_secs(90);
/// How long a program may live that is told to die.
const LIFE: Duration = Duration::from_secs(30);

/// Lets a system with these variables die at every point, one after the other, and looks after each death whether all is
/// there. `more` are points that only this system passes.
pub(crate) async fn survives_every_point(folder: &Path, variables: &[(&str, &str)], more: &[&str]) {
    let system = System::start(folder, &[], variables).await;
    let token = system.api.token().await;
    let shop = system.api.create_store(&token, "before").await;
    system.stop().await;
    let mut updates = Updates { shop, sent: 0, acknowledged: Vec::new() };
    for point in POINTS.iter().chain(more) {
        die_at(folder, variables, point, &mut updates).await;
        let system = System::start(folder, &[], variables).await;
        let token = system.api.token().await;
        updates.send_until_answered(&system.api, &token, point).await;
        everything_is_there(&system, &token, folder, &updates, point).await;
        system.stop().await;
    }
}

/// Updates of one shop, each with a name of its own.
struct Updates {
    shop: String,
    sent: usize,
    acknowledged: Vec<String>,
}

impl Updates {
    /// Sends one more; whether it was acknowledged.
    async fn send(&mut self, api: &Api, token: &str) -> bool {
        self.sent += 1;
        let name = format!("update {}", self.sent);
        let Ok(answer) = api.update_store(token, &self.shop, &name).await else { return false };
        if answer.status() != StatusCode::OK {
            return false;
        }
        self.acknowledged.push(name);
        true
    }

    /// Sends more until one is acknowledged: a replica set keeps what a dead process was at for up to a minute.
    async fn send_until_answered(&mut self, api: &Api, token: &str, point: &str) {
        let deadline = Instant::now() + LOCKED;
        while !self.send(api, token).await {
            assert!(Instant::now() < deadline, "{point}: no update is answered for {LOCKED:?}");
        }
    }
}

/// Starts the program, and sends updates until it is dead.
async fn die_at(folder: &Path, variables: &[(&str, &str)], point: &str, updates: &mut Updates) {
    let variables = [variables, &[("CRASH_AT", point)]].concat();
    let mut program = System::launch(folder, &[], &variables);
    let deadline = Instant::now() + LIFE;
    let mut caller: Option<(Api, String)> = None;
    while !program.has_ended() {
        assert!(Instant::now() < deadline, "{point} is never passed: {}", program.err());
        match &caller {
            None => caller = welcome(&program).await,
            Some((api, token)) => {
                updates.send(api, token).await;
            }
        }
        sleep(Duration::from_millis(20)).await;
    }
    let ended = program.end().await;
    assert_eq!(ended.code, None, "{point}: killed by a signal, not ended by itself: {}", ended.err);
}

/// The way into a program that has said where it is, unless it dies over the question.
async fn welcome(program: &Program) -> Option<(Api, String)> {
    let out = program.out();
    let (line, _) = out.split_once('\n')?;
    let api = Api::new(line);
    let token = api.try_token().await?;
    Some((api, token))
}

async fn everything_is_there(
    system: &System,
    token: &str,
    folder: &Path,
    updates: &Updates,
    point: &str,
) {
    let last = format!("update {}", updates.sent);
    let (rows, mails) = until(&format!("{point}: the alert and mail of {last}"), async || {
        let mails = mails(&folder.join("data/mails"));
        if !mails.contains_key(&last) {
            return None;
        }
        let rows = system.api.alerts(token).await;
        rows.contains(&last).then_some((rows, mails))
    })
    .await;
    judge(&rows, &mails, updates, point);
}

fn judge(rows: &[String], mails: &HashMap<String, Vec<String>>, updates: &Updates, point: &str) {
    let once: HashSet<&String> = rows.iter().collect();
    assert_eq!(once.len(), rows.len(), "{point}: recorded twice: {rows:?}");
    for name in &updates.acknowledged {
        assert!(once.contains(name), "{point}: no alert of {name}");
    }
    for name in once {
        let ids = mails.get(name).unwrap_or_else(|| panic!("{point}: no mail of {name}"));
        let ids: HashSet<&String> = ids.iter().collect();
        assert_eq!(ids.len(), 1, "{point}: a mail that comes again keeps its Message-ID: {ids:?}");
    }
}
