//! A schedule for people.

use std::fmt;

use super::{Event, Fault, Part, Schedule};

impl fmt::Display for Schedule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Schedule { seed, traffic, announced, recipients, partitions, callers, timelines } =
            self;
        writeln!(out, "seed {seed}: {} callers for {traffic:?}", callers.len())?;
        writeln!(out, "announced: {}", announced.words())?;
        writeln!(out, "recipients: {recipients}, partitions: {partitions}")?;
        for timeline in timelines {
            writeln!(out, "{}", timeline.of)?;
            for Event { after, fault, lasts } in &timeline.events {
                writeln!(out, "  after {after:?}: {fault} for {lasts:?}")?;
            }
        }
        for (number, steps) in callers.iter().enumerate() {
            write!(out, "caller {number}:")?;
            for step in steps.iter().take(12) {
                write!(out, " {:?} {:?},", step.pause, step.work)?;
            }
            writeln!(out, " … {} steps", steps.len())?;
        }
        Ok(())
    }
}

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Process(name) => write!(out, "process {name}"),
            Part::Link(name) => write!(out, "link {name}"),
            Part::Server(name) => write!(out, "server {name}"),
            Part::MailServer => write!(out, "mail server"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Kill => write!(out, "killed"),
            Fault::KillTwice(again) => write!(out, "killed, again {again:?} after its start,"),
            Fault::Pause => write!(out, "paused"),
            Fault::Link(mode) => write!(out, "{mode:?}"),
            Fault::Mail(manner) => write!(out, "{manner:?}"),
        }
    }
}
