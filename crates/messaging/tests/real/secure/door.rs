//! A way to the broker that counts who comes.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// Shut when it is dropped.
pub(super) struct Door {
    pub(super) address: String,
    opened: Arc<AtomicUsize>,
    _keeper: JoinSet<()>,
}

impl Door {
    /// Opens a door on this address of the machine's own, which leads to the broker.
    pub(super) async fn open(host: &str, broker: String) -> Self {
        let listener = TcpListener::bind((host, 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let opened = Arc::new(AtomicUsize::new(0));
        let mut keeper = JoinSet::new();
        keeper.spawn(keep(listener, broker, opened.clone()));
        Door { address, opened, _keeper: keeper }
    }

    /// How many connections came so far.
    pub(super) fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }
}

async fn keep(listener: TcpListener, broker: String, opened: Arc<AtomicUsize>) {
    let mut guests = JoinSet::new();
    loop {
        let (mut guest, _) = listener.accept().await.unwrap();
        opened.fetch_add(1, Ordering::Relaxed);
        let broker = broker.clone();
        guests.spawn(async move {
            let mut host = TcpStream::connect(&broker).await.unwrap();
            // Either may hang up as it likes.
            drop(copy_bidirectional(&mut guest, &mut host).await);
        });
    }
}
