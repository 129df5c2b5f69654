//! The mailer against servers that follow a script: what their answers mean for a mail and for the connection.

use std::time::Duration;

use database::Message;
use futures_util::future::join;
use mail::{Mailer, Password, Security, SmtpSettings};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    mailer::{mailer, message, publish, settings},
    support::{Peer, listen, scripted},
};

pub(crate) const HELLO: (&str, &str) = ("EHLO", "250 script");
pub(crate) const MAIL: (&str, &str) = ("MAIL FROM:<milena@localhost>", "250 ok");
pub(crate) const RCPT: (&str, &str) = ("RCPT TO:<reader@example.com>", "250 ok");
pub(crate) const DATA: (&str, &str) = ("DATA", "354 go");
pub(crate) const END: (&str, &str) = (".", "250 kept");
pub(crate) const RSET: (&str, &str) = ("RSET", "250 ok");

/// Sends one mail to a server that follows a script on one connection, and checks what became of it.
async fn check_script(script: &[(&str, &str)], outcome: &str) {
    check_settings(|settings| settings, &message("m-1", None), script, outcome).await;
}

pub(crate) async fn check_settings(
    change: impl FnOnce(SmtpSettings) -> SmtpSettings,
    message: &Message,
    script: &[(&str, &str)],
    outcome: &str,
) {
    let (listener, address) = listen().await;
    let mailer = Mailer::new(change(settings(address.port()))).unwrap();
    // The server's connection stays open until the mailer has seen the last reply.
    let (outcomes, _peer) =
        join(publish(&mailer, std::slice::from_ref(message)), scripted(&listener, script)).await;
    assert!(
        outcomes[0].starts_with(outcome),
        "{script:?} led to {} instead of {outcome}",
        outcomes[0]
    );
}

#[tokio::test]
async fn while_the_server_is_away_everything_is_to_be_retried_and_then_sent() {
    let (listener, address) = listen().await;
    drop(listener);
    let mailer = mailer(address.port());
    let messages = [message("1", Some("emma")), message("2", Some("emma")), message("3", None)];
    let outcomes = publish(&mailer, &messages).await;
    assert!(outcomes.iter().all(|outcome| outcome.starts_with("retry: ")), "{outcomes:?}");
    assert!(
        outcomes[0].contains(&format!("connect to the mail server 127.0.0.1:{}", address.port())),
        "{outcomes:?}"
    );

    let listener = TcpListener::bind(address).await.unwrap();
    let script = [HELLO, MAIL, RCPT, DATA, END, MAIL, RCPT, DATA, END];
    let (outcomes, _peer) =
        join(publish(&mailer, &messages[..2]), scripted(&listener, &script)).await;
    assert_eq!(outcomes, ["sent", "sent"]);
}

#[tokio::test]
async fn after_a_retry_later_mails_of_the_key_wait_and_others_go_on() {
    let (listener, address) = listen().await;
    let mailer = mailer(address.port());
    let messages =
        [message("1", Some("emma")), message("2", Some("emma")), message("3", Some("ulysses"))];
    let servers = async {
        let first = [HELLO, MAIL, ("RCPT", "450 busy, later"), RSET];
        join(scripted(&listener, &first), scripted(&listener, &[HELLO, MAIL, RCPT, DATA, END]))
            .await
    };
    let (outcomes, _peers) = join(publish(&mailer, &messages), servers).await;
    assert!(
        outcomes[0].starts_with("retry: the mail server answered RCPT with 450 busy, later"),
        "{outcomes:?}"
    );
    assert_eq!(outcomes[1], "retry: an earlier mail of the same key is waiting");
    assert_eq!(outcomes[2], "sent");
}

#[tokio::test]
async fn a_refused_mail_is_rejected_with_the_servers_words_and_the_connection_kept() {
    let (listener, address) = listen().await;
    let mailer = mailer(address.port());
    let refused = ("RCPT", "550-5.1.1 <reader@example.com>\r\n550 5.1.1 is unknown here");
    let script = [HELLO, MAIL, refused, RSET, MAIL, RCPT, DATA, END];
    let messages = [message("1", Some("emma")), message("2", Some("emma"))];
    let (outcomes, _peer) = join(publish(&mailer, &messages), scripted(&listener, &script)).await;
    assert_eq!(
        outcomes,
        ["reject: the mail server answered RCPT with 550 5.1.1 <address> is unknown here", "sent"]
    );
}

#[tokio::test]
async fn what_the_mail_is_to_blame_for_is_rejected() {
    check_script(
        &[HELLO, ("MAIL", "553 no such sender"), RSET],
        "reject: the mail server answered MAIL with 553",
    )
    .await;
    check_script(
        &[HELLO, MAIL, RCPT, ("DATA", "554 no"), RSET],
        "reject: the mail server answered DATA with 554",
    )
    .await;
    check_script(
        &[HELLO, MAIL, RCPT, DATA, (".", "552 too large"), RSET],
        "reject: the mail server answered the mail with 552 too large",
    )
    .await;
}

