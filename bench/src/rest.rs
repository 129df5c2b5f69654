//! One service's REST resource as a measurement: how many requests a second of processor time is good for, how long they
//! take, what the service needs, and how that compares with others that were measured on such a machine.

mod arguments;
mod baseline;
mod comparison;
mod health;
mod idle;
mod phases;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context, bail};

pub(crate) use self::arguments::Arguments;
use self::{arguments::Target, comparison::Comparison, phases::Service};
use crate::{
    caller::Caller,
    connection::Peer,
    http::Http,
    issuer::Issuer,
    machine,
    pressure::Pressure,
    process::Process,
    program::{self, Program},
    token::Bearer,
};

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
                let bearer = Bearer::sign_in(Http::new(), issuer, &self.arguments.sign_in).await?;
                self.start_and_measure(&program, bearer).await
            }
            None => {
                let issuer = Issuer::start().await?;
                let program = self.program(path, folder.path(), issuer.url());
                self.start_and_measure(&program, Bearer::fixed(issuer.token())?).await
            }
        }
    }

    /// `path run store`.
    fn program(&self, path: PathBuf, folder: &Path, issuer: &str) -> Program {
        let program = Program::new(path, folder, &["run", "store", "--port", "0"]);
        let variables = self.variables(issuer).into_iter();
        variables.fold(program, |program, (name, value)| program.with(name, value))
    }

    /// What makes the service run alone, but for its identity provider and, if one was named, its database.
    fn variables(&self, issuer: &str) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("SPRING_SECURITY_OAUTH2_CLIENT_PROVIDER_OIDC_ISSUER_URI", issuer.to_owned()),
            ("EUREKA_CLIENT_ENABLED", "false".to_owned()),
            ("SPRING_CLOUD_CONFIG_ENABLED", "false".to_owned()),
        ];
        let mongodb = self.arguments.mongodb.iter();
        variables.extend(mongodb.map(|uri| ("SPRING_DATA_MONGODB_URI", uri.clone())));
        variables
    }

    async fn start_and_measure(&mut self, program: &Program, bearer: Bearer) -> anyhow::Result<()> {
        eprintln!("starting the program");
        let running = program.start().await?;
        let address = running.addresses.of("store")?;
        health::first_answer(&Peer::find(address).await?).await?;
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
        self.name_the_database(&caller).await?;
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

    /// Asks the service which database it uses: that one was named to it does not mean that it is used.
    async fn name_the_database(&mut self, caller: &Caller) -> anyhow::Result<()> {
        let health = caller.health().await.context("ask for the database in use")?;
        let database = health::database(&health);
        if self.arguments.mongodb.is_some() && !database.starts_with(health::MONGODB) {
            bail!("the program was given --mongodb, but the database in use is {database}");
        }
        self.comparison.name_database(database);
        Ok(())
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

#[cfg(test)]
mod tests;
