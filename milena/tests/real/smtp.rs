//! The mail server of `tests/real/smtp.py`. It is one for all tests, and does what it is told: who uses it has it alone.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use serde_json::Value;
use tokio::{
    sync::{Mutex, MutexGuard},
    task::spawn_blocking,
};

use crate::address;

/// The mail server, for one test at a time; it accepts mails again when the test ends.
pub(crate) struct Smtp {
    _turn: MutexGuard<'static, ()>,
}

impl Smtp {
    /// Waits until nobody else uses it.
    pub(crate) async fn alone() -> Smtp {
        static TURN: Mutex<()> = Mutex::const_new(());
        Smtp { _turn: TURN.lock().await }
    }

    /// Where it is on this machine.
    pub(crate) fn port() -> String {
        let address = address("REAL_SMTP");
        address.rsplit_once(':').unwrap().1.to_owned()
    }

    /// From now on it behaves so; `smtp.py` lists the words.
    pub(crate) fn behave(&self, how: &str) {
        let file = address("REAL_SMTP_CONTROL");
        let new = format!("{file}.new");
        fs::write(&new, how).unwrap();
        fs::rename(new, file).unwrap();
    }

    /// Kills it, with every connection that it has, and starts it again.
    pub(crate) async fn restart(&self) {
        let script = address("REAL_SERVERS");
        let restart =
            move || Command::new(Path::new(&script)).args(["restart", "smtp"]).status().unwrap();
        assert!(spawn_blocking(restart).await.unwrap().success(), "a new mail server");
    }

    /// What it accepts from now on.
    pub(crate) fn mails(&self) -> Mails {
        Mails { before: kept().len() }
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        self.behave("accept");
    }
}

/// What the mail server has accepted since a moment.
pub(crate) struct Mails {
    before: usize,
}

impl Mails {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.kept().len()
    }

    /// The names that they are about; a name twice is a mail twice, which has one id.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut seen = Vec::new();
        for mail in self.kept() {
            if !seen.iter().any(|(id, _)| *id == mail["message-id"]) {
                seen.push((mail["message-id"].clone(), name(&mail)));
            }
        }
        seen.into_iter().map(|(_, name)| name).collect()
    }

    /// The `Message-ID` of every copy, by the name that it is about and by its recipient.
    pub(crate) fn ids(&self) -> BTreeMap<(String, String), Vec<String>> {
        let mut ids: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for mail in self.kept() {
            for recipient in mail["to"].as_array().unwrap() {
                let of = (name(&mail), recipient.as_str().unwrap().to_owned());
                ids.entry(of).or_default().push(mail["message-id"].as_str().unwrap().to_owned());
            }
        }
        ids
    }

    fn kept(&self) -> Vec<Value> {
        kept().split_off(self.before)
    }
}

fn kept() -> Vec<Value> {
    let text = fs::read_to_string(address("REAL_SMTP_MAILS")).unwrap_or_default();
    let complete = text.rsplit_once('\n').map(|(complete, _)| complete).unwrap_or_default();
    complete.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn name(mail: &Value) -> String {
    mail["subject"].as_str().unwrap().strip_prefix("Store Alert: ").unwrap().to_owned()
}
