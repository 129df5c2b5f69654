//! Whatever a real mail server does, an alert is recorded at once and once, and its mails come when the server takes them.
//! The whole system runs on real servers.

use std::{collections::BTreeSet, time::Duration};

use tokio::time::timeout;

use crate::{
    ground::{mongodb, postgresql},
    it::crash::place::{Place, Running, mailing_to},
    program::until,
    smtp::{Mails, Smtp},
    support::DISTRIBUTION_LIST,
};

/// How long the server is waited for in these tests, in milliseconds: longer than a member of a group may take for its records.
const TIMEOUT: &str = "7000";
/// How long a member may take for its records and be silent, in milliseconds; the least that Kafka takes.
const SESSION: &str = "6000";
/// How long a system may take to stop.
const STOPPING: Duration = Duration::from_secs(10);
/// What the log says when a server has a mail and has not answered for that time.
const NO_ANSWER: &str = "the mail server has the mail and does not say yet";

/// Runs `scene` with systems that bring their mails to the real server, and are told `more`.
async fn on_real_servers(
    more: &[(&str, &str)],
    scene: impl AsyncFnOnce(&Smtp, &Mails, &Place<'_>),
) {
    let (smtp, folder) = (Smtp::alone().await, tempfile::tempdir().unwrap());
    let ground = postgresql().await.and(mongodb("REAL_MONGODB")).on_kafka();
    let (port, list) = (Smtp::port(), DISTRIBUTION_LIST.join(","));
    let limits = [
        ("SPRING_MAIL_PROPERTIES_MAIL_SMTP_TIMEOUT", TIMEOUT),
        ("SPRING_CLOUD_STREAM_KAFKA_BINDER_CONFIGURATION_SESSION_TIMEOUT_MS", SESSION),
        ("SPRING_CLOUD_STREAM_KAFKA_BINDER_CONFIGURATION_MAX_POLL_INTERVAL_MS", SESSION),
    ];
    let variables = [&ground.variables()[..], &mailing_to(&port, &list), &limits, more].concat();
    let place = Place { folder: folder.path(), variables };
    scene(&smtp, &smtp.mails(), &place).await;
}

/// Updates shops, each once, so that no mail waits for one of another update.
async fn update(system: &Running, names: &[&str]) {
    for name in names {
        system.update(&[name]).await;
    }
}

/// Waits until everybody has the mail of each update and nothing is left to do. Finds that all copies of a mail have one
/// `Message-ID`, which no other mail has; answers how many came to somebody who had one already.
async fn repeated(system: &Running, mails: &Mails, names: &[&str]) -> usize {
    let everyone = |name: &&str| DISTRIBUTION_LIST.map(|to| ((*name).to_owned(), to.to_owned()));
    let expected: BTreeSet<_> = names.iter().flat_map(everyone).collect();
    until("a mail of every update for everybody", async || {
        let ids = mails.ids();
        expected.iter().all(|mail| ids.contains_key(mail)).then_some(())
    })
    .await;
    system.nothing_waits().await;
    let ids = mails.ids();
    assert_eq!(ids.keys().cloned().collect::<BTreeSet<_>>(), expected);
    let of_updates: BTreeSet<_> =
        ids.iter().flat_map(|((name, _), ids)| ids.iter().map(move |id| (name, id))).collect();
    assert_eq!(of_updates.len(), names.len(), "one id for each update: {of_updates:?}");
    let all: BTreeSet<_> = of_updates.iter().map(|(_, id)| id).collect();
    assert_eq!(all.len(), names.len(), "another id for another update: {of_updates:?}");
    mails.count() - ids.len()
}

#[tokio::test]
async fn a_mail_server_that_never_answers_doubles_no_alert_and_no_mail() {
    on_real_servers(&[], async |smtp, mails, place| {
        let names: Vec<_> = (1..=20).map(|number| format!("hang {number}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        smtp.behave("hang");
        let mut running = place.start().await;
        update(&running, &names).await;
        running.recorded(&names).await;
        running.system.program.says(NO_ANSWER).await;
        running.system.program.kill().await;

        let running = place.start().await;
        running.system.program.says(NO_ANSWER).await;
        running.recorded(&names).await;
        timeout(STOPPING, running.stop()).await.expect("a stop in time");

        let running = place.start().await;
        running.system.program.says(NO_ANSWER).await;
        assert_eq!(mails.count(), 0, "the server has kept none");
        smtp.behave("accept");
        smtp.restart().await;
        assert_eq!(repeated(&running, mails, &names).await, 0);
        running.recorded(&names).await;
        running.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_mail_server_that_is_slower_than_the_time_out_gets_every_mail_once() {
    on_real_servers(&[], async |smtp, mails, place| {
        let names = ["slow 1", "slow 2", "slow 3"];
        smtp.behave("slow:9000");
        let running = place.start().await;
        update(&running, &names).await;
        running.recorded(&names).await;
        running.system.program.says(NO_ANSWER).await;
        assert_eq!(repeated(&running, mails, &names).await, 0);
        running.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_mail_server_that_leaves_without_an_answer_gets_the_same_mail_again() {
    on_real_servers(&[], async |smtp, mails, place| {
        let names = ["drop 1", "drop 2", "drop 3"];
        smtp.behave("drop");
        let running = place.start().await;
        update(&running, &names).await;
        running.recorded(&names).await;
        until("a mail that came again", async || {
            mails.ids().values().any(|copies| copies.len() > 1).then_some(())
        })
        .await;
        smtp.behave("accept");
        assert!(repeated(&running, mails, &names).await > 0);
        running.recorded(&names).await;
        running.stop().await;
    })
    .await;
}

#[tokio::test]
async fn what_a_mail_server_refuses_is_kept_for_each_recipient_until_it_is_replayed() {
    on_real_servers(&[], async |smtp, mails, place| {
        let names = ["refused for one", "refused for all"];
        let [willing, strict] = DISTRIBUTION_LIST;
        let running = place.start().await;
        smtp.behave(&format!("refuse:{strict}"));
        update(&running, &names[..1]).await;
        let letter = running.letters("alert", 1).await.remove(0);
        assert!(letter["reason"].as_str().unwrap().contains("no such mailbox"), "{letter}");
        running.nothing_waits().await;
        let only: Vec<_> = mails.ids().into_keys().collect();
        assert_eq!(only, [(names[0].to_owned(), willing.to_owned())]);

        smtp.behave("refuse");
        update(&running, &names[1..]).await;
        running.letters("alert", 1 + DISTRIBUTION_LIST.len()).await;
        running.recorded(&names).await;
        assert_eq!(mails.count(), 1);

        smtp.behave("accept");
        running.replay_all("alert").await;
        assert_eq!(repeated(&running, mails, &names).await, 0);
        running.letters("alert", 0).await;
        running.recorded(&names).await;
        running.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_mail_server_that_does_not_want_yet_gets_every_mail_once_when_it_does() {
    let user = [
        ("SPRING_MAIL_USERNAME", "alerts@example.com"),
        ("SPRING_MAIL_PASSWORD", "not-an-app-password"),
    ];
    on_real_servers(&user, async |smtp, mails, place| {
        let names = ["not now", "wrong password"];
        smtp.behave("later");
        let running = place.start().await;
        update(&running, &names[..1]).await;
        running.recorded(&names[..1]).await;
        running.system.program.says("451 4.3.2 not now").await;
        smtp.behave("reject-credentials");
        // On the connections that it has, everybody is let in.
        smtp.restart().await;
        update(&running, &names[1..]).await;
        running.recorded(&names).await;
        running.system.program.says("many providers take only an app password").await;
        assert_eq!(mails.count(), 0);
        smtp.behave("accept");
        assert_eq!(repeated(&running, mails, &names).await, 0);
        assert!(!running.stop().await.contains(user[1].1), "the password is in the log");
    })
    .await;
}
