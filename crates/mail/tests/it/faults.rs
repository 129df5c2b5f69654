//! The mailer against servers that are of no use for a while: no mail is lost, none is sent without need, nothing piles up.

use std::time::Duration;

use database::Message;
use futures_util::future::join;
use mail::{Mailer, SmtpSettings};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    answers::{DATA, END, HELLO, MAIL, RCPT, check_settings},
    mailer::{mailer, message, publish, settings},
    support::{Peer, listen, open, scripted},
};

fn brief(settings: SmtpSettings) -> SmtpSettings {
    SmtpSettings {
        timeout: Duration::from_millis(200),
        connect_timeout: Duration::from_millis(200),
        ..settings
    }
}

/// Mails of as many keys.
fn mails(count: usize) -> Vec<Message> {
    (0..count).map(|number| message(&number.to_string(), Some(&number.to_string()))).collect()
}

/// Counts the connections that are taken and dropped until the test is over.
async fn dropping(listener: &TcpListener, farewell: &str, over: &CancellationToken) -> usize {
    let mut connections = 0;
    while let Some(accepted) = over.run_until_cancelled(listener.accept()).await {
        Peer::new(accepted.unwrap().0).send(farewell).await;
        connections += 1;
    }
    connections
}

#[tokio::test]
async fn silence_is_not_waited_for_longer_than_the_settings_say() {
    check_settings(
        brief,
        &message("m-1", None),
        &[HELLO, HELLO],
        "retry: the mail server did not answer MAIL within 200ms",
    )
    .await;
}

#[tokio::test]
async fn a_server_that_never_greets_costs_one_time_out_whatever_waits() {
    let (listener, address) = listen().await;
    let mailer = Mailer::new(brief(settings(address.port()))).unwrap();
    let start = Instant::now();
    // The system takes the connections, and nobody says a word on them.
    let outcomes = publish(&mailer, &mails(256)).await;
    assert!(outcomes.iter().all(|outcome| outcome.starts_with("retry: ")), "{outcomes:?}");
    assert!(outcomes[0].contains("greeting: no answer in time"), "{outcomes:?}");
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    let mut connections = 0;
    while timeout(Duration::from_millis(50), listener.accept()).await.is_ok() {
        connections += 1;
    }
    assert_eq!(connections, 1, "one connection finds out for all");
}

#[tokio::test]
async fn a_server_that_takes_connections_and_drops_them_is_asked_once_a_batch() {
    for farewell in ["", "421 try again later\r\n", "554 no service\r\n"] {
        let (listener, address) = listen().await;
        let mailer = mailer(address.port());
        let over = CancellationToken::new();
        let tries = async {
            for _ in 0..3 {
                let outcomes = publish(&mailer, &mails(256)).await;
                let retried = outcomes.iter().all(|outcome| outcome.starts_with("retry: "));
                assert!(retried, "{outcomes:?}");
            }
            over.cancel();
        };
        let (connections, ()) = join(dropping(&listener, farewell, &over), tries).await;
        assert_eq!(connections, 3, "{farewell:?}");

        let script = [HELLO, MAIL, RCPT, DATA, END];
        let message = [message("1", None)];
        let (outcomes, _peer) =
            join(publish(&mailer, &message), scripted(&listener, &script)).await;
        assert_eq!(outcomes, ["sent"]);
    }
}

