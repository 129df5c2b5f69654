//! The mailer against servers that take several commands at once (RFC 2920).

use futures_util::future::join;

use crate::{
    answers::{DATA, END, HELLO, MAIL, RCPT, RSET},
    mailer::{mailer, message, publish},
    support::{Peer, listen, scripted},
};

const OFFER: (&str, &str) = ("EHLO", "250-script\r\n250-SIZE 1000000\r\n250 PIPELINING");

/// Sends two mails to a server that offers pipelining; it follows a script for the first one and takes the second.
async fn check(script: &[(&str, &str)], outcome: &str) {
    let (listener, address) = listen().await;
    let mailer = mailer(address.port());
    let script = [&[HELLO, OFFER], script, &[MAIL, RCPT, DATA, END]].concat();
    let messages = [message("1", Some("emma")), message("2", Some("emma"))];
    let (outcomes, _peer) = join(publish(&mailer, &messages), scripted(&listener, &script)).await;
    assert_eq!(outcomes, [outcome, "sent"], "{script:?}");
}

#[tokio::test]
async fn everything_before_the_text_is_said_without_waiting_where_the_server_offers_it() {
    let (listener, address) = listen().await;
    let mailer = mailer(address.port());
    let server = async {
        let mut peer: Peer<_> = scripted(&listener, &[HELLO, OFFER]).await;
        for _ in 0..2 {
            for expected in [MAIL.0, RCPT.0, DATA.0] {
                let line = peer.line().await;
                assert!(line.starts_with(expected), "{line:?} instead of {expected}");
            }
            peer.send("250 ok\r\n250-ok\r\n250 ok\r\n354 go\r\n").await;
            peer.follow(&[END]).await;
        }
        peer
    };
    let messages = [message("1", Some("emma")), message("2", Some("emma"))];
    let (outcomes, _peer) = join(publish(&mailer, &messages), server).await;
    assert_eq!(outcomes, ["sent", "sent"]);
}

#[tokio::test]
async fn of_several_refusals_the_first_counts_and_the_connection_is_kept() {
    check(
        &[("MAIL", "553 no such sender"), ("RCPT", "503 no sender"), ("DATA", "503 no"), RSET],
        "reject: the mail server answered MAIL with 553 no such sender",
    )
    .await;
    check(
        &[MAIL, ("RCPT", "550 5.1.1 unknown"), ("DATA", "554 no recipients"), RSET],
        "reject: the mail server answered RCPT with 550 5.1.1 unknown",
    )
    .await;
    check(
        &[MAIL, RCPT, ("DATA", "554 not today"), RSET],
        "reject: the mail server answered DATA with 554 not today",
    )
    .await;
}

#[tokio::test]
async fn a_text_for_nobody_is_empty() {
    check(
        &[MAIL, ("RCPT", "550 5.1.1 unknown"), DATA, (".\r\n", "554 no recipients"), RSET],
        "reject: the mail server answered RCPT with 550 5.1.1 unknown",
    )
    .await;
}

#[tokio::test]
async fn a_server_that_takes_a_text_without_a_sender_is_left() {
    let (listener, address) = listen().await;
    let mailer = mailer(address.port());
    let script = [HELLO, OFFER, ("MAIL", "451 busy"), RCPT, DATA];
    let message = [message("1", None)];
    let (outcomes, mut peer) = join(publish(&mailer, &message), scripted(&listener, &script)).await;
    assert_eq!(outcomes, ["retry: the mail server takes a text without a sender"]);
    assert_eq!(peer.rest().await, "");
}
