//! The phases of the story: the disk by itself, then the three loads, and the figures that come of each.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use super::Run;
use crate::{
    disk,
    goal::Goal,
    load::{Load, Outcome},
    percentiles::Percentiles,
    process::Process,
};

const TIMES_THE_LIMIT: Goal = Goal::AtMost(1.5);
const SLOWEST_MILLISECONDS: Goal = Goal::AtMost(60.0);

/// An update is on disk three times, one after the other, before its mail leaves: as entity, as message, as alert.
const COMMITS_PER_UPDATE: f64 = 3.0;

/// How many appends tell what the disk can do.
const DURABLE_APPENDS: usize = 500;

impl Run<'_> {
    /// Measures what the disk below a folder can do, and from it the least time that an update can take.
    pub(super) async fn disk(&mut self, folder: &Path) -> anyhow::Result<()> {
        eprintln!("measuring the disk below {}", folder.display());
        let appends = Percentiles::of(disk::durable_appends(folder, DURABLE_APPENDS).await?);
        let (typical, slow) = (appends.milliseconds(50), appends.milliseconds(99));
        let limit = typical * COMMITS_PER_UPDATE;
        self.limit_milliseconds = Some(limit);
        self.report.add(
            "disk.append.p50",
            "disk: 4 KiB append + fdatasync, p50",
            typical,
            "ms",
            Goal::None,
        );
        self.report.add(
            "disk.append.p99",
            "disk: 4 KiB append + fdatasync, p99",
            slow,
            "ms",
            Goal::None,
        );
        self.report.add("limit", "three of them: the least PUT → mail", limit, "ms", Goal::None);
        Ok(())
    }

    /// The three loads, one after the other.
    pub(super) async fn loads(
        &mut self,
        load: &Arc<Load>,
        process: Option<Process>,
    ) -> anyhow::Result<()> {
        let arguments = self.arguments;
        eprintln!("{} updates, one at a time", arguments.updates_alone);
        let alone = load.one_at_a_time("alone", arguments.updates_alone, &self.awaiting()).await?;
        self.times("alone", "one at a time", alone);

        eprintln!("{} updates per second for {} s", arguments.rate, arguments.seconds);
        let steady = load.steady("steady", arguments.rate, arguments.seconds).await;
        steady.wait_for_mails(&self.awaiting()).await;
        self.times("steady", &format!("{}/s", arguments.rate), steady);

        eprintln!("{} updates by {} callers", arguments.updates, arguments.callers);
        self.saturation(load, process).await
    }

    fn times(&mut self, key: &str, label: &str, phase: Outcome) {
        let answer = Percentiles::of(phase.until_answer());
        let mail = Percentiles::of(phase.until_mail(&self.mailbox));
        let report = &mut self.report;
        let mut add = |what: &str, arrow: &str, percent, value, goal| {
            let label = format!("PUT → {arrow}, {label}, p{percent}");
            report.add(format!("{key}.{what}.p{percent}"), label, value, "ms", goal);
        };
        add("answer", "answer", 50, answer.milliseconds(50), Goal::None);
        add("answer", "answer", 99, answer.milliseconds(99), Goal::None);
        add("mail", "mail", 50, mail.milliseconds(50), Goal::None);
        add("mail", "mail", 99, mail.milliseconds(99), SLOWEST_MILLISECONDS);
        if let Some(limit) = self.limit_milliseconds {
            let times = mail.milliseconds(50) / limit;
            let label = format!("PUT → mail, {label}, p50 ÷ least");
            self.report.add(format!("{key}.mail.to_limit"), label, times, "×", TIMES_THE_LIMIT);
        }
        self.outcome.append(phase);
    }

    async fn saturation(
        &mut self,
        load: &Arc<Load>,
        process: Option<Process>,
    ) -> anyhow::Result<()> {
        let callers = self.arguments.callers;
        let spent_before = process.map(Process::processor_time).transpose()?;
        let began = Instant::now();
        let phase = load.saturate("many", callers, self.arguments.updates).await;
        phase.wait_for_mails(&self.awaiting()).await;

        let last_answer = phase.acknowledged.iter().map(|update| update.answered).max();
        let last_mail = phase
            .acknowledged
            .iter()
            .filter_map(|update| self.mailbox.arrived(&update.subject))
            .max();
        let seconds =
            |until: Option<Instant>| until.map_or(f64::NAN, |until| (until - began).as_secs_f64());
        let (answered, mailed) = (seconds(last_answer), seconds(last_mail));
        let updates = phase.acknowledged.len() as f64;
        let report = &mut self.report;
        let label = format!("updates answered, {callers} callers");
        report.add("many.rate", label, updates / answered, "per s", Goal::None);
        report.add("many.mails", "their mails", updates / mailed, "per s", Goal::None);
        report.add(
            "many.behind",
            "last answer → last mail",
            (mailed - answered).max(0.0),
            "s",
            Goal::None,
        );
        if let (Some(process), Some(spent_before)) = (process, spent_before) {
            let spent: Duration = process.processor_time()? - spent_before;
            let per_thousand = spent.as_secs_f64() * 1e3 / updates;
            report.add(
                "many.processor",
                "processor time per 1,000 updates",
                per_thousand,
                "s",
                Goal::None,
            );
            let label = format!("resident memory after {} updates", self.arguments.updates);
            report.add("memory.after", label, process.resident_megabytes()?, "MB", Goal::None);
        }
        self.outcome.append(phase);
        Ok(())
    }
}
