//! A mail server that refuses a recipient for good until it is told otherwise.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// The server; it ends with the value.
pub(super) struct Refusing {
    pub(super) port: String,
    refuses: Arc<AtomicBool>,
    /// The recipient of each mail that was taken.
    taken: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

impl Refusing {
    /// Refuses `recipient`, takes what goes to others.
    pub(super) async fn start(recipient: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let (refuses, taken) = (Arc::new(AtomicBool::new(true)), Arc::<Mutex<Vec<_>>>::default());
        let mut serving = JoinSet::new();
        let (state, mails) = (refuses.clone(), taken.clone());
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((connection, _)) = listener.accept().await {
                let (state, mails) = (state.clone(), mails.clone());
                connections.spawn(async move {
                    // The other side may go at any time.
                    let _ = serve(connection, recipient, &state, &mails).await;
                });
            }
        });
        Refusing { port, refuses, taken, _serving: serving }
    }

    /// From now on it takes every mail.
    pub(super) fn relent(&self) {
        self.refuses.store(false, Ordering::Relaxed);
    }

    pub(super) fn taken(&self) -> Vec<String> {
        let mut taken = self.taken.lock().unwrap().clone();
        taken.sort();
        taken
    }
}

async fn serve(
    connection: TcpStream,
    refused: &str,
    refuses: &AtomicBool,
    taken: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut connection = BufReader::new(connection);
    let (mut line, mut recipient) = (String::new(), String::new());
    connection.write_all(b"220 mail.example.com\r\n").await?;
    loop {
        line.clear();
        if connection.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let command = line.to_ascii_uppercase();
        let answer = if let Some(to) = command.strip_prefix("RCPT TO:") {
            recipient = to.trim_start_matches('<').split('>').next().unwrap().to_lowercase();
            match recipient == refused && refuses.load(Ordering::Relaxed) {
                true => "550 5.1.1 no such mailbox",
                false => "250 OK",
            }
        } else if command.starts_with("DATA") {
            connection.write_all(b"354 go on\r\n").await?;
            while line != ".\r\n" {
                line.clear();
                if connection.read_line(&mut line).await? == 0 {
                    return Ok(());
                }
            }
            taken.lock().unwrap().push(recipient.clone());
            "250 OK"
        } else if command.starts_with("QUIT") {
            "221 bye"
        } else {
            "250 OK"
        };
        connection.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}
