//! What `bench flow` can be told. Where the servers are is read from the environment.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::{
    program::Program,
    values::{a_few, positive},
};

/// Measures the way of an update on real servers, part by part, and prints what became of the goals. Run it under
/// `tests/real/servers run`, which starts the servers and says where they are.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The program to start instead of the `milena` beside this one.
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,

    /// Where the data folders are made (default: beside the program).
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,

    /// The kinds of MongoDB that stores are kept in, one after the other.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Kind::Alone, Kind::ReplicaSet])]
    pub(super) mongodb: Vec<Kind>,

    /// Updates made one at a time.
    #[arg(long, value_name = "NUMBER", default_value_t = 300, value_parser = positive)]
    pub(super) updates_alone: usize,

    /// How long each load at a fixed rate or by callers lasts.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(super) seconds: u32,

    /// How many callers make updates while they are counted.
    #[arg(long, value_name = "NUMBER", default_value_t = 16, value_parser = a_few)]
    pub(super) callers: usize,

    /// How many messages wait in an outbox, at least, before it is emptied.
    #[arg(long, value_name = "NUMBER", default_value_t = 100_000, value_parser = positive)]
    pub(super) waiting: usize,

    /// Also writes the figures as JSON.
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
}

/// A kind of MongoDB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// A server by itself, which has no transactions.
    Alone,
    /// A replica set of one member.
    ReplicaSet,
}

impl Kind {
    /// For programs.
    pub(super) fn key(self) -> &'static str {
        match self {
            Kind::Alone => "alone",
            Kind::ReplicaSet => "set",
        }
    }

    /// For people.
    pub(super) fn label(self) -> &'static str {
        match self {
            Kind::Alone => "MongoDB alone",
            Kind::ReplicaSet => "replica set",
        }
    }
}

impl Arguments {
    /// The program that is started.
    ///
    /// # Errors
    /// Says how to build it when it is not there.
    pub(super) fn program(&self) -> anyhow::Result<PathBuf> {
        self.program.clone().map_or_else(Program::beside_this, Ok)
    }

    /// What is measured, for the report.
    pub(super) fn describe(&self) -> anyhow::Result<String> {
        let kinds: Vec<_> = self.mongodb.iter().map(|kind| kind.label()).collect();
        Ok(format!(
            "{}: run store on {}, run alert on PostgreSQL, Kafka between; callers: {}, loads of {} s, waiting: {}",
            self.program()?.display(),
            kinds.join(" and "),
            self.callers,
            self.seconds,
            self.waiting
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Result<&str, &str>) {
        crate::testing::check(line, Arguments::describe, expected);
    }

    #[test]
    fn both_kinds_are_measured_unless_one_is_named() {
        check(
            "--program /opt/milena",
            Ok(
                "/opt/milena: run store on MongoDB alone and replica set, run alert on PostgreSQL, Kafka between; callers: 16, loads of 10 s, waiting: 100000",
            ),
        );
        check(
            "--program /opt/milena --mongodb replica-set --seconds 5 --callers 4 --waiting 7",
            Ok(
                "/opt/milena: run store on replica set, run alert on PostgreSQL, Kafka between; callers: 4, loads of 5 s, waiting: 7",
            ),
        );
    }

    #[test]
    fn what_cannot_be_is_refused() {
        check("--mongodb sharded", Err("--mongodb"));
        check("--waiting 0", Err("a number from 1"));
        check("--seconds 0", Err("--seconds"));
        check("--callers 0", Err("a number from 1 to 1000"));
    }
}
