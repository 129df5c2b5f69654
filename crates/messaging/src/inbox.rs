//! The inbox's upkeep: what can no longer come again is forgotten.

use std::time::Duration;

use database::DatabaseRef;
use tracing::{debug, warn};

use crate::{Clock, Stop};

/// How long the ids of handled messages are kept unless told otherwise: seven days. A broker delivers a message again
/// when a crash has lost the offset that was committed after it: within minutes, not days.
pub const INBOX_RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How often the inbox is cleaned.
const CLEANING: Duration = Duration::from_secs(60 * 60);

/// Removes ids of messages that were handled longer ago than `kept`, every hour until `stop`. `now` tells the time.
///
/// # Errors
/// None: what fails is tried again the next time.
pub async fn clean_inbox(
    database: DatabaseRef,
    kept: Duration,
    now: Clock,
    stop: Stop,
) -> anyhow::Result<()> {
    loop {
        match database.forget_handled(now() - kept).await {
            Ok(count) => debug!("removed {count} ids from the inbox"),
            Err(cause) => warn!("old ids stay in the inbox for now: {cause:#}"),
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(CLEANING) => {}
        }
    }
}
