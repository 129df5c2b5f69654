//! No more mails than the limit allows.

use mail::{Mailer, SmtpSettings};
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    mailer::{message, publish, settings},
    support::with_sink,
};

fn limited(port: u16, limit: &str) -> Mailer {
    Mailer::new(SmtpSettings { rate_limit: Some(limit.parse().unwrap()), ..settings(port) })
        .unwrap()
}

#[tokio::test]
async fn a_mail_over_the_limit_waits_for_its_turn() {
    with_sink(async |address, mailbox, _| {
        let mailer = limited(address.port(), "4/s");
        let messages: Vec<_> = (0..9).map(|number| message(&number.to_string(), None)).collect();
        let start = Instant::now();
        assert_eq!(publish(&mailer, &messages).await, vec!["sent"; 9]);
        assert!(start.elapsed() >= Duration::from_secs(2), "{:?}", start.elapsed());
        assert_eq!(mailbox.list(20).await.unwrap().len(), 9);
    })
    .await;
}

#[tokio::test]
async fn what_would_wait_too_long_has_no_turn_and_keeps_its_order() {
    with_sink(async |address, mailbox, _| {
        let mailer = limited(address.port(), "1/h");
        let messages =
            [message("1", Some("emma")), message("2", Some("emma")), message("3", Some("ulysses"))];
        let outcomes = publish(&mailer, &messages).await;
        assert_eq!(outcomes.iter().filter(|outcome| *outcome == "sent").count(), 1, "{outcomes:?}");
        assert!(
            outcomes.iter().any(|outcome| outcome
                == "no turn: it waits for its turn: no more than 1/h mails are sent (milena.mail.rate-limit)"),
            "{outcomes:?}"
        );
        assert_eq!(mailbox.list(10).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_wait_for_a_turn_ends_at_the_stop() {
    with_sink(async |address, _, _| {
        // The second mail's turn is in time, and comes after a second.
        let mailer = limited(address.port(), "1/s");
        let messages = [message("1", Some("emma")), message("2", Some("emma"))];
        let stop = CancellationToken::new();
        stop.cancel();
        assert_eq!(publish(&mailer, &messages[..1]).await, ["sent"]);
        let stopping = async {
            tokio::task::yield_now().await;
            mailer.close_idle(stop.clone()).await.unwrap();
        };
        let (outcomes, ()) = tokio::join!(publish(&mailer, &messages[1..]), stopping);
        assert_eq!(outcomes, ["no turn: this process stops"]);
    })
    .await;
}