#[tokio::test]
async fn what_may_pass_is_retried() {
    check_script(
        &[("EHLO", "550 go away"), ("QUIT", "221 bye")],
        "retry: connect to the mail server",
    )
    .await;
    check_script(
        &[HELLO, ("MAIL", "451 later"), RSET],
        "retry: the mail server answered MAIL with 451 later",
    )
    .await;
    check_script(&[HELLO, MAIL, RCPT, DATA, (".", "452 disk full"), RSET], "retry: ").await;
    check_script(
        &[HELLO, ("MAIL", "421 leaving")],
        "retry: the mail server answered MAIL with 421",
    )
    .await;
    check_script(
        &[HELLO, ("MAIL", "530 sign in first")],
        "retry: the mail server wants encryption or a password",
    )
    .await;
    check_script(
        &[HELLO, MAIL, RCPT, ("DATA", "250 what?")],
        "retry: the mail server answered DATA with 250",
    )
    .await;
    check_script(&[HELLO, ("MAIL", "nonsense")], "retry: MAIL failed").await;
    // Google's word for a day's limit.
    check_script(
        &[HELLO, ("MAIL", "550 5.4.5 Daily user sending limit exceeded"), RSET],
        "retry: the mail server answered MAIL with 550 5.4.5",
    )
    .await;
}

#[tokio::test]
async fn a_connection_that_broke_between_two_mails_is_replaced() {
    let (listener, address) = listen().await;
    let mailer = mailer(address.port());
    let script = [HELLO, MAIL, RCPT, DATA, END];
    for farewell in ["", "421 idle for too long\r\n"] {
        let (outcomes, mut peer) =
            join(publish(&mailer, &[message("1", None)]), scripted(&listener, &script)).await;
        assert_eq!(outcomes, ["sent"]);
        peer.send(farewell).await;
    }
    let (outcomes, _peer) =
        join(publish(&mailer, &[message("2", None)]), scripted(&listener, &script)).await;
    assert_eq!(outcomes, ["sent"]);
}

#[tokio::test]
async fn an_idle_connection_is_closed_with_a_goodbye() {
    let (listener, address) = listen().await;
    let mailer =
        Mailer::new(SmtpSettings { idle: Duration::from_millis(50), ..settings(address.port()) })
            .unwrap();
    let stop = CancellationToken::new();
    let script = [HELLO, MAIL, RCPT, DATA, END, ("QUIT", "221 bye")];
    let server = async {
        let mut peer = scripted(&listener, &script).await;
        assert_eq!(peer.rest().await, "");
        stop.cancel();
    };
    let message = [message("1", None)];
    let sent = publish(&mailer, &message);
    let (outcomes, closed, ()) = tokio::join!(sent, mailer.close_idle(stop.clone()), server);
    assert_eq!(outcomes, ["sent"]);
    closed.unwrap();
}

#[tokio::test]
async fn signs_in_when_the_server_asks_for_it() {
    let known = |settings| SmtpSettings {
        username: Some("library@example.com".to_owned()),
        password: Some(Password::new("secret")),
        ..settings
    };
    let message = message("m-1", None);
    let offer = ("EHLO", "250-script\r\n250 AUTH PLAIN LOGIN");
    // "\0library@example.com\0secret"
    let auth = "AUTH PLAIN AGxpYnJhcnlAZXhhbXBsZS5jb20Ac2VjcmV0\r\n";
    // The user name is an address, and so becomes the sender of a mail without one.
    let mail = ("MAIL FROM:<library@example.com>", "250 ok");
    check_settings(known, &message, &[offer, (auth, "235 welcome"), mail, RCPT, DATA, END], "sent")
        .await;
    check_settings(known, &message, &[HELLO, mail, RCPT, DATA, END], "sent").await;
}

#[tokio::test]
async fn a_server_without_starttls_gets_nothing_when_it_is_required() {
    let required = |settings| SmtpSettings { security: Security::StartTlsRequired, ..settings };
    let message = message("m-1", None);
    let outcome = "retry: connect to the mail server 127.0.0.1:";
    check_settings(required, &message, &[HELLO], outcome).await;
    let offered = |settings| SmtpSettings { security: Security::StartTlsIfOffered, ..settings };
    check_settings(offered, &message, &[HELLO, MAIL, RCPT, DATA, END], "sent").await;
    // An offer that is then withdrawn is no reason to go on in the clear.
    let withdrawn =
        [("EHLO", "250-script\r\n250 STARTTLS"), ("STARTTLS", "454 not now"), ("QUIT", "221 bye")];
    check_settings(offered, &message, &withdrawn, outcome).await;
}

#[tokio::test]
async fn mails_of_different_keys_are_under_way_at_the_same_time() {
    let (listener, address) = listen().await;
    let mailer = mailer(address.port());
    let servers = async {
        // The first mail ends only after the second.
        let mut first = scripted(&listener, &[HELLO, MAIL, RCPT, DATA]).await;
        let second: Peer<_> = scripted(&listener, &[HELLO, MAIL, RCPT, DATA, END]).await;
        first.follow(&[END]).await;
        (first, second)
    };
    let messages = [message("1", Some("emma")), message("2", Some("ulysses"))];
    let (outcomes, _peers) = join(publish(&mailer, &messages), servers).await;
    assert_eq!(outcomes, ["sent", "sent"]);
}
