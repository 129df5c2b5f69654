//! A mail server that refuses a recipient for good until it is told otherwise.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// The server; it ends with the value.
pub(crate) struct Refusing {
    pub(crate) port: String,
    state: Arc<State>,
    _serving: JoinSet<()>,
}

/// What it answers to those who bring mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    /// Refuses one recipient for good, takes what goes to others.
    Strict,
    /// Takes nothing for now.
    Busy,
    /// Takes every mail.
    Kind,
}

struct State {
    mood: Mutex<Mood>,
    /// Who is refused.
    recipient: &'static str,
    taken: Mutex<Vec<Taken>>,
}

/// A mail that was taken.
struct Taken {
    recipient: String,
    text: String,
}

impl Refusing {
    /// Refuses `recipient`, takes what goes to others.
    pub(crate) async fn start(recipient: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let mood = Mutex::new(Mood::Strict);
        let state = Arc::new(State { mood, recipient, taken: Mutex::default() });
        let (mut serving, shared) = (JoinSet::new(), state.clone());
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((connection, _)) = listener.accept().await {
                let state = shared.clone();
                connections.spawn(async move {
                    // The other side may go at any time.
                    let _ = serve(connection, &state).await;
                });
            }
        });
        Refusing { port, state, _serving: serving }
    }

    /// From now on it takes nothing, and says that this will pass.
    pub(crate) fn put_off(&self) {
        self.state.set(Mood::Busy);
    }

    /// From now on it refuses the recipient again.
    pub(crate) fn refuse(&self) {
        self.state.set(Mood::Strict);
    }

    /// From now on it takes every mail.
    pub(crate) fn relent(&self) {
        self.state.set(Mood::Kind);
    }

    /// The recipient of each mail that was taken.
    pub(crate) fn taken(&self) -> Vec<String> {
        let taken = self.state.taken.lock().unwrap();
        let mut recipients: Vec<_> = taken.iter().map(|mail| mail.recipient.clone()).collect();
        recipients.sort();
        recipients
    }

    /// Writes every mail that was taken to a file in a folder.
    pub(crate) fn save(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        for (number, mail) in self.state.taken.lock().unwrap().iter().enumerate() {
            fs::write(folder.join(format!("{number}.eml")), &mail.text).unwrap();
        }
    }
}

impl State {
    fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn answer(&self, recipient: &str) -> &'static str {
        match *self.mood.lock().unwrap() {
            Mood::Busy => "450 4.2.1 come back later",
            Mood::Strict if recipient == self.recipient => "550 5.1.1 no such mailbox",
            Mood::Strict | Mood::Kind => "250 OK",
        }
    }
}

async fn serve(connection: TcpStream, state: &State) -> std::io::Result<()> {
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
            state.answer(&recipient)
        } else if command.starts_with("DATA") {
            connection.write_all(b"354 go on\r\n").await?;
            let mut text = String::new();
            while !text.ends_with("\r\n.\r\n") {
                if connection.read_line(&mut text).await? == 0 {
                    return Ok(());
                }
            }
            let mail = Taken { recipient: recipient.clone(), text };
            state.taken.lock().unwrap().push(mail);
            "250 OK"
        } else if command.starts_with("QUIT") {
            "221 bye"
        } else {
            "250 OK"
        };
        connection.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}
