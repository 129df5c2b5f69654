//! What could not be processed, seen, repaired and replayed by a person: over HTTP and with the program's own command.

pub(crate) mod refusing;

use database::{Header, Message};
use messaging::Publish;
use reqwest::Method;
use serde_json::{Value, json};

use self::refusing::Refusing;
use crate::{
    program::{Ended, Program},
    support::{Answer, Caller, DISTRIBUTION_LIST, Home, Running, eventually, sent},
};

/// Starts a system whose mail server is this one.
async fn start(server: &Refusing) -> Running {
    Home::new()
        .start_with(&[
            ("spring.mail.host", "127.0.0.1"),
            ("spring.mail.port", &server.port),
            ("spring.mail.properties.mail.smtp.starttls.enable", "false"),
        ])
        .await
}

fn resource(system: &Running, path: &str) -> String {
    format!("{}/management/deadletters{path}", system.at.alert)
}

async fn letters(admin: &Caller, system: &Running) -> Vec<Value> {
    let answer = admin.get(&resource(system, "")).await.expect(200);
    answer.json().as_array().unwrap().clone()
}

/// Waits until there are that many dead letters.
async fn letters_when(count: usize, admin: &Caller, system: &Running) -> Vec<Value> {
    eventually(&format!("{count} dead letters"), async || {
        Some(letters(admin, system).await).filter(|letters| letters.len() == count)
    })
    .await
}

