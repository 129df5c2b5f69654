//! Plays the faults of a schedule. When the traffic ends, so does every fault.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use tokio::{sync::watch, time::timeout};

use super::{
    post::{Manner, Post},
    proxy::{Mode, Proxy},
    schedule::{Event, Fault},
    servers::Servers,
    system::Process,
};
use crate::program::Signal;

/// Tells when the traffic has ended.
pub(crate) type Stop = watch::Receiver<bool>;

/// Kills and pauses a process, which is given back running.
pub(crate) async fn process(
    mut process: Process,
    events: Vec<Event>,
    stop: Stop,
) -> anyhow::Result<Process> {
    for Event { after, fault, lasts } in events {
        if wait(after, &stop).await {
            break;
        }
        match fault {
            Fault::Pause => {
                process.signal(Signal::STOP)?;
                wait(lasts, &stop).await;
                process.signal(Signal::CONT)?;
            }
            Fault::Kill | Fault::KillTwice(_) => {
                process.kill().await?;
                wait(lasts, &stop).await;
                if let Fault::KillTwice(moment) = fault {
                    process.start_and_kill(moment).await?;
                }
                process.start().await?;
            }
            Fault::Link(_) | Fault::Mail(_) => {}
        }
    }
    Ok(process)
}

/// Disturbs the connections of a link.
pub(crate) async fn link(proxy: Arc<Proxy>, events: Vec<Event>, stop: Stop) {
    for Event { after, fault, lasts } in events {
        if wait(after, &stop).await {
            break;
        }
        if let Fault::Link(mode) = fault {
            proxy.set(mode);
            wait(lasts, &stop).await;
            proxy.set(Mode::Pass);
        }
    }
}

/// Lets the mail server behave badly.
pub(crate) async fn mail_server(post: Arc<Post>, events: Vec<Event>, stop: Stop) {
    for Event { after, fault, lasts } in events {
        if wait(after, &stop).await {
            break;
        }
        if let Fault::Mail(manner) = fault {
            post.set(manner);
            wait(lasts, &stop).await;
            post.set(Manner::Accept);
        }
    }
}

/// Kills and pauses a server that is not ours.
pub(crate) async fn server(
    servers: Arc<Servers>,
    name: &'static str,
    events: Vec<Event>,
    stop: Stop,
) -> anyhow::Result<()> {
    for Event { after, fault, lasts } in events {
        if wait(after, &stop).await {
            break;
        }
        let (begin, end) = match fault {
            Fault::Pause => ("pause", "resume"),
            Fault::Kill | Fault::KillTwice(_) => ("kill", "launch"),
            Fault::Link(_) | Fault::Mail(_) => continue,
        };
        servers.tell(begin, name).await.context("disturb a server")?;
        wait(lasts, &stop).await;
        servers.tell(end, name).await.context("repair a server")?;
    }
    Ok(())
}

/// Waits, but not longer than the traffic lasts; says whether that has ended.
async fn wait(time: Duration, stop: &Stop) -> bool {
    let mut stop = stop.clone();
    // A sender that is gone has stopped, too.
    timeout(time, stop.wait_for(|stopped| *stopped)).await.is_ok()
}
