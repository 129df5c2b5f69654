//! What `bench story` can be told: a program to start, or the addresses of a system that runs already.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use anyhow::Context;
use clap::{Args, ValueEnum};

use crate::{program::Program, token::SignIn, values::positive};

/// Without addresses, `milena up` is started on ports of its own; with them, the same load goes to a running system.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The program to start instead of the `milena` beside this one.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["gateway", "store", "issuer", "pid"])]
    program: Option<PathBuf>,

    /// Where a program's data folder is made (default: beside the program); with addresses, a folder on the disk of the
    /// system's data, so that the disk can be measured.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// The gateway of a running system.
    #[arg(long, value_name = "URL", requires = "smtp_listen")]
    gateway: Option<String>,

    /// The store service of a running system.
    #[arg(long, value_name = "URL", requires = "smtp_listen")]
    store: Option<String>,

    /// The issuer of a running system's tokens.
    #[arg(long, value_name = "URL", requires = "smtp_listen")]
    issuer: Option<String>,

    /// Where mails are received; a running system must send them there.
    #[arg(long, value_name = "ADDRESS:PORT")]
    smtp_listen: Option<SocketAddr>,

    /// The process of a running system whose memory and processor time are measured.
    #[arg(long, value_name = "PID", requires = "smtp_listen")]
    pub(crate) pid: Option<u32>,

    /// The way that updates take.
    #[arg(long, value_enum, default_value_t = Via::Store)]
    pub(crate) via: Via,

    #[command(flatten)]
    pub(crate) sign_in: SignIn,

    /// Updates made one at a time.
    #[arg(long, value_name = "NUMBER", default_value_t = 300, value_parser = positive)]
    pub(crate) updates_alone: usize,

    /// Updates per second of the steady load.
    #[arg(long, value_name = "NUMBER", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rate: u32,

    /// How long the steady load lasts.
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) seconds: u32,

    /// Updates made as fast as the callers can.
    #[arg(long, value_name = "NUMBER", default_value_t = 10_000, value_parser = positive)]
    pub(crate) updates: usize,

    /// How many callers make those.
    #[arg(long, value_name = "NUMBER", default_value_t = 16, value_parser = positive)]
    pub(crate) callers: usize,

    /// How long to wait for a mail while no other arrives, before it counts as lost.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) patience: u64,

    /// Also writes the report as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// The way that updates take.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Via {
    /// Straight to the store service.
    Store,
    /// Through the gateway.
    Gateway,
}

/// What is measured.
pub(crate) enum Target {
    Program(PathBuf),
    Addresses(Addresses),
}

/// A running system.
pub(crate) struct Addresses {
    /// What `/api/stores` is appended to.
    pub(crate) store: String,
    /// Not needed, and empty, when a token is given.
    pub(crate) issuer: String,
}

impl Arguments {
    /// What is measured.
    ///
    /// # Errors
    /// Names the argument that is missing, or says how to build the program.
    pub(crate) fn target(&self) -> anyhow::Result<Target> {
        if let Some(path) = &self.program {
            return Ok(Target::Program(path.clone()));
        }
        if !self.has_addresses() {
            return Ok(Target::Program(Program::beside_this()?));
        }
        let store = match self.via {
            Via::Store => self.store.clone().context("--store is missing, or --via gateway")?,
            Via::Gateway => behind(self.gateway.as_ref().context("--via gateway needs --gateway")?),
        };
        let issuer = match (&self.issuer, &self.sign_in.token) {
            (Some(issuer), _) => issuer.clone(),
            (None, Some(_)) => String::new(),
            (None, None) => anyhow::bail!("--issuer is missing, or --token"),
        };
        Ok(Target::Addresses(Addresses { store, issuer }))
    }

    /// The same for the report.
    pub(crate) fn describe(&self) -> anyhow::Result<String> {
        let way = match self.via {
            Via::Store => "",
            Via::Gateway => ", through the gateway",
        };
        Ok(match self.target()? {
            Target::Program(path) => format!("{} up{way}", path.display()),
            Target::Addresses(addresses) => format!("{}{way}", addresses.store),
        })
    }

    /// Where mails are received: where the argument says, else at any free port of this machine's own.
    pub(crate) fn smtp_listen(&self) -> SocketAddr {
        self.smtp_listen.unwrap_or((Ipv4Addr::LOCALHOST, 0).into())
    }

    fn has_addresses(&self) -> bool {
        self.gateway.is_some() || self.store.is_some() || self.issuer.is_some()
    }
}

/// The address of the store service behind a gateway.
pub(crate) fn behind(gateway: &str) -> String {
    format!("{}/services/store", gateway.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Result<&str, &str>) {
        crate::testing::check(line, Arguments::describe, expected);
    }

    #[test]
    fn a_program_or_addresses_are_measured() {
        check("--program /opt/milena", Ok("/opt/milena up"));
        check("--program /opt/milena --via gateway", Ok("/opt/milena up, through the gateway"));
        check(
            "--store http://s:1 --issuer http://i/r --smtp-listen 127.0.0.1:2525",
            Ok("http://s:1"),
        );
        check("--store http://s:1 --token x --smtp-listen 127.0.0.1:2525", Ok("http://s:1"));
        check(
            "--via gateway --gateway http://g:1/ --token x --smtp-listen 127.0.0.1:2525",
            Ok("http://g:1/services/store, through the gateway"),
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        check("--store http://s:1 --issuer http://i/r", Err("--smtp-listen"));
        check("--store http://s:1 --smtp-listen 127.0.0.1:2525", Err("--issuer is missing"));
        check(
            "--gateway http://g:1 --token x --smtp-listen 127.0.0.1:2525",
            Err("--store is missing"),
        );
        check(
            "--via gateway --store http://s:1 --token x --smtp-listen 127.0.0.1:2525",
            Err("needs --gateway"),
        );
    }

    #[test]
    fn what_cannot_be_is_refused() {
        check("--program /opt/milena --store http://s:1", Err("cannot be used with"));
        check("--rate 0", Err("--rate"));
        check("--callers none", Err("a number from 1"));
        check("--user admin", Err("two parts"));
        check("--smtp-listen here", Err("--smtp-listen"));
    }
}
