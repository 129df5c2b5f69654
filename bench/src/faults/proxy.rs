//! A door before a part of the system, through which all of a link's connections go, and which can be slow, dead or closed.

mod carry;
#[cfg(test)]
mod tests;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::watch,
    task::JoinSet,
    time::timeout,
};

/// How many connections a door has at a time.
const CONNECTIONS: usize = 512;

/// How long the other side may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// What happens to the bytes of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They arrive.
    Pass,
    /// So many of them arrive at a time, each time after a pause.
    Slow { pause: Duration, bytes: usize },
    /// They wait until this ends; connections stay.
    BlackHole,
    /// Every connection is cut, new ones as well.
    Reset,
    /// Every connection is cut, and nobody listens.
    Refuse,
}

/// Bytes that stand for an address and are exchanged on the way from the server, so that a client that is told where the
/// server is comes to us again. Both are equally long, so that the message around them stays what it is.
#[derive(Clone, Debug)]
pub(crate) struct Swap {
    pub(crate) from: Vec<u8>,
    pub(crate) to: Vec<u8>,
}

/// Listens until dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    /// Keeps the port while nobody listens.
    _reserved: TcpSocket,
    _serving: JoinSet<()>,
}

struct State {
    mode: watch::Sender<Mode>,
    target: watch::Sender<Option<SocketAddr>>,
    swaps: watch::Sender<Arc<[Swap]>>,
}

impl Proxy {
    /// Opens a door on a port that the system chooses; it leads nowhere yet.
    pub(crate) fn open() -> anyhow::Result<Proxy> {
        let reserved = bind(([127, 0, 0, 1], 0).into())?;
        let address = reserved.local_addr().context("read the door's address")?;
        let listener = listen(address)?;
        let state = Arc::new(State {
            mode: watch::channel(Mode::Pass).0,
            target: watch::channel(None).0,
            swaps: watch::channel(Arc::default()).0,
        });
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, address, Arc::clone(&state)));
        Ok(Proxy { address, state, _reserved: reserved, _serving: serving })
    }

    /// Where it is entered.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it leads from now on; nothing: nowhere.
    pub(crate) fn lead_to(&self, target: Option<SocketAddr>) {
        self.state.target.send_replace(target);
    }

    /// What is exchanged on new connections on the way from the server.
    pub(crate) fn swap(&self, swaps: Vec<Swap>) {
        self.state.swaps.send_replace(swaps.into());
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.state.mode.send_replace(mode);
    }
}

impl Mode {
    /// Whether connections end by it.
    fn cuts(self) -> bool {
        matches!(self, Mode::Reset | Mode::Refuse)
    }
}

fn bind(address: SocketAddr) -> anyhow::Result<TcpSocket> {
    let socket = TcpSocket::new_v4().context("make a socket")?;
    // Two sockets may have the port, as long as only one of them listens.
    socket.set_reuseaddr(true).context("share a port")?;
    socket.bind(address).with_context(|| format!("take {address}"))?;
    Ok(socket)
}

fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    bind(address)?.listen(1024).with_context(|| format!("listen on {address}"))
}

async fn serve(first: TcpListener, address: SocketAddr, state: Arc<State>) {
    let mut listener = Some(first);
    let mut modes = state.mode.subscribe();
    let mut connections = JoinSet::new();
    loop {
        let refuses = *modes.borrow_and_update() == Mode::Refuse;
        if refuses {
            listener = None;
        } else if listener.is_none() {
            match listen(address) {
                Ok(again) => listener = Some(again),
                Err(cause) => {
                    eprintln!("fault proxy: {cause:#}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            }
        }
        let accept = async {
            match &listener {
                Some(listener) => listener.accept().await.ok(),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            accepted = accept, if connections.len() < CONNECTIONS => {
                if let Some((stream, _)) = accepted {
                    connections.spawn(converse(stream, Arc::clone(&state)));
                }
            }
            changed = modes.changed() => if changed.is_err() { return },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Carries bytes both ways until both sides have ended, one of them breaks, or the mode cuts the connection.
async fn converse(mut client: TcpStream, state: Arc<State>) {
    let mut modes = state.mode.subscribe();
    let swaps = state.swaps.borrow().clone();
    let target = *state.target.borrow();
    let mut server = None;
    let carrying = async {
        let target = target?;
        let stream = timeout(CONNECT, TcpStream::connect(target)).await.ok()?.ok()?;
        let server = server.insert(stream);
        client.set_nodelay(true).ok()?;
        server.set_nodelay(true).ok()?;
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::try_join!(
            carry::all(from_client, to_server, state.mode.subscribe(), &[]),
            carry::all(from_server, to_client, state.mode.subscribe(), &swaps),
        )
        .ok()
    };
    let ended = tokio::select! {
        ended = carrying => ended.is_some(),
        _ = modes.wait_for(|mode| mode.cuts()) => false,
    };
    if !ended {
        // Both sides see a reset, not an end in good order. One that is gone already needs none.
        let _ = client.set_zero_linger();
        let _ = server.map(|server| server.set_zero_linger());
    }
}
