//! At least one mail for each row, and one `Message-ID` however often it comes.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Promise, Violation};
use crate::faults::{
    found::Found,
    history::{History, is_refused},
};

type Key<'a> = (&'a str, &'a str);

pub(super) fn check(history: &History, found: &Found) -> Vec<Violation> {
    let rows: HashSet<Key<'_>> = found.rows.iter().map(|row| (&*row.name, &*row.status)).collect();
    let mut recipients: HashMap<Key<'_>, HashSet<&str>> = HashMap::new();
    let mut ids: HashMap<Key<'_>, BTreeSet<&str>> = HashMap::new();
    for mail in &found.mails {
        let key = (&*mail.name, &*mail.status);
        recipients.entry(key).or_default().insert(&mail.recipient);
        ids.entry(key).or_default().insert(&mail.message_id);
    }
    let mut violations = Vec::new();
    for key @ (name, status) in rows.iter().filter(|(name, _)| !is_refused(name)) {
        let got = recipients.get(key);
        for recipient in &history.recipients {
            if !got.is_some_and(|got| got.contains(&**recipient)) {
                let text = format!("no mail about {name:?} {status} for {recipient}");
                violations.push(Promise::MailKept.broken(text));
            }
        }
    }
    for (key @ (name, status), ids) in &ids {
        if !rows.contains(key) {
            let text = format!("a mail about {name:?} {status}, of which there is no row");
            violations.push(Promise::MailWanted.broken(text));
        }
        if ids.len() > 1 {
            let text = format!("mails about {name:?} {status} have several ids: {ids:?}");
            violations.push(Promise::OneMessageId.broken(text));
        }
    }
    violations
}
