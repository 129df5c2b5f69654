//! Wakes other processes by `NOTIFY`, and is woken by theirs. A transaction that has notified holds a lock of the whole
//! server until it is on disk, so that no two of them commit together: therefore a commit only notes its channels, and a
//! loop notifies for many commits at once, in a transaction that waits for no disk. What a crash loses is seen by looking.
//!
//! The notifications of a database have one room for their names. Ours end with the number of the schema that has the
//! outbox, because several schemas may have one.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, anyhow};
use futures_util::FutureExt;
use sqlx::postgres::PgListener;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{
    Postgres, connect,
    outbox::{escaped, unescaped},
};

const TELL: &str = "
with lazy as materialized (select set_config('synchronous_commit', 'off', true))
select pg_notify('milena_outbox_' || relnamespace::text, told.channel)
from lazy, pg_class, unnest($1::text[]) as told (channel)
where pg_class.oid = to_regclass('outbox')";

const NAME: &str =
    "select 'milena_outbox_' || relnamespace::text from pg_class where oid = to_regclass('outbox')";

/// How long a server may say nothing before we ask whether it is still there.
const SILENCE: Duration = Duration::from_secs(10);
/// How long we wait before we listen again.
const PAUSE: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(2)];

impl Postgres {
    /// Wakes other processes that wait for messages of our commits, and is woken by theirs, until `stop`. Has one
    /// connection of its own. Without it, what others commit is seen by looking.
    ///
    /// # Errors
    /// None while it runs: what fails is tried again.
    pub async fn keep(self: Arc<Self>, stop: CancellationToken) -> anyhow::Result<()> {
        let tell = |channels| self.tell(channels).boxed();
        let wake = async { tokio::join!(self.listen_on(), self.readers.wakes.tell_on(tell)) };
        tokio::select! {
            () = stop.cancelled() => {}
            _ = wake => {}
        }
        Ok(())
    }

    async fn tell(&self, channels: Vec<String>) -> Result<(), ()> {
        let channels: Vec<String> = channels.iter().map(|name| escaped(name)).collect();
        let tell = || sqlx::query(TELL).bind(&channels).execute(&self.pool);
        let told = self.ask("wake other processes", tell).await;
        told.map(drop).map_err(|cause| debug!("other processes are not woken: {cause:#}"))
    }

    /// Listens for ever, over a new connection whenever the last one was lost.
    async fn listen_on(&self) {
        let [shortest, longest] = PAUSE;
        let mut pause = shortest;
        loop {
            let cause = match self.listen().await {
                Ok(listener) => {
                    if pause > shortest {
                        info!("listens to {} again", self.address);
                    }
                    pause = shortest;
                    // What was told while nobody listened.
                    self.readers.all();
                    self.hear(listener).await
                }
                Err(cause) => cause,
            };
            if pause == shortest {
                warn!("does not hear of other processes' messages, trying again: {cause:#}");
            }
            sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }

    async fn listen(&self) -> anyhow::Result<PgListener> {
        let listen = async {
            // A connection of the pool would be one less for commits, and a new pool does not wait for a lost one.
            let mut listener = PgListener::connect_with(&connect::for_one(&self.settings)).await?;
            listener.eager_reconnect(false);
            let name: String = sqlx::query_scalar(NAME).fetch_one(&mut listener).await?;
            listener.listen(&name).await?;
            Ok::<_, sqlx::Error>(listener)
        };
        timeout(self.patience, listen)
            .await
            .map_err(|_| self.silent())?
            .with_context(|| format!("listen to {}", self.address))
    }

    /// Wakes who is told of, until the connection is lost.
    async fn hear(&self, mut listener: PgListener) -> anyhow::Error {
        loop {
            match timeout(SILENCE, listener.try_recv()).await {
                Ok(Ok(Some(told))) => self.readers.told(&unescaped(told.payload().to_owned())),
                Ok(Ok(None)) => return anyhow!("the connection to {} is lost", self.address),
                Ok(Err(cause)) => return anyhow!(cause).context("wait for notifications"),
                Err(_) => {
                    // What comes meanwhile is kept for us.
                    let ask = sqlx::query("select 1").execute(&mut listener);
                    match timeout(self.patience, ask).await {
                        Ok(Ok(_)) => {}
                        Ok(Err(cause)) => return cause.into(),
                        Err(_) => return self.silent(),
                    }
                }
            }
        }
    }
}
