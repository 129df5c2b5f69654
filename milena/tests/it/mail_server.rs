//! A mail server that is away delays mails, and nothing else.

use tokio::net::TcpListener;

use crate::support::{DISTRIBUTION_LIST, Home, eventually};

#[tokio::test]
async fn while_the_mail_server_is_down_alerts_come_and_mails_wait() {
    const UPDATES: usize = 3;
    let home = Home::new();
    // Nobody listens where somebody has just stopped listening.
    let closed =
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port().to_string();
    let password = "the-mail-servers-password";
    home.secrets.add(password);
    let system = home
        .start_with(&[
            ("spring.mail.host", "127.0.0.1"),
            ("spring.mail.port", &closed),
            ("spring.mail.username", "alerts@example.com"),
            ("spring.mail.password", password),
            ("spring.mail.properties.mail.smtp.starttls.enable", "false"),
            ("management.health.mail.enabled", "true"),
        ])
        .await;
    let admin = system.admin().await;
    let health = admin.get(&format!("{}/management/health", system.at.alert)).await.expect(200);
    let health = health.json();
    assert_eq!(
        [&health["status"], &health["components"]["mail"]["status"]],
        ["UP", "DOWN"],
        "REST goes on without it: {health}"
    );
    let id = admin.create("Candle Shop").await;
    for number in 0..UPDATES {
        admin.update(&id, &format!("Candle Shop {number}"), "CLOSED").await;
    }
    eventually("every alert is recorded", async || {
        (admin.alerts().await.len() == UPDATES).then_some(())
    })
    .await;
    let figures = format!("{}/management/prometheus", system.at.alert);
    let waiting = UPDATES * DISTRIBUTION_LIST.len();
    let line =
        format!("milena_outbox_waiting{{application=\"alert\",channel=\"mail\",}} {waiting}.0\n");
    eventually("who watches the figures sees them wait", async || {
        admin.get(&figures).await.expect(200).body.contains(&line).then_some(())
    })
    .await;
    let home = system.stop_at_once().await;
    let kept = home.outbox("alert", mail::CHANNEL).await.len();
    assert_eq!(kept, waiting, "every mail waits for each recipient");

    let system = home.start().await;
    let mails = home.mails_when(UPDATES).await;
    let subjects: Vec<_> = mails.iter().map(|mail| mail.header("Subject")).collect();
    assert_eq!(
        subjects,
        ["Store Alert: Candle Shop 0", "Store Alert: Candle Shop 1", "Store Alert: Candle Shop 2"]
    );
    system.stop().await;
    assert_eq!(home.mails().len(), UPDATES, "every mail came once");
}
