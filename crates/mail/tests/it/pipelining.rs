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
async fn a_refusal_counts_though_the_server_leaves_or_goes_on() {
    for (script, outcome) in [
        (&[MAIL, ("RCPT", "550 5.1.1 unknown")][..], "reject: the mail server answered RCPT with"),
        (&[("MAIL", "553 no such sender")], "reject: the mail server answered MAIL with 553"),
        (&[("MAIL", "451 busy"), RCPT, DATA], "retry: the mail server answered MAIL with 451"),
        (&[MAIL, ("RCPT", "550 no"), ("DATA", "421 bye")], "reject: the mail server answered RCPT"),
    ] {
        let (listener, address) = listen().await;
        let mailer = mailer(address.port());
        let script = [&[HELLO, OFFER], script].concat();
        let messages = [message("1", Some("emma")), message("2", Some("ulysses"))];
        let servers = async {
            drop(scripted(&listener, &script).await);
            scripted(&listener, &[HELLO, OFFER, MAIL, RCPT, DATA, END]).await
        };
        let sent = async {
            let first = publish(&mailer, &messages[..1]).await;
            [first, publish(&mailer, &messages[1..]).await].concat()
        };
        let (outcomes, _peer) = join(sent, servers).await;
        assert!(outcomes[0].starts_with(outcome), "{script:?} led to {outcomes:?}");
        assert_eq!(outcomes[1], "sent", "over a connection of its own");
    }
}
