//! A registry as a measurement, Eureka and Spring Cloud Config: what many clients cost it, how soon an instance is seen and
//! routed to, how fast it serves, beside a handler that does nothing and a second server.

mod arguments;
mod configuration;
mod eureka;
mod fetch;
mod instance;
mod pair;
mod renewals;
mod repository;
mod routed;
mod server;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, anyhow};

pub(crate) use self::arguments::Arguments;
use self::{
    arguments::Second,
    pair::{Pair, Servers},
    routed::Gateway,
    server::Server,
};
use crate::{
    bare,
    connection::Peer,
    goal::Goal,
    http::Http,
    machine,
    percentiles::Percentiles,
    pressure::Tally,
    program::{self, Program, Running},
    table::{Other, Table, less},
    token::Bearer,
};

const ROUTED: Goal = Goal::AtMost(50.0);
const CONFIGURATION: Goal = Goal::AtMost(1.0);

/// What the registry is called in the first line of `run registry`.
const NAME: &str = "jhipster-registry";

/// What is said of the other server when there is none.
const ALONE: &str = "no second server was named to compare with (--other)";

/// How often the configuration is read.
const READS: usize = 2_000;

/// What all parts of a run share.
struct Run<'a> {
    arguments: &'a Arguments,
    path: PathBuf,
    table: Table,
    /// Whether every request was answered as it should be.
    complete: bool,
}

