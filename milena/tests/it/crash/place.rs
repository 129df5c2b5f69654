//! A system that dies at a point and is started again, and what there is to be found afterwards.

use std::{collections::HashSet, path::Path};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::program::{System, mails, until};

/// Updates of which nothing can ever be wrong but what a test does to them.
pub(crate) const UPDATES: [&str; 3] = ["update 1", "update 2", "update 3"];

/// What sends the mails to a server on this machine, for this distribution list.
pub(crate) fn mailing_to<'a>(port: &'a str, list: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("ALERT_DISTRIBUTION_LIST", list),
        ("SPRING_MAIL_HOST", "127.0.0.1"),
        ("SPRING_MAIL_PORT", port),
        ("SPRING_MAIL_PROPERTIES_MAIL_SMTP_STARTTLS_ENABLE", "false"),
    ]
}

/// A system in a folder, started again and again with the same variables.
pub(crate) struct Place<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) variables: Vec<(&'a str, &'a str)>,
}

impl Place<'_> {
    pub(crate) async fn start(&self) -> Running {
        let system = System::start(self.folder, &[], &self.variables).await;
        let token = system.api.token().await;
        Running { system, token }
    }

    /// The second death is when the letter is kept already.
    pub(crate) async fn die_twice_at(&self, point: &str) {
        let variables = [&*self.variables, &[("CRASH_AT", point)]].concat();
        for _ in 0..2 {
            let ended = System::launch(self.folder, &[], &variables).end().await;
            assert_eq!(ended.code, None, "{point}: killed by a signal: {}", ended.err);
        }
    }
}

/// A system that runs, and who asks it.
pub(crate) struct Running {
    pub(crate) system: System,
    token: String,
}

impl Running {
    /// Updates a new shop, one name after the other.
    pub(crate) async fn update(&self, names: &[&str]) {
        let api = &self.system.api;
        let shop = api.create_store(&self.token, "before").await;
        for name in names {
            let answer = api.update_store(&self.token, &shop, name).await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{name}");
        }
    }

    /// Waits until there is a row of each update, and finds that each is there once.
    pub(crate) async fn recorded(&self, names: &[&str]) {
        let mut rows = until(&format!("the rows of {names:?}"), async || {
            let rows = self.system.api.alerts(&self.token).await;
            Some(rows).filter(|rows| names.iter().all(|name| rows.iter().any(|row| row == name)))
        })
        .await;
        rows.sort_by_key(|row| names.iter().position(|name| row == name));
        assert_eq!(rows, names);
    }

    /// Waits until a service has as many dead letters.
    pub(crate) async fn letters(&self, service: &str, count: usize) -> Vec<Value> {
        until(&format!("{count} dead letters of {service}"), async || {
            let text = self.ask(Method::GET, service, "deadletters").await;
            let letters: Vec<Value> = serde_json::from_str(&text).unwrap();
            Some(letters).filter(|letters| letters.len() == count)
        })
        .await
    }

    pub(crate) async fn replay_all(&self, service: &str) {
        self.ask(Method::POST, service, "deadletters/replay?all=true").await;
    }

    /// Waits until no service has anything in its outbox.
    pub(crate) async fn nothing_waits(&self) {
        for service in ["store", "alert"] {
            until(&format!("an empty outbox of {service}"), async || {
                let text = self.ask(Method::GET, service, "prometheus").await;
                let figures =
                    text.lines().filter(|line| line.starts_with("milena_outbox_waiting{"));
                let figures: Vec<&str> = figures.collect();
                let is_empty = figures.iter().all(|line| line.ends_with(" 0.0"));
                (is_empty && !figures.is_empty()).then_some(())
            })
            .await;
        }
    }

    async fn ask(&self, method: Method, service: &str, what: &str) -> String {
        let api = &self.system.api;
        let url = format!("{}/management/{what}", api.at(service));
        let answer = api.client.request(method, url).bearer_auth(&self.token).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{what}");
        answer.text().await.unwrap()
    }

    /// Stops it in good order; answers what it has said.
    pub(crate) async fn stop(self) -> String {
        self.system.stop().await.err
    }
}

/// Fails unless a letter is as it was when it was kept for the first time.
pub(crate) fn kept_once(letter: &Value, reason: &str) {
    assert!(letter["reason"].as_str().unwrap().contains(reason), "{letter}");
    assert_eq!((&letter["attempts"], &letter["first"]), (&json!(1), &letter["last"]), "{letter}");
}

/// Fails unless there are mails of these updates and no other, and those of one have one `Message-ID`.
pub(crate) fn mailed(folder: &Path, names: &[&str]) {
    let mails = mails(folder);
    assert_eq!(
        mails.keys().map(|name| &**name).collect::<HashSet<_>>(),
        names.iter().copied().collect()
    );
    for (name, ids) in mails {
        let ids: HashSet<String> = ids.into_iter().collect();
        assert_eq!(ids.len(), 1, "a mail that comes again keeps its Message-ID: {name} {ids:?}");
    }
}
