//! The mailer against the sink, and what it refuses by itself.

use database::Message;
use mail::{Mail, Mailer, Password, Security, SmtpSettings};
use messaging::{Failure, Publish};

use crate::support::{DEADLINE, instant, with_sink};

pub(crate) fn settings(port: u16) -> SmtpSettings {
    SmtpSettings {
        security: Security::Plain,
        timeout: DEADLINE,
        ..SmtpSettings::new("127.0.0.1", port)
    }
}

pub(crate) fn mailer(port: u16) -> Mailer {
    Mailer::new(settings(port)).unwrap()
}

pub(crate) fn mail(subject: &str) -> Mail {
    Mail {
        from: "Library".to_owned(),
        to: vec!["reader@example.com".to_owned()],
        subject: subject.to_owned(),
        text: "returned".to_owned(),
    }
}

pub(crate) fn message(id: &str, key: Option<&str>) -> Message {
    let message = posted(mail(&format!("Book {id}")), id).remove(0);
    Message { key: key.map(str::to_owned), ..message }
}

/// The messages of a mail about `emma`.
pub(crate) fn posted(mail: Mail, id: &str) -> Vec<Message> {
    mail.into_messages(id, Some("emma"), instant()).unwrap()
}

/// What became of each message: sent, retry, no turn or reject, all but the first with their reasons.
pub(crate) async fn publish(mailer: &Mailer, messages: &[Message]) -> Vec<String> {
    let outcomes = mailer.publish(messages).await;
    assert_eq!(outcomes.len(), messages.len());
    let words = outcomes.into_iter().map(|outcome| match outcome {
        Ok(()) => "sent".to_owned(),
        Err(Failure::Retry(error)) => format!("retry: {error:#}"),
        Err(Failure::NoTurn(error)) => format!("no turn: {error:#}"),
        Err(Failure::Reject(error)) => format!("reject: {error:#}"),
    });
    words.collect()
}

#[tokio::test]
async fn mails_of_one_key_arrive_in_order() {
    with_sink(async |address, mailbox, _| {
        let mailer = mailer(address.port());
        let messages: Vec<Message> = (0..60)
            .map(|number| {
                message(&format!("{number:02}"), ["emma", "ulysses"].get(number % 3).copied())
            })
            .collect();
        assert_eq!(publish(&mailer, &messages).await, vec!["sent"; 60]);
        let mut subjects: Vec<String> =
            mailbox.list(100).await.unwrap().into_iter().map(|letter| letter.subject).collect();
        subjects.reverse();
        assert_eq!(subjects.len(), 60);
        for remainder in 0..2 {
            let of_key = |subject: &&String| {
                subject.trim_start_matches("Book ").parse::<usize>().unwrap() % 3 == remainder
            };
            let arrived: Vec<&String> = subjects.iter().filter(of_key).collect();
            assert!(arrived.is_sorted(), "{arrived:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_mail_sent_twice_is_the_same_mail() {
    with_sink(async |address, mailbox, _| {
        for _ in 0..2 {
            assert_eq!(
                publish(&mailer(address.port()), &[message("orders/0/17", None)]).await,
                ["sent"]
            );
        }
        let letters = mailbox.list(10).await.unwrap();
        assert_eq!(letters.len(), 2);
        let mut raw = Vec::new();
        for letter in letters {
            assert_eq!(letter.message_id.as_deref(), Some("orders%2F0%2F17@milena"));
            raw.push(mailbox.read(&letter.name).await.unwrap().unwrap().raw);
        }
        assert_eq!(raw[0], raw[1]);
    })
    .await;
}

#[tokio::test]
async fn subject_and_text_arrive_as_they_were_written() {
    with_sink(async |address, mailbox, _| {
        let long = "ü".repeat(300);
        let subjects = ["Kerzenstüberl 🕯 נר", "A\r\nBcc: x@example.com", long.as_str()];
        let texts = ["CLOSED", ".\n..\nend.", "Grüße,\n🕯\n"];
        for (subject, text) in subjects.into_iter().zip(texts) {
            let mail = Mail { text: text.to_owned(), ..mail(subject) };
            assert_eq!(publish(&mailer(address.port()), &posted(mail, "m-1")).await, ["sent"]);
            let newest = mailbox.list(1).await.unwrap().remove(0);
            let letter = mailbox.read(&newest.name).await.unwrap().unwrap();
            assert_eq!(letter.subject, subject.replace("\r\n", " "));
            assert_eq!(
                letter.text.replace("\r\n", "\n").trim_end_matches('\n'),
                text.trim_end_matches('\n')
            );
            assert_eq!(
                (letter.from.as_str(), letter.to),
                ("Library <milena@localhost>", vec!["reader@example.com".to_owned()])
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_mail_that_cannot_be_built_is_rejected_without_a_server() {
    let mailer = mailer(1);
    let nobody = Mail { to: Vec::new(), ..mail("Book") };
    let messages = [
        Message { payload: b"{}".to_vec(), ..message("m-1", None) },
        posted(nobody, "m-2").remove(0),
    ];
    let outcomes = publish(&mailer, &messages).await;
    assert!(
        outcomes[0].starts_with("reject: the payload of message m-1 is not a mail"),
        "{outcomes:?}"
    );
    assert_eq!(outcomes[1], "reject: the mail has no recipient");
}

#[test]
fn settings_that_cannot_be_used_are_named() {
    let check = |settings: SmtpSettings, reason: &str| {
        let error = format!("{:#}", Mailer::new(settings).unwrap_err());
        assert!(error.contains(reason), "{error}");
    };
    check(SmtpSettings::new("", 25), "the mail server has no name");
    check(
        SmtpSettings { sender: Some("nobody".to_owned()), ..settings(25) },
        "the sender's address",
    );
    let certificate_authority =
        Some("-----BEGIN CERTIFICATE-----\n%\n-----END CERTIFICATE-----\n".to_owned());
    check(
        SmtpSettings { certificate_authority, ..SmtpSettings::new("localhost", 25) },
        "the mail server's certificate authority",
    );
}

#[test]
fn a_password_does_not_show_itself() {
    let settings = SmtpSettings { password: Some(Password::new("hunter2")), ..settings(25) };
    assert!(
        !format!("{settings:?}{:?}", Mailer::new(settings.clone()).unwrap()).contains("hunter2")
    );
}