async fn post(caller: &Caller, url: &str) -> Answer {
    sent(caller.request(Method::POST, url)).await
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_waits_for_a_person_and_is_sent_once_when_replayed() {
    let [kind, strict] = DISTRIBUTION_LIST;
    let server = Refusing::start(strict).await;
    let system = start(&server).await;
    let admin = system.admin().await;
    let id = admin.create("Candle Shop").await;
    admin.update(&id, "Candle Shop", "CLOSED").await;
    let letter = letters_when(1, &admin, &system).await.remove(0);
    assert_eq!((&letter["channel"], &letter["attempts"]), (&json!("mail"), &json!(1)), "{letter}");
    assert!(letter["reason"].as_str().unwrap().contains("no such mailbox"), "{letter}");
    assert!(letter["payload"].as_str().unwrap().contains("Candle Shop"), "{letter}");
    let reasons = admin.get(&resource(&system, "/reasons")).await.expect(200).json();
    assert_eq!(reasons, json!([{ "reason": letter["reason"], "count": 1 }]));

    let figures = format!("{}/management/prometheus", system.at.alert);
    eventually("the figure", async || {
        let text = admin.get(&figures).await.expect(200).body;
        let line = "milena_dead_letters{application=\"alert\",channel=\"mail\",} 1.0\n";
        text.contains(line).then_some(())
    })
    .await;

    let replay = resource(&system, &format!("/{}/replay", letter["id"].as_str().unwrap()));
    post(&admin, &replay).await.expect(204);
    eventually("the second refusal", async || {
        let letters = letters(&admin, &system).await;
        let again = letters.iter().find(|it| it["id"] == letter["id"])?;
        (again["attempts"] == 2 && again["first"] == letter["first"]).then_some(())
    })
    .await;
    server.relent();
    post(&admin, &replay).await.expect(204);
    post(&admin, &replay).await.expect(404);
    eventually("the mail", async || (server.taken().len() >= 2).then_some(())).await;
    system.stop().await;
    assert_eq!(server.taken(), [kind, strict]);
}

#[tokio::test]
async fn a_record_that_nobody_understands_is_repaired_and_then_recorded_and_mailed() {
    let home = Running::start().await.stop().await;
    let garbage = Message {
        id: "event-1".to_owned(),
        channel: messaging::BROKER.to_owned(),
        topic: "store-alerts-topic".to_owned(),
        key: None,
        headers: vec![Header { name: messaging::ID_HEADER.to_owned(), value: b"event-1".to_vec() }],
        payload: vec![0xff, 0],
        created: "2026-11-24T10:00:00Z".parse().unwrap(),
    };
    assert!(home.broker().await.publish(&[garbage]).await.iter().all(Result::is_ok));
    let system = home.start().await;
    let admin = system.admin().await;
    let letter = letters_when(1, &admin, &system).await.remove(0);
    assert_eq!(
        [&letter["channel"], &letter["message"], &letter["payloadBase64"]],
        ["replay:store-alerts", "event-1", "/wA="],
        "{letter}"
    );
    let one = resource(&system, &format!("/{}", letter["id"].as_str().unwrap()));
    let repaired = json!({ "payload": r#"{"storeName":"Candle Shop","storeStatus":"OPEN"}"# });
    admin.send(Method::PUT, &one, &json!({})).await.expect(400);
    admin.send(Method::PUT, &one, &repaired).await.expect(200);
    post(&admin, &format!("{one}/replay")).await.expect(204);
    home.mails_when(1).await;
    let alerts = admin.alerts().await;
    assert_eq!((alerts.len(), &alerts[0]["storeName"]), (1, &json!("Candle Shop")));
    system.stop().await;
    assert_eq!(home.mails().len(), 1);
}

#[tokio::test]
async fn dead_letters_are_for_administrators() {
    let system = Running::start().await;
    let (nobody, user) = (system.anonymous(), system.caller("user").await);
    let id = "0".repeat(24);
    for (method, path) in [
        (Method::GET, String::new()),
        (Method::GET, "/reasons".to_owned()),
        (Method::POST, "/replay?all=true".to_owned()),
        (Method::GET, format!("/{id}")),
        (Method::PUT, format!("/{id}")),
        (Method::DELETE, format!("/{id}")),
        (Method::POST, format!("/{id}/replay")),
    ] {
        for at in [&system.at.store, &system.at.alert] {
            let url = format!("{at}/management/deadletters{path}");
            sent(nobody.request(method.clone(), &url)).await.expect(401);
            sent(user.request(method.clone(), &url)).await.expect(403);
        }
    }
    let admin = system.admin().await;
    for at in [&system.at.store, &system.at.alert] {
        let url = format!("{at}/management/deadletters");
        assert_eq!(admin.get(&url).await.expect(200).json(), json!([]));
        admin.get(&format!("{url}/{id}")).await.expect(404);
    }
    system.stop().await;
}

/// Runs `milena dead-letters` with these arguments and this token.
async fn command(system: &Running, token: Option<&str>, arguments: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("password"), "admin\n").unwrap();
    let mail = r#"{"from":"StoreAlert","to":["b@example.com"],"subject":"Better","text":"x"}"#;
    std::fs::write(folder.path().join("better"), mail).unwrap();
    let at = ["dead-letters", "--at", &system.at.alert, "--issuer", &system.at.issuer];
    let variables: Vec<(&str, &str)> =
        token.iter().map(|token| ("DEAD_LETTERS_TOKEN", *token)).collect();
    Program::start(folder.path(), &[&at, arguments].concat(), &variables).end().await
}

/// Checks that the command succeeds, and answers what it says.
async fn says(system: &Running, token: &str, arguments: &[&str]) -> String {
    let ended = command(system, Some(token), arguments).await;
    assert_eq!((ended.code, &*ended.err), (Some(0), ""), "{arguments:?}: {ended:?}");
    ended.out
}

#[tokio::test]
async fn a_person_decides_with_the_programs_own_command() {
    let [kind, strict] = DISTRIBUTION_LIST;
    let server = Refusing::start(strict).await;
    let system = start(&server).await;
    let admin = system.admin().await;
    let token = admin.token();
    let id = admin.create("Candle Shop").await;
    for status in ["CLOSED", "OPEN", "CLOSED"] {
        admin.update(&id, "Candle Shop", status).await;
    }
    let letters = letters_when(3, &admin, &system).await;
    let ids: Vec<&str> = letters.iter().map(|letter| letter["id"].as_str().unwrap()).collect();
    let reason = letters[0]["reason"].as_str().unwrap();

    let table = says(&system, token, &["list"]).await;
    assert!(table.starts_with("ID ") && table.lines().count() == 4, "{table}");
    assert!(ids.iter().all(|id| table.contains(id)), "{table}");
    let json = says(&system, token, &["list", "--json", "--reason", reason]).await;
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), json!(letters));
    let reasons = says(&system, token, &["list", "--reasons"]).await;
    assert_eq!(reasons, format!("COUNT  REASON\n3      {reason}\n"));
    let shown = says(&system, token, &["show", ids[0]]).await;
    assert!(shown.contains(reason) && shown.contains("Candle Shop"), "{shown}");

    says(&system, token, &["edit", ids[0], "--payload", "better"]).await;
    let payload = says(&system, token, &["show", ids[0], "--payload"]).await;
    assert!(payload.contains("Better"), "{payload}");
    let unsure = command(&system, Some(token), &["discard", ids[2]]).await;
    assert!(unsure.code == Some(64) && unsure.err.contains("--yes"), "{unsure:?}");
    let discarded = says(&system, token, &["discard", "--yes", ids[2]]).await;
    assert_eq!(discarded, "1 dead letter discarded\n");
    server.relent();
    let by_password = ["replay", ids[0], "--user", "admin", "--password-file", "password"];
    let replayed = command(&system, None, &by_password).await;
    assert_eq!(
        (replayed.code, &*replayed.out),
        (Some(0), "1 dead letter replayed\n"),
        "{replayed:?}"
    );
    let replayed = says(&system, token, &["replay", "--reason", reason]).await;
    assert_eq!(replayed, "1 dead letter replayed; there are 0 such dead letters now\n");
    eventually("the mails", async || (server.taken().len() == 5).then_some(())).await;
    assert_eq!(says(&system, token, &["list"]).await, "there are no dead letters\n");
    let gone = command(&system, Some(token), &["replay", ids[1]]).await;
    assert_eq!(gone.code, Some(1), "{gone:?}");
    assert!(
        gone.err.contains("there is no such dead letter") && gone.err.contains(ids[1]),
        "{gone:?}"
    );
    system.stop().await;
    assert_eq!(server.taken(), [kind, kind, kind, strict, strict]);
}

