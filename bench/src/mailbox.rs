//! Where the mails of a run arrive: remembers of every subject when it came first and how often it came.

use std::{
    collections::HashMap,
    future::ready,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use tokio::{net::TcpListener, sync::watch, task::JoinSet, time::timeout};

use crate::smtp::{self, Answer};

/// Receives mails until dropped.
pub(crate) struct Mailbox {
    address: SocketAddr,
    arrivals: watch::Receiver<HashMap<String, Arrival>>,
    _receiver: JoinSet<()>,
}

/// What is known of the mails with one subject.
#[derive(Clone, Copy)]
struct Arrival {
    first: Instant,
    copies: usize,
}

impl Mailbox {
    /// Listens on `address` for mails whose subject begins with `prefix`; others, of an earlier run perhaps, are ignored.
    pub(crate) async fn open(address: SocketAddr, prefix: String) -> anyhow::Result<Mailbox> {
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!("listen for mails on {address}; --smtp-listen chooses another address")
        })?;
        let address = listener.local_addr()?;
        let (sender, arrivals) = watch::channel(HashMap::new());
        let mut receiver = JoinSet::new();
        let sender = Arc::new(sender);
        receiver.spawn(smtp::receive(listener, move |mail| {
            let (now, subject) = (Instant::now(), mail.subject);
            if subject.starts_with(&prefix) {
                sender.send_modify(|arrivals| {
                    arrivals.entry(subject).or_insert(Arrival { first: now, copies: 0 }).copies +=
                        1;
                });
            }
            ready(Answer::Accept)
        }));
        Ok(Mailbox { address, arrivals, _receiver: receiver })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// When the mail with this subject arrived; waits for it.
    pub(crate) async fn wait_for(
        &self,
        subject: &str,
        patience: Duration,
    ) -> anyhow::Result<Instant> {
        let mut arrivals = self.arrivals.clone();
        let arrived =
            timeout(patience, arrivals.wait_for(|arrivals| arrivals.contains_key(subject))).await;
        arrived.with_context(|| {
            format!("no mail {subject:?} at {} in {} s", self.address, patience.as_secs())
        })??;
        self.arrived(subject).context("an arrival is never forgotten")
    }

    /// Waits until all of these have arrived, or until no mail has come for `patience`; says whether all did.
    pub(crate) async fn wait_for_all(
        &self,
        subjects: impl Iterator<Item = &str>,
        patience: Duration,
    ) -> bool {
        let mut arrivals = self.arrivals.clone();
        let mut missing: Vec<&str> = subjects.collect();
        loop {
            {
                let arrived = arrivals.borrow_and_update();
                while missing.last().is_some_and(|subject| arrived.contains_key(*subject)) {
                    missing.pop();
                }
            }
            if missing.is_empty() {
                return true;
            }
            if !matches!(timeout(patience, arrivals.changed()).await, Ok(Ok(()))) {
                return false;
            }
        }
    }

    /// When the mail with this subject arrived, if it has.
    pub(crate) fn arrived(&self, subject: &str) -> Option<Instant> {
        self.arrivals.borrow().get(subject).map(|arrival| arrival.first)
    }

    /// How many subjects came more than once.
    pub(crate) fn repeated(&self) -> usize {
        self.arrivals.borrow().values().filter(|arrival| arrival.copies > 1).count()
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    async fn mailbox() -> Mailbox {
        Mailbox::open(([127, 0, 0, 1], 0).into(), "Notice: run-1".to_owned()).await.unwrap()
    }

    /// Sends one session's worth of commands and returns everything that was answered.
    async fn say(mailbox: &Mailbox, text: &str) -> String {
        let mut stream = TcpStream::connect(mailbox.address()).await.unwrap();
        stream.write_all(text.replace('\n', "\r\n").as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answers = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answers)).await.unwrap().unwrap();
        answers
    }

    fn mail(header: &str) -> String {
        format!(
            "EHLO me\nMAIL FROM:<a@b.example>\nRCPT TO:<c@d.example>\nDATA\n{header}\n\nSubject: not this\n.\nQUIT\n"
        )
    }

    #[tokio::test]
    async fn a_mail_is_found_by_its_subject() {
        let mailbox = mailbox().await;
        let answers =
            say(&mailbox, &mail("To: c@d.example\nsubject: Notice: run-1-a\nDate: today")).await;
        assert!(answers.ends_with("354 go on\r\n250 ok\r\n221 bye\r\n"), "{answers}");
        mailbox.wait_for("Notice: run-1-a", PATIENCE).await.unwrap();
        assert!(mailbox.arrived("not this").is_none());
    }

    #[tokio::test]
    async fn a_folded_subject_is_unfolded() {
        let mailbox = mailbox().await;
        say(&mailbox, &mail("Subject: Notice:\n run-1-b\nTo: c@d.example\n folded")).await;
        mailbox.wait_for("Notice: run-1-b", PATIENCE).await.unwrap();
    }

    #[tokio::test]
    async fn repeated_mails_are_counted_and_foreign_ones_ignored() {
        let mailbox = mailbox().await;
        for subject in [
            "Notice: run-1-c",
            "Notice: run-1-c",
            "Notice: run-1-d",
            "Notice: run-0-c",
            "Notice: run-0-c",
        ] {
            say(&mailbox, &mail(&format!("Subject: {subject}"))).await;
        }
        assert!(
            mailbox
                .wait_for_all(["Notice: run-1-c", "Notice: run-1-d"].into_iter(), PATIENCE)
                .await
        );
        assert_eq!(mailbox.repeated(), 1);
    }

    #[tokio::test]
    async fn a_mail_that_was_cut_off_has_not_arrived() {
        let mailbox = mailbox().await;
        say(&mailbox, "EHLO me\nDATA\nSubject: Notice: run-1-e\n\ntext\n").await;
        assert!(
            !mailbox.wait_for_all(["Notice: run-1-e"].into_iter(), Duration::from_millis(50)).await
        );
        let cause =
            mailbox.wait_for("Notice: run-1-e", Duration::from_millis(50)).await.unwrap_err();
        assert!(
            cause.to_string().starts_with("no mail \"Notice: run-1-e\" at 127.0.0.1:"),
            "{cause}"
        );
    }

    #[tokio::test]
    async fn unknown_commands_and_endless_lines_are_refused() {
        let mailbox = mailbox().await;
        let answers = say(&mailbox, "VRFY x\nNOOP\n").await;
        assert_eq!(answers, "220 bench\r\n502 not here\r\n250 ok\r\n");
        let answers = say(&mailbox, &format!("NOOP {}", "x".repeat(16 * 1024 - 5))).await;
        assert_eq!(answers, "220 bench\r\n");
    }
}
