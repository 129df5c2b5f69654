//! Load generator and comparisons. Knows only addresses, so that the same load can be aimed at any implementation of
//! the same interfaces.

mod caller;
mod disk;
mod http;
mod load;
mod machine;
mod mailbox;
mod percentiles;
mod process;
mod program;
mod report;
mod smtp;
mod story;
mod token;

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

/// Load generator and comparisons; knows only addresses.
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
}

// One thread: on a small machine every core that the load generator takes is missing in the system under test.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let Command::Story(arguments) = Bench::parse().command;
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    // Leaving by return, not by dying, ends the program under test and removes its folder.
    tokio::select! {
        outcome = story::run(&arguments) => outcome,
        _ = tokio::signal::ctrl_c() => bail!("interrupted before the end; no figures"),
        _ = terminate.recv() => bail!("terminated before the end; no figures"),
    }
}
