//! The story as a measurement: what the system costs at rest, how long an update takes until its mail has arrived, how
//! many updates it can take, and whether every acknowledged one had its mail.

mod arguments;
mod phases;

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;

pub(crate) use self::arguments::Arguments;
use self::arguments::{Target, Via};
use crate::{
    caller::Caller,
    goal::Goal,
    http::Http,
    load::{Awaiting, Load, Outcome},
    machine,
    mailbox::Mailbox,
    process::Process,
    program::{self, Program, Running},
    report::Report,
    token::Bearer,
};

const READY_SECONDS: Goal = Goal::AtMost(0.5);
const IDLE_MEGABYTES: Goal = Goal::AtMost(60.0);
const STOP_SECONDS: Goal = Goal::AtMost(5.0);
const NONE_AT_ALL: Goal = Goal::AtMost(0.0);

/// A system is idle when it has been left alone for so long after its start.
const SETTLE: Duration = Duration::from_secs(2);

/// What all parts of a run share.
struct Run<'a> {
    arguments: &'a Arguments,
    /// Tells the stores and mails of this run from those of others.
    name: String,
    mailbox: Mailbox,
    report: Report,
    /// The least time an update can take until its mail leaves, once the disk has been measured.
    limit_milliseconds: Option<f64>,
    outcome: Outcome,
}

/// Runs the story and prints its report. Ends with exit code 1 when an acknowledged update had no mail or an update was
/// refused, but not for a missed goal: how fast a system is depends on the machine as well.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut run = Run::new(arguments).await?;
    match arguments.target()? {
        Target::Program(path) => run.with_program(path).await?,
        Target::Addresses(target) => {
            if let Some(folder) = &arguments.data_dir {
                run.disk(folder).await?;
            }
            let load = run.prepare(&target.store, &target.issuer).await?;
            run.loads(&load, arguments.pid.map(Process)).await?;
        }
    }
    let complete = run.count_losses();
    run.publish()?;
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl<'a> Run<'a> {
    async fn new(arguments: &'a Arguments) -> anyhow::Result<Run<'a>> {
        // The standard library's own randomness is enough to tell two runs apart.
        let name = format!("{:08x}", RandomState::new().build_hasher().finish() as u32);
        Ok(Run {
            arguments,
            mailbox: Mailbox::open(arguments.smtp_listen(), Load::subjects_of(&name)).await?,
            name,
            report: Report::new(machine::describe(), arguments.describe()?),
            limit_milliseconds: None,
            outcome: Outcome::default(),
        })
    }

    /// Starts the program on a new folder, loads it, and starts it again on the data that it then has.
    async fn with_program(&mut self, path: PathBuf) -> anyhow::Result<()> {
        let folder = program::folder(&path, self.arguments.data_dir.as_deref())?;
        self.disk(folder.path()).await?;
        let program = Program::up(path, folder.path(), self.mailbox.address());

        eprintln!("starting the program");
        let running = program.start().await?;
        let ready = running.ready.as_secs_f64();
        self.report.add(
            "start.new_data",
            "start → ready, new data folder",
            ready,
            "s",
            READY_SECONDS,
        );
        tokio::time::sleep(SETTLE).await;
        let process = running.process()?;
        let idle = process.resident_megabytes()?;
        self.report.add("memory.idle", "resident memory, idle", idle, "MB", IDLE_MEGABYTES);
        let load = self.prepare(&self.store_of(&running)?, running.addresses.of("issuer")?).await?;
        self.loads(&load, Some(process)).await?;

        eprintln!("stopping the program and starting it again with the data of this run");
        let stopped = running.stop().await?.as_secs_f64();
        self.report.add("stop", "SIGTERM → end", stopped, "s", STOP_SECONDS);
        let running = program.start().await?;
        let ready = running.ready.as_secs_f64();
        self.report.add(
            "start.data_of_run",
            "start → ready, data of this run",
            ready,
            "s",
            READY_SECONDS,
        );
        running.stop().await?;
        Ok(())
    }

    fn store_of(&self, running: &Running) -> anyhow::Result<String> {
        Ok(match self.arguments.via {
            Via::Store => running.addresses.of("store")?.to_owned(),
            Via::Gateway => arguments::behind(running.addresses.of("gateway")?),
        })
    }

    /// Signs in, opens the stores, and sends one update all the way, so that a wrong address shows here.
    async fn prepare(&self, store: &str, issuer: &str) -> anyhow::Result<Arc<Load>> {
        let http = Http::new();
        let bearer = Bearer::sign_in(http.clone(), issuer, &self.arguments.sign_in).await?;
        let load = Load::prepare(Caller::new(http, store, bearer), &self.name).await?;
        let first = load.one_at_a_time("first", 1, &self.awaiting()).await;
        first.with_context(|| {
            format!(
                "the first update; does the system send its mails to {}?",
                self.mailbox.address()
            )
        })?;
        Ok(load)
    }

    fn awaiting(&self) -> Awaiting<'_> {
        Awaiting { mailbox: &self.mailbox, patience: Duration::from_secs(self.arguments.patience) }
    }

    /// Adds to the report what was lost; says whether nothing was lost or refused.
    fn count_losses(&mut self) -> bool {
        let acknowledged = self.outcome.acknowledged.len();
        let refused = self.outcome.refused.len();
        let lost = self.outcome.lost(&self.mailbox);
        let report = &mut self.report;
        report.add("acknowledged", "updates acknowledged", acknowledged as f64, "", Goal::None);
        report.add("refused", "updates refused", refused as f64, "", NONE_AT_ALL);
        report.add("lost", "acknowledged updates without a mail", lost as f64, "", NONE_AT_ALL);
        report.add(
            "twice",
            "mails that came more than once",
            self.mailbox.repeated() as f64,
            "",
            Goal::None,
        );
        if let Some(first) = self.outcome.refused.first() {
            eprintln!("{refused} updates were refused, the first with: {first:#}");
        }
        if lost > 0 {
            eprintln!("{lost} acknowledged updates had no mail");
        }
        lost == 0 && refused == 0
    }

    fn publish(&self) -> anyhow::Result<()> {
        print!("{}", self.report.to_text());
        if let Some(path) = &self.arguments.json {
            let text = format!("{:#}\n", self.report.to_json());
            std::fs::write(path, text)
                .with_context(|| format!("write the report to {}", path.display()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