#[tokio::test]
async fn a_port_that_refuses_for_long_loses_no_mail_and_sends_each_once() {
    let (listener, address) = listen().await;
    drop(listener);
    let mailer = mailer(address.port());
    let messages = mails(8);
    for _ in 0..1_000 {
        let outcomes = publish(&mailer, &messages).await;
        assert!(outcomes.iter().all(|outcome| outcome.starts_with("retry: ")), "{outcomes:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    let mailbox = open(folder.path()).await;
    let listener = TcpListener::bind(address).await.unwrap();
    let stop = CancellationToken::new();
    let sent = async {
        let outcomes = publish(&mailer, &messages).await;
        stop.cancel();
        outcomes
    };
    let serve = mail::sink::serve(listener, mailbox.clone(), stop.clone());
    let (outcomes, served) = join(sent, serve).await;
    served.unwrap();
    assert_eq!(outcomes, vec!["sent"; 8]);
    assert_eq!(mailbox.list(20).await.unwrap().len(), 8);
}

#[tokio::test]
async fn a_text_cut_off_by_a_break_is_sent_again_as_the_same_mail() {
    let (listener, address) = listen().await;
    let mailer = mailer(address.port());
    let messages = [message("m-1", None)];
    let cut = async {
        let mut peer = scripted(&listener, &[HELLO, MAIL, RCPT, DATA]).await;
        text(&mut peer).await
    };
    let (outcomes, first) = join(publish(&mailer, &messages), cut).await;
    assert!(outcomes[0].starts_with("retry: the mail failed"), "{outcomes:?}");
    let again = async {
        let mut peer = scripted(&listener, &[HELLO, MAIL, RCPT, DATA]).await;
        let text = text(&mut peer).await;
        peer.send("250 kept\r\n").await;
        (text, peer)
    };
    let (outcomes, (second, _peer)) = join(publish(&mailer, &messages), again).await;
    assert_eq!(outcomes, ["sent"]);
    assert_eq!(first, second);
    assert!(first.contains("Message-ID: <m-1@milena>\r\n"), "{first}");
}

/// A mail's text up to its last line.
async fn text(peer: &mut Peer<TcpStream>) -> String {
    let mut text = String::new();
    while !text.ends_with("\r\n.\r\n") {
        text += &peer.line().await;
    }
    text
}

#[tokio::test]
async fn at_the_stop_a_batch_has_a_short_time_to_end() {
    let (listener, address) = listen().await;
    let mailer = mailer(address.port());
    let stop = CancellationToken::new();
    let messages: Vec<_> = (1..5).map(|id| message(&id.to_string(), Some("emma"))).collect();
    let server = async {
        let mut peer = scripted(&listener, &[HELLO, MAIL, RCPT, DATA]).await;
        stop.cancel();
        mailer.close_idle(stop.clone()).await.unwrap();
        peer.follow(&[END, MAIL, RCPT, DATA, END, MAIL]).await;
        peer
    };
    let (outcomes, _peer) = join(publish(&mailer, &messages), server).await;
    assert_eq!(
        outcomes,
        [
            "sent",
            "sent",
            "retry: this process stops",
            "retry: an earlier mail of the same key is waiting"
        ]
    );
}

#[tokio::test]
async fn the_stop_does_not_wait_for_a_server_that_hangs() {
    for (script, outcome) in [
        (&[][..], "retry: this process stops"),
        (&[HELLO][..], "retry: this process stops"),
        (&[HELLO, MAIL, RCPT, DATA][..], "retry: the mail server has the mail and does not say"),
    ] {
        let (listener, address) = listen().await;
        let mailer = mailer(address.port());
        let stop = CancellationToken::new();
        let server = async {
            let mut peer = scripted(&listener, script).await;
            peer.line().await;
            stop.cancel();
            mailer.close_idle(stop.clone()).await.unwrap();
            (peer, Instant::now())
        };
        let messages = [message("1", None)];
        let (outcomes, (_peer, stopped)) = join(publish(&mailer, &messages), server).await;
        assert!(outcomes[0].starts_with(outcome), "{outcomes:?}");
        assert!(stopped.elapsed() < Duration::from_secs(8), "{:?}", stopped.elapsed());
    }
}

#[tokio::test]
async fn the_stop_does_not_wait_for_a_farewell() {
    let (listener, address) = listen().await;
    let idle = Duration::from_millis(50);
    let mailer = Mailer::new(SmtpSettings { idle, ..settings(address.port()) }).unwrap();
    let script = [HELLO, MAIL, RCPT, DATA, END];
    let message = [message("1", None)];
    let (outcomes, mut peer) = join(publish(&mailer, &message), scripted(&listener, &script)).await;
    assert_eq!(outcomes, ["sent"]);
    let stop = CancellationToken::new();
    let server = async {
        assert_eq!(peer.line().await, "QUIT\r\n");
        stop.cancel();
        Instant::now()
    };
    let (closed, stopped) = join(mailer.close_idle(stop.clone()), server).await;
    closed.unwrap();
    assert!(stopped.elapsed() < Duration::from_secs(5), "{:?}", stopped.elapsed());
}

#[tokio::test]
async fn a_slow_server_takes_every_mail_once() {
    let (listener, address) = listen().await;
    let mailer = mailer(address.port());
    let slow = async {
        let mut peer = scripted(&listener, &[]).await;
        for (command, answer) in [HELLO, HELLO, MAIL, RCPT, DATA, END] {
            let mut line = peer.line().await;
            while command == "." && line != ".\r\n" {
                line = peer.line().await;
            }
            // One letter at a time.
            for letter in format!("{answer}\r\n").chars() {
                peer.send(&letter.to_string()).await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        peer
    };
    let (outcomes, _peer) = join(publish(&mailer, &[message("1", None)]), slow).await;
    assert_eq!(outcomes, ["sent"]);
    let second = timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(second.is_err(), "there is no second connection");
}
