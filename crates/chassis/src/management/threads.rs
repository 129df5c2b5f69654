//! The threads of the process in the shape of a Java thread dump, and how many tasks they work on. Only what Linux tells
//! under `/proc`; there are no stacks.

use std::fs;

use axum::{http::HeaderMap, response::Response};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::media;
use crate::Problem;

pub(super) async fn show(headers: HeaderMap) -> Result<Response, Problem> {
    let kind = media::kind(&headers)?;
    let metrics = Handle::current().metrics();
    let tasks = json!({ "alive": metrics.num_alive_tasks(), "workers": metrics.num_workers() });
    Ok(media::answer(kind, &json!({ "threads": threads(), "tasks": tasks })))
}

fn threads() -> Vec<Value> {
    let Ok(folders) = fs::read_dir("/proc/self/task") else { return Vec::new() };
    let mut numbers: Vec<u64> =
        folders.flatten().filter_map(|folder| folder.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    // A thread may end while it is looked at.
    let texts = numbers.into_iter().filter_map(|number| {
        Some((number, fs::read_to_string(format!("/proc/self/task/{number}/stat")).ok()?))
    });
    texts.filter_map(|(number, text)| thread(number, &text)).collect()
}

fn thread(number: u64, text: &str) -> Option<Value> {
    // The name stands in parentheses and may contain any.
    let (name, rest) = text.split_once('(')?.1.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let state = match *fields.first()? {
        "R" => "RUNNABLE",
        "D" => "BLOCKED",
        "Z" | "X" => "TERMINATED",
        _ => "WAITING",
    };
    let priority = fields.get(15).and_then(|text| text.parse::<i64>().ok());
    Some(json!({
        "threadName": name,
        "threadId": number,
        "blockedTime": -1,
        "blockedCount": 0,
        "waitedTime": -1,
        "waitedCount": 0,
        "lockName": null,
        "lockOwnerId": -1,
        "lockOwnerName": null,
        "daemon": false,
        "inNative": true,
        "suspended": false,
        "threadState": state,
        "priority": priority,
        "stackTrace": [],
        "lockedMonitors": [],
        "lockedSynchronizers": [],
        "lockInfo": null,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_shown_with_name_and_state() {
        let stat = "7 (a (b) c) D 1 7 7 0 -1 0 0 0 0 0 1 2 0 0 20 0 4 0";
        let shown = thread(7, stat).unwrap();
        assert_eq!(
            (&shown["threadName"], &shown["threadState"], &shown["priority"]),
            (&json!("a (b) c"), &json!("BLOCKED"), &json!(20))
        );
        assert!(!threads().is_empty());
    }
}
