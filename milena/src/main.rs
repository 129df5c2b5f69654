//! `milena`: reads the command line and the environment, and starts what was asked for.

use std::{ffi::OsString, io::Write, process::ExitCode, time::Duration};

use anyhow::Context;
use chassis::{
    Outside, Stop,
    config::{ConfigError, Settings},
    telemetry::{self, Loggers},
};
use clap::{Parser, error::ErrorKind};
use milena::{
    arguments::{Arguments, Command, DeadLettersArguments, RunArguments, Serve, UpArguments},
    dead_letters::{self, Misuse},
    layers::Layers,
    run::{self, Process},
    up::{self, Ports, System},
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{sleep, timeout},
};
use tracing::{debug, info};

/// The command line or the configuration is wrong (sysexits.h: EX_USAGE).
const USAGE: u8 = 64;
/// How long work may take that goes on when everything has ended.
const LAST_WORK: Duration = Duration::from_millis(400);
/// A second signal cut everything off (128 + SIGINT).
const ABORTED: i32 = 130;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Where to complain when the terminal is gone? Nowhere.
            let _ = error.print();
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return if asked { ExitCode::SUCCESS } else { ExitCode::from(USAGE) };
        }
    };
    match start(&arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("milena: {cause:#}");
            let is_misuse = cause.is::<ConfigError>() || cause.is::<Misuse>();
            ExitCode::from(if is_misuse { USAGE } else { 1 })
        }
    }
}

fn start(command: &Command) -> anyhow::Result<()> {
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        anyhow::bail!("another cryptography provider was installed first");
    }
    match command {
        Command::Serve(command) => serve(command),
        Command::DeadLetters(arguments) => dead_letters(arguments),
    }
}

/// Asks a running service, and is done.
fn dead_letters(arguments: &DeadLettersArguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the runtime")?;
    runtime.block_on(dead_letters::run(arguments, &variables()))
}

fn serve(command: &Serve) -> anyhow::Result<()> {
    let layers = Layers::of(command, variables());
    let settings = layers.settings(&[])?;
    let levels = "trace, debug, info, warn, error or off, also per part: info,messaging=debug";
    let filter = settings.parse("logging.level.root", levels)?;
    let format = command.common().log_format.into();
    let loggers = telemetry::start(format, filter, &milena::CRATES)?;
    allow_many_connections();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the runtime")?;
    let outcome = runtime.block_on(async {
        let outcome = run(command, layers, settings, loggers).await;
        settle().await;
        outcome
    });
    // Nothing that matters is left to do; a thread that hangs in the operating system must not hold up the end.
    runtime.shutdown_timeout(LAST_WORK);
    outcome
}

/// Raises how many files may be open to what the operating system allows: a connection is a file too, and the usual
/// 1024 would be used up by a thousand callers.
fn allow_many_connections() {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    match raised {
        Ok(()) => debug!("open files: {:?} at most", limit.maximum),
        Err(error) => debug!("open files: {:?} at most, cannot be raised: {error}", limit.current),
    }
}

/// The environment, which is read here and nowhere else; what is not Unicode in it is nobody of ours.
fn variables() -> Vec<(String, String)> {
    let text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}

/// Does what was asked for, until it ends or a signal says so.
async fn run(
    command: &Serve,
    layers: Layers,
    settings: Settings,
    loggers: Loggers,
) -> anyhow::Result<()> {
    let stop = Stop::new();
    let (interrupt, terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let working = async {
        match command {
            Serve::Up(arguments) => up(arguments, layers, settings, loggers, &stop).await,
            Serve::Run(arguments) => run_one(arguments, layers, loggers, &stop).await,
        }
    };
    tokio::select! {
        outcome = working => outcome,
        never = obey(interrupt, terminate, &stop) => never,
    }
}

async fn up(
    arguments: &UpArguments,
    layers: Layers,
    settings: Settings,
    loggers: Loggers,
    stop: &Stop,
) -> anyhow::Result<()> {
    milena::up::warn_of_unused(&settings, &layers.variables);
    let told = milena::up::told(&settings, &arguments.data_dir).await?;
    let (ports, folder) = (arguments.ports(), milena::up::configuration_folder(&settings));
    let options = up::Options {
        data_dir: arguments.data_dir.clone(),
        ports: ports.clone(),
        layers,
        told,
        loggers: Some(loggers),
        outside: Outside::system(),
    };
    let system = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        system = System::prepare(options) => system?,
    };
    // Not before everything else is in order: nothing is left behind by a start that fails.
    milena::up::explain_configuration(&folder);
    system.run(stop.clone(), |addresses| announce(&ports, addresses)).await
}

async fn run_one(
    arguments: &RunArguments,
    layers: Layers,
    loggers: Loggers,
    stop: &Stop,
) -> anyhow::Result<()> {
    let (role, any_port) = (arguments.service, arguments.port == Some(0));
    let options = run::Options {
        role,
        data_dir: arguments.data_dir.clone(),
        layers,
        loggers: Some(loggers),
        outside: Outside::system(),
    };
    let process = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        process = Process::prepare(options) => process?,
    };
    let greeting = match any_port {
        true => process.json().to_string(),
        false => process.greeting(),
    };
    // A closed standard output is no reason to stop serving.
    let _ = writeln!(std::io::stdout(), "{greeting}");
    process.run(stop.clone()).await
}

/// Gives the databases' writers, which close their files once nobody uses them, the time to do so: then the folder has
/// no logs that belong to its files, and can be copied as it is.
async fn settle() {
    let metrics = tokio::runtime::Handle::current().metrics();
    let closed = async {
        while metrics.num_alive_tasks() > 0 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    if timeout(LAST_WORK, closed).await.is_err() {
        debug!("{} tasks are cut off at the end", metrics.num_alive_tasks());
    }
}

/// Says what runs where, on standard output: one JSON line when the ports were unknown before, else for a person.
fn announce(ports: &Ports, addresses: &up::Addresses) {
    let text = match ports {
        Ports::System => addresses.json().to_string(),
        Ports::Offset(_) => addresses.greeting(),
    };
    // A closed standard output is no reason to stop serving.
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// The first signal stops in good order, the second at once.
async fn obey(mut interrupt: Signal, mut terminate: Signal, stop: &Stop) -> anyhow::Result<()> {
    either(&mut interrupt, &mut terminate).await;
    info!("stopping; a second signal aborts");
    stop.cancel();
    either(&mut interrupt, &mut terminate).await;
    std::process::exit(ABORTED);
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