#[tokio::test]
async fn a_command_that_cannot_be_done_says_why_and_what_to_do() {
    let system = Running::start().await;
    let (admin, user) = (system.admin().await, system.caller("user").await);
    let admin = Some(admin.token());
    let wrong = ["list", "--user", "user", "--password-file", "password"];
    let nobody = ["list", "--at", "http://127.0.0.1:1"];
    let elsewhere = format!("{}/api", system.at.gateway);
    let elsewhere = ["list", "--at", &elsewhere];
    for (token, arguments, code, expected) in [
        (None, &["list"][..], 64, "say who you are"),
        (admin, &["list", "--at", "alert:8083"], 64, "http://"),
        (admin, &["replay"], 64, "--all"),
        (admin, &["edit", "0123456789abcdef01234567"], 64, "--payload"),
        (admin, &["show", ".."], 64, "24 hexadecimal digits"),
        (admin, &["show", "0123456789abcdef01234567"], 1, "there is no such dead letter"),
        (Some("a.b.c"), &["list"], 1, "sign in again"),
        (Some(user.token()), &["list"], 1, "ROLE_ADMIN"),
        (None, &wrong, 1, "Invalid user credentials"),
        (admin, &nobody, 1, "is the service running?"),
        (admin, &elsewhere, 1, "service of this program"),
    ] {
        let ended = command(&system, token, arguments).await;
        let said = (ended.code, ended.out.as_str());
        assert_eq!(said, (Some(code), ""), "{arguments:?}: {ended:?}");
        assert!(ended.err.contains(expected), "{arguments:?}: {expected} is missing in {ended:?}");
    }
    system.stop().await;
}
