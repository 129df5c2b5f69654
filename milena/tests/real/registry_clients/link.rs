//! A line between two peers that can be cut.

use std::net::SocketAddr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// Whoever connects to `at` is led on, as long as the line is whole.
pub(super) struct Link {
    pub(super) at: SocketAddr,
    to: SocketAddr,
    /// Ends every connection when it is dropped.
    open: Option<JoinSet<()>>,
}

impl Link {
    /// A line to somebody who need not be there yet.
    pub(super) async fn to(to: SocketAddr) -> Link {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = TcpListener::bind(any).await.unwrap();
        let at = listener.local_addr().unwrap();
        let mut link = Link { at, to, open: None };
        link.lead_on(listener);
        link
    }

    /// Whoever connects is refused from now on, and who is connected is no more.
    pub(super) async fn cut(&mut self) {
        self.open.take().unwrap().shutdown().await;
    }

    /// Makes it whole again.
    pub(super) async fn mend(&mut self) {
        let listener = TcpListener::bind(self.at).await.unwrap();
        self.lead_on(listener);
    }

    fn lead_on(&mut self, listener: TcpListener) {
        let (to, mut accepting) = (self.to, JoinSet::new());
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                connections.spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(to).await {
                        // Either side may break off.
                        let _ = copy_bidirectional(&mut near, &mut far).await;
                    }
                });
            }
        });
        self.open = Some(accepting);
    }
}