/// Measures, and prints the table. Ends with exit code 1 when a request failed or a figure is missing, but not for a
/// missed goal: how fast a system is depends on the machine as well.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    machine::allow_many_connections();
    let mut run = Run::new(arguments)?;
    run.measure().await?;
    run.publish()?;
    let complete = run.complete && run.table.is_complete();
    Ok(if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl<'a> Run<'a> {
    fn new(arguments: &'a Arguments) -> anyhow::Result<Run<'a>> {
        let other = match arguments.second()? {
            Some(Second { address, process, .. }) => Other {
                heading: "other",
                key: "other",
                source: format!("other: {address}, process {}, in the same run", process.0),
            },
            None => Other { heading: "", key: "other", source: ALONE.to_owned() },
        };
        let table = Table::new(machine::describe(), arguments.describe()?, other);
        Ok(Run { arguments, path: arguments.program()?, table, complete: true })
    }

    /// Each part has a program of its own, so that none hides the figures of the others when it fails.
    async fn measure(&mut self) -> anyhow::Result<()> {
        let folder = program::folder(&self.path, self.arguments.data_dir.as_deref())?;
        let folder = folder.path();
        let outcome = self.registry(folder).await;
        self.note("the registry", outcome);
        let up = self.program(folder, "up")?;
        self.routing(&up).await;
        let with_repository = self.with_repository(folder).await?;
        self.configuration(&with_repository).await;
        Ok(())
    }

    async fn registry(&mut self, folder: &Path) -> anyhow::Result<()> {
        let this = std::env::current_exe().context("find this program")?;
        let beside = Program::without_data(this, &subfolder(folder, "bare")?, &[bare::NAME]);
        let beside = beside.start().await?;
        let bare = self.server(&beside, bare::NAME).await?;
        let running = self.program(folder, "run registry")?.start().await?;
        let servers = self.servers(&running).await?;
        self.eureka(&servers, &bare).await;
        running.stop().await?;
        beside.stop().await?;
        Ok(())
    }

    /// The whole system, whose gateway learns of instances from its registry.
    async fn routing(&mut self, program: &Program) {
        let what = "registration answered → routed at the gateway";
        eprintln!("{what}");
        let taken = self.routed(program).await;
        let taken = Pair { ours: self.note(what, taken), other: None };
        self.times("routed", what, &taken, [(50, Goal::None), (99, ROUTED)]);
    }

    async fn routed(&self, program: &Program) -> anyhow::Result<Vec<Duration>> {
        let running = program.start().await?;
        let registry = self.server(&running, "registry").await?;
        let issuer = running.addresses.of("issuer")?;
        let bearer = Bearer::sign_in(Http::new(), issuer, &self.arguments.sign_in).await?;
        let peer = Arc::new(Peer::find(running.addresses.of("gateway")?).await?);
        let gateway = Gateway { peer, bearer };
        let taken = routed::routed(&registry, &gateway, self.arguments.routed).await?;
        running.stop().await?;
        Ok(taken)
    }

    /// `run registry` with a git repository behind it.
    async fn with_repository(&self, folder: &Path) -> anyhow::Result<Program> {
        let repository =
            self.arguments.repository.clone().unwrap_or_else(|| folder.join("repository"));
        repository::make(&repository).await?;
        let repository = repository.canonicalize().context("find the repository's folder")?;
        let program = self.program(&subfolder(folder, "configuration")?, "run registry")?;
        let url = format!("file://{}", repository.display());
        Ok(program
            .with("SPRING_CLOUD_CONFIG_SERVER_COMPOSITE_0_TYPE", "git")
            .with("SPRING_CLOUD_CONFIG_SERVER_COMPOSITE_0_URI", url))
    }

    async fn configuration(&mut self, program: &Program) {
        let what = "GET /config/store/prod, git behind";
        let taken = self.configurations(what, program).await;
        let taken = self.note(what, taken).unwrap_or(Pair { ours: None, other: None });
        self.times("config", what, &taken, [(50, CONFIGURATION), (99, Goal::None)]);
    }

    async fn configurations(
        &mut self,
        what: &str,
        program: &Program,
    ) -> anyhow::Result<Pair<Vec<Duration>>> {
        let running = program.start().await?;
        let servers = self.servers(&running).await?;
        let reading = async |server: &Server| {
            configuration::serves_the_repository(server).await?;
            configuration::read(server, READS).await
        };
        let taken = self.both(what, &servers, reading).await;
        running.stop().await?;
        Ok(taken)
    }

    /// `path words… --log-format json`, with data and messages in a folder of its own.
    fn program(&self, folder: &Path, words: &str) -> anyhow::Result<Program> {
        let folder = subfolder(folder, words)?;
        let port = if words == "up" { "--ports" } else { "--port" };
        let words: Vec<_> = words.split(' ').chain([port, "0", "--log-format", "json"]).collect();
        let configuration = folder.join("central-config").display().to_string();
        let program = Program::new(self.path.clone(), &folder, &words);
        Ok(program.with("MILENA_REGISTRY_CONFIG_DIR", configuration))
    }

    async fn server(&self, running: &Running, name: &str) -> anyhow::Result<Server> {
        let (user, password) = &self.arguments.machine;
        Server::find(running.addresses.of(name)?, running.process()?, (user, password)).await
    }

    async fn servers(&self, running: &Running) -> anyhow::Result<Servers> {
        let other = match self.arguments.second()? {
            Some(Second { address, process, user, password }) => {
                Some(Server::find(address, process, (user, password)).await?)
            }
            None => None,
        };
        Ok(Servers { ours: self.server(running, NAME).await?, other })
    }

    /// Does the same with both servers, one after the other; says what failed.
    async fn both<T>(
        &mut self,
        what: &str,
        servers: &Servers,
        phase: impl AsyncFn(&Server) -> anyhow::Result<T>,
    ) -> Pair<T> {
        eprintln!("{what}");
        let ours = self.note(what, phase(&servers.ours).await);
        let mut other = None;
        if let Some(server) = &servers.other {
            other = self.note(&format!("{what}, the other server"), phase(server).await);
        }
        Pair { ours, other }
    }

    /// Says what failed; what did not is returned.
    fn note<T>(&mut self, what: &str, outcome: anyhow::Result<T>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(cause) => {
                eprintln!("{what}: failed: {cause:#}");
                self.complete = false;
                None
            }
        }
    }

    /// Says how many requests of a load failed, and why the first did.
    fn count(&mut self, what: &str, tally: &Tally) {
        if let Some(cause) = &tally.first_failure {
            let failures = tally.failures;
            self.note::<()>(what, Err(anyhow!("{failures} requests, the first with: {cause:#}")));
        }
    }

    /// Adds percentiles with their goals.
    fn times(
        &mut self,
        key: &str,
        what: &str,
        taken: &Pair<Vec<Duration>>,
        percentiles: [(usize, Goal); 2],
    ) {
        for (percent, goal) in percentiles {
            let of = |times: &Vec<Duration>| {
                Percentiles::of(times.iter().copied()).milliseconds(percent)
            };
            let (ours, other) = taken.figure(of);
            let figure = less("ms").beside(other).goal(goal);
            self.table.add(
                format!("{key}.p{percent}"),
                format!("{what}, p{percent}"),
                ours,
                figure,
            );
        }
    }

    fn publish(&self) -> anyhow::Result<()> {
        print!("{}", self.table.to_text());
        if let Some(path) = &self.arguments.json {
            let text = format!("{:#}\n", self.table.to_json());
            std::fs::write(path, text)
                .with_context(|| format!("write the figures to {}", path.display()))?;
        }
        Ok(())
    }
}

fn subfolder(folder: &Path, name: &str) -> anyhow::Result<PathBuf> {
    let folder = folder.join(name.replace(' ', "-"));
    std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    Ok(folder)
}

#[cfg(test)]
mod tests;
