//! The first look: what a peer knows when this registry starts.

use std::time::Duration;

use anyhow::Context;
use serde::Deserialize;
use serde_json::Value;
use tracing::{debug, info};

use super::{PeerState, send::Sender};
use crate::{instance::Instance, server::eureka};

/// How long to wait before all are asked again.
const AGAIN: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
struct Body {
    applications: Applications,
}

#[derive(Deserialize)]
struct Applications {
    #[serde(default)]
    application: Vec<Application>,
}

#[derive(Deserialize)]
struct Application {
    #[serde(default)]
    instance: Vec<Value>,
}

/// Takes over what the first peer that answers knows. Ends when one did, or when there is no peer but this registry itself.
pub(super) async fn first_look(senders: &[Sender]) {
    loop {
        for sender in senders {
            match instances(sender).await {
                Ok(instances) if sender.queue.peer().state != PeerState::Itself => {
                    sender.reached();
                    let count = instances.len();
                    for instance in instances {
                        // One that was refused for want of room is logged there.
                        let _ = eureka::take_from_peer(&sender.registry, instance);
                    }
                    info!("took over {count} instances from the registry at {}", sender.queue.address);
                    return;
                }
                Ok(_) => {}
                Err(error) => sender.lost(&error),
            }
        }
        if senders.iter().all(|sender| sender.queue.peer().state == PeerState::Itself) {
            return;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn instances(sender: &Sender) -> anyhow::Result<Vec<Instance>> {
    let answer = sender.get(&["apps", ""]).await?;
    sender.notice_itself(&answer);
    let body = sender.body(answer).await?;
    let body: Body = serde_json::from_slice(&body).context("read its list of instances")?;
    let listed = body.applications.application.into_iter().flat_map(|app| app.instance);
    let understood = listed.filter_map(|instance| {
        let read = Instance::from_value(instance);
        read.inspect_err(|error| debug!("left out an instance: {error}")).ok()
    });
    Ok(understood.collect())
}
