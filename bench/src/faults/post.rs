//! The mail server of a run: keeps who got what in which order, and can be told to behave badly.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use super::{found::Received, history::is_refused};
use crate::smtp::{self, Answer, Mail};

/// How the subject of every mail begins.
const SUBJECT: &str = "Store Alert: ";

/// How it treats a mail that is here as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Accept,
    /// Refuses it for now.
    Later,
    /// Has it, and says so only when this is over.
    Silent,
    /// Has it, and closes the connection without saying so.
    Rude,
}

/// Receives until dropped.
pub(crate) struct Post {
    address: SocketAddr,
    manner: watch::Sender<Manner>,
    received: Arc<Mutex<Vec<Received>>>,
    _receiver: JoinSet<()>,
}

impl Post {
    pub(crate) async fn open() -> anyhow::Result<Post> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("listen for mails")?;
        let address = listener.local_addr()?;
        let (manner, manners) = watch::channel(Manner::Accept);
        let received = Arc::default();
        let mut receiver = JoinSet::new();
        let kept = Arc::clone(&received);
        receiver.spawn(smtp::receive(listener, move |mail| {
            take(mail, manners.clone(), Arc::clone(&kept))
        }));
        Ok(Post { address, manner, received, _receiver: receiver })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn set(&self, manner: Manner) {
        self.manner.send_replace(manner);
    }

    /// What has come so far, in the order in which it came.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn take(
    mail: Mail,
    mut manners: watch::Receiver<Manner>,
    kept: Arc<Mutex<Vec<Received>>>,
) -> Answer {
    let name = mail.subject.strip_prefix(SUBJECT).unwrap_or(&mail.subject).to_owned();
    if is_refused(&name) {
        return Answer::Refuse;
    }
    let manner = *manners.borrow_and_update();
    if manner == Manner::Later {
        return Answer::Later;
    }
    let copies = mail.recipients.into_iter().map(|recipient| Received {
        name: name.clone(),
        status: mail.text.clone(),
        recipient,
        message_id: mail.message_id.clone(),
    });
    kept.lock().unwrap_or_else(PoisonError::into_inner).extend(copies);
    match manner {
        Manner::Rude => Answer::Nothing,
        Manner::Silent => {
            // The end of the run ends the wait as well.
            let _ = manners.wait_for(|manner| *manner != Manner::Silent).await;
            Answer::Accept
        }
        Manner::Accept | Manner::Later => Answer::Accept,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        time::timeout,
    };

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    async fn send(post: &Post, name: &str) -> TcpStream {
        let mut stream = TcpStream::connect(post.address()).await.unwrap();
        let mail = format!(
            "HELO me\r\nRCPT TO:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: {SUBJECT}{name}\r\nMessage-ID: <1>\r\n\r\nOPEN\r\n.\r\n"
        );
        stream.write_all(mail.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        stream
    }

    async fn end(mut stream: TcpStream) -> String {
        let mut answers = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answers)).await.unwrap().unwrap();
        answers.lines().skip(5).collect()
    }

    async fn check(manner: Manner, name: &str, expected: (&str, usize)) {
        let post = Post::open().await.unwrap();
        post.set(manner);
        let answer = end(send(&post, name).await).await;
        assert_eq!((&*answer, post.received().len()), expected, "{manner:?}");
    }

    #[tokio::test]
    async fn each_manner_answers_in_its_way() {
        check(Manner::Accept, "s1-v1-7", ("250 ok", 2)).await;
        check(Manner::Later, "s1-v1-7", ("451 not now", 0)).await;
        check(Manner::Rude, "s1-v1-7", ("", 2)).await;
        check(Manner::Accept, "s1-v1-7-refused", ("550 never", 0)).await;
    }

    #[tokio::test]
    async fn silence_ends_with_an_answer() {
        let post = Post::open().await.unwrap();
        post.set(Manner::Silent);
        let mut stream = send(&post, "s1-v1-7").await;
        let mut text = String::new();
        while !text.contains("354") {
            let mut buffer = [0; 100];
            let read = timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap();
            text += std::str::from_utf8(&buffer[..read]).unwrap();
        }
        assert!(timeout(Duration::from_millis(50), stream.read_u8()).await.is_err());
        post.set(Manner::Accept);
        let mut rest = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut rest)).await.unwrap().unwrap();
        assert_eq!(rest, "250 ok\r\n");
        let first = &post.received()[0];
        assert_eq!((&*first.name, &*first.status), ("s1-v1-7", "OPEN"));
        assert_eq!((&*first.recipient, &*first.message_id), ("a@b", "<1>"));
    }
}
