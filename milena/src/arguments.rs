//! The command line.

mod dead_letters;

use std::path::PathBuf;

use chassis::telemetry::LogFormat;
use clap::{Args, Parser, Subcommand, ValueEnum};

pub use dead_letters::{
    Access, Action, DeadLettersArguments, DiscardArguments, EditArguments, ListArguments,
    ReplayArguments, ShowArguments,
};

use crate::up::Ports;

/// An event-driven microservice system in one program.
#[derive(Debug, Parser)]
#[command(name = "milena", version, arg_required_else_help = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run services until it is told to stop.
    #[command(flatten)]
    Serve(Serve),
    /// See, repair, replay or discard what a running service could not process.
    DeadLetters(DeadLettersArguments),
}

/// What the program can run.
#[derive(Debug, Subcommand)]
pub enum Serve {
    /// Run the whole system in one process, embedded parts included.
    Up(UpArguments),
    /// Run one service in a process of its own, configured as its Java twin is.
    Run(RunArguments),
}

/// The flags of `milena up`.
#[derive(Debug, Args)]
pub struct UpArguments {
    /// Where everything is kept; created when missing.
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data_dir: PathBuf,
    /// Move every port by N, so that two copies can run side by side.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        conflicts_with = "ports",
        allow_negative_numbers = true
    )]
    pub port_offset: i32,
    /// 0: let the system choose the ports; the first line of the output is then a JSON object that names them.
    #[arg(long, value_name = "0", value_parser = clap::value_parser!(u16).range(0..=0))]
    pub ports: Option<u16>,
    /// Who gets the mails; the same as --set alert.distribution-list=….
    #[arg(long, value_name = "ADDRESS,…")]
    pub distribution_list: Option<String>,
    /// What both take.
    #[command(flatten)]
    pub common: CommonArguments,
}

/// The flags of `milena run`.
#[derive(Debug, Args)]
pub struct RunArguments {
    /// Which service.
    #[arg(value_enum)]
    pub service: Role,
    /// Where everything is kept that no database was named for; created when missing.
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data_dir: PathBuf,
    /// The port to listen on, 0 for any that is free; the same as --set server.port=….
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// What both take.
    #[command(flatten)]
    pub common: CommonArguments,
}

/// A service that can run in a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Keeps stores and announces their updates.
    Store,
    /// Records and mails what was announced.
    Alert,
    /// Knows who is where (Eureka) and which configuration applies (Config).
    Registry,
}

/// The flags that every command has that runs services.
#[derive(Debug, Args)]
pub struct CommonArguments {
    /// How log lines are written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub log_format: Format,
    /// A YAML file of configuration keys.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One configuration key; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub set: Vec<(String, String)>,
    /// The registry's folder of configuration files; the same as --set milena.registry.config-dir=….
    #[arg(long, value_name = "DIR")]
    pub config_dir: Option<String>,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For machines, one object per line.
    Json,
}

impl UpArguments {
    /// Which ports to listen on.
    pub fn ports(&self) -> Ports {
        match self.ports {
            Some(_) => Ports::System,
            None => Ports::Offset(self.port_offset),
        }
    }
}

impl Serve {
    /// The flags that both have.
    pub fn common(&self) -> &CommonArguments {
        match self {
            Serve::Up(arguments) => &arguments.common,
            Serve::Run(arguments) => &arguments.common,
        }
    }

    /// The configuration keys that flags of their own stand for.
    pub fn keys(&self) -> Vec<(&'static str, String)> {
        let given = match self {
            Serve::Up(up) => ("alert.distribution-list", up.distribution_list.clone()),
            Serve::Run(run) => ("server.port", run.port.map(|port| port.to_string())),
        };
        let folder = ("milena.registry.config-dir", self.common().config_dir.clone());
        [given, folder].into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }
}

impl Role {
    /// The service's name, by which others find it.
    pub fn name(self) -> &'static str {
        match self {
            Role::Store => "store",
            Role::Alert => "alert",
            Role::Registry => registry::NAME,
        }
    }
}

impl From<Format> for LogFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Text => LogFormat::Text,
            Format::Json => LogFormat::Json,
        }
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or("expected KEY=VALUE, for example alert.distribution-list=me@example.com")?;
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_flags_agree_with_one_another() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_misspelt_flag_names_its_neighbour() {
        let error =
            Arguments::try_parse_from(["milena", "up", "--data-dri", "x"]).unwrap_err().to_string();
        assert!(error.contains("--data-dir"), "{error}");
    }
}
