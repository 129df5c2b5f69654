//! Load generator, comparisons and faults. Knows only addresses and the program's path, so that the same load can be aimed
//! at any implementation of the same interfaces.

mod bare;
mod caller;
mod connection;
mod disk;
mod faults;
mod flow;
mod goal;
mod http;
mod issuer;
mod load;
mod machine;
mod mailbox;
mod pace;
mod percentiles;
mod postgresql;
mod pressure;
mod process;
mod program;
mod registry;
mod report;
mod rest;
mod servers;
mod smtp;
mod story;
mod table;
#[cfg(test)]
mod testing;
mod token;
mod values;

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
};

/// Load generator, comparisons and faults; knows only addresses and the program.
#[derive(Parser)]
#[command(name = "bench", version)]
struct Bench {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures the tutorial's story: an update of a store until its mail has arrived.
    Story(Box<story::Arguments>),
    /// Measures the REST resource of one service and compares it with others.
    Rest(Box<rest::Arguments>),
    /// Kills, pauses and cuts off parts of a system under requests, and checks that nothing is lost.
    Faults(Box<faults::Arguments>),
    /// Measures the way of an update on real servers, part by part.
    Flow(Box<flow::Arguments>),
    /// Measures a registry, Eureka and Spring Cloud Config, beside a bare handler and another server.
    Registry(Box<registry::Arguments>),
    /// Answers everything with nothing, until it is told to end: what a registry is compared with.
    #[command(hide = true)]
    Bare,
}

fn main() -> anyhow::Result<ExitCode> {
    let command = Bench::parse().command;
    if cfg!(debug_assertions) {
        eprintln!(
            "this is a debug build, whose figures say nothing: use `cargo run --profile production -p bench`"
        );
    }
    let mut builder = match command {
        Command::Bare => Builder::new_multi_thread(),
        // One thread: on a small machine every core that the load generator takes is missing in the system under test.
        _ => Builder::new_current_thread(),
    };
    let runtime = builder.enable_all().build().context("start the runtime")?;
    runtime.block_on(run(&command))
}

async fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    // Leaving by return, not by dying, ends the program under test and removes its folder.
    tokio::select! {
        outcome = measure(command) => outcome,
        _ = tokio::signal::ctrl_c() => bail!("interrupted before the end; no figures"),
        _ = terminate.recv() => match command {
            Command::Bare => Ok(ExitCode::SUCCESS),
            _ => bail!("terminated before the end; no figures"),
        },
    }
}

async fn measure(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Story(arguments) => story::run(arguments).await,
        Command::Rest(arguments) => rest::run(arguments).await,
        Command::Faults(arguments) => faults::run(arguments).await,
        Command::Flow(arguments) => flow::run(arguments).await,
        Command::Registry(arguments) => registry::run(arguments).await,
        Command::Bare => bare::run().await,
    }
}
