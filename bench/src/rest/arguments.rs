//! What `bench rest` can be told: a program to start, or the address of a service that runs already.

use std::{path::PathBuf, time::Duration};

use anyhow::Context;
use clap::Args;

use crate::{
    process::Process,
    program::Program,
    token::SignIn,
    values::{a_few, seconds, seconds_above_zero},
};

/// Without an address, `milena run store` is started on a port of its own; with one, the same load goes to a running
/// service.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The program to start instead of the `milena` beside this one.
    #[arg(long, value_name = "PATH", conflicts_with = "address")]
    program: Option<PathBuf>,

    /// Where a program's data folder is made (default: beside the program).
    #[arg(long, value_name = "DIR", conflicts_with = "address")]
    pub(crate) data_dir: Option<PathBuf>,

    /// The database of a program that is started (default: its own, in its data folder).
    #[arg(long, value_name = "URI", conflicts_with = "address")]
    pub(crate) mongodb: Option<String>,

    /// A service that runs already, on this machine.
    #[arg(long, value_name = "URL", requires = "pid")]
    address: Option<String>,

    /// Its process.
    #[arg(long, value_name = "PID", requires = "address")]
    pid: Option<u32>,

    /// The issuer of the tokens (default: a small one of bench's own, when a program is started).
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,

    #[command(flatten)]
    pub(crate) sign_in: SignIn,

    /// How long each of the two loads lasts.
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds_above_zero)]
    pub(crate) seconds: Duration,

    /// How long the same load lasts before that, without being measured; 0: not at all.
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = seconds)]
    pub(crate) warm_up: Duration,

    /// How many callers there are, each with a connection of its own.
    #[arg(long, value_name = "NUMBER", default_value_t = 16, value_parser = a_few)]
    pub(crate) callers: usize,

    /// How many documents they share.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = a_few)]
    pub(crate) documents: usize,

    /// Also writes the figures as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// What is measured.
pub(crate) enum Target {
    Program(PathBuf),
    Running { address: String, process: Process },
}

impl Arguments {
    /// What is measured.
    ///
    /// # Errors
    /// Names the argument that is missing, or says how to build the program.
    pub(crate) fn target(&self) -> anyhow::Result<Target> {
        if let Some(address) = &self.address {
            let process = Process(self.pid.context("--pid is missing")?);
            if self.issuer.is_none() && self.sign_in.token.is_none() {
                anyhow::bail!("--token is missing, or --issuer");
            }
            return Ok(Target::Running { address: address.clone(), process });
        }
        if self.issuer.is_none() && self.sign_in.token.is_some() {
            anyhow::bail!("--token needs the --issuer that made it");
        }
        let path = self.program.clone().map_or_else(Program::beside_this, Ok)?;
        Ok(Target::Program(path))
    }

    /// The same for the comparison. The database's address is not shown: it may hold a password.
    pub(crate) fn describe(&self) -> anyhow::Result<String> {
        let system = match self.target()? {
            Target::Program(path) => format!("{} run store", path.display()),
            Target::Running { address, .. } => address,
        };
        let (callers, documents) = (self.callers, self.documents);
        let (seconds, warm_up) = (self.seconds.as_secs_f64(), self.warm_up.as_secs_f64());
        Ok(format!(
            "{system}; callers: {callers}, documents: {documents}, {seconds} s after {warm_up} s of warm-up"
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
    fn a_program_or_a_running_service_is_measured() {
        check(
            "--program /opt/milena",
            Ok("/opt/milena run store; callers: 16, documents: 1, 20 s after 3 s of warm-up"),
        );
        check(
            "--program /opt/milena --mongodb mongodb://u:hunter2@h/ --seconds 5 --warm-up 0 --callers 4",
            Ok("/opt/milena run store; callers: 4, documents: 1, 5 s after 0 s of warm-up"),
        );
        check(
            "--address http://s:1 --pid 7 --token x --documents 8",
            Ok("http://s:1; callers: 16, documents: 8, 20 s after 3 s of warm-up"),
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        check("--address http://s:1 --token x", Err("--pid"));
        check("--pid 7", Err("--address"));
        check("--address http://s:1 --pid 7", Err("--token is missing, or --issuer"));
        check("--program /opt/milena --token x", Err("--token needs the --issuer"));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        check("--program /opt/milena --address http://s:1 --pid 7", Err("cannot be used with"));
        check("--mongodb mongodb://h --address http://s:1 --pid 7", Err("cannot be used with"));
        check("--seconds 0", Err("seconds above 0"));
        check("--warm-up 601", Err("--warm-up"));
        check("--callers 0", Err("a number from 1 to 1000"));
    }
}
