//! One seed from start to judgement.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use tempfile::TempDir;
use tokio::{sync::watch, task::JoinSet, time::Instant};

use super::{
    checker::{self, Promise, Violation},
    client::Client,
    found::Found,
    history::{Change, History, Outcome},
    look::{self, Limits},
    player,
    schedule::{Part, Schedule},
    system::{Process, System},
    traffic::{self, Caller, World},
};

/// The stores that all callers share; the callers' own have numbers far above.
const SHARED: [usize; 2] = [1, 2];

/// What became of a seed.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) acknowledged: usize,
    pub(crate) unknown: usize,
    pub(crate) refused: usize,
    pub(crate) rows: usize,
    pub(crate) mails: usize,
    /// Whether the program told what waits in its outboxes, and how many dead letters it has.
    pub(crate) told: bool,
    pub(crate) violations: Vec<Violation>,
}

/// What every run of a form shares.
pub(crate) struct Run {
    pub(crate) schedule: Schedule,
    pub(crate) token: String,
    pub(crate) limits: Limits,
    pub(crate) recipients: Vec<String>,
}

/// Plays a schedule against a system that is not started yet, and judges what has come of it. The folder gets what is
/// needed to understand a violation.
pub(crate) async fn seed(run: Run, mut system: System, folder: &Path) -> anyhow::Result<Report> {
    let text = run.schedule.to_string();
    std::fs::write(folder.join("schedule.txt"), text).context("write down the schedule")?;
    system.start().await?;
    let client = Client::new(&run.token)?;
    let mut world = World {
        seed: run.schedule.seed,
        client: client.clone(),
        stores: system.stores.clone(),
        began: Instant::now(),
        shared: Vec::new(),
    };
    let mut changes = Vec::new();
    for number in SHARED {
        let (place, change) = traffic::open_shared(&world, number).await?;
        world.shared.push(place);
        changes.push(change);
    }
    let (limits, announced) = (run.limits, run.schedule.announced.kinds());
    changes.extend(play(run.schedule, Arc::new(world), &mut system).await?);
    changes.sort_by_key(|change: &Change| change.begin);
    let history = History { changes, announced, recipients: run.recipients };
    let found = look::at_the_end(&system, &client, &history, limits).await?;
    let mut violations = checker::check(&history, &found);
    if let Err(cause) = system.stop().await {
        violations.push(Promise::Running.broken(format!("{cause:#}")));
    }
    if !violations.is_empty() {
        write_down(folder, &history, &found, &violations)?;
    } else if let Some(database) = &system.database {
        database.remove().await?;
    }
    Ok(report(&history, &found, violations))
}

/// Lets callers and faults loose until the traffic ends and every fault is over.
async fn play(
    schedule: Schedule,
    world: Arc<World>,
    system: &mut System,
) -> anyhow::Result<Vec<Change>> {
    let (stopping, stop) = watch::channel(false);
    let mut callers = JoinSet::new();
    for (number, steps) in schedule.callers.into_iter().enumerate() {
        callers.spawn(Caller::new(Arc::clone(&world), number).run(steps, stop.clone()));
    }
    let (mut processes, mut others) = (JoinSet::new(), JoinSet::new());
    for timeline in schedule.timelines {
        let (events, stop) = (timeline.events, stop.clone());
        match timeline.of {
            Part::Process(name) => {
                let place = system.processes.iter().position(|process| process.name == name);
                let process = system.processes.swap_remove(place.context("an unknown process")?);
                processes.spawn(player::process(process, events, stop));
            }
            Part::Link(name) => {
                let link = system.links.iter().find(|(link, _)| *link == name);
                let proxy = Arc::clone(&link.context("an unknown link")?.1);
                others.spawn(async move {
                    player::link(proxy, events, stop).await;
                    Ok(())
                });
            }
            Part::MailServer => {
                let post = Arc::clone(&system.post);
                others.spawn(async move {
                    player::mail_server(post, events, stop).await;
                    Ok(())
                });
            }
            Part::Server(name) => {
                let servers = system.servers.clone().context("there are no servers")?;
                others.spawn(player::server(servers, name, events, stop));
            }
        }
    }
    tokio::time::sleep(schedule.traffic).await;
    stopping.send_replace(true);
    while let Some(played) = processes.join_next().await {
        let process: Process = played.context("play the faults of a process")??;
        system.processes.push(process);
    }
    while let Some(played) = others.join_next().await {
        played.context("play the faults of a part")??;
    }
    let mut changes = Vec::new();
    while let Some(done) = callers.join_next().await {
        changes.extend(done.context("a caller")?);
    }
    Ok(changes)
}

fn report(history: &History, found: &Found, violations: Vec<Violation>) -> Report {
    let count = |outcome| {
        let of = |change: &&Change| change.outcome == outcome;
        history.changes.iter().filter(of).count()
    };
    Report {
        acknowledged: count(Outcome::Acknowledged),
        unknown: count(Outcome::Unknown),
        refused: count(Outcome::Refused),
        rows: found.rows.len(),
        mails: found.mails.len(),
        told: found.waiting.is_some() && found.dead_letters.is_some(),
        violations,
    }
}

fn write_down(
    folder: &Path,
    history: &History,
    found: &Found,
    violations: &[Violation],
) -> anyhow::Result<()> {
    let lines = |lines: &mut dyn Iterator<Item = String>| lines.collect::<Vec<_>>().join("\n");
    let changes = lines(&mut history.changes.iter().map(ToString::to_string));
    let rows = lines(&mut found.rows.iter().map(|row| format!("{row:?}")));
    let mails = lines(&mut found.mails.iter().map(|mail| format!("{mail:?}")));
    let stores = lines(&mut found.stores.iter().map(|store| format!("{store:?}")));
    let text = lines(&mut violations.iter().map(ToString::to_string));
    let files = [
        ("violations.txt", text),
        ("requests.txt", changes),
        ("rows.txt", rows),
        ("mails.txt", mails),
        ("stores.txt", stores),
    ];
    for (name, text) in files {
        std::fs::write(folder.join(name), text).with_context(|| format!("write {name}"))?;
    }
    Ok(())
}

/// Keeps a folder, and says where it is.
pub(crate) fn keep(folder: TempDir) -> String {
    folder.keep().display().to_string()
}
