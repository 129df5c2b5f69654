//! A mail server that keeps what it gets and sends nothing on (RFC 5321). What it acknowledges is on disk.

mod command;
mod content;
mod lines;
mod session;
mod talk;

use std::{net::SocketAddr, time::Duration};

use anyhow::Context;
use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::Mailbox;
use session::Session;
use talk::Stopping;

/// How many clients are served at a time.
const MAX_SESSIONS: usize = 100;

/// How many more are told that they are too many; the rest finds the door shut.
const MAX_REFUSALS: usize = 100;

/// How long a transaction may go on after the stop.
const GRACE: Duration = Duration::from_secs(2);

/// How long the last word to a client may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// Receives mails into the mailbox until the stop; then transactions that have begun may end within two seconds.
///
/// # Errors
/// When the listener cannot be used.
pub async fn serve(
    listener: TcpListener,
    mailbox: Mailbox,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let address = listener.local_addr().context("the mail sink's listener")?;
    debug!("the mail sink listens on {address}");
    let stopping = Stopping { soon: stop.clone(), now: CancellationToken::new() };
    let mut sessions = FuturesUnordered::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            (stream, peer) = accept(&listener) => {
                if sessions.len() < MAX_SESSIONS + MAX_REFUSALS {
                    let place = if sessions.len() < MAX_SESSIONS { Place::Free } else { Place::Taken };
                    sessions.push(attend(stream, peer, place, &mailbox, &stopping));
                }
            }
            Some(()) = sessions.next() => {}
        }
    }
    drop(listener);
    if timeout(GRACE, sessions.by_ref().for_each(async |()| {})).await.is_err() {
        stopping.now.cancel();
        // Whoever does not listen now is cut off.
        let _ = timeout(FAREWELL, sessions.for_each(async |()| {})).await;
    }
    Ok(())
}

enum Place {
    Free,
    Taken,
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                // Out of file handles, most likely: those in use come back when sessions end.
                warn!("the mail sink cannot accept a connection, trying again: {error}");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn attend(
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
    mailbox: &Mailbox,
    stopping: &Stopping,
) {
    // Replies are small and waited for. Without the option they are only slower.
    let _ = stream.set_nodelay(true);
    let outcome = match place {
        Place::Free => Session::new(stream, peer, mailbox, stopping).serve().await,
        Place::Taken => refuse(stream).await,
    };
    if let Err(error) = outcome {
        debug!("a mail connection ended: {error}");
    }
}

async fn refuse(mut stream: TcpStream) -> std::io::Result<()> {
    let farewell = stream.write_all(b"421 4.7.0 too many connections, try again later\r\n");
    timeout(FAREWELL, farewell).await?
}
