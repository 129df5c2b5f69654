//! The folder of received mails.

use mail::Mailbox;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::support::{Peer, open, with_mailbox};

/// Puts mails into the folder through a sink, one after the other.
async fn deliver(mailbox: &Mailbox, subjects: &[&str]) {
    with_mailbox(mailbox, &CancellationToken::new(), async |address| {
        let mut client = Peer::greeted(address).await;
        client.ask("HELO c.example", "250").await;
        for subject in subjects {
            begin(&mut client).await;
            client.ask(&format!("Subject: {subject}\r\n\r\ntext of {subject}\r\n."), "250").await;
        }
        client.ask("QUIT", "221").await;
    })
    .await;
}

async fn begin(client: &mut Peer<TcpStream>) {
    for (command, reply) in
        [("MAIL FROM:<a@x.example>", "250"), ("RCPT TO:<b@x.example>", "250"), ("DATA", "354")]
    {
        client.ask(command, reply).await;
    }
}

async fn subjects(mailbox: &Mailbox, limit: usize) -> Vec<String> {
    mailbox.list(limit).await.unwrap().into_iter().map(|letter| letter.subject).collect()
}

#[tokio::test]
async fn lists_the_newest_first_across_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/mails");
    deliver(&open(&path).await, &["one", "two"]).await;
    let mailbox = open(&path).await;
    deliver(&mailbox, &["three"]).await;
    assert_eq!(subjects(&mailbox, 10).await, ["three", "two", "one"]);
    assert_eq!(subjects(&mailbox, 2).await, ["three", "two"]);
    let listed = &mailbox.list(1).await.unwrap()[0];
    assert_eq!((listed.text.as_str(), listed.raw.len()), ("", 0));
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_left_out_of_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let mailbox = open(folder.path()).await;
    deliver(&mailbox, &["one"]).await;
    std::fs::create_dir(folder.path().join("0000000002-20261124T005204.123Z.eml")).unwrap();
    assert_eq!(subjects(&mailbox, 10).await, ["one"]);
    assert_eq!(subjects(&mailbox, 1).await, ["one"]);
}

#[tokio::test]
async fn reads_a_mail_by_its_name_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mailbox = open(&folder.path().join("mails")).await;
    std::fs::write(folder.path().join("secret.eml"), "x").unwrap();
    deliver(&mailbox, &["one"]).await;
    let name = mailbox.list(1).await.unwrap().remove(0).name;
    assert_eq!(mailbox.read(&name).await.unwrap().unwrap().text, "text of one\r\n");
    let absent = name.replace("0000000001", "0000000002");
    for other in ["../secret.eml", "secret.eml", "", "..", "/etc/passwd", absent.as_str()] {
        assert_eq!(mailbox.read(other).await.unwrap(), None, "{other}");
    }
}

#[tokio::test]
async fn removes_what_an_interrupted_run_left_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let half = folder.path().join("0000000001-20261124T005204.123Z.eml.part");
    let foreign = folder.path().join("notes.part");
    std::fs::write(&half, "Subject: half").unwrap();
    std::fs::write(&foreign, "mine").unwrap();
    let mailbox = open(folder.path()).await;
    assert!(!half.exists());
    assert!(foreign.exists());
    deliver(&mailbox, &["one"]).await;
    assert_eq!(subjects(&mailbox, 10).await, ["one"]);
    let parts = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(parts, 2, "the mail and the notes");
}

#[tokio::test]
async fn a_mail_that_cannot_be_kept_is_not_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mails");
    let mailbox = open(&path).await;
    std::fs::remove_dir(&path).unwrap();
    with_mailbox(&mailbox, &CancellationToken::new(), async |address| {
        let mut client = Peer::greeted(address).await;
        client.ask("HELO c.example", "250").await;
        begin(&mut client).await;
        client.ask("Subject: lost\r\n\r\n.", "451").await;
        client.ask("NOOP", "250").await;
    })
    .await;
}
