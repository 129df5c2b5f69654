//! A system under test while it runs: its processes, the links between its parts, and its mail server.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use anyhow::Context;

use super::{post::Post, proxy::Proxy, real::Database, servers::Servers};
use crate::program::{Program, Running, Signal};

/// A system of any form.
pub(crate) struct System {
    pub(crate) processes: Vec<Process>,
    /// The links that can have faults, by name.
    pub(crate) links: Vec<(&'static str, Arc<Proxy>)>,
    pub(crate) post: Arc<Post>,
    /// Servers that are not ours, if there are any.
    pub(crate) servers: Option<Arc<Servers>>,
    /// What has to be removed from them in the end.
    pub(crate) database: Option<Database>,
    /// Where callers change stores; one for each instance.
    pub(crate) stores: Vec<String>,
    /// Where rows are read.
    pub(crate) alert: String,
}

/// A process that can be killed and started again; whoever speaks with it goes through doors, which stay where they are.
pub(crate) struct Process {
    pub(crate) name: &'static str,
    program: Program,
    running: Option<Running>,
    /// By the name of the part behind the door.
    doors: Vec<(&'static str, Arc<Proxy>)>,
}

/// Where everything of a run is.
pub(crate) struct Setting {
    pub(crate) program: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) issuer: String,
    /// What the program is told to do wrong.
    pub(crate) misbehave: Option<String>,
}

impl System {
    /// Starts all processes, one after the other.
    pub(crate) async fn start(&mut self) -> anyhow::Result<()> {
        for process in &mut self.processes {
            process.start().await?;
        }
        Ok(())
    }

    /// Stops all processes in good order.
    ///
    /// # Errors
    /// Names the one that had ended before, or ends with another status than 0.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        for process in &mut self.processes {
            process.stop().await?;
        }
        Ok(())
    }
}

impl Process {
    pub(crate) fn new(
        name: &'static str,
        program: Program,
        doors: Vec<(&'static str, Arc<Proxy>)>,
    ) -> Process {
        Process { name, program, running: None, doors }
    }

    /// Starts it, and leads its doors to it.
    pub(crate) async fn start(&mut self) -> anyhow::Result<()> {
        let running = self.program.start().await.with_context(|| self.name)?;
        for (part, door) in &self.doors {
            let address = running.addresses.of(part)?;
            door.lead_to(Some(socket(address)?));
        }
        self.running = Some(running);
        Ok(())
    }

    /// Kills it.
    ///
    /// # Errors
    /// When it had ended before, by itself.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        let running = self.running.take().with_context(|| format!("{} does not run", self.name))?;
        let killed = running.kill().await;
        for (_, door) in &self.doors {
            door.lead_to(None);
        }
        killed.with_context(|| self.name)
    }

    /// Starts it and kills it so long after that, ready or not.
    pub(crate) async fn start_and_kill(&self, moment: std::time::Duration) -> anyhow::Result<()> {
        self.program.start_and_kill(moment).await.with_context(|| self.name)
    }

    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let running = self.running.as_ref();
        running.with_context(|| format!("{} does not run", self.name))?.signal(signal)
    }

    async fn stop(&mut self) -> anyhow::Result<()> {
        let Some(mut running) = self.running.take() else { return Ok(()) };
        running.still_runs().with_context(|| self.name)?;
        running.stop().await.with_context(|| self.name)?;
        Ok(())
    }
}

fn socket(address: &str) -> anyhow::Result<SocketAddr> {
    let authority = address.trim_start_matches("http://").trim_end_matches('/');
    authority.parse().with_context(|| format!("{address} is no address with a port"))
}
