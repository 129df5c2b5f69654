//! The first look: what a peer knows when this registry starts.

use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tracing::info;

use super::{PeerState, send::Sender};
use crate::{answer, instance::Instance, server::eureka};

/// How long to wait before all are asked again.
const AGAIN: Duration = Duration::from_millis(500);

/// Takes over what the first peer that answers knows. Ends when one did, or when there is no peer but this registry itself.
pub(super) async fn first_look(senders: &[Sender]) {
    loop {
        // All are asked together, so that one that says nothing does not hide the others.
        let mut asked: FuturesUnordered<_> =
            senders.iter().map(|sender| async move { (sender, instances(sender).await) }).collect();
        while let Some((sender, answer)) = asked.next().await {
            let is_itself = sender.queue.peer().state == PeerState::Itself;
            match answer {
                Ok(instances) if !is_itself => return take_over(sender, instances),
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

fn take_over(sender: &Sender, instances: Vec<Instance>) {
    sender.reached();
    let count = instances.len();
    for instance in instances {
        // One that was refused for want of room is logged there.
        let _ = eureka::take_from_peer(&sender.registry, instance);
    }
    info!("took over {count} instances from the registry at {}", sender.queue.address);
}

async fn instances(sender: &Sender) -> anyhow::Result<Vec<Instance>> {
    let answer = sender.get(&["apps", ""]).await?;
    sender.notice_itself(&answer);
    let body = sender.body(answer).await?;
    Ok(answer::list(&body)?.instances)
}
