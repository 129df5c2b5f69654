//! The way of an update on real servers as a measurement, part by part: how long it takes, how fast each outbox empties
//! and alert records, what waiting messages cost, and whether anything was lost.

mod arguments;
mod backlog;
mod delay;
mod java;
mod kafka;
mod outbox;
mod progress;
mod records;
mod system;

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    process::ExitCode,
};

use anyhow::Context;

pub(crate) use self::arguments::Arguments;
use self::system::System;
use crate::{
    goal::Goal,
    machine,
    table::{Other, Table, less, more},
};

const NONE_AT_ALL: Goal = Goal::AtMost(0.0);

/// What all parts of a run share.
struct Run<'a> {
    arguments: &'a Arguments,
    system: System,
    table: Table,
    /// How many updates were answered with success: each has to become one row and a mail.
    acknowledged: u64,
    refused: u64,
    without_mail: u64,
    /// How many alerts there are in the end.
    rows: u64,
}

/// Measures, and prints the table. Ends with exit code 1 when an acknowledged update has no row or no mail, or an update
/// was refused, but not for a missed goal: how fast a system is depends on the machine as well.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    // The standard library's own randomness is enough to tell two runs apart.
    let name = format!("flow_{:08x}", RandomState::new().build_hasher().finish() as u32);
    let java = Other { heading: "Java, warm", key: "java", source: java::SOURCE.to_owned() };
    let table = Table::new(machine::describe(), arguments.describe()?, java);
    let system = System::new(name, arguments.program()?, arguments.data_dir.as_deref()).await?;
    let mut run =
        Run { arguments, system, table, acknowledged: 0, refused: 0, without_mail: 0, rows: 0 };
    let measured = run.measure().await;
    if let Err(cause) = &measured {
        eprintln!("the run ends early: {cause:#}; these figures are there:");
    }
    run.publish()?;
    measured?;
    run.system.remove().await?;
    Ok(if run.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Run<'_> {
    async fn measure(&mut self) -> anyhow::Result<()> {
        self.delays().await?;
        self.backlogs().await?;
        self.records().await?;
        self.outbox().await?;
        let table = &mut self.table;
        let updates = self.acknowledged as f64;
        table.add("acknowledged", "updates acknowledged", updates, more(""));
        let none = less("").goal(NONE_AT_ALL);
        table.add("refused", "updates refused", self.refused as f64, none);
        let difference = self.rows.abs_diff(self.acknowledged) as f64;
        table.add("rows", "rows that are missing or too many", difference, none);
        table.add("lost", "updates without a mail", self.without_mail as f64, none);
        Ok(())
    }

    /// Counts updates that were refused; says why the first one was.
    fn refuse(&mut self, count: u64, cause: Option<anyhow::Error>) {
        if let Some(cause) = cause
            && self.refused == 0
        {
            eprintln!("an update was refused: {cause:#}");
        }
        self.refused += count;
    }

    fn is_complete(&self) -> bool {
        self.refused == 0 && self.without_mail == 0 && self.rows == self.acknowledged
    }

    fn publish(&self) -> anyhow::Result<()> {
        print!("{}", self.table.to_text());
        if let Some(path) = &self.arguments.json {
            let text = format!("{:#}\n", self.table.to_json());
            std::fs::write(path, text)
                .with_context(|| format!("write the figures to {}", path.display()))?;
        }
        Ok(())
    }
}
