//! The mailer against servers that have a mail and take their time to answer for it.

use std::time::Duration;

use database::Message;
use futures_util::future::{join, join_all};
use mail::{Mailer, SmtpSettings};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, sleep},
};

use crate::{
    answers::{DATA, END, HELLO, MAIL, RCPT},
    mailer::{message, publish, settings},
    support::{DEADLINE, Peer, listen, scripted},
};

const UNANSWERED: &str = "retry: the mail server has the mail and does not say yet";

/// A mailer that answers after a second what the server does not answer for `accept_timeout`.
fn patient(port: u16, accept_timeout: Duration) -> Mailer {
    let timeout = Duration::from_secs(1);
    Mailer::new(SmtpSettings { timeout, accept_timeout, ..settings(port) }).unwrap()
}

/// Takes a mail up to its last line, and does not answer that.
async fn silent(listener: &TcpListener) -> Peer<TcpStream> {
    let mut peer = scripted(listener, &[HELLO, MAIL, RCPT, DATA]).await;
    while peer.line().await != ".\r\n" {}
    peer
}

/// Publishes again until no answer is missing.
async fn until_answered(mailer: &Mailer, messages: &[Message]) -> Vec<String> {
    let start = Instant::now();
    loop {
        let outcomes = publish(mailer, messages).await;
        if !outcomes[0].starts_with(UNANSWERED) {
            return outcomes;
        }
        assert!(start.elapsed() < DEADLINE, "no answer in time: {outcomes:?}");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_server_that_takes_long_to_accept_a_mail_gets_it_once() {
    let (listener, address) = listen().await;
    let mailer = patient(address.port(), DEADLINE);
    let messages =
        [message("1", Some("emma")), message("2", Some("emma")), message("3", Some("ulysses"))];
    let servers = async {
        let slow = silent(&listener).await;
        (slow, scripted(&listener, &[HELLO, MAIL, RCPT, DATA, END]).await)
    };
    let (outcomes, (mut slow, _quick)) = join(publish(&mailer, &messages), servers).await;
    assert!(outcomes[0].starts_with(UNANSWERED), "{outcomes:?}");
    assert_eq!(outcomes[1..], ["retry: an earlier mail of the same key is waiting", "sent"]);

    let outcomes = publish(&mailer, &messages[..2]).await;
    assert!(outcomes[0].starts_with(UNANSWERED), "{outcomes:?}");
    slow.send("250 kept after all\r\n").await;
    assert_eq!(until_answered(&mailer, &messages[..1]).await, ["sent"]);
    // Nothing was said in between, and the connection serves the next mail.
    let next = slow.follow(&[MAIL, RCPT, DATA, END]);
    assert_eq!(join(publish(&mailer, &messages[1..2]), next).await.0, ["sent"]);
}

#[tokio::test]
async fn a_late_refusal_is_a_refusal_and_a_late_break_is_retried() {
    let (listener, address) = listen().await;
    let mailer = patient(address.port(), DEADLINE);
    let messages = [message("1", None)];
    for (answer, outcome) in [
        ("552 a virus\r\n", "reject: the mail server answered the mail with 552 a virus"),
        ("", "retry: the mail failed"),
    ] {
        let (outcomes, mut slow) = join(publish(&mailer, &messages), silent(&listener)).await;
        assert!(outcomes[0].starts_with(UNANSWERED), "{outcomes:?}");
        slow.send(answer).await;
        drop(slow);
        let outcomes = until_answered(&mailer, &messages).await;
        assert!(outcomes[0].starts_with(outcome), "{outcomes:?}");
    }
    // Only now, without an answer to hope for, is the text sent again.
    let again = scripted(&listener, &[HELLO, MAIL, RCPT, DATA, END]);
    let (outcomes, _peer) = join(publish(&mailer, &messages), again).await;
    assert_eq!(outcomes, ["sent"]);
}

#[tokio::test]
async fn mails_without_an_answer_take_up_no_more_connections_than_others() {
    let (listener, address) = listen().await;
    let mailer = patient(address.port(), DEADLINE);
    let messages: Vec<Message> = (0..20).map(|number| message(&number.to_string(), None)).collect();
    let servers = join_all((0..8).map(|_| silent(&listener)));
    let (outcomes, mut slow) = join(publish(&mailer, &messages), servers).await;
    let unanswered = outcomes.iter().filter(|outcome| outcome.starts_with(UNANSWERED)).count();
    assert_eq!(unanswered, 8, "{outcomes:?}");
    assert!(outcomes[19].starts_with("retry: other mails"), "{outcomes:?}");

    slow[0].send("250 kept after all\r\n").await;
    let rest = &messages[19..];
    let next = slow[0].follow(&[MAIL, RCPT, DATA, END]);
    let sent = async {
        while publish(&mailer, rest).await != ["sent"] {
            sleep(Duration::from_millis(5)).await;
        }
    };
    join(sent, next).await;
}

#[tokio::test]
async fn the_last_answer_is_not_waited_for_without_end() {
    let (listener, address) = listen().await;
    let mailer = patient(address.port(), Duration::from_millis(100));
    let messages = [message("1", None)];
    let (outcomes, _peer) = join(publish(&mailer, &messages), silent(&listener)).await;
    assert_eq!(outcomes, ["retry: the mail server did not answer the mail within 100ms"]);
}
