//! Seeded schedules of requests and faults: after each, everything that was acknowledged has to be there, once and in
//! order.

mod arguments;
mod checker;
mod client;
mod embedded;
mod found;
mod history;
mod look;
mod player;
mod post;
mod proxy;
mod random;
mod real;
mod run;
mod schedule;
mod servers;
mod summary;
mod system;
mod traffic;

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use tokio::{sync::RwLock, task::JoinSet};

pub(crate) use self::arguments::Arguments;
use self::{
    arguments::At,
    checker::Violation,
    look::Limits,
    run::{Report, Run},
    schedule::{Schedule, Shape},
    summary::{End, Summary},
    system::Setting,
};
use crate::{
    issuer::Issuer,
    program::{self, Program},
};

/// How many violations of a seed are shown; its folder has all of them.
const SHOWN: usize = 5;

/// What all seeds of a run share.
struct Common {
    at: At,
    program: PathBuf,
    data_dir: Option<PathBuf>,
    issuer: Issuer,
    patience: Duration,
    misbehave: Option<String>,
    /// The servers that all runs use.
    servers: RwLock<()>,
}

/// A seed that was judged, or could not be.
struct Judged {
    seed: u64,
    outcome: anyhow::Result<Report>,
    /// Where everything about a seed that failed is kept.
    kept: String,
}

/// Runs the seeds. Ends with exit code 1 when a promise was broken, or, with `--misbehave`, when none was.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if let Some(seed) = arguments.show {
        print!("{}", Schedule::new(seed, shape(arguments.at)));
        return Ok(ExitCode::SUCCESS);
    }
    let common = Arc::new(Common {
        at: arguments.at,
        program: arguments.program()?,
        data_dir: arguments.data_dir.clone(),
        issuer: Issuer::start().await?,
        patience: arguments.patience,
        misbehave: arguments.misbehave.clone(),
        servers: RwLock::default(),
    });
    let mut seeds = (arguments.first..).take(arguments.seeds);
    let mut summary = Summary::new(arguments.seeds);
    let mut running = JoinSet::new();
    loop {
        while running.len() < arguments.jobs
            && let Some(seed) = seeds.next()
        {
            running.spawn(judge(Arc::clone(&common), seed));
        }
        let Some(judged) = running.join_next().await else { break };
        let judged = judged?;
        let end = summary.add(&judged.outcome);
        if end != End::AsPromised {
            tell(arguments, &judged);
        }
        // One violation shows that the checker works.
        if end == End::Violated && arguments.misbehave.is_some() {
            println!("{summary}");
            return Ok(ExitCode::SUCCESS);
        }
    }
    println!("{summary}");
    let kept = summary.all_is_well() && arguments.misbehave.is_none();
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn shape(at: At) -> &'static Shape {
    match at {
        At::Embedded => &embedded::SHAPE,
        At::Real => &real::SHAPE,
    }
}

async fn judge(common: Arc<Common>, seed: u64) -> Judged {
    let mut kept = String::new();
    let outcome = async {
        let schedule = Schedule::new(seed, shape(common.at));
        // Who disturbs servers is alone with them.
        let (_alone, _together) = match schedule.needs_servers() {
            true => (Some(common.servers.write().await), None),
            false => (None, Some(common.servers.read().await)),
        };
        let folder = program::folder(&common.program, common.data_dir.as_deref())?;
        let setting = Setting {
            program: common.program.clone(),
            folder: folder.path().to_owned(),
            issuer: common.issuer.url().to_owned(),
            misbehave: common.misbehave.clone(),
        };
        let system = match common.at {
            At::Embedded => embedded::system(setting, &schedule).await?,
            At::Real => real::system(setting, &schedule).await?,
        };
        let run = Run {
            recipients: recipients(&schedule),
            schedule,
            token: common.issuer.token().to_owned(),
            limits: Limits { patience: common.patience, still: shape(common.at).still },
        };
        let outcome = run::seed(run, system, folder.path()).await;
        let as_promised = outcome.as_ref().is_ok_and(|report| report.violations.is_empty());
        if !as_promised && common.misbehave.is_none() {
            kept = run::keep(folder);
        }
        outcome
    }
    .await;
    Judged { seed, outcome, kept }
}

/// What every form of the system is told of a schedule.
fn configured(program: Program, setting: &Setting, schedule: &Schedule, topic: &str) -> Program {
    let program = match &setting.misbehave {
        Some(word) => program.with("MISBEHAVE", word),
        None => program,
    };
    program
        .with("SPRING_SECURITY_OAUTH2_CLIENT_PROVIDER_OIDC_ISSUER_URI", &setting.issuer)
        .with("ALERT_DISTRIBUTION_LIST", recipients(schedule).join(","))
        .with("MILENA_STORE_ANNOUNCE", schedule.announced.words())
        // Whoever publishes a text to the feed sends what the alert service cannot read.
        .with("SPRING_CLOUD_STREAM_BINDINGS_BINDINGINSSE_DESTINATION", topic)
        .with("SPRING_CLOUD_STREAM_BINDINGS_BINDINGOUTSSE_DESTINATION", topic)
}

fn recipients(schedule: &Schedule) -> Vec<String> {
    (1..=schedule.recipients).map(|number| format!("list-{number}@example.com")).collect()
}

fn tell(arguments: &Arguments, judged: &Judged) {
    let Judged { seed, outcome, kept } = judged;
    let kept = if kept.is_empty() { String::new() } else { format!(", see {kept}") };
    match outcome {
        Ok(Report { violations, .. }) => {
            println!("seed {seed}: {} violations{kept}", violations.len());
            violations
                .iter()
                .take(SHOWN)
                .for_each(|violation: &Violation| println!("  {violation}"));
        }
        Err(cause) => println!("seed {seed} could not be judged{kept}: {cause:#}"),
    }
    println!("  again: {}", arguments.again(*seed));
}
