//! The sink's side of RFC 5321.

use std::{net::SocketAddr, time::Duration};

use futures_util::future::join_all;
use tokio::{io::AsyncReadExt, net::TcpStream, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::support::{Peer, listen, open, with_sink};

async fn check(script: &[(&str, &str)]) {
    with_sink(async |address, _, _| {
        let mut client = Peer::greeted(address).await;
        for (command, reply) in script {
            client.ask(command, reply).await;
        }
    })
    .await;
}

async fn in_data(address: SocketAddr) -> Peer<TcpStream> {
    let mut client = Peer::greeted(address).await;
    for (command, reply) in [
        ("EHLO c.example", "250"),
        ("MAIL FROM:<a@x.example>", "250"),
        ("RCPT TO:<b@x.example>", "250"),
        ("DATA", "354"),
    ] {
        client.ask(command, reply).await;
    }
    client
}

#[tokio::test]
async fn answers_every_command() {
    check(&[
        ("HELP", "214 "),
        ("NOOP", "250 "),
        ("VRFY someone", "252 "),
        ("EHLO c.example", "250-localhost\r\n250-PIPELINING\r\n250-SIZE 1048576\r\n"),
        ("HELO c.example", "250 localhost\r\n"),
        ("MAIL FROM:<a@x.example>", "250 2.1.0"),
        ("RCPT TO:<b@x.example>", "250 2.1.5"),
        ("RSET", "250 2.0.0"),
        ("EXPN list", "502"),
        ("STARTTLS", "502"),
        ("BOO", "500"),
        ("", "500"),
        ("QUIT", "221"),
    ])
    .await;
}

#[tokio::test]
async fn refuses_commands_out_of_order() {
    check(&[
        ("MAIL FROM:<a@x.example>", "503"),
        ("EHLO c.example", "250"),
        ("RCPT TO:<b@x.example>", "503"),
        ("DATA", "503"),
        ("MAIL FROM:<a@x.example>", "250"),
        ("MAIL FROM:<a@x.example>", "503"),
        ("DATA", "503"),
        ("RSET", "250"),
        ("RCPT TO:<b@x.example>", "503"),
        ("MAIL FROM:<a@x.example>", "250"),
        ("EHLO c.example", "250"),
        ("RCPT TO:<b@x.example>", "503"),
    ])
    .await;
}

#[tokio::test]
async fn refuses_what_it_cannot_take() {
    check(&[
        ("EHLO c.example", "250"),
        ("MAIL FROM:<a@x.example> SIZE=1048577", "552"),
        ("MAIL FROM:<jürgen@x.example>", "553"),
        ("MAIL FROM:<jürgen@x.example> SMTPUTF8 SIZE=1048576", "250"),
        ("RSET", "250"),
        ("MAIL FROM:<>", "250"),
        ("RCPT TO:<jürgen@x.example>", "553"),
        ("RCPT TO:<b@x.example>", "250"),
    ])
    .await;
}

#[tokio::test]
async fn takes_a_hundred_recipients() {
    with_sink(async |address, mailbox, _| {
        let mut client = Peer::greeted(address).await;
        client.ask("HELO c.example", "250").await;
        client.ask("MAIL FROM:<a@x.example>", "250").await;
        for number in 0..100 {
            client.ask(&format!("RCPT TO:<b{number}@x.example>"), "250").await;
        }
        client.ask("RCPT TO:<b100@x.example>", "452").await;
        client.ask("DATA", "354").await;
        client.ask("Subject: many\r\n\r\n.", "250").await;
        assert_eq!(mailbox.list(10).await.unwrap()[0].to.len(), 100);
    })
    .await;
}

#[tokio::test]
async fn keeps_the_envelope_and_the_text_without_doubled_dots() {
    with_sink(async |address, mailbox, _| {
        let mut client = in_data(address).await;
        client.ask("Subject: Parcel\r\n\r\n..\r\n...and more\r\n.", "250 2.0.0 kept as 0000000001-").await;
        let letters = mailbox.list(10).await.unwrap();
        let letter = mailbox.read(&letters[0].name).await.unwrap().unwrap();
        assert_eq!(
            String::from_utf8(letter.raw).unwrap(),
            "Received: from c.example ([127.0.0.1])\r\n\tby localhost with ESMTP;\r\n\tTue, 24 Nov 2026 00:52:04 +0000\r\n\
             X-Envelope-From: <a@x.example>\r\nX-Envelope-To: <b@x.example>\r\nSubject: Parcel\r\n\r\n.\r\n..and more\r\n"
        );
    })
    .await;
}

#[tokio::test]
async fn commands_may_come_in_one_piece() {
    with_sink(async |address, mailbox, _| {
        let mut client = Peer::greeted(address).await;
        let mail = "MAIL FROM:<a@x.example>\r\nRCPT TO:<b@x.example>\r\nDATA\r\nSubject: P\r\n\r\nx\r\n.\r\n";
        client.send(&format!("EHLO c.example\r\n{mail}{mail}QUIT\r\n")).await;
        assert!(client.hear().await.starts_with("250-"));
        let replies = client.rest().await;
        let codes: Vec<&str> = replies.lines().map(|line| &line[..3]).collect();
        assert_eq!(codes, ["250", "250", "354", "250", "250", "250", "354", "250", "221"]);
        assert_eq!(mailbox.list(10).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_line_too_long_is_refused_and_the_next_one_heard() {
    with_sink(async |address, _, _| {
        let mut client = Peer::greeted(address).await;
        client.ask(&"x".repeat(10_000), "500 5.5.2 line too long").await;
        client.ask("NOOP", "250").await;
        client.send(&"x".repeat(300_000)).await;
        assert!(client.hear().await.starts_with("421"));
    })
    .await;
}

#[tokio::test]
async fn a_mail_too_large_is_refused_after_its_end() {
    with_sink(async |address, mailbox, _| {
        let mut client = in_data(address).await;
        client.send(&"x".repeat(1024 * 1024)).await;
        client.ask("\r\n.", "552").await;
        client.ask("MAIL FROM:<a@x.example>", "250").await;
        assert_eq!(mailbox.list(10).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_second_mail_cannot_hide_in_the_first() {
    with_sink(async |address, mailbox, _| {
        for end in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r"] {
            let mut client = in_data(address).await;
            client.send(&format!("Subject: P\r\n\r\nx{end}MAIL FROM:<evil@x.example>\r\nRCPT TO:<b@x.example>\r\n")).await;
            client.ask("DATA\r\nevil\r\n.", "554").await;
            client.ask("QUIT", "221").await;
            assert_eq!(client.rest().await, "");
        }
        assert_eq!(mailbox.list(10).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_bare_line_feed_ends_no_command() {
    check(&[("EHLO c.example\nMAIL FROM:<a@x.example>", "500"), ("NOOP", "250")]).await;
}

#[tokio::test]
async fn a_client_that_only_makes_mistakes_is_sent_away() {
    with_sink(async |address, _, _| {
        let mut client = Peer::greeted(address).await;
        for _ in 0..20 {
            client.ask("BOO", "500").await;
        }
        client.ask("BOO", "421").await;
        assert_eq!(client.rest().await, "");
    })
    .await;
}

#[tokio::test]
async fn a_client_too_many_is_sent_away() {
    with_sink(async |address, _, _| {
        let mut clients = join_all((0..100).map(|_| Peer::greeted(address))).await;
        let mut late = Peer::connected(address).await;
        assert!(late.rest().await.starts_with("421 4.7.0 too many connections"));
        clients[0].ask("QUIT", "221").await;
        assert_eq!(clients[0].rest().await, "");
        Peer::greeted(address).await.ask("NOOP", "250").await;
    })
    .await;
}

#[tokio::test]
async fn after_the_stop_a_mail_that_has_begun_is_finished_and_others_are_sent_away() {
    with_sink(async |address, mailbox, stop| {
        let mut idle = Peer::greeted(address).await;
        let mut busy = in_data(address).await;
        busy.send("Subject: last\r\n").await;
        stop.cancel();
        assert!(idle.rest().await.starts_with("421 4.3.2"));
        busy.ask("\r\nx\r\n.", "250").await;
        assert!(busy.rest().await.starts_with("421 4.3.2"));
        assert_eq!(mailbox.list(10).await.unwrap()[0].subject, "last");
        assert!(TcpStream::connect(address).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_mail_that_does_not_end_is_cut_off_after_the_stop() {
    with_sink(async |address, _, stop| {
        let mut busy = in_data(address).await;
        stop.cancel();
        assert!(busy.rest().await.starts_with("421 4.3.2"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_sent_away_after_five_minutes() {
    let folder = tempfile::tempdir().unwrap();
    let mailbox = open(folder.path()).await;
    let (listener, address) = listen().await;
    let stop = CancellationToken::new();
    let silent = async {
        // The clock jumps ahead while nobody has anything to do, so there is no deadline to wait with.
        let began = Instant::now();
        let mut farewell = String::new();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.read_to_string(&mut farewell).await.unwrap();
        stop.cancel();
        (farewell, began.elapsed())
    };
    let (served, (farewell, waited)) =
        tokio::join!(mail::sink::serve(listener, mailbox, stop.clone()), silent);
    served.unwrap();
    assert!(farewell.contains("\r\n421 4.4.2 nothing heard"), "{farewell}");
    assert!(waited >= Duration::from_secs(300), "{waited:?}");
}
