//! Several recipients: what becomes of one says nothing about the others.

use database::Message;
use futures_util::future::join;
use mail::Mail;

use crate::{
    answers::{DATA, END, HELLO, MAIL, RCPT, RSET, check_settings},
    mailer::{mail, mailer, message, posted, publish},
    support::{listen, scripted, with_sink},
};

fn to_three(id: &str) -> Vec<Message> {
    let to = ["a@example.com", "Bea <b@example.com>", "c@example.com"].map(str::to_owned).to_vec();
    posted(Mail { to, ..mail("Book") }, id)
}

#[tokio::test]
async fn every_recipient_gets_the_same_mail_once() {
    with_sink(async |address, mailbox, _| {
        assert_eq!(publish(&mailer(address.port()), &to_three("m-1")).await, vec!["sent"; 3]);
        let mut texts = Vec::new();
        let mut envelopes = Vec::new();
        for letter in mailbox.list(10).await.unwrap() {
            assert_eq!(letter.message_id.as_deref(), Some("m-1@milena"));
            let raw = mailbox.read(&letter.name).await.unwrap().unwrap().raw;
            let raw = String::from_utf8(raw).unwrap();
            let (envelope, text) = raw.split_once("Date: ").unwrap();
            let to = envelope.split("X-Envelope-To: ").nth(1).unwrap();
            envelopes.push(to.trim().to_owned());
            texts.push(text.to_owned());
        }
        envelopes.sort();
        assert_eq!(envelopes, ["<a@example.com>", "<b@example.com>", "<c@example.com>"]);
        assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
        assert!(texts[0].contains("To: a@example.com, Bea <b@example.com>, c@example.com\r\n"));
    })
    .await;
}

#[tokio::test]
async fn a_refused_or_delayed_recipient_costs_the_others_nothing() {
    let (listener, address) = listen().await;
    let mailer = mailer(address.port());
    let messages = to_three("m-1");
    let rcpt = ["RCPT TO:<a@example.com>", "RCPT TO:<b@example.com>", "RCPT TO:<c@example.com>"];
    // The three are under way at the same time, in any order.
    let servers = async {
        for _ in 0..3 {
            let mut peer = scripted(&listener, &[HELLO, MAIL]).await;
            let line = peer.line().await;
            let script: &[_] = match rcpt.iter().position(|rcpt| line.starts_with(rcpt)) {
                Some(0) => {
                    peer.send("550 5.1.1 unknown\r\n").await;
                    &[RSET]
                }
                Some(1) => {
                    peer.send("450 4.2.0 greylisted\r\n").await;
                    &[RSET]
                }
                _ => {
                    peer.send("250 ok\r\n").await;
                    &[DATA, END]
                }
            };
            peer.follow(script).await;
        }
    };
    let (outcomes, ()) = join(publish(&mailer, &messages), servers).await;
    assert_eq!(
        outcomes,
        [
            "reject: the mail server answered RCPT with 550 5.1.1 unknown",
            "retry: the mail server answered RCPT with 450 4.2.0 greylisted",
            "sent"
        ]
    );
}

/// A message as the first version of the program put it into the outbox, for all recipients at once.
fn old() -> Message {
    let payload = br#"{"from":"Library","to":["reader@example.com","nobody@example.com"],"subject":"Book","text":"returned"}"#;
    Message { payload: payload.to_vec(), ..message("m-1", Some("emma")) }
}

#[tokio::test]
async fn a_waiting_mail_of_the_first_version_goes_to_all_of_its_recipients() {
    let second = ("RCPT TO:<nobody@example.com>", "250 ok");
    check_settings(|settings| settings, &old(), &[HELLO, MAIL, RCPT, second, DATA, END], "sent")
        .await;
    let refused = ("RCPT TO:<nobody@example.com>", "550 unknown");
    check_settings(
        |settings| settings,
        &old(),
        &[HELLO, MAIL, RCPT, refused, DATA, END, RSET],
        "reject: delivered to 1 of 2 recipients: recipient 2 of 2: the mail server answered RCPT with 550 unknown",
    )
    .await;
}
