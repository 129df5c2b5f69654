//! A mail server that does not take the password, and one that takes it again.

use futures_util::future::join;
use mail::{Mailer, Password, SmtpSettings};
use tokio::{net::TcpListener, time::timeout};

use crate::{
    answers::{DATA, END, RCPT},
    mailer::{message, publish, settings},
    support::{DEADLINE, listen, scripted},
};

const OFFER: (&str, &str) = ("EHLO", "250-script\r\n250 AUTH PLAIN LOGIN");

fn known(port: u16) -> Mailer {
    Mailer::new(SmtpSettings {
        username: Some("library@example.com".to_owned()),
        password: Some(Password::new("secret")),
        ..settings(port)
    })
    .unwrap()
}

/// Publishes while the server answers a sign-in with this; checks the outcomes.
async fn refused(mailer: &Mailer, listener: &TcpListener, answer: &str) {
    let messages: Vec<_> = (0..20).map(|number| message(&number.to_string(), None)).collect();
    let script = [OFFER, ("AUTH", answer)];
    let (outcomes, _peer) = join(publish(mailer, &messages), scripted(listener, &script)).await;
    for outcome in outcomes {
        assert!(outcome.starts_with("retry: "), "{outcome}");
        assert!(outcome.contains("sign in at the mail server 127.0.0.1:"), "{outcome}");
        assert!(outcome.contains(&answer[..3]) && !outcome.contains("secret"), "{outcome}");
    }
    // Nobody listens to a second try, which would have to wait for its time-out.
    let at_once =
        timeout(DEADLINE / 4, publish(mailer, &messages)).await.expect("an answer at once");
    assert!(at_once.iter().all(|outcome| outcome.starts_with("retry: ")), "{at_once:?}");
    assert!(mailer.check().await.is_err(), "health does not sign in either");
}

#[tokio::test]
async fn a_refused_password_keeps_every_mail_and_is_tried_once_for_all() {
    for answer in [
        "535 5.7.8 Username and Password not accepted",
        "534 5.7.9 app password",
        "454 4.7.0 later",
    ] {
        let (listener, address) = listen().await;
        let mailer = known(address.port());
        refused(&mailer, &listener, answer).await;
    }
}

#[tokio::test]
async fn mails_go_on_when_the_password_is_taken_again() {
    let (listener, address) = listen().await;
    let mailer = known(address.port());
    refused(&mailer, &listener, "535 5.7.8 not accepted").await;
    let mail = ("MAIL FROM:<library@example.com>", "250 ok");
    let script = [OFFER, ("AUTH", "235 welcome"), mail, RCPT, DATA, END];
    let message = [message("1", None)];
    let again = async {
        while publish(&mailer, &message).await != ["sent"] {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    join(again, scripted(&listener, &script)).await;
}
