//! One service's REST resource as a measurement: how many requests a second of processor time is good for, how long they
//! take, what the service needs, and how that compares with others that were measured on such a machine.

mod arguments;
mod baseline;
mod comparison;
mod idle;
mod phases;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use tokio::time::{Instant, sleep, timeout};

pub(crate) use self::arguments::Arguments;
use self::{arguments::Target, comparison::Comparison, phases::Service};
use crate::{
    caller::Caller,
    connection::{Connection, Peer},
    http::Http,
    issuer::Issuer,
    machine,
    pressure::Pressure,
    process::Process,
    program::{self, Program},
    token::Bearer,
};

/// How long a service that has said that it is ready may take to answer for its health.
const HEALTH: Duration = Duration::from_secs(30);

/// How long to wait before asking again.
const AGAIN: Duration = Duration::from_millis(1);

/// What all parts of a run share.
struct Run<'a> {
    arguments: &'a Arguments,
    comparison: Comparison,
    /// Whether every request was answered as it should be, and every figure could be measured.
    complete: bool,
}

/// Measures, and prints the comparison. Ends with exit code 1 when a request failed or a figure is missing, but not for a
/// missed goal: how fast a system is depends on the machine as well.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut run = Run::new(arguments)?;
    match arguments.target()? {
        Target::Program(path) => run.with_program(path).await?,
        Target::Running { address, process } => {
            let issuer = arguments.issuer.as_deref().unwrap_or_default();
            let bearer = Bearer::sign_in(Http::new(), issuer, &arguments.sign_in).await?;
            run.measure(&address, process, bearer).await?;
        }
    }
    run.publish()?;
    Ok(if run.complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl<'a> Run<'a> {
    fn new(arguments: &'a Arguments) -> anyhow::Result<Run<'a>> {
        let comparison = Comparison::new(machine::describe(), arguments.describe()?);
        Ok(Run { arguments, comparison, complete: true })
    }

    /// Starts the program on a new folder, with an identity provider of our own unless one was named.
    async fn with_program(&mut self, path: PathBuf) -> anyhow::Result<()> {
        let folder = program::folder(&path, self.arguments.data_dir.as_deref())?;
        match &self.arguments.issuer {
            Some(issuer) => {
                let program = self.program(path, folder.path(), issuer);
                let bearer =
                    Bearer::sign_in(Http::new(), issuer, &self.arguments.sign_in).await?;
                self.start_and_measure(&program, bearer).await
            }
            None => {
                let issuer = Issuer::start().await?;
                let program = self.program(path, folder.path(), issuer.url());
                self.start_and_measure(&program, Bearer::fixed(issuer.token())?).await
            }
        }
    }

    /// `path run store`, alone but for its identity provider and, if one was named, its database.
    fn program(&self, path: PathBuf, folder: &Path, issuer: &str) -> Program {
        let program = Program::new(path, folder, &["run", "store", "--port", "0"])
            .with("SPRING_SECURITY_OAUTH2_CLIENT_PROVIDER_OIDC_ISSUER_URI", issuer)
            .with("EUREKA_CLIENT_ENABLED", "false")
            .with("SPRING_CLOUD_CONFIG_ENABLED", "false");
        match &self.arguments.mongodb {
            Some(uri) => program.with("SPRING_DATA_MONGODB_URI", uri),
            None => program,
        }
    }

    async fn start_and_measure(
        &mut self,
        program: &Program,
        bearer: Bearer,
    ) -> anyhow::Result<()> {
        eprintln!("starting the program");
        let running = program.start().await?;
        let address = running.addresses.of("store")?;
        answers_for_its_health(&Peer::find(address).await?).await?;
        let taken = running.began.elapsed().as_secs_f64();
        self.comparison.add(
            "start.health",
            "exec → first answer of /management/health",
            taken,
            &baseline::START,
        );
        self.measure(address, running.process()?, bearer).await?;
        running.stop().await?;
        Ok(())
    }

    /// Opens the stores, measures, and removes them again, whatever came of it.
    async fn measure(
        &mut self,
        address: &str,
        process: Process,
        bearer: Bearer,
    ) -> anyhow::Result<()> {
        let caller = Caller::new(Http::new(), address, bearer);
        let peer = Arc::new(Peer::find(address).await?);
        let pressure = Pressure { peer, callers: self.arguments.callers };
        let mut stores = Vec::with_capacity(self.arguments.documents);
        let mut outcome = Ok(());
        for number in 0..self.arguments.documents {
            match caller.open(&phases::name(number)).await {
                Ok(id) => stores.push(id),
                Err(cause) => {
                    outcome = Err(cause);
                    break;
                }
            }
        }
        if outcome.is_ok() {
            let service = Service { pressure: &pressure, process, stores: &stores };
            outcome = self.phases(&caller, &service).await;
        }
        for id in &stores {
            if let Err(cause) = caller.remove(id).await {
                eprintln!("the store {id} was left behind: {cause:#}");
            }
        }
        outcome
    }

    fn publish(&self) -> anyhow::Result<()> {
        print!("{}", self.comparison.to_text());
        if let Some(path) = &self.arguments.json {
            let text = format!("{:#}\n", self.comparison.to_json());
            std::fs::write(path, text)
                .with_context(|| format!("write the figures to {}", path.display()))?;
        }
        Ok(())
    }
}

/// Asks until there is an answer, whatever it says: a service whose broker is away answers, too.
async fn answers_for_its_health(peer: &Peer) -> anyhow::Result<()> {
    let request = peer.request("GET", "/management/health", &[], b"");
    let deadline = Instant::now() + HEALTH;
    loop {
        let asking = async {
            let mut connection = Connection::open(peer).await?;
            let answer = connection.exchange(&request).await?;
            Ok::<_, anyhow::Error>((answer.status, answer.excerpt()))
        };
        let cause = match timeout(HEALTH, asking).await {
            Ok(Ok((200, _))) => return Ok(()),
            Ok(Ok((status, said))) => {
                eprintln!("/management/health answers {status}: {said}");
                return Ok(());
            }
            Ok(Err(cause)) => cause,
            Err(elapsed) => elapsed.into(),
        };
        if Instant::now() >= deadline {
            bail!("no answer of /management/health in {} s: {cause:#}", HEALTH.as_secs());
        }
        sleep(AGAIN).await;
    }
}

#[cfg(test)]
mod tests;
