//! What `bench registry` can be told: how much is measured, and a second server to compare with.

use std::{path::PathBuf, time::Duration};

use anyhow::Context;
use clap::Args;

use crate::{
    process::Process,
    program::Program,
    token::SignIn,
    values::{a_few, pair, positive, seconds_above_zero},
};

/// Starts `milena run registry` and `milena up` on ports of their own, measures the registry, and prints what became of
/// the goals. The program `git` is needed.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The program to start instead of the `milena` beside this one.
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,

    /// Where the data folders are made (default: beside the program).
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,

    /// A folder for the git repository of configuration, so that another server can be given the same one; one that is
    /// there is used as it is (default: a new one).
    #[arg(long, value_name = "DIR")]
    pub(super) repository: Option<PathBuf>,

    /// The name and the password with which machines call the program's registry.
    #[arg(long, value_name = "NAME:PASSWORD", default_value = "admin:admin", value_parser = pair)]
    pub(super) machine: (String, String),

    /// A second server, a Spring one for example, that runs already on this machine: the base of /eureka and /config.
    #[arg(long, value_name = "URL", requires = "other_pid")]
    other: Option<String>,

    /// Its process.
    #[arg(long, value_name = "PID", requires = "other")]
    other_pid: Option<u32>,

    /// The name with which machines call it.
    #[arg(long, value_name = "NAME", default_value = "admin")]
    other_user: String,

    /// The password with which machines call it.
    #[arg(long, value_name = "PASSWORD", default_value = "admin")]
    other_password: String,

    #[command(flatten)]
    pub(super) sign_in: SignIn,

    /// How many instances renew.
    #[arg(long, value_name = "NUMBER", default_value_t = 10_000, value_parser = positive)]
    pub(super) instances: usize,

    /// How many of them are there when all are fetched at once.
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000, value_parser = a_few)]
    pub(super) fetched: usize,

    /// How long instances renew at an even pace, and then as fast as callers can.
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds_above_zero)]
    pub(super) seconds: Duration,

    /// Over how many kept connections renewals at an even pace come; a Java client has one of its own.
    #[arg(long, value_name = "NUMBER", default_value_t = 64, value_parser = positive)]
    pub(super) connections: usize,

    /// How many callers renew as fast as they can.
    #[arg(long, value_name = "NUMBER", default_value_t = 32, value_parser = a_few)]
    pub(super) callers: usize,

    /// How many times everything is fetched, and an instance registered until it is visible.
    #[arg(long, value_name = "NUMBER", default_value_t = 500, value_parser = positive)]
    pub(super) reads: usize,

    /// How many instances are registered until the gateway finds them, one after the other.
    #[arg(long, value_name = "NUMBER", default_value_t = 200, value_parser = positive)]
    pub(super) routed: usize,

    /// Also writes the figures as JSON.
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
}

/// A second server.
pub(super) struct Second<'a> {
    pub(super) address: &'a str,
    pub(super) process: Process,
    pub(super) user: &'a str,
    pub(super) password: &'a str,
}

impl Arguments {
    /// The program that is started.
    ///
    /// # Errors
    /// Says how to build it when it is not there.
    pub(super) fn program(&self) -> anyhow::Result<PathBuf> {
        self.program.clone().map_or_else(Program::beside_this, Ok)
    }

    /// The server to compare with, if one was named.
    pub(super) fn second(&self) -> anyhow::Result<Option<Second<'_>>> {
        let Some(address) = self.other.as_deref() else { return Ok(None) };
        let process = Process(self.other_pid.context("--other-pid is missing")?);
        let (user, password) = (&self.other_user, &self.other_password);
        Ok(Some(Second { address, process, user, password }))
    }

    /// What is measured, for the report.
    pub(super) fn describe(&self) -> anyhow::Result<String> {
        Ok(format!(
            "{}: run registry and up; instances: {}, connections: {}, callers: {}, {} s each",
            self.program()?.display(),
            self.instances,
            self.connections,
            self.callers,
            self.seconds.as_secs_f64()
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
    fn a_program_is_measured() {
        check(
            "--program /opt/milena",
            Ok(
                "/opt/milena: run registry and up; instances: 10000, connections: 64, callers: 32, 20 s each",
            ),
        );
        check(
            "--program /opt/milena --instances 500 --connections 500 --callers 4 --seconds 5",
            Ok(
                "/opt/milena: run registry and up; instances: 500, connections: 500, callers: 4, 5 s each",
            ),
        );
    }

    #[test]
    fn a_second_server_is_named_with_its_process() {
        check("--other http://s:1", Err("--other-pid"));
        check("--other-pid 7", Err("--other"));
        let describe = |arguments: &Arguments| {
            let second = arguments.second()?.context("none")?;
            let Second { address, process, user, password } = second;
            Ok(format!("{address} {} {user}:{password}", process.0))
        };
        let line = "--other http://s:1 --other-pid 7";
        crate::testing::check(line, describe, Ok("http://s:1 7 admin:admin"));
        let line = "--other http://s:1 --other-pid 7 --other-user u --other-password p";
        crate::testing::check(line, describe, Ok("http://s:1 7 u:p"));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        check("--seconds 0", Err("seconds above 0"));
        check("--callers 0", Err("a number from 1 to 1000"));
        check("--fetched 1001", Err("a number from 1 to 1000"));
        check("--machine admin", Err("a colon between"));
    }
}
