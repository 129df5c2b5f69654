//! What `bench faults` can be told.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};

use crate::{
    program::Program,
    values::{a_few, positive, seconds_above_zero},
};

/// Runs seeded schedules of requests and faults against the program, and checks after each that nothing was lost.
#[derive(Args)]
pub(crate) struct Arguments {
    /// How many schedules.
    #[arg(long, value_name = "NUMBER", default_value_t = 10, value_parser = positive)]
    pub(crate) seeds: usize,

    /// The first seed; the others follow.
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    pub(crate) first: u64,

    /// What the system is made of.
    #[arg(long, value_enum, default_value_t = At::Embedded)]
    pub(crate) at: At,

    /// How many schedules run at the same time.
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = a_few)]
    pub(crate) jobs: usize,

    /// Only prints the schedule of a seed.
    #[arg(long, value_name = "SEED")]
    pub(crate) show: Option<u64>,

    /// The program to start instead of the `milena` beside this one.
    #[arg(long, value_name = "PATH")]
    pub(crate) program: Option<PathBuf>,

    /// Where the data folders are made (default: beside the program).
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// How long everything may take to arrive after the last fault.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds_above_zero)]
    pub(crate) patience: Duration,

    /// Tells a debug build of the program to do something wrong, for example inbox-off; then violations are what is
    /// expected, and the first one ends the run.
    #[arg(long, value_name = "WORD")]
    pub(crate) misbehave: Option<String>,
}

/// What the system is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum At {
    /// One process with embedded parts.
    Embedded,
    /// Two processes of each service on real servers, which the project's script has started.
    Real,
}

impl Arguments {
    /// The program that is started.
    ///
    /// # Errors
    /// Says how to build it when it is not there.
    pub(crate) fn program(&self) -> anyhow::Result<PathBuf> {
        self.program.clone().map_or_else(Program::beside_this, Ok)
    }

    /// The command that runs one seed again.
    pub(crate) fn again(&self, seed: u64) -> String {
        let at = match self.at {
            At::Embedded => "embedded",
            At::Real => "real",
        };
        let mut command =
            format!("cargo run --release -p bench -- faults --at {at} --first {seed} --seeds 1");
        if let Some(program) = &self.program {
            command += &format!(" --program {}", program.display());
        }
        if let Some(word) = &self.misbehave {
            command += &format!(" --misbehave {word}");
        }
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Result<&str, &str>) {
        let describe = |arguments: &Arguments| Ok(arguments.again(arguments.first));
        crate::testing::check(line, describe, expected);
    }

    #[test]
    fn a_seed_can_be_run_again() {
        const BENCH: &str = "cargo run --release -p bench -- faults";
        check("--first 17", Ok(&format!("{BENCH} --at embedded --first 17 --seeds 1")));
        check(
            "--at real --first 3 --misbehave inbox-off --program /opt/milena",
            Ok(&format!(
                "{BENCH} --at real --first 3 --seeds 1 --program /opt/milena --misbehave inbox-off"
            )),
        );
    }

    #[test]
    fn what_cannot_be_is_refused() {
        check("--seeds 0", Err("a number from 1"));
        check("--jobs none", Err("a number from 1"));
        check("--at home", Err("--at"));
        check("--first -1", Err("unexpected argument"));
        check("--patience 0", Err("seconds above 0"));
    }
}
